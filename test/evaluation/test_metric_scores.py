import numpy as np
import pytest

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.campaign.snapshot import MeasuredPaths
from visrftwin_ros.evaluation.cluster_scores import cluster_score
from visrftwin_ros.evaluation.metric_scores import (
    MISS,
    SnapshotMetrics,
    errors,
    magnitudes,
    snapshot_metrics,
    summary,
)
from visrftwin_ros.evaluation.resolved_paths import grouped, measured_multipath, resolved

WIDE = np.array([2e9])


def lists(
    *rows: tuple[float, float, float], count: int = 1, channel: tuple[int, ...] = ()
) -> Multipath:
    """Paths of power gain [dB], delay [ns] and azimuth of arrival [degree]."""
    gain, delay, azimuth = np.array(rows, float).reshape(-1, 3).T
    level = np.zeros(len(rows))
    return Multipath(
        count=count,
        channel=np.array(channel or (0,) * len(rows), int),
        power=10 ** (gain / 10),
        delay=delay * 1e-9,
        departure=np.column_stack([level, level]),
        arrival=np.column_stack([np.radians(azimuth), level]),
    )


def test_metrics_of_two_paths_by_hand() -> None:
    # Equal powers 20 ns and 90 degrees apart: spread 10 ns, |mean phasor| = cos 45 degrees.
    paths = lists((-80, 30, 0), (-80, 50, 90))
    found = snapshot_metrics(paths, np.array([30e-9]), WIDE)
    assert found.path_loss_db[0] == pytest.approx(80 - 10 * np.log10(2))
    assert found.delay_spread[0] == pytest.approx(10e-9)
    assert found.azimuth_spread[0] == pytest.approx(np.sqrt(np.log(2)))
    assert found.k_factor_db[0] == pytest.approx(0)


def test_without_a_free_line_of_sight_no_path_counts_as_one() -> None:
    found = snapshot_metrics(lists((-80, 30, 0), (-83, 50, 9)), np.array([np.nan]), WIDE)
    assert found.k_factor_db[0] == -np.inf


def test_the_line_of_sight_is_the_strongest_near_the_straight_delay() -> None:
    paths = lists((-90, 30.2, 0), (-80, 30.3, 0), (-70, 45, 0))
    found = snapshot_metrics(paths, np.array([30e-9]), WIDE)
    assert found.k_factor_db[0] == pytest.approx(10 * np.log10(1e-8 / (1e-7 + 1e-9)))


def test_power_alone_gives_path_loss_and_nothing_else() -> None:
    unknown = np.full(2, np.nan)
    power_only = MeasuredPaths(unknown, np.array([-80.0, -80.0]), *[unknown] * 5)
    found = snapshot_metrics(measured_multipath([power_only]), np.array([30e-9]), WIDE)
    assert found.path_loss_db[0] == pytest.approx(80 - 10 * np.log10(2))
    assert np.isnan([found.delay_spread[0], found.azimuth_spread[0], found.k_factor_db[0]]).all()


def test_paths_whose_gain_is_no_number_are_left_out() -> None:
    nan, some = np.array([np.nan, -80.0]), np.zeros(2)
    paths = measured_multipath([MeasuredPaths(some, nan, *[some] * 5)])
    assert len(paths) == 1


def test_a_snapshot_without_paths_has_no_metrics_and_leaves_the_others_alone() -> None:
    paths = lists((-80, 30, 0), count=3, channel=(1,))
    found = snapshot_metrics(paths, np.full(3, 30e-9), np.full(3, 2e9))
    assert np.isnan(found.path_loss_db[[0, 2]]).all() and found.path_loss_db[1] == pytest.approx(80)
    error = errors(found, found)["path_loss_db"]
    assert summary(error).n == 1 and summary(error).median == 0


def test_many_weak_paths_in_one_bin_are_one_strong_path_to_the_sounder() -> None:
    # A hundred paths 20 dB under a floor that their sum reaches.
    spread = lists(*[(-120, 40 + k * 1e-4, 30) for k in range(100)])
    seen = resolved(spread, WIDE)
    assert len(seen) == 1
    assert 10 * np.log10(seen.power[0]) == pytest.approx(-100)
    assert len(seen.above(np.array([-100.5]))) == 1 and not len(spread.above(np.array([-100.5])))


def test_paths_apart_in_delay_or_angle_stay_apart_and_power_is_kept() -> None:
    paths = lists((-80, 30, 0), (-85, 31, 0), (-86, 30, 20), (-100, 30.1, 3))
    seen = resolved(paths, WIDE)
    assert len(seen) == 3
    assert seen.power.sum() == pytest.approx(paths.power.sum())
    assert resolved(seen, WIDE).power == pytest.approx(seen.power)


def test_what_a_strong_path_hides_is_hidden_in_its_own_channel_only() -> None:
    paths = lists(
        (-60, 30, 0), (-101, 60, 0), (-90, 30, 0), (-101, 60, 0), channel=(0, 0, 1, 1), count=2
    )
    assert paths.within(40).channel.tolist() == [0, 1, 1]


def test_groups_wrap_around_half_a_turn_in_azimuth() -> None:
    assert grouped(lists((-80, 30, 179), (-81, 30, -179)), 1e-9, np.radians(5)).tolist() == [0, 0]


def given(loss: list[float], k: list[float] | None = None) -> SnapshotMetrics:
    values = np.array(loss)
    return SnapshotMetrics(values, values * 1e-9, values / 100, np.array(k or loss))


def test_a_missing_answer_counts_as_its_penalty_and_an_unasked_one_not_at_all() -> None:
    nan, inf = float("nan"), float("inf")
    measured = given([80.0, 81.0, nan], k=[7.0, 8.0, -inf])
    found = magnitudes(given([82.0, nan, 83.0], k=[inf, 6.0, 5.0]), measured)
    assert found["path_loss_db"] == pytest.approx([2, MISS["path_loss_db"], nan], nan_ok=True)
    # A K factor of infinity says that there is no multipath: wrong, and no error can be taken.
    assert found["k_factor_db"] == pytest.approx([MISS["k_factor_db"], 2, nan], nan_ok=True)


def test_what_a_predictor_never_speaks_of_is_no_miss() -> None:
    silent = given([80.0, 81.0], k=[float("nan")] * 2)
    assert np.isnan(magnitudes(silent, given([80.0, 81.0]))["k_factor_db"]).all()


def test_equal_clusters_match_and_others_are_missed_or_false() -> None:
    measured = lists((-80, 30, 0), (-90, 60, 90))
    predicted = lists((-82, 31, 5), (-95, 120, -90), (-99, 200, 0), (-120, 300, 0))
    score = cluster_score(predicted, measured)
    assert (score.measured, score.predicted, score.matched) == (2, 3, 1)
    assert score.missed == 0.5 and score.false == pytest.approx(2 / 3)
    assert score.missed_power == pytest.approx(1e-9 / 1.1e-8)
    lost = 10**-9.5 + 10**-9.9
    assert score.false_power == pytest.approx(lost / (10**-8.2 + lost), rel=1e-3)
    assert score.power_error_db == pytest.approx(2) and score.power_bias_db == pytest.approx(-2)
    assert score.delay_error == pytest.approx(1e-9)
    assert score.angle_error == pytest.approx(np.radians(5))


def test_weak_clusters_serve_as_partners_and_are_not_scored_themselves() -> None:
    # The measured one 29 dB down has its partner 33 dB down; what is 40 dB down counts nowhere.
    measured = lists((-80, 30, 0), (-109, 60, 90), (-120, 90, 90))
    predicted = lists((-80, 30, 0), (-113, 60, 90), (-120, 150, -90))
    score = cluster_score(predicted, measured)
    assert (score.measured, score.predicted, score.matched) == (2, 1, 2)
    assert score.missed == 0 and score.false == 0


def test_nothing_predicted_is_all_missed_and_nothing_false() -> None:
    score = cluster_score(lists(count=1), lists((-80, 30, 0)))
    assert score.missed == 1 and score.missed_power == 1 and np.isnan(score.false)
