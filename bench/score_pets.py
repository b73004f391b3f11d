"""Track the PETS recording and print the score against its truth, as JSON.

VISRFTWIN_TEST_DATA=../shared/data python bench/score_pets.py yolo WEIGHTS [--frames 65]
VISRFTWIN_TEST_DATA=../shared/data python bench/score_pets.py motion --score-from 20
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import yaml

from visrftwin_ros.perception.offline import track_recording
from visrftwin_ros.perception.scoring import read_truth, score_tracks
from visrftwin_ros.perception.tracks_file import write_tracks
from visrftwin_ros.site.model import Camera


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["yolo", "motion"])
    parser.add_argument("weights", nargs="?", default="")
    parser.add_argument("--frames", type=int, default=65)
    parser.add_argument("--score-from", type=int, default=1)
    parser.add_argument("--truth", type=Path, help="default: pets/gt_dev.csv of the test data")
    parser.add_argument("--out", type=Path, help="also write the tracks here")
    arguments = parser.parse_args()

    data = Path(os.environ["VISRFTWIN_TEST_DATA"]) / "pets"
    camera = Camera(
        name="view1", frame_rate=7.0, **yaml.safe_load((data / "camera.yaml").read_text())
    )
    start = time.perf_counter()
    tracks = track_recording(
        camera, data / "vtest.avi", arguments.kind, arguments.weights, frames=arguments.frames
    )
    seconds = time.perf_counter() - start
    if arguments.out:
        write_tracks(tracks, arguments.out)
    truth = read_truth(arguments.truth or data / "gt_dev.csv")
    score = score_tracks(tracks, truth, frames=(arguments.score_from, arguments.frames))
    print(json.dumps({**asdict(score), "seconds": round(seconds, 2)}, indent=2))


if __name__ == "__main__":
    main()
