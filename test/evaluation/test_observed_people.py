import numpy as np
import pytest
from made_up import people

from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.evaluation.observed_people import RATE, observed_people


def truth() -> PeopleTimeline:
    steps = [(round(k * 5e7), people((0.06 * k, 2.0), (8.0, 5.0))) for k in range(400)]
    return PeopleTimeline(steps)


def test_tracks_follow_the_truth_within_the_sensors_noise() -> None:
    seen = list(observed_people(truth(), 0, 18.0, seed=3))
    assert len(seen) == 18 * RATE
    late = seen[60:]
    assert all(len(tracked) == 2 for tracked in late)
    error = []
    for tracked in late:
        where = 0.06 * tracked.stamp_ns / 5e7
        error.append(np.linalg.norm(tracked.position - [where, 2.0], axis=1).min())
    assert np.median(error) < 0.15


def test_equal_seeds_give_equal_tracks_and_the_missed_are_missed() -> None:
    first, second = (list(observed_people(truth(), 0, 6.0, seed=3)) for _ in range(2))
    np.testing.assert_array_equal(first[-1].position, second[-1].position)
    unseen = list(observed_people(truth(), 0, 18.0, seed=3, missed=0.3))
    coasting = np.mean([not by for tracked in unseen[30:] for by in tracked.seen_by])
    assert coasting == pytest.approx(0.3, abs=0.2) and coasting > 0.05
