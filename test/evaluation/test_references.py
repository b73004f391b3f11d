"""What a sounder leaves unknown, found on made-up campaigns whose answer is known."""

import numpy as np
import pytest
from scipy.constants import speed_of_light
from sounded_hall import hall

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.campaign.snapshot import MeasuredPaths, Snapshot
from visrftwin_ros.evaluation.ground_truth import GroundTruth, ground_truth
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics
from visrftwin_ros.evaluation.references import (
    delay_offset,
    later,
    line_of_sight_loss_db,
    power_offsets_db,
)
from visrftwin_ros.site.model import Site

COUNT = 40
RNG = np.random.default_rng(4)
STAMPS = np.arange(COUNT) * 100_000_000
EVERY = np.ones(COUNT, bool)


def metrics(loss: np.ndarray, k_db: float | np.ndarray = 7.0) -> SnapshotMetrics:
    some = np.ones(len(loss))
    return SnapshotMetrics(loss, 1e-8 * some, some, k_db * some)


def offset(kind: str, predicted: SnapshotMetrics, measured: SnapshotMetrics, known=EVERY):  # type: ignore[no-untyped-def]
    return power_offsets_db(kind, predicted, measured, known, STAMPS)  # type: ignore[arg-type]


def test_the_median_offset_survives_a_few_wild_snapshots() -> None:
    measured = np.full(COUNT, 100.0)
    measured[:3], measured[5] = 160.0, np.nan
    assert offset("median", metrics(np.full(COUNT, 80.0)), metrics(measured)) == pytest.approx(20)


def test_the_line_of_sight_of_a_whole_is_its_share() -> None:
    # K of 0 dB: half of the power, 3.01 dB more loss; of infinity: all; of -infinity: none.
    found = line_of_sight_loss_db(metrics(np.full(3, 80.0), np.array([0, np.inf, -np.inf])))
    assert found == pytest.approx([83.0103, 80.0, np.nan], nan_ok=True, abs=1e-3)


def test_lines_of_sight_match_where_the_multipath_differs() -> None:
    # The same line of sight, 12 dB apart, under another amount of multipath.
    predicted, measured = metrics(np.full(COUNT, 80.0), 10.0), metrics(np.full(COUNT, 91.0), 3.0)
    wanted = 11 + 10 * np.log10((1 + 10**-0.3) / (1 + 0.1))
    assert offset("los", predicted, measured) == pytest.approx(wanted)
    assert np.isnan(offset("los", predicted, metrics(np.full(COUNT, 91.0), -np.inf))).all()


def test_a_moving_average_follows_a_drift_and_sees_only_known_snapshots() -> None:
    drift = np.linspace(0, 12, COUNT)
    known = np.arange(COUNT) % 3 == 0
    measured = 90 + drift
    measured[~known] += 1000  # must not be looked at
    found = offset("moving", metrics(np.full(COUNT, 80.0)), metrics(measured), known)
    inside = slice(14, 27)
    assert found[inside] == pytest.approx(10 + drift[inside], abs=0.8)


def two_paths(late: np.ndarray) -> tuple[Multipath, np.ndarray]:
    """Line of sight and an echo 20 ns later and 8 dB weaker, with the straight lines' delays."""
    straight = RNG.uniform(10e-9, 60e-9, COUNT)
    delay = np.column_stack([straight + late, straight + late + 20e-9]).ravel()
    level = np.zeros((2 * COUNT, 2))
    power = np.tile([1e-8, 10**-8.8], COUNT)
    return Multipath(COUNT, np.repeat(np.arange(COUNT), 2), power, delay, level, level), straight


def test_a_sounder_that_is_early_is_found_to_be_by_so_much() -> None:
    paths, straight = two_paths(-1.1e-9 + RNG.normal(0, 5e-11, COUNT))
    found, _ = delay_offset(paths, straight, np.full(COUNT, 1e-9))
    assert found == pytest.approx(-1.1e-9, abs=3e-11)
    assert later(paths, -found).delay[::2] == pytest.approx(straight, abs=3e-10)


def test_delays_without_a_common_zero_are_said_to_be_so() -> None:
    paths, straight = two_paths(RNG.uniform(-5e-8, 5e-8, COUNT))
    found, why = delay_offset(paths, straight, np.full(COUNT, 1e-9))
    assert np.isnan(found) and "no common zero" in why


def test_each_channel_gets_its_own_power() -> None:
    paths, _ = two_paths(np.zeros(COUNT))
    gained = paths.stronger_by(np.arange(COUNT, dtype=float))
    assert 10 * np.log10(gained.power / paths.power) == pytest.approx(
        np.repeat(np.arange(COUNT), 2)
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return hall(tmp_path_factory.mktemp("references") / "hall")


def campaign(site: Site, count: int, paths: int, timed: bool, late: float = 0.0) -> GroundTruth:
    """`count` snapshots in the hall: line of sight and `paths - 1` echoes, from 1 to 8 m."""
    where = np.column_stack([np.linspace(2, 9, count), np.full((count, 2), [4.0, 1.2])])
    ap = np.array(site.access_points[0].position)
    distance = np.linalg.norm(where - ap, axis=1)
    snapshots = []
    for i in range(count):
        order = np.arange(paths)
        delay = distance[i] / speed_of_light + 15e-9 * order + late
        gain = -60 - 20 * np.log10(distance[i]) - (9.0 if i < 3 else 6.0) * order
        angle = 0.3 * order if timed else np.full(paths, np.nan)
        nothing = np.full(paths, np.nan)
        own = MeasuredPaths(
            delay if timed else nothing, gain, nothing, angle, 0 * angle, angle, 0 * angle
        )
        snapshots.append(
            Snapshot(
                int(STAMPS[i]),
                "ap_west",
                "robot",
                60.48e9,
                2e9,
                own,
                rx_position=where[i],
                rx_yaw=0,
            )
        )
    asked = Questions(
        stamp_ns=STAMPS[:count],
        tx=("ap_west",) * count,
        rx=("robot",) * count,
        tx_position=np.tile(ap, (count, 1)),
        rx_position=where,
        frequency=np.full(count, 60.48e9),
        bandwidth=np.full(count, 2e9),
        line_of_sight=np.ones(count, bool),
    )
    return ground_truth(snapshots, asked, site, {}, 0.2, 1)


def test_a_sounder_that_is_early_has_the_k_factor_of_one_that_is_not(place: Site) -> None:
    punctual, early = (campaign(place, 30, 3, True, late) for late in (0.0, -1.1e-9))
    assert early.late == pytest.approx(-1.1e-9) and punctual.late == pytest.approx(0, abs=1e-15)
    assert early.measured.metrics.k_factor_db == pytest.approx(
        punctual.measured.metrics.k_factor_db
    )
    # Echoes 6 and 12 dB down: K = -10 log10(10^-0.6 + 10^-1.2).
    assert early.measured.metrics.k_factor_db[10] == pytest.approx(5.027, abs=0.01)


def test_power_alone_has_no_floor_no_range_and_names_what_it_cannot_tell(place: Site) -> None:
    truth = campaign(place, 30, 1, timed=False)
    assert np.isinf(truth.range_db) and np.isnan(truth.floor_db).all()
    # Every path of a prediction counts towards the one gain.
    weak = Multipath(
        30,
        np.repeat(np.arange(30), 2),
        np.tile([1e-8, 1e-14], 30),
        *[np.zeros(60)] + [np.zeros((60, 2))] * 2,
    )
    assert len(truth.seen(weak)) == 60
    assert set(truth.lacking) == {
        "delay_spread_ns", "azimuth_spread_deg", "k_factor_db", "clusters", "beams",
    }  # fmt: skip
    for name in ("delay_spread", "azimuth_spread", "k_factor_db"):
        assert np.isnan(getattr(truth.measured.metrics, name)).all()
    assert np.isfinite(truth.measured.metrics.path_loss_db).all()


def test_one_path_a_record_tells_power_and_direction_and_no_spread(place: Site) -> None:
    truth = campaign(place, 30, 1, timed=True)
    assert np.isinf(truth.range_db)
    assert {"delay_spread_ns", "azimuth_spread_deg", "k_factor_db"} <= set(truth.lacking)
    assert "beams" not in truth.lacking
