"""Track the PETS recording and print the score against its truth, as JSON.

VISRFTWIN_TEST_DATA=../shared/data python bench/score_pets.py yolo WEIGHTS [--frames 65] [--tiles N]
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

from visrftwin_ros.evaluation.track_scores import TrackScore, read_truth, score_tracks
from visrftwin_ros.perception.sources.video_tracks import track_recording
from visrftwin_ros.perception.tracking.tracks_file import write_tracks
from visrftwin_ros.site.model import Camera


def score_pets(
    data: Path,
    kind: str,
    weights: str,
    *,
    frames: int = 65,
    score_from: int = 1,
    truth: Path | None = None,
    out: Path | None = None,
    tiles: int = 0,
) -> TrackScore:
    """Tracks frames 1 to `frames` with the detector `kind` and scores those from `score_from` on."""
    pets = data / "pets"
    camera = Camera(
        name="view1", frame_rate=7.0, **yaml.safe_load((pets / "camera.yaml").read_text())
    )
    tracks = track_recording(camera, pets / "vtest.avi", kind, weights, frames=frames, tiles=tiles)
    if out:
        write_tracks(tracks, out)
    known = read_truth(truth or pets / "gt_dev.csv")
    return score_tracks(tracks, known, frames=(score_from, frames))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["yolo", "motion"])
    parser.add_argument("weights", nargs="?", default="")
    parser.add_argument("--frames", type=int, default=65)
    parser.add_argument("--tiles", type=int, default=0)
    parser.add_argument("--score-from", type=int, default=1)
    parser.add_argument("--truth", type=Path, help="default: pets/gt_dev.csv of the test data")
    parser.add_argument("--out", type=Path, help="also write the tracks here")
    arguments = parser.parse_args()

    start = time.perf_counter()
    score = score_pets(
        Path(os.environ["VISRFTWIN_TEST_DATA"]),
        arguments.kind,
        arguments.weights,
        frames=arguments.frames,
        score_from=arguments.score_from,
        truth=arguments.truth,
        out=arguments.out,
        tiles=arguments.tiles,
    )
    seconds = time.perf_counter() - start
    print(json.dumps({**asdict(score), "seconds": round(seconds, 2)}, indent=2))


if __name__ == "__main__":
    main()
