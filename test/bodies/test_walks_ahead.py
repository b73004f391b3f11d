from dataclasses import replace

import numpy as np
import pytest
from made_up import people

from visrftwin_ros.bodies.people import Bodies, nobody
from visrftwin_ros.bodies.walks_ahead import walks_ahead

TIMES = np.array([0.5, 1.0, 2.0, 3.0])


def walker(velocity: tuple[float, float]) -> Bodies:
    return replace(people((5.0, 1.2)), velocity=np.array([[*velocity, 0.0]]))


def test_known_exactly_there_is_one_future_straight_on() -> None:
    ahead = walks_ahead(walker((1.0, -0.5)), None, TIMES)
    assert ahead.position.shape == (1, 4, 1, 2)
    np.testing.assert_allclose(ahead.position[0, 2, 0], [7.0, 0.2])


def test_soon_the_futures_have_the_covariance_asked_for() -> None:
    covariance = np.array(
        [[0.05, 0.01, 0.02, 0], [0.01, 0.08, 0, 0.01], [0.02, 0, 0.2, 0], [0, 0.01, 0, 0.1]]
    )[None]
    drawn = walks_ahead(walker((1.0, 0.0)), covariance, TIMES, samples=512).position[:, 0, 0]
    step = np.array([[1, 0, 0.5, 0], [0, 1, 0, 0.5]])
    np.testing.assert_allclose(np.median(drawn, axis=0), [5.5, 1.2], atol=0.03)
    np.testing.assert_allclose(np.cov(drawn.T), step @ covariance[0] @ step.T, atol=0.02)


def test_some_stop_and_some_turn_and_nobody_runs() -> None:
    walks = walks_ahead(walker((1.2, 0.0)), np.zeros((1, 4, 4)), TIMES, samples=512)
    start = np.full((512, 1, 2), [5.0, 1.2])
    steps = np.diff(np.concatenate([start, walks.position[:, :, 0]], axis=1), axis=1)
    spans = np.diff(TIMES, prepend=0.0)
    assert (np.linalg.norm(steps, axis=2) <= 1.2 * spans + 1e-9).all()
    stopped = np.linalg.norm(steps[:, -1], axis=1) < 0.01
    assert stopped.mean() == pytest.approx(1 - np.exp(-0.05 * 2), abs=0.02)
    headings = np.arctan2(steps[:, 1, 1], steps[:, 1, 0])
    assert 5 < np.degrees(headings.std()) < 15


def test_one_who_stands_may_set_out_in_any_direction() -> None:
    walks = walks_ahead(walker((0.0, 0.0)), np.zeros((1, 4, 4)), TIMES, samples=512)
    away = walks.position[:, -1, 0] - [5.0, 1.2]
    left = np.linalg.norm(away, axis=1) > 0.01
    assert left.mean() == pytest.approx(1 - np.exp(-0.05 * 3), abs=0.02)
    assert np.abs((away[left] > 0).mean(axis=0) - 0.5).max() < 0.15


def test_equal_input_gives_equal_output_and_nobody_goes_nowhere() -> None:
    covariance = np.eye(4)[None] * 0.1
    first, second = (walks_ahead(walker((1, 0)), covariance, TIMES).position for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert walks_ahead(nobody(), np.zeros((0, 4, 4)), TIMES).position.shape == (1, 4, 0, 2)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e308])
def test_a_covariance_that_is_none_draws_places_all_the_same(wrong: float) -> None:
    covariance = np.full((1, 4, 4), wrong)
    walks = walks_ahead(walker((1.0, 0.0)), covariance, TIMES)
    assert np.isfinite(walks.position).all()
