"""Formulas against numbers computed apart from them, by hand from the printed tables."""

from dataclasses import replace

import numpy as np
import pytest

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.baselines.free_space import FreeSpace, free_space_path_loss_db
from visrftwin_ros.evaluation.baselines.inh import INH_OFFICE, IndoorHotspot, inh_path_loss_db
from visrftwin_ros.evaluation.baselines.nearest import NearestSnapshot
from visrftwin_ros.evaluation.baselines.pointnet import PointNet
from visrftwin_ros.evaluation.baselines.umi import STREET_CANYON, UrbanMicro, umi_path_loss_db
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics
from visrftwin_ros.evaluation.prediction import Measured, Setting
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Site

F60 = np.array([60e9])
SEEN, HIDDEN = np.array([True]), np.array([False])


def asked(rx: np.ndarray, seen: bool = True) -> Questions:
    count = len(rx)
    return Questions(
        stamp_ns=np.arange(count),
        tx=("ap",) * count,
        rx=("robot",) * count,
        tx_position=np.tile([0.0, 0.0, 2.5], (count, 1)),
        rx_position=rx,
        frequency=np.full(count, 60e9),
        bandwidth=np.full(count, 2e9),
        line_of_sight=np.full(count, seen),
    )


def drive(count: int) -> Measured:
    """A made-up campaign whose metrics depend on the place in a simple way."""
    rng = np.random.default_rng(3)
    rx = np.column_stack([rng.uniform(1, 18, count), rng.uniform(1, 9, count), np.full(count, 1.2)])
    questions = asked(rx)
    loss = 68 + 20 * np.log10(questions.distance)
    paths = Multipath(
        count=count,
        channel=np.arange(count),
        power=10 ** (-loss / 10),
        delay=questions.distance / 3e8,
        departure=np.zeros((count, 2)),
        arrival=np.zeros((count, 2)),
    )
    metrics = SnapshotMetrics(loss, 1e-9 * (2 + rx[:, 0]), 0.1 + 0.05 * rx[:, 1], 10 - rx[:, 0] / 2)
    return Measured(questions, paths, metrics)


def setting(site: Site, known: Measured) -> Setting:
    """Nobody there, and `known` to learn from."""
    return Setting(site, walls(), PeopleTimeline(), known, seed=1, stretches=known.take([]))


def walls() -> tuple[SurfaceMesh, ...]:
    corners = np.array([[0, 0, 0], [20, 0, 0], [20, 10, 0], [0, 10, 0]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    return (SurfaceMesh("floor", corners, faces, material_values("concrete", 60e9)),)


def test_free_space_at_one_metre_and_sixty_gigahertz() -> None:
    # 20 log10(4 pi / 4.9965 mm) = 68.01 dB.
    assert free_space_path_loss_db(np.array([1.0]), F60)[0] == pytest.approx(68.01, abs=0.01)


def test_free_space_is_one_path_along_the_line(site: Site) -> None:
    found = FreeSpace().predict(asked(np.array([[3.0, 4.0, 2.5]])), setting(site, drive(0))).paths
    assert found is not None and found.delay[0] == pytest.approx(5 / 299_792_458)
    assert found.departure[0, 0] == pytest.approx(np.arctan2(4, 3))
    assert found.arrival[0, 0] == pytest.approx(np.arctan2(-4, -3))


def test_inh_office_at_ten_metres() -> None:
    # LOS 32.4 + 17.3 + 20 * 1.77815 = 85.263; NLOS 38.3 + 17.3 + 24.9 * 1.77815 = 99.876.
    assert inh_path_loss_db(np.array([10.0]), F60, SEEN)[0] == pytest.approx(85.263, abs=1e-3)
    assert inh_path_loss_db(np.array([10.0]), F60, HIDDEN)[0] == pytest.approx(99.876, abs=1e-3)


def test_inh_without_line_of_sight_is_never_better_than_with_it() -> None:
    # At 1 m the NLOS law alone gives 61.58 dB, under the LOS law's 67.96.
    assert inh_path_loss_db(np.array([1.0]), F60, HIDDEN)[0] == pytest.approx(67.963, abs=1e-3)


def umi_at(ground: float, seen: np.ndarray, terminal: float = 1.5) -> float:
    tx, rx = np.array([[0.0, 0.0, 10.0]]), np.array([[ground, 0.0, terminal]])
    return float(umi_path_loss_db(tx, rx, F60, seen)[0])


def test_umi_at_a_hundred_metres() -> None:
    # d3D = 100.361 m: LOS 32.4 + 21 * 2.001564 + 35.563 = 109.996;
    # NLOS 35.3 * 2.001564 + 22.4 + 21.3 * 1.778151 = 130.930.
    assert umi_at(100, SEEN) == pytest.approx(109.996, abs=2e-3)
    assert umi_at(100, HIDDEN) == pytest.approx(130.930, abs=2e-3)


def test_umi_bends_at_the_break_point_without_a_step() -> None:
    # 4 * 9 m * 0.5 m * 60 GHz / c = 3602.5 m.
    assert umi_at(3602.6, SEEN) == pytest.approx(umi_at(3602.4, SEEN), abs=0.01)
    # Beyond it 40 dB a decade.
    assert umi_at(40_000, SEEN) - umi_at(4_000, SEEN) == pytest.approx(40, abs=0.01)


def test_umi_to_a_terminal_under_the_environment_height_has_no_break_point() -> None:
    near, far = umi_at(1_000, SEEN, 0.5), umi_at(10_000, SEEN, 0.5)
    assert far - near == pytest.approx(21, abs=0.01)


def test_spreads_of_table_7_5_6_at_sixty_gigahertz() -> None:
    # log10(61) = 1.78533. InH LOS 10^(-0.01 * 1.78533 - 7.692) = 19.51 ns, NLOS
    # 10^(-0.28 * 1.78533 - 7.173) = 21.24 ns; UMi LOS 10^(-0.24 * 1.78533 - 7.14) = 27.01 ns,
    # NLOS 55.15 ns. Azimuths: InH LOS 10^(-0.19 * 1.78533 + 1.781) = 27.65 degrees.
    delay, azimuth, k_factor = INH_OFFICE.spreads(F60.repeat(2), np.array([True, False]))
    assert delay * 1e9 == pytest.approx([19.51, 21.24], abs=0.02)
    assert np.degrees(azimuth[0]) == pytest.approx(27.65, abs=0.05)
    assert k_factor[0] == 7 and np.isnan(k_factor[1])
    delay, _, _ = STREET_CANYON.spreads(F60.repeat(2), np.array([True, False]))
    assert delay * 1e9 == pytest.approx([27.01, 55.15], abs=0.05)


def test_tables_predict_metrics_and_no_paths(site: Site) -> None:
    questions = asked(np.array([[5.0, 0, 1.2], [9.0, 3, 1.2]]))
    for model in (IndoorHotspot(), UrbanMicro()):
        found = model.predict(questions, setting(site, drive(0)))
        assert found.paths is None and found.metrics is not None and len(found.metrics) == 2


def test_the_nearest_snapshot_of_the_same_transmitter_answers(site: Site) -> None:
    known = drive(30)
    questions = asked(known.questions.rx_position[[7]] + [[0.01, 0, 0]])
    found = NearestSnapshot().predict(questions, setting(site, known))
    assert found.paths is not None and found.metrics is not None
    assert found.paths.delay[0] == known.paths.delay[7]
    assert found.metrics.k_factor_db[0] == known.metrics.k_factor_db[7]


def test_another_transmitter_has_no_nearest_snapshot(site: Site) -> None:
    questions = replace(asked(np.array([[3.0, 3.0, 1.2]])), tx=("elsewhere",))
    found = NearestSnapshot().predict(questions, setting(site, drive(30)))
    assert found.paths is not None and not len(found.paths)
    assert found.metrics is not None and np.isnan(found.metrics.path_loss_db[0])


def test_the_regressor_learns_what_depends_on_the_place(site: Site) -> None:
    known, unseen = drive(60), drive(90).take(range(60, 90))
    told = setting(site, known)
    found = PointNet().predict(unseen.questions, told).metrics
    assert found is not None
    spread = np.abs(found.delay_spread - unseen.metrics.delay_spread)
    guess = np.abs(np.median(known.metrics.delay_spread) - unseen.metrics.delay_spread)
    assert np.median(spread) < 0.4 * np.median(guess)
    again = PointNet().predict(unseen.questions, told).metrics
    assert again is not None and (again.path_loss_db == found.path_loss_db).all()


def test_what_was_never_measured_is_not_predicted_by_the_regressor(site: Site) -> None:
    known = drive(20)
    blind = SnapshotMetrics(**{**vars(known.metrics), "k_factor_db": np.full(20, -np.inf)})
    told = setting(site, Measured(known.questions, known.paths, blind))
    found = PointNet().predict(known.questions, told).metrics
    assert found is not None
    assert np.isnan(found.k_factor_db).all() and np.isfinite(found.path_loss_db).all()


def test_too_little_to_learn_from_is_said(site: Site) -> None:
    told = setting(site, drive(3))
    with pytest.raises(TwinError, match="3 snapshot"):
        PointNet().predict(drive(5).questions, told)
