import numpy as np
import pytest

from visrftwin_ros.evaluation.shadow_scores import Trace, fades, shadow_score

TIME = np.arange(0, 10, 0.05)


def bump(start: float, depth_db: float, width: float = 0.5) -> np.ndarray:
    """A triangle of loss that begins to rise at `start`."""
    return np.maximum(depth_db * (1 - np.abs(TIME - start - width / 2) / (width / 2)), 0)


def trace(predicted: np.ndarray, true: np.ndarray) -> Trace:
    return Trace("ap", "r", TIME, predicted, true)


def test_a_fade_begins_where_the_trace_crosses_three_decibels() -> None:
    found = fades(TIME, bump(2, 12))
    assert len(found) == 1
    # The flank rises by 48 dB/s.
    assert found[0].start == pytest.approx(2 + 3 / 48, abs=1e-9)
    assert found[0].depth_db == pytest.approx(12)


def test_fringes_do_not_split_a_fade_but_a_pause_does() -> None:
    assert len(fades(TIME, bump(2, 12) + bump(2.4, 12))) == 1
    assert len(fades(TIME, bump(2, 12) + bump(3.5, 12))) == 2


def test_a_late_and_shallow_prediction_is_measured_as_such() -> None:
    score = shadow_score([trace(bump(2.1, 10), bump(2, 12))])
    assert (score.fades, score.matched, score.missed, score.false) == (1, 1, 0, 0)
    assert score.onset_bias == pytest.approx(0.1 + 3 / 40 - 3 / 48)
    assert score.depth_bias_db == pytest.approx(-2)
    assert score.rmse_db < score.fade_rmse_db


def test_a_right_prediction_has_no_error() -> None:
    true = bump(2, 12) + bump(6, 30)
    score = shadow_score([trace(true, true)])
    assert score.rmse_db == 0 and score.onset_error == 0 and score.matched == 2
    assert [part.fades for part in score.by_depth] == [0, 1, 1]


def test_deep_fades_are_left_out_of_the_score_up_to_20_db_only() -> None:
    score = shadow_score([trace(bump(2, 12), bump(2, 12) + bump(6, 30))])
    assert score.fade_up_to_20_rmse_db == 0 and score.fade_rmse_db > 5
    _, middle, deepest = score.by_depth
    assert (middle.up_to_db, middle.fades, middle.rmse_db) == (20, 1, 0)
    assert (deepest.up_to_db, deepest.fades) == (None, 1) and deepest.rmse_db > 5
    assert score.missed == 0.5


def test_fades_of_nobody_are_false_and_missed_ones_are_missed() -> None:
    score = shadow_score([trace(bump(7, 12), bump(2, 12))])
    assert score.missed == 1 and score.false == 1 and np.isnan(score.onset_error)


def test_a_fade_that_was_there_from_the_start_has_no_onset_to_score() -> None:
    true = bump(-0.2, 12)
    score = shadow_score([trace(true, true)])
    assert (score.matched, score.onsets) == (1, 0) and np.isnan(score.onset_error)
    assert score.depth_error_db == 0


def test_samples_without_truth_do_not_count() -> None:
    true = bump(2, 12)
    true[:20] = np.nan
    assert shadow_score([trace(np.full(len(TIME), 99.0), true)]).samples == len(TIME) - 20


def test_without_traces_there_is_no_score() -> None:
    score = shadow_score([])
    assert score.samples == 0 and np.isnan(score.rmse_db) and np.isnan(score.missed)
