import numpy as np
import pytest

from visrftwin_ros.evaluation.scores.reliability import reliability


def test_what_comes_as_often_as_it_is_told_lies_on_the_diagonal() -> None:
    rng = np.random.default_rng(3)
    told = rng.uniform(0, 1, 100_000)
    found = reliability(told, rng.uniform(0, 1, len(told)) < told)
    assert found.count.sum() == len(told)
    np.testing.assert_allclose(found.told, np.arange(0.05, 1, 0.1), atol=0.005)
    np.testing.assert_allclose(found.came, found.told, atol=0.02)
    assert found.error < 0.01


def test_who_is_too_sure_is_shown_to_be() -> None:
    """Hand-made: 0.95 is told four times, and comes once; 0.05 twice, and comes once."""
    told = np.array([0.95] * 4 + [0.05] * 2)
    found = reliability(told, np.array([True, False, False, False, True, False]))
    assert (found.count[[0, 9]].tolist(), found.came[[0, 9]].tolist()) == ([2, 4], [0.5, 0.25])
    assert np.isnan(found.came[1:9]).all()
    assert found.error == pytest.approx((4 * 0.70 + 2 * 0.45) / 6)


def test_certainty_is_of_the_last_bin() -> None:
    assert reliability(np.array([1.0]), np.array([True])).count[9] == 1
