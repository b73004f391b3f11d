import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from made_up import FREQUENCY, WAVELENGTH, people, small_site
from scipy.spatial.transform import Rotation

from visrftwin_ros.bodies.people import nobody
from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.paths.path_set import DIFFUSE, SPECULAR, PathSet
from visrftwin_ros.propagation.tracing import cached_solver
from visrftwin_ros.propagation.tracing.solver_aside import SolverAside
from visrftwin_ros.scene.changes import SceneChange
from visrftwin_ros.scene.visibility import Visibility
from visrftwin_ros.site.frames import Pose
from visrftwin_ros.site.residual_map import ResidualMap
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.mounts import RobotPose
from visrftwin_ros.twin.static_twin import (
    with_access_point,
    with_materials,
    with_residuals,
    with_scene_change,
)

SECOND = 1_000_000_000
PANES = material_values("glass", FREQUENCY)
GLASS = replace(PANES, thickness_spread=0.0)
AIR_DB = 0.015119
"""A metre, of oxygen and water vapour at 60.48 GHz: ITU-R P.676 at 15 degrees and 7.5 g/m^3."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """How often the tracer solved, and how often rays were shot."""
    count = {"solves": 0, "rays": 0}
    solve, first_hit = cached_solver.solve, Visibility.first_hit
    aside = SolverAside.__call__

    def counted_solve(*arguments: object) -> object:
        count["solves"] += 1
        return solve(*arguments)

    def counted_aside(*arguments: object) -> object:
        count["solves"] += 1
        return aside(*arguments)

    def counted_hit(*arguments: object) -> object:
        count["rays"] += 1
        return first_hit(*arguments)

    monkeypatch.setattr(cached_solver, "solve", counted_solve)
    monkeypatch.setattr(SolverAside, "__call__", counted_aside)
    monkeypatch.setattr(Visibility, "first_hit", counted_hit)
    yield count


def configured(**changes: object) -> TwinEngine:
    return TwinEngine(small_site(**changes), None, threads=2)


def changed(engine: TwinEngine, *change: object) -> None:
    engine.change(*change).result(timeout=120)


def test_a_new_material_changes_fields_and_shoots_no_ray(calls: dict[str, int]) -> None:
    engine = configured()
    before = engine.update(0, nobody())
    assert calls["solves"] == 1
    rays = calls["rays"]
    changed(engine, with_materials, {"floor": PANES})
    after = engine.update(1, nobody())
    assert calls == {"solves": 1, "rays": rays}
    assert after.retraced.all()
    assert not engine.update(2, nobody()).retraced.any()
    scene = [surface.model_dump() for surface in engine.site.scene]
    scene[0]["material"] = "glass"
    fresh = configured(scene=scene)
    solved, revalued = (e.update(0, nobody()).groups[0].paths for e in (fresh, engine))
    on_floor = (revalued.objects == 0).any(axis=1)
    assert (before.groups[0].paths.transfer[on_floor] != revalued.transfer[on_floor]).any()
    np.testing.assert_array_equal(
        before.groups[0].paths.transfer[~on_floor], revalued.transfer[~on_floor]
    )
    mirrored = (revalued.interactions[:, 0] == 1) & (revalued.n_vertices == 3) & on_floor
    assert mirrored.any()
    for row in np.flatnonzero(mirrored):
        same = (solved.link == revalued.link[row]) & (solved.n_vertices == 3)
        apart = np.abs(solved.vertices - revalued.vertices[row]).max(axis=(1, 2))
        twin = np.flatnonzero(same & (apart < 1e-2) & ~(solved.interactions == DIFFUSE).any(axis=1))
        assert revalued.power[row] == pytest.approx(solved.power[twin[0]], rel=5e-3)


def test_what_soundings_were_off_joins_the_power_of_a_link_and_of_its_paths(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = configured()
    plain = engine.update(0, people((4.0, 1.2)))
    ahead = engine.forecast(people((4.0, 1.2))).beam_gain_db
    robot = engine.site.robots[0]
    there = np.array([[*robot.position, robot.antenna_height]])
    found = ResidualMap(("ap_a",), there, np.array([-5.0]), np.ones(1), 0.01, 2.0, 0.1)
    changed(engine, with_residuals, found)
    state = engine.update(1, people((4.0, 1.2)))
    assert state.retraced.all()
    link = state.links.index(("ap_a", robot.name))
    more_db = plain.metrics.path_loss_db - state.metrics.path_loss_db
    np.testing.assert_allclose(more_db, np.where(np.arange(len(more_db)) == link, -5, 0), atol=1e-3)
    assert state.residual_sd_db[link] < 0.1 < 1.9 < np.delete(state.residual_sd_db, link).min()
    for name in ("delay_spread", "k_factor_db", "azimuth_spread", "shadow_loss_db"):
        before, after = (getattr(one.metrics, name) for one in (plain, state))
        np.testing.assert_allclose(after, before, rtol=1e-9)
    np.testing.assert_allclose(
        state.paths(link).power, 10**-0.5 * plain.paths(link).power, rtol=1e-3
    )
    later = engine.forecast(people((4.0, 1.2))).beam_gain_db
    np.testing.assert_allclose(later[link] - ahead[link], -5, atol=1e-3)
    # Of robots that stand the map is asked once.
    monkeypatch.setattr(ResidualMap, "at", lambda *_: pytest.fail("asked again"))
    again = engine.update(2, people((4.0, 1.2)))
    assert not again.retraced.any()
    np.testing.assert_array_equal(again.residual_db, state.residual_db)


LOOP = {"waypoints": [(2, 0), (4, 0), (4, 1), (2, 1)], "speed": 0.5}


def floor_bounce(paths: PathSet, link: int) -> tuple[float, np.ndarray]:
    """Power and vertices of the link's path that the floor alone mirrors."""
    once = (paths.interactions[:, 0] == SPECULAR) & (paths.n_vertices == 3)
    found = np.flatnonzero(once & (paths.objects[:, 0] == 0) & (paths.link == link))
    assert len(found) == 1
    return float(paths.power[found[0]]), paths.vertices[found[0], :3]


def glass_floor_db(line: np.ndarray) -> float:
    """Gain over a floor of just 6 mm of glass, by hand: field in the plane of incidence of a slab,
    ITU-R P.2040 (37), between upright isotropic antennas, through air."""
    leg, length = line[1] - line[0], np.linalg.norm(np.diff(line, axis=0), axis=1).sum()
    cosine = abs(leg[2]) / np.linalg.norm(leg)
    f_ghz = FREQUENCY / 1e9
    eta = 6.31 - 17.9751j * 0.0036 * f_ghz**1.3394 / f_ghz
    root = np.sqrt(eta - (1 - cosine**2))
    bare = (eta * cosine - root) / (eta * cosine + root)
    twice = np.exp(-4j * np.pi * 0.006 / WAVELENGTH * root)
    gain = bare * (1 - twice) / (1 - bare**2 * twice) * WAVELENGTH / (4 * np.pi * length)
    return float(20 * np.log10(abs(gain)) - AIR_DB * length)


@pytest.mark.parametrize("robot", [{"name": "r", "path": LOOP}, {"name": "r"}])
def test_a_new_material_reaches_robots_that_move(
    calls: dict[str, int], robot: dict[str, object]
) -> None:
    """On a script and on TF; at once, where it stands and where it goes next."""
    engine = configured(robots=[robot])
    try:
        places = {"r": RobotPose(np.array([2.5, 0.0, 0.0]), 0.0)}
        deadline = time.monotonic() + 60
        while any(engine.update(SECOND, nobody(), places).fault):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        solves = calls["solves"]
        concrete = engine.update(SECOND, nobody(), places).groups[0].paths
        changed(engine, with_materials, {"floor": GLASS})
        places["r"] = RobotPose(np.array([2.6, 0.0, 0.0]), 0.0)
        for tick, seconds in enumerate((1.0, 1.2)):
            state = engine.update(round(seconds * SECOND), nobody(), places)
            assert state.fault == ("", "")
            assert state.retraced.all()
            assert state.groups[0].paths.interactions.shape[0] > 0.8 * len(concrete) > 0
            for link in (0, 1):
                power, line = floor_bounce(state.groups[0].paths, link)
                assert 10 * np.log10(power) == pytest.approx(glass_floor_db(line), abs=1e-3)
                before, old_line = floor_bounce(concrete, link)
                assert abs(10 * np.log10(before) - glass_floor_db(old_line)) > 0.01
            places["r"] = RobotPose(np.array([2.7 + 0.1 * tick, 0.0, 0.0]), 0.0)
        assert concrete.objects.max() == 2
        changed(engine, with_scene_change, SceneChange(vanished=frozenset({"kiosk"})))
        state = engine.update(round(1.4 * SECOND), nobody(), places)
        assert state.fault == ("", "") and np.isfinite(state.metrics.path_loss_db).all()
        assert state.groups[0].paths.objects.max() == 1
        assert calls["solves"] == solves
    finally:
        engine.close()


def test_paths_found_after_a_change_have_the_new_material() -> None:
    engine = configured(robots=[{"name": "r"}])
    try:
        places = {"r": RobotPose(np.array([2.5, 0.0, 0.0]), 0.0)}
        for change in (None, GLASS):
            if change is not None:
                changed(engine, with_materials, {"floor": change})
                places["r"] = RobotPose(np.array([4.5, 1.0, 0.0]), 0.0)
            asked = 1 if change is None else 2
            deadline = time.monotonic() + 60
            while True:
                state = engine.update(asked * SECOND, nobody(), places)
                if not any(state.fault) and (state.paths_age == 0).all():
                    break
                assert time.monotonic() < deadline
                time.sleep(0.05)
        power, line = floor_bounce(state.groups[0].paths, 0)
        np.testing.assert_allclose(line[2, :2], (4.5, 1.0))
        assert 10 * np.log10(power) == pytest.approx(glass_floor_db(line), abs=1e-3)
        scattered = (state.groups[0].paths.interactions == DIFFUSE) & (
            state.groups[0].paths.objects == 0
        )
        assert not scattered.any()  # glass does not scatter, concrete did
    finally:
        engine.close()


def test_an_access_point_goes_off_and_on_without_a_solve(calls: dict[str, int]) -> None:
    engine = configured()
    before = engine.update(0, people((3.0, 2.0)))
    changed(engine, with_access_point, "ap_a", False)
    off = engine.update(1, people((3.0, 2.0)))
    silent = np.array([tx == "ap_a" for tx, _ in off.links])
    assert np.isinf(off.metrics.path_loss_db[silent]).all()
    assert [fault == "ap_a is off" for fault in off.fault] == silent.tolist()
    assert off.paths(int(np.flatnonzero(silent)[0])) is None
    np.testing.assert_array_equal(
        off.metrics.path_loss_db[~silent], before.metrics.path_loss_db[~silent]
    )
    assert off.retraced.tolist() == silent.tolist()
    ahead = engine.forecast(nobody())
    assert np.isnan(ahead.loss_db).all(axis=(1, 2)).tolist() == silent.tolist()
    assert np.isnan(ahead.beam_gain_db).all(axis=(1, 2)).tolist() == silent.tolist()
    changed(engine, with_access_point, "ap_a", True)
    again = engine.update(2, people((3.0, 2.0)))
    np.testing.assert_array_equal(again.metrics.path_loss_db, before.metrics.path_loss_db)
    assert calls["solves"] == 1


def test_moved_furniture_is_searched_for_without_a_solve_while_robots_drive_on(
    calls: dict[str, int],
) -> None:
    robots = [{"name": "patrol", "path": LOOP}, {"name": "r2", "position": (-5, -3)}]
    engine = configured(robots=robots)
    solves = calls["solves"]
    before = engine.update(0, people((3.0, 2.0)))
    move = Pose(np.array([-5.0, 1.5, 0.0]), Rotation.identity())
    moving = engine.change(with_scene_change, SceneChange(moved={"kiosk": move}))
    ticks = 0
    while not moving.done():
        state = engine.update(ticks * SECOND // 10, people((3.0, 2.0)))
        assert np.isfinite(state.metrics.path_loss_db).all()
        ticks += 1
        time.sleep(0.02)
    engine.update(0, nobody())
    after = engine.update(0, people((3.0, 2.0)))
    assert moving.result().site.scene[2].center == (3.0, -1.5, 1.0)
    assert calls["solves"] == solves
    links = [before.links.index(("ap_a", name)) for name in ("patrol", "r2")]
    assert (before.metrics.path_loss_db != after.metrics.path_loss_db)[links].all()
    engine.close()


def test_changes_of_what_is_not_there_name_what_is() -> None:
    engine = configured()
    with pytest.raises(TwinError, match=r"no surface .sofa.*kiosk"):
        changed(engine, with_materials, {"sofa": GLASS})
    with pytest.raises(TwinError, match="no access point 'ap_x'"):
        changed(engine, with_access_point, "ap_x", False)
