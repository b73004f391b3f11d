import numpy as np
import pytest

from visrftwin_ros.beams.fade_warnings import FadeWarning
from visrftwin_ros.evaluation.scores.announcements import announcement_score, deep_fades

TIME = 0.05 * np.arange(1201)


def loss(*fades: tuple[float, float, float]) -> np.ndarray:
    """(T, 1) dB of fades (begin, end, depth)."""
    made = np.zeros(len(TIME))
    for begin, end, depth in fades:
        made[(begin - 0.01 <= TIME) & (end + 0.01 >= TIME)] = depth
    return made[:, None]


def warning(at: float, begins: float = 1.0, ends: float = 2.0) -> FadeWarning:
    return FadeWarning(0, at, at + begins, at + ends, 0.9)


def test_a_fade_is_announced_by_what_came_early_enough() -> None:
    true = loss((10.0, 10.5, 15.0), (20.0, 20.5, 15.0), (30.0, 30.5, 15.0), (40.0, 40.5, 8.0))
    score = announcement_score(TIME, true, [warning(8.5), warning(19.3), warning(29.8)])
    assert score.fades == 3  # the one of 8 dB does not count
    assert score.announced == pytest.approx((2 / 3, 1 / 3))
    assert score.warnings == 3 and score.false_a_minute == 0
    assert score.lead == pytest.approx(0.67)  # passes 6 dB 0.03 s before it is at 15 dB


def test_a_warning_from_before_the_last_fade_says_nothing_of_the_next() -> None:
    true = loss((10.0, 10.5, 15.0), (12.0, 12.5, 15.0))
    score = announcement_score(TIME, true, [warning(8.5)])
    assert score.announced == (0.5, 0.5)
    within = announcement_score(TIME, true, [warning(8.5), warning(10.3)])
    assert within.announced == (0.5, 0.5)
    after = announcement_score(TIME, true, [warning(8.5), warning(10.7)])
    assert after.announced == (1.0, 1.0)


def test_each_deep_fade_is_told_with_what_went_before_it() -> None:
    true = loss((10.0, 10.5, 15.0), (11.0, 11.5, 12.0), (30.0, 30.5, 8.0))
    first, second = deep_fades(TIME, true, [warning(8.5)])
    assert (first.onset, first.depth_db, first.since_last) == (pytest.approx(9.97), 15.0, np.inf)
    assert first.lead == pytest.approx(1.47)
    assert second.since_last == pytest.approx(0.475) and second.lead == -np.inf


def test_a_fringe_does_not_make_two_fades() -> None:
    true = loss((10.0, 10.2, 15.0), (10.4, 10.6, 15.0))
    assert announcement_score(TIME, true, []).fades == 1


def test_false_warnings_are_counted_by_the_minute() -> None:
    true = loss((10.0, 10.5, 15.0))
    told = [warning(5.0, 1.0, 2.0), warning(7.5), warning(40.0)]
    assert announcement_score(TIME, true, told).false_a_minute == pytest.approx(2 * 60 / 56)
    # A shallow fade makes a warning true.
    assert announcement_score(TIME, loss((41.0, 41.2, 6.5)), [warning(40.0)]).false_a_minute == 0


def test_of_the_last_seconds_it_is_not_known_whether_a_warning_was_false() -> None:
    late = announcement_score(TIME, loss(), [warning(55.0), warning(57.0)])
    assert late.warnings == 2 and late.false == 1 and late.known_seconds == pytest.approx(56.0)
    short = announcement_score(TIME[:61], loss()[:61], [warning(1.0)])
    assert short.false == 0 and np.isnan(short.false_a_minute)
