"""How well people are placed by a camera that somebody wears: `python bench/moving_eyes.py [--seeds 5]`.

Six walkers, whose boxes are those of articulated body meshes with a detector's noise, misses and occlusion
(`benchmarks/simulated/sensor_scene.py`); a wearer at 1 m/s beside them, who looks about. The product's own code waits
for TF, interpolates it and tracks. Prints a table of ground errors over seeds.

What the wearer's pose does is assumed: the head bobs 2 cm and rolls 1 degree at the pace of the steps, looks 25 degrees
to and fro; the pose is off by 3 cm and 0.5 degrees (standard deviations, of each axis) in a way that changes over 3 s;
TF comes at 60 Hz.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from visrftwin_ros.benchmarks.simulated.arrivals import SECOND, START
from visrftwin_ros.benchmarks.simulated.sensor_scene import Scene, walks
from visrftwin_ros.cameras.camera_models import site_intrinsics
from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.sources.camera_source import CameraSource
from visrftwin_ros.perception.sources.waiting import WaitingRoom
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import PeopleTracker
from visrftwin_ros.site.frames import Pose, TransformBuffer
from visrftwin_ros.site.model import Camera

SECONDS, STEP = 22.0, 0.01
PICTURES, TF_RATE, LATENCY = 10.0, 60.0, 0.08
"""1/s, 1/s, and s from a picture to its boxes."""
CAMERA = Camera(
    name="glasses", image_width=1280, image_height=720, fx=900, fy=900, cx=640, cy=360,
    frame_rate=PICTURES,
)  # fmt: skip
POSITION_SIGMA, TURN_SIGMA, CHANGES_OVER = 0.03, np.radians(0.5), 3.0
FOUND, FRESH = 1.0, 0.5
"""m from a walker within which a track is theirs; s since a walker was last in a picture's boxes."""
BY_CHANCE = 0.05


@dataclass(frozen=True)
class Case:
    """speed: m/s of the wearer. error: of the pose, shares of the sigmas. tf_late: s. turn_sigma: rad, what
    the site says of the pose; None as it comes."""

    name: str
    speed: float
    error: float
    tf_late: float
    turn_sigma: float | None = None


CASES = (
    Case("stands, exact pose", 0.0, 0.0, 0.0),
    Case("walks, exact pose", 1.0, 0.0, 0.0),
    Case("walks, exact pose, and the site says so", 1.0, 0.0, 0.25, 0.0),
    Case("walks, pose error", 1.0, 1.0, 0.0),
    Case("walks, pose error, TF 0.25 s late", 1.0, 1.0, 0.25),
    Case("walks, twice the pose error, TF 0.25 s late", 1.0, 2.0, 0.25),
)


def true_pose(case: Case, seconds: float) -> Pose:
    """Of the optical frame (z forward) at 1.65 m, beside the walkers and turned towards them."""
    steps = 2 * np.pi * 1.0 * seconds * case.speed
    place = [-8.0 * case.speed + case.speed * seconds, -9.0, 1.65 + 0.02 * np.sin(2 * steps)]
    yaw = np.radians(75.0 + 25.0 * np.sin(2 * np.pi * seconds / 5.0))
    level = Rotation.from_euler("ZYX", [yaw, np.radians(4.0), np.radians(1.0) * np.sin(steps)])
    optical = Rotation.from_matrix([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    return Pose(np.array(place), level * optical)


def rolling_error(case: Case, draw: np.random.Generator) -> NDArray[np.float64]:
    """(times of STEP, 6) metres and radians: a first-order Gauss-Markov process."""
    keep = np.exp(-STEP / CHANGES_OVER)
    value = draw.standard_normal(6)
    rows = []
    for _ in range(round(SECONDS / STEP) + 1):
        rows.append(value)
        value = keep * value + np.sqrt(1 - keep**2) * draw.standard_normal(6)
    return np.array(rows) * case.error * np.repeat([POSITION_SIGMA, TURN_SIGMA], 3)


def told_pose(case: Case, error: NDArray[np.float64], seconds: float) -> Pose:
    """What TF says."""
    pose, off = true_pose(case, seconds), error[round(seconds / STEP)]
    return Pose(pose.position + off[:3], Rotation.from_rotvec(off[3:]) * pose.rotation)


def errors_of(case: Case, seed: int) -> tuple[list[float], int, int]:
    """Metres between tracks and walkers who are in view; how many of those were tracked, and tracks
    that are nobody's."""
    draw = np.random.default_rng([seed, 31])
    scene = Scene(walks(6, seed), SECONDS, seed)
    error = rolling_error(case, draw)
    transforms = TransformBuffer()
    camera = CAMERA
    if case.turn_sigma is not None:
        camera = CAMERA.model_copy(update={"turn_sigma": case.turn_sigma})
    source, lens = CameraSource(camera, "world", transforms), site_intrinsics(camera)
    assert lens is not None
    waiting: WaitingRoom[Detections] = WaitingRoom()
    tracker = PeopleTracker()
    events: list[tuple[float, int, object]] = []
    for seconds in np.arange(0.0, SECONDS - 0.5, 1 / TF_RATE).tolist():
        events.append((seconds + case.tf_late, 0, seconds))
    seen_at = np.full(6, -np.inf)
    for seconds in np.arange(0.05, SECONDS - 0.5, 1 / PICTURES).tolist():
        pose = true_pose(case, seconds)
        inverse = pose.rotation.inv()
        model = lens.posed("glasses", inverse.as_matrix(), -inverse.apply(pose.position))
        events.append((seconds + LATENCY, 1, scene.detections(model, seconds, draw, None)))
    gaps, told, nobody, wanted = [], 0, 0, 0

    def taken(found: Detections, last_try: bool) -> bool:
        nonlocal told, nobody, wanted
        try:
            people: People = tracker.update(found, source.at(found.stamp_ns, last_try))
        except TwinError:
            return last_try
        seconds = (people.stamp_ns - START) / SECOND
        places = np.array([walker.position for walker in scene.walkers(seconds)])
        pose = true_pose(case, seconds)
        ahead = pose.rotation.inv().apply(np.column_stack([places, np.ones(6)]) - pose.position)
        shown = (ahead[:, 2] > 1.0) & (np.abs(ahead[:, 0] / ahead[:, 2]) < 600 / 900)
        seen_at[shown] = seconds
        fresh = seconds - seen_at < FRESH
        apart = np.linalg.norm(people.position[:, None] - places, axis=2).reshape(-1, 6)
        if seconds > 2.0:
            wanted += int(fresh.sum())
            mine = apart.min(axis=0, initial=np.inf)[fresh]
            gaps.extend(mine[mine < FOUND].tolist())
            told += int((mine < FOUND).sum())
            nobody += int((apart.min(axis=1, initial=np.inf) >= FOUND).sum())
        return True

    for at, kind, what in sorted(events, key=lambda event: event[:2]):
        if kind == 0:
            stamp = START + round(what * SECOND)  # type: ignore[operator]
            pose = told_pose(case, error, what)  # type: ignore[arg-type]
            transforms.move(CAMERA.optical_frame, "world", stamp, pose)
        else:
            waiting.add(what, round(at * SECOND))  # type: ignore[arg-type]
        waiting.serve(round(at * SECOND), taken)
    return gaps, wanted - told, nobody


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    print(
        "| wearer | median error (m), least to most over seeds | 90 % (m) | not tracked | nobody's tracks |"
    )
    print("|---|---|---|---|---|")
    for case in CASES:
        played = [errors_of(case, 100 + seed) for seed in range(given.seeds)]
        medians = [float(np.median(gaps)) for gaps, _, _ in played]
        every = np.concatenate([gaps for gaps, _, _ in played])
        missed, nobody = (sum(one[i] for one in played) for i in (1, 2))
        print(
            f"| {case.name} | {np.median(medians):.3f} ({min(medians):.3f} to {max(medians):.3f}) |"
            f" {np.quantile(every, 0.9):.3f} | {missed / (missed + len(every)):.1%} |"
            f" {nobody / len(every):.1%} |"
        )


if __name__ == "__main__":
    main()
