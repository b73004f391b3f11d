"""Intervals and tests against numpy, scipy and tables."""

import numpy as np
import pytest

from visrftwin_ros.evaluation.splits import split, stretches
from visrftwin_ros.evaluation.statistics import mean_interval, paired, quantile_intervals


def test_the_interval_is_that_of_resampled_groups_quantile_by_numpy() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(6), [3, 5, 2, 4, 6, 1])
    values = rng.gamma(2, 2, len(group))
    found = quantile_intervals(values, group, [0.5, 0.9])
    plain = np.random.default_rng(7)
    drawn = [
        np.quantile(
            np.concatenate([values[group == g] for g in plain.integers(0, 6, 6)]), [0.5, 0.9]
        )
        for _ in range(4000)
    ]
    wanted = np.quantile(drawn, [0.025, 0.975], axis=0).T
    assert found == pytest.approx(wanted, rel=0.12)


def test_alike_neighbours_do_not_narrow_the_interval() -> None:
    # Ten stretches, each of one error a hundred times: as sure as ten errors, not as a thousand.
    errors = np.random.default_rng(1).exponential(1, 10)
    few = quantile_intervals(errors, np.arange(10), [0.5])
    many = quantile_intervals(np.repeat(errors, 100), np.repeat(np.arange(10), 100), [0.5])
    assert np.ptp(many) == pytest.approx(np.ptp(few), rel=0.35)
    alone = quantile_intervals(np.repeat(errors, 100), np.arange(1000), [0.5])
    assert np.ptp(alone) < 0.5 * np.ptp(many)


def test_the_mean_interval_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    held = [
        low <= 0 <= high for low, high in (mean_interval(rng.normal(0, 1, 30)) for _ in range(300))
    ]
    assert 0.90 < np.mean(held) < 0.98


def test_one_group_has_no_interval() -> None:
    assert np.isnan(quantile_intervals(np.ones(5), np.zeros(5, int), [0.5])).all()
    assert np.isnan(mean_interval(np.ones(1))).all()


def test_eight_seeds_that_agree_have_the_smallest_p_of_the_signed_rank_test() -> None:
    # Exact, two-sided, n = 8, rank sum 0: 2 / 2^8.
    group = np.repeat(np.arange(8), 3)
    first = np.arange(24.0)
    found = paired(first, first + 1 + 0.1 * group, group)
    assert found.pairs == 8 and found.p == pytest.approx(2 / 256)
    assert found.difference == pytest.approx(-1.35) and found.high < 0


def test_equal_predictors_do_not_differ_and_strangers_have_no_pairs() -> None:
    errors, group = np.arange(6.0), np.arange(6)
    assert paired(errors, errors, group).p == 1
    assert paired(errors, np.full(6, np.nan), group).pairs == 0


def test_stretches_are_whole_parts_of_the_drive_and_keep_a_moments_links_together() -> None:
    stamps = np.repeat(np.arange(40) * 10, 3)
    found = stretches(stamps)
    assert np.bincount(found).tolist() == [12] * 10
    assert (np.diff(found) >= 0).all() and (found.reshape(-1, 3) == found[::3, None]).all()


@pytest.mark.parametrize("count", [1, 2, 5, 48, 200])
def test_both_splits_leave_the_same_snapshots_to_score(count: int) -> None:
    found = split(np.arange(count), share=0.4, seed=3)
    assert found.scored.any()
    assert not (found.scored & (found.at_random | found.whole)).any()
    assert found.at_random.sum() == min(round(0.4 * count), count - 1)
    for name in np.unique(found.stretch[found.whole]):
        assert found.whole[found.stretch == name].all()
    if count >= 48:
        assert found.whole.sum() == pytest.approx(0.4 * count, abs=3)
