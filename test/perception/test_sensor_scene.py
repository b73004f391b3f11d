"""Several cameras and a 128-beam LiDAR over the same walkers: what each adds, and one identity a
person over views that overlap and views that do not."""

from __future__ import annotations

import numpy as np
import pytest
from many_cameras import SECOND, START

from visrftwin_ros.benchmarks.simulated.sensor_scene import CAMERAS, Scene, Walk, scored

# From the west into the gap and on into the east, one the other way.
PEOPLE = [
    Walk((-9.0, 2.4), 1.30, 0.3, 1.80),
    Walk((-10.0, -1.8), 1.45, 0.2, 1.66),
    Walk((14.0, 0.3), -1.35, 0.3, 1.74),
]
SCENE = Scene(PEOPLE, 15.0, seed=4)


@pytest.fixture(scope="module")
def lidar() -> tuple:
    """Sweeps of the last part, in which people cross the gap, and who gave how many returns."""
    return Scene(PEOPLE, 9.0, seed=4).lidar_arrivals(columns=512, learning=1.2)


def cameras(*names: str, embedded: bool = False) -> list:
    return [arrival for name in names for arrival in SCENE.camera_arrivals(name, embedded)]


def test_where_the_lidar_sees_people_they_are_within_eight_centimetres(lidar: tuple) -> None:
    sweeps, seen = lidar
    until = [a for a in cameras(*CAMERAS) if a.stamp < 9.0]
    alone, both = scored(SCENE, until, seen), scored(SCENE, [*until, *sweeps], seen)
    assert both.seen_median <= 0.08 < alone.seen_median
    assert both.score.recall > 0.98 and both.score.precision > 0.98
    assert both.score.switches == 0 and both.identities == [1, 1, 1]
    seers = {frozenset(seen_by) for people in both.history for seen_by in people.seen_by}
    assert {frozenset({"north", "south", "lidar"}), frozenset({"lidar"})} <= seers


def test_two_views_from_both_sides_place_people_better_than_one() -> None:
    one, two = (scored(SCENE, cameras(*names), {}) for names in (["north"], ["north", "south"]))
    assert two.score.error_median < 0.75 * one.score.error_median
    assert two.score.switches == one.score.switches == 0
    assert max(two.identities) == 1


def test_over_a_gap_that_no_camera_sees_embeddings_keep_the_identity() -> None:
    embedded = scored(SCENE, cameras(*CAMERAS, embedded=True), {})
    plain = scored(SCENE, cameras(*CAMERAS), {})
    assert embedded.identities == [1, 1, 1] and embedded.score.switches == 0
    assert sum(plain.identities) > 3 and plain.score.switches >= 2
    assert embedded.score.idf1 > plain.score.idf1 + 0.1
    middle = [p for p in plain.history if abs(p.stamp_ns - START - 9.5 * SECOND) < 0.1 * SECOND]
    assert middle and min(len(people) for people in middle) < 3, "somebody is in the gap"


def test_synthetic_embeddings_are_as_alike_as_they_say() -> None:
    from visrftwin_ros.benchmarks.simulated.sensor_scene import (
        OTHERS,
        SAME_CAMERA,
        SAME_PERSON,
        SyntheticLooks,
    )

    looks = SyntheticLooks(2, 0)
    seen = {(c, k): np.array([looks.seen(c, k) for _ in range(50)]) for c in "ab" for k in range(2)}

    def apart(first: np.ndarray, second: np.ndarray) -> float:
        return float(1 - (first[:25] * second[25:]).sum(axis=1).mean())

    assert apart(seen["a", 0], seen["a", 0]) == pytest.approx(SAME_CAMERA, abs=0.03)
    assert apart(seen["a", 0], seen["b", 0]) == pytest.approx(SAME_PERSON, abs=0.05)
    assert apart(seen["a", 0], seen["a", 1]) == pytest.approx(OTHERS, abs=0.12)
