"""What can be said of the tracks of PETS beyond frame 65, where the truth at hand ends; prints JSON.

VISRFTWIN_TEST_DATA=../shared/data python bench/pets_consistency.py WEIGHTS [--from 66] [--to 795]

People enter and leave this scene over the image's edge, nobody stays for under 2 s, and nobody runs.
So a track that begins or ends well inside the image is a person lost or cut in two, and a step
faster than 3 m/s a swap. This counts consistency, not accuracy: somebody who is never found, or
placed wrongly throughout, does not show.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np
import yaml

from visrftwin_ros.cameras.camera_models import fixed_camera
from visrftwin_ros.perception.sources.video_tracks import track_recording
from visrftwin_ros.perception.tracking.tracks_file import Tracks
from visrftwin_ros.site.model import Camera

BORDER = 80.0
"""px: a foot this near the left, right or lower edge is at the edge; half a person's height."""
RUNNING = 3.0
"""m/s."""
SHORT = 2.0
"""s."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights")
    parser.add_argument("--from", dest="first", type=int, default=66)
    parser.add_argument("--to", dest="last", type=int, default=795)
    arguments = parser.parse_args()

    data = Path(os.environ["VISRFTWIN_TEST_DATA"]) / "pets"
    camera = Camera(
        name="view1", frame_rate=7.0, **yaml.safe_load((data / "camera.yaml").read_text())
    )
    tracks = track_recording(
        camera, data / "vtest.avi", "yolo", arguments.weights, frames=arguments.last
    )
    print(json.dumps(consistency(tracks, camera, arguments.first, arguments.last), indent=2))


def consistency(tracks: Tracks, camera: Camera, first: int, last: int) -> dict[str, float]:
    """Counts over the tracks that begin, or end, from frame `first` on and before `last`."""
    feet = np.column_stack([tracks.position, np.zeros(len(tracks))])
    pixels, _ = fixed_camera(camera).project(feet)
    inside = (pixels[:, 0] > BORDER) & (pixels[:, 0] < camera.image_width - BORDER)
    inside &= pixels[:, 1] < camera.image_height - BORDER
    names = np.array(tracks.ids)
    begun, ended, begun_inside, ended_inside, short = 0, 0, 0, 0, 0
    speed: list[float] = []
    for name in np.unique(names):
        rows = np.flatnonzero(names == name)
        rows = rows[np.argsort(tracks.frame[rows])]
        frame = tracks.frame[rows]
        step = np.hypot(*np.diff(tracks.position[rows], axis=0).T) / np.diff(frame)
        speed += (camera.frame_rate * step[frame[1:] >= first]).tolist()
        if frame[0] >= first:
            begun += 1
            begun_inside += int(inside[rows[0]])
            complete = frame[-1] < last
            short += int(complete and len(frame) < SHORT * camera.frame_rate)
        if first <= frame[-1] < last:
            ended += 1
            ended_inside += int(inside[rows[-1]])
    counted = np.bincount(tracks.frame, minlength=last + 1)[first : last + 1]
    return {
        "frames": last - first + 1,
        "people_a_frame": round(float(counted.mean()), 2),
        "tracks_begun": begun,
        "begun_inside": begun_inside,
        "tracks_ended": ended,
        "ended_inside": ended_inside,
        "under_2_s": short,
        "share_over_3_m_s": round(float(np.mean(np.array(speed) > RUNNING)), 4),
    }


if __name__ == "__main__":
    main()
