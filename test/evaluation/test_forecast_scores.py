import numpy as np
import pytest

from visrftwin_ros.evaluation.forecast_scores import coverage, score_forecasts

HORIZONS = np.array([0.25, 0.5, 0.75, 1.0])
STEP = 0.05


def ramp(count: int = 200) -> np.ndarray:
    """One link that is clear, then from row 100 on for 20 rows 12 dB down."""
    truth = np.zeros((count, 1))
    truth[100:120] = 12.0
    return truth


def foreseen(truth: np.ndarray, at: np.ndarray, late: int = 0) -> np.ndarray:
    """(F, 1, H) the truth itself, `late` rows too late."""
    rows = [np.clip(at + round(h / STEP) - late, 0, len(truth) - 1) for h in HORIZONS]
    return np.stack([truth[r] for r in rows], axis=2)


def test_a_seer_hits_every_fade_and_raises_no_false_alarm() -> None:
    truth, at = ramp(), np.arange(0, 150, 5)
    seen = foreseen(truth, at)
    score = score_forecasts(truth, STEP, at, HORIZONS, seen, seen, 5.0)
    assert (score.hit_rate, score.false_alarms, score.onsets) == (1, 0, 1)
    assert score.onsets_warned == 1 and score.onsets_warned_by_bound == 1
    assert abs(score.onset_error) < 0.25  # no better than the horizons are apart
    assert coverage(truth, STEP, at, HORIZONS, seen).tolist() == [1, 1, 1, 1]


def test_who_never_warns_misses_all_and_who_always_does_cries_wolf() -> None:
    truth, at = ramp(), np.arange(0, 150, 5)
    never, always = np.zeros((len(at), 1, 4)), np.full((len(at), 1, 4), 9.0)
    blind = score_forecasts(truth, STEP, at, HORIZONS, never, always, 5.0)
    assert blind.hit_rate == 0 and blind.hit_rate_bound == 1
    assert blind.false_alarms_bound == pytest.approx(1 - blind.fades / blind.moments)
    assert blind.fades == 4
    # The fade lies over the bound of 9 dB.
    assert (coverage(truth, STEP, at, HORIZONS, always) < 1).all()


def test_a_late_forecast_shows_in_the_onset_error() -> None:
    truth, at = ramp(), np.arange(80, 100, 1)
    errors = [
        score_forecasts(truth, STEP, at, HORIZONS, seen, seen, 5.0).onset_error
        for seen in (foreseen(truth, at), foreseen(truth, at, late=4))
    ]
    assert errors[1] - errors[0] == pytest.approx(0.2, abs=0.06)


def test_links_without_paths_count_nowhere() -> None:
    truth = np.column_stack([ramp(), np.full(200, np.nan)])
    at = np.arange(0, 150, 5)
    seen = np.concatenate([foreseen(ramp(), at), np.full((len(at), 1, 4), np.nan)], axis=1)
    score = score_forecasts(truth, STEP, at, HORIZONS, seen, seen, 5.0)
    alone = score_forecasts(ramp(), STEP, at, HORIZONS, seen[:, :1], seen[:, :1], 5.0)
    assert score == alone
