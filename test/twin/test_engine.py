import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_up import WAVELENGTH, people, small_site

from visrftwin_ros.bodies.people import nobody
from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.link_metrics import link_sums
from visrftwin_ros.propagation.tracing.background_solver import Found
from visrftwin_ros.propagation.tracing.cached_solver import Discovery
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.channel_state import ChannelState
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.mounts import RobotPose

SECOND = 1_000_000_000
LOOP = {"waypoints": [(2, 0), (4, 0), (4, 1), (2, 1)], "speed": 0.5}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("paths")


def configured(site: Site, cache: Path | None = None) -> TwinEngine:
    return TwinEngine(site, cache, threads=2)


@pytest.fixture
def engine(site: Site, cache: Path) -> TwinEngine:
    return configured(site, cache)


def half_way(engine: TwinEngine, ap: str, robot: str) -> tuple[float, float]:
    """On the ground under the last quarter of a link, where the ray is below a head."""
    a = next(np.array(x.position) for x in engine.site.access_points if x.name == ap)
    r = next(np.array(x.position) for x in engine.site.robots if x.name == robot)
    return tuple(a[:2] + 0.8 * (r - a[:2]))


def test_links_come_in_the_sites_order_and_start_unaffected(engine: TwinEngine) -> None:
    state = engine.update(0, nobody())
    assert state.links == tuple((ap, r) for ap in ("ap_a", "ap_b") for r in ("r1", "r2", "r3"))
    assert not state.retraced.any() and state.affected_links == 0
    assert (state.metrics.shadow_loss_db == 0).all()
    assert set(state.fault) == {""}
    assert np.isfinite(state.metrics.path_loss_db).all()


def test_the_loss_against_the_free_line_of_sight_is_by_the_distance_of_the_ends(
    engine: TwinEngine,
) -> None:
    """Path loss less Friis's, a shadow or none."""
    state = engine.update(0, people(half_way(engine, "ap_a", "r1")))
    for i, (ap, robot) in enumerate(state.links):
        a = next(x.position for x in engine.site.access_points if x.name == ap)
        r = next((*x.position, x.antenna_height) for x in engine.site.robots if x.name == robot)
        friis_db = 20 * np.log10(4 * np.pi * np.linalg.norm(np.subtract(a, r)) / WAVELENGTH)
        assert state.metrics.shadow_loss_los_db[i] == pytest.approx(
            state.metrics.path_loss_db[i] - friis_db, abs=1e-3
        )


def test_a_link_that_nobody_is_near_is_never_computed_again(engine: TwinEngine) -> None:
    x, y = half_way(engine, "ap_a", "r1")
    before = engine.update(0, people((-25.0, -25.0)))
    after = engine.update(SECOND, people((x, y)))
    hit = after.links.index(("ap_a", "r1"))
    assert after.retraced[hit]
    assert after.metrics.shadow_loss_db[hit] > 5
    assert after.metrics.shadow_loss_db[hit] > before.metrics.shadow_loss_db[hit]
    untouched = ~after.retraced
    assert untouched.sum() >= 3
    for name in ("path_loss_db", "delay_spread", "azimuth_spread", "k_factor_db", "shadow_loss_db"):
        np.testing.assert_array_equal(
            getattr(after.metrics, name)[untouched], getattr(before.metrics, name)[untouched]
        )


def test_incremental_metrics_are_those_of_a_fresh_look(engine: TwinEngine) -> None:
    rng = np.random.default_rng(5)
    place = rng.uniform(-8, 8, (4, 2))
    for tick in range(20):
        place += rng.normal(0, 0.3, place.shape)
        state = engine.update(tick * SECOND, people(*place))
    group = state.groups[0]
    assert state.over_bodies is not None
    everyone = np.arange(len(state.links))
    static = link_sums(group.paths, group.blockage.field)
    whole = static.plus(everyone, state.over_bodies.sums).metrics(WAVELENGTH)
    np.testing.assert_allclose(state.metrics.path_loss_db, whole.path_loss_db, rtol=1e-12)
    np.testing.assert_allclose(state.metrics.delay_spread, whole.delay_spread, rtol=1e-9)


def test_the_paths_of_a_blocked_link_name_who_blocks_them(engine: TwinEngine) -> None:
    state = engine.update(0, people(half_way(engine, "ap_a", "r1"), ids=("anna",)))
    paths = state.paths(state.links.index(("ap_a", "r1")))
    assert paths is not None and len(paths) == 32
    direct = int(np.flatnonzero(paths.n_vertices == 2)[0])
    assert paths.blocked_by[direct] == ("anna",)
    assert paths.shadow_loss_db[direct] > 6
    assert not state.metrics.line_of_sight[state.links.index(("ap_a", "r1"))]
    assert 0.9 < paths.share <= 1
    assert (paths.doppler == 0).all()
    few = state.paths(0, most=3)
    assert few is not None and len(few) == 3


def test_unusable_poses_are_dropped_and_the_rest_goes_on(engine: TwinEngine) -> None:
    place = half_way(engine, "ap_a", "r1")
    state = engine.update(0, people((np.nan, 1.0), place, (np.inf, 0.0), ids=("x", "ok", "y")))
    assert state.dropped == ("x", "y")
    assert state.metrics.shadow_loss_db[state.links.index(("ap_a", "r1"))] > 5
    assert np.isfinite(
        engine.forecast(people((np.nan, 1.0), place), np.zeros((2, 4, 4))).mean_db
    ).all()


def test_an_end_inside_a_body_is_flagged_on_its_links_only(engine: TwinEngine) -> None:
    state = engine.update(0, people((5.0, 4.0), ids=("anna",)))
    for (_, robot), fault in zip(state.links, state.fault, strict=True):
        assert fault == ("r1 is inside body anna" if robot == "r1" else "")
    assert np.isfinite(state.metrics.path_loss_db).all()


def test_a_link_that_no_path_reaches_has_no_channel(tmp_path: Path) -> None:
    far = {
        "name": "slab",
        "kind": "box",
        "center": (0, 0, 1),
        "size": (3, 3, 3),
        "material": "metal",
    }
    robot = {"name": "sealed", "position": (0, 0), "antenna_height": 1.0}
    engine = configured(small_site(scene=[far], robots=[robot]))
    state = engine.update(0, people((0.5, 0.5), (9.0, 9.0)))
    assert (state.metrics.path_loss_db > 160).all()
    assert not state.metrics.line_of_sight.any()
    paths = state.paths(0)
    assert paths is not None and len(paths) == state.path_count(0)


def test_time_may_jump_back(engine: TwinEngine) -> None:
    place = half_way(engine, "ap_b", "r2")
    first = engine.update(100 * SECOND, people(place))
    engine.update(101 * SECOND, nobody())
    again = engine.update(0, people(place))
    np.testing.assert_array_equal(again.metrics.shadow_loss_db, first.metrics.shadow_loss_db)


def test_a_restart_reads_the_paths_instead_of_solving(site: Site, tmp_path: Path) -> None:
    robots = Devices(("r1",), np.array([[5.0, 4.0, 1.2]]))
    first = Discovery(site, surface_meshes(site), tmp_path / "cache")
    solved = first.paths_to(robots)
    assert first.solver_calls == 1
    second = Discovery(site, surface_meshes(site), tmp_path / "cache")
    np.testing.assert_array_equal(second.paths_to(robots).transfer, solved.transfer)
    assert second.solver_calls == 0
    second.paths_to(Devices(("r1",), np.array([[5.0, 4.1, 1.2]])))
    assert second.solver_calls == 1
    for file in (tmp_path / "cache").iterdir():
        file.write_bytes(b"torn")
    third = Discovery(site, surface_meshes(site), tmp_path / "cache")
    assert len(third.paths_to(robots)) == len(solved)
    assert third.solver_calls == 1


@pytest.fixture(scope="module")
def scripted(site: Site, cache: Path) -> TwinEngine:
    return configured(
        small_site(robots=[{"name": "patrol", "path": LOOP}, {"name": "r2", "position": (-5, -3)}]),
        cache,
    )


def test_a_scripted_robot_is_right_at_every_tick_without_solving(scripted: TwinEngine) -> None:
    losses, times = [], []
    for tick in range(80):
        began = time.perf_counter()
        state = scripted.update(round(tick / 7 * SECOND), nobody())
        times.append(time.perf_counter() - began)
        mine = state.links.index(("ap_a", "patrol"))
        assert state.retraced[mine] and not state.retraced[state.links.index(("ap_a", "r2"))]
        paths = state.paths(mine)
        assert paths is not None
        direct = int(np.flatnonzero(paths.n_vertices == 2)[0])
        distance = np.linalg.norm(paths.vertices[direct, 0] - paths.vertices[direct, 1])
        assert paths.delay[direct] == pytest.approx(distance / 299_792_458, abs=1e-13)
        losses.append(state.metrics.path_loss_db[mine])
    assert np.abs(np.diff(losses)).max() < 1.5
    assert np.median(times) < 0.5  # a solve takes seconds
    assert state.paths_age.tolist() == [0, 0, 0, 0]


def test_the_approaching_robots_direct_path_shifts_up(scripted: TwinEngine) -> None:
    # Leg 1 runs from (2, 0) to (4, 0) at 0.5 m/s, away from ap_b at (-10, 5).
    state = scripted.update(SECOND, nobody())
    paths = state.paths(state.links.index(("ap_b", "patrol")))
    assert paths is not None
    direct = int(np.flatnonzero(paths.n_vertices == 2)[0])
    away = np.array([2.5 + 10, -5.0, 1.2 - 3.0])
    expected = -0.5 * away[0] / np.linalg.norm(away) / (299_792_458 / 60.48e9)
    assert paths.doppler[direct] == pytest.approx(expected, rel=1e-6)


def test_on_line_and_off_line_agree_to_the_last_bit(scripted: TwinEngine, cache: Path) -> None:
    other = configured(scripted.site, cache)
    rng = np.random.default_rng(2)
    place = rng.uniform(-4, 4, (3, 2))
    for tick in range(10):
        place = place + 0.1
        states = [e.update(tick * SECOND // 7, people(*place)) for e in (scripted, other)]
    for name in ("path_loss_db", "delay_spread", "azimuth_spread", "k_factor_db", "shadow_loss_db"):
        np.testing.assert_array_equal(*(getattr(state.metrics, name) for state in states))


def pose(x: float, y: float, yaw: float = 0.0) -> dict[str, RobotPose]:
    return {"scout": RobotPose(np.array([x, y, 0.0]), yaw)}


@pytest.fixture(scope="module")
def tracked(site: Site, cache: Path) -> Iterator[TwinEngine]:
    engine = configured(
        small_site(robots=[{"name": "scout"}, {"name": "r2", "position": (-5, -3)}]), cache
    )
    yield engine
    engine.close()


def updated_until_known(engine: TwinEngine, robots: dict[str, RobotPose]) -> ChannelState:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        state = engine.update(SECOND, nobody(), robots)
        if not any(state.fault):
            return state
        time.sleep(0.05)
    raise AssertionError(state.fault)


def test_a_robot_on_tf_has_no_channel_until_its_paths_are_known(tracked: TwinEngine) -> None:
    scout = [i for i, link in enumerate(tracked.links) if link[1] == "scout"]
    lost = tracked.update(0, nobody())
    assert [lost.fault[i] for i in scout] == ["no pose of scout"] * 2
    assert np.isinf(lost.metrics.path_loss_db[scout]).all() and lost.paths(scout[0]) is None
    assert np.isnan(tracked.forecast(nobody()).mean_db[scout]).all()
    pending = tracked.update(SECOND, nobody(), pose(3, 1))
    assert "being discovered" in pending.fault[scout[0]]
    assert np.isnan(pending.paths_age[scout]).all()
    assert np.isfinite(pending.metrics.path_loss_db[tracked.links.index(("ap_a", "r2"))])

    known = updated_until_known(tracked, pose(3, 1))
    assert np.isfinite(known.metrics.path_loss_db).all()
    moved = tracked.update(2 * SECOND, nobody(), pose(3.1, 1))
    assert moved.retraced[scout].all()
    assert moved.paths_age[scout[0]] == pytest.approx(1.0)
    same = tracked.update(3 * SECOND, nobody(), pose(3.1, 1))
    assert not same.retraced.any()
    np.testing.assert_array_equal(same.metrics.path_loss_db, moved.metrics.path_loss_db)
    odd = tracked.update(4 * SECOND, nobody(), {"scout": RobotPose(np.array([np.nan, 0, 0]), 0.0)})
    assert odd.fault[scout[0]] == "no pose of scout"


def test_a_failed_discovery_flags_its_links_and_no_other(
    tracked: TwinEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    updated_until_known(tracked, pose(3, 1))
    failure = Found(Devices(("scout",), np.zeros((1, 3))), 0, None, "out of memory")
    monkeypatch.setattr(tracked._background, "poll", lambda: failure)
    state = tracked.update(5 * SECOND, nobody(), pose(3, 1))
    for (_, robot), fault in zip(state.links, state.fault, strict=True):
        assert fault == ("path discovery failed: out of memory" if robot == "scout" else "")
    assert np.isfinite(state.metrics.path_loss_db).all()


def test_mounts_follow_the_site_the_script_and_tf(
    scripted: TwinEngine, tracked: TwinEngine
) -> None:
    ap = scripted.mount("ap_a", 0)
    assert ap is not None and ap.yaw == pytest.approx(1.57)
    on_leg_2 = scripted.mount("patrol", round(4.5 * SECOND))
    assert on_leg_2 is not None and on_leg_2.yaw == pytest.approx(np.pi / 2)
    assert tracked.mount("scout", 0) is None
    placed = tracked.mount("scout", 0, pose(0, 0, 0.3))
    assert placed is not None and placed.yaw == 0.3
    with pytest.raises(TwinError, match="no device 'ghost'"):
        scripted.mount("ghost", 0)
