"""What speaks for and against a person: each sensor that could have seen them, and no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from many_cameras import START, camera_arrivals, line, looking_at, placed_by, played, seen_by
from posed_cameras import posed_camera
from scipy.special import logit
from walking_scene import CAMERA, PETS

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.cameras.recordings import Recording
from visrftwin_ros.evaluation.track_scores import TrackScore, read_truth, score_tracks
from visrftwin_ros.perception.detection.detector import make_detector
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.sources.video_tracks import frame_stamp_ns
from visrftwin_ros.perception.tracking.tracker import PeopleTracker
from visrftwin_ros.perception.tracking.tracker_config import TrackerConfig
from visrftwin_ros.perception.tracking.tracks_file import Tracks

MILLISECOND = 1_000_000
FRAMES = 65
"""As many as the truth of PETS at hand covers."""
CONFIG = TrackerConfig()
NORTH = looking_at("north", (0.0, 14.0, 4.0), (0.0, 0.0))
SOUTH = looking_at("south", (0.0, -14.0, 4.0), (0.0, 0.0))
AWAY = looking_at("away", (0.0, 14.0, 4.0), (0.0, 30.0))
STANDING = [line((0.5, 0.3), (0.0, 0.0))]


def turned_round(name: str) -> CameraModel:
    """A camera at the place of PETS that looks the other way."""
    pose = np.eye(4)
    pose[:3, :3] = np.diag([-1.0, -1.0, 1.0]) @ CAMERA.rotation.T
    pose[:3, 3] = -CAMERA.rotation.T @ CAMERA.translation
    return posed_camera(name, CAMERA.size, CAMERA.matrix, np.zeros(0), pose)


BLIND, COVERED = turned_round("blind"), replace(CAMERA, name="covered")


@pytest.fixture(scope="module")
def pets(test_data: Path) -> list[Detections]:
    """The boxes of the frames that have a truth."""
    weights = test_data / "detector" / "yolov8n320_int8_openvino_model"
    detector = make_detector("yolo", weights, CAMERA).detector
    found = []
    for number, image in Recording(test_data / "pets" / "vtest.avi", CAMERA.size).frames():
        if number > FRAMES:
            break
        found.append(detector.detect(image, START + frame_stamp_ns(number, PETS.frame_rate)))
    return found


def pets_tracks(
    pets: list[Detections],
    others: tuple[CameraModel, ...] = (),
    offset_ns: int = 0,
    others_first: bool = True,
) -> Tracks:
    """Tracks of PETS beside cameras that see nobody, with stamps some way off the frames'."""
    tracker, frames = PeopleTracker(), []
    for number, found in enumerate(pets, start=1):
        if not others_first:
            tracker.update(found, CAMERA)
        for camera in others:
            stamp_ns = found.stamp_ns + offset_ns
            tracker.update(Detections.none(stamp_ns, camera.name, camera.size), camera)
        if others_first:
            tracker.update(found, CAMERA)
        frames.append((number, tracker.people()))
    return Tracks.from_people(frames)


def pets_score(tracks: Tracks, test_data: Path) -> TrackScore:
    return score_tracks(tracks, read_truth(test_data / "pets/gt_dev.csv"), frames=(1, FRAMES))


def evidence(tracker: PeopleTracker) -> float:
    """Log-odds of the only person."""
    (existence,) = tracker.people().existence
    return float(logit(existence))


@pytest.mark.parametrize(
    ("offset_ns", "first"),
    [(0, True), (0, False), (-10 * MILLISECOND, True), (-10 * MILLISECOND, False)],
    ids=["same stamps, first", "same stamps, last", "10 ms earlier", "10 ms earlier and late"],
)
def test_a_camera_that_looks_elsewhere_changes_nothing_of_pets(
    pets: list[Detections], test_data: Path, offset_ns: int, first: bool
) -> None:
    alone = pets_tracks(pets)
    beside = pets_tracks(pets, (BLIND,), offset_ns, first)
    assert beside.ids == alone.ids
    np.testing.assert_allclose(beside.position, alone.position, atol=1e-3)
    found, expected = pets_score(beside, test_data), pets_score(alone, test_data)
    assert (found.recall, found.precision) == (expected.recall, expected.precision)
    assert found.error_median == pytest.approx(expected.error_median, abs=1e-4)


@pytest.mark.parametrize("offset_ns", [0, -10 * MILLISECOND])
def test_a_covered_lens_beside_pets_costs_a_tenth_of_the_recall_at_most(
    pets: list[Detections], test_data: Path, offset_ns: int
) -> None:
    """It claims to see the same places empty, which speaks against the faintest."""
    alone = pets_score(pets_tracks(pets), test_data)
    beside = pets_score(pets_tracks(pets, (COVERED,), offset_ns), test_data)
    assert alone.recall - 0.1 < beside.recall < alone.recall
    assert beside.precision >= alone.precision


def test_two_cameras_with_the_same_stamps_each_add_their_evidence() -> None:
    random = np.random.default_rng(1)
    one, two = PeopleTracker(), PeopleTracker()
    for k in range(2):
        for tracker, cameras in ((one, (NORTH,)), (two, (NORTH, SOUTH))):
            for camera in cameras:
                seen = seen_by(camera, STANDING, 0.1 * k, random)
                tracker.update(replace(seen, score=np.full(1, 0.3)), camera)
    each = logit(0.3) - logit(CONFIG.high_score)
    birth = logit(CONFIG.birth)
    assert one._tracks.log_odds == pytest.approx(birth + 2 * each)
    assert two._tracks.log_odds == pytest.approx(birth + 4 * each)


def test_a_fast_camera_counts_what_it_sees_again_once() -> None:
    random = np.random.default_rng(2)
    beliefs = []
    for rate in (10, 100):
        tracker = PeopleTracker()
        for k in range(rate // 5 + 1):
            seen = seen_by(NORTH, STANDING, k / rate, random)
            tracker.update(replace(seen, score=np.full(1, 0.3)), NORTH)
        beliefs.append(float(tracker._tracks.log_odds[0]))
    assert beliefs[1] == pytest.approx(beliefs[0], abs=1e-9)


@pytest.mark.parametrize("order", [(NORTH, AWAY), (AWAY, NORTH)])
def test_a_camera_that_looks_elsewhere_neither_adds_nor_takes_evidence(
    order: tuple[CameraModel, ...],
) -> None:
    """Seen, then missed, at the same stamps as the one that looks away."""
    beliefs = []
    for cameras in ((NORTH,), order):
        random, tracker = np.random.default_rng(3), PeopleTracker()
        for k in range(8):
            seen = seen_by(NORTH, STANDING, 0.1 * k, random)
            for camera in cameras:
                nobody = Detections.none(seen.stamp_ns, camera.name, camera.size)
                tracker.update(seen if camera is NORTH and k < 5 else nobody, camera)
        beliefs.append(evidence(tracker))
    assert beliefs[0] == pytest.approx(beliefs[1])
    assert beliefs[0] == pytest.approx(logit(CONFIG.sure) - 0.3 * CONFIG.miss_rate, abs=1e-6)


def test_a_sensor_that_was_away_speaks_for_one_look() -> None:
    """Four seconds of silence are not four seconds in which it saw nobody."""
    random, tracker = np.random.default_rng(4), PeopleTracker()
    for k in range(50):
        tracker.update(seen_by(NORTH, STANDING, 0.1 * k, random), NORTH)
        if k == 5:
            tracker.update(seen_by(SOUTH, STANDING, 0.1 * k, random), SOUTH)
    before = evidence(tracker)
    stamp_ns = tracker.people().stamp_ns
    tracker.update(Detections.none(stamp_ns, SOUTH.name, SOUTH.size), SOUTH)
    assert before - evidence(tracker) == pytest.approx(CONFIG.miss_rate * CONFIG.evidence_time)


def test_a_lidar_out_of_whose_reach_somebody_stands_says_nothing_of_them() -> None:
    random, alone, beside = np.random.default_rng(5), PeopleTracker(), PeopleTracker()
    for k in range(20):
        seen = seen_by(NORTH, STANDING, 0.1 * k, random)
        far = replace(placed_by("lidar", [], 0.1 * k, random), origin=np.array([60.0, 0.0]))
        beside.update_ground(far)
        expected, found = alone.update(seen, NORTH), beside.update(seen, NORTH)
    np.testing.assert_array_equal(found.existence, expected.existence)
    np.testing.assert_array_equal(found.position, expected.position)


def test_standing_is_counted_in_seconds_however_many_see_it() -> None:
    stood = []
    for cameras in ((NORTH,), (NORTH, SOUTH)):
        random, tracker = np.random.default_rng(6), PeopleTracker()
        arrivals = [
            arrival
            for k, camera in enumerate(cameras)
            for arrival in camera_arrivals(
                camera, STANDING, np.arange(0.03 * k, 2.5, 0.1), 0.0, random
            )
        ]
        played(tracker, arrivals)
        stood.append(float(tracker._tracks.standing[0]))
    assert 1.0 < stood[0] < 2.5 and stood[1] == pytest.approx(stood[0], abs=0.5)


def test_people_of_a_dead_camera_are_not_kept_by_one_that_looks_elsewhere() -> None:
    random, tracker = np.random.default_rng(7), PeopleTracker()
    for k in range(100):
        seen = seen_by(NORTH, STANDING, 0.1 * k, random)
        if k < 20:
            tracker.update(seen, NORTH)
        tracker.update(Detections.none(seen.stamp_ns, AWAY.name, AWAY.size), AWAY)
        if k == 30:
            assert tracker.predict_to(seen.stamp_ns).existence < 0.9  # 1.1 s after the last look
    assert len(tracker.people()) == 0
