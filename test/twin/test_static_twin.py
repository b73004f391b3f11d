"""A change makes another value of the twin, out of everything that was changed before."""

import threading
import time
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from made_up import FREQUENCY, people, small_site
from scipy.spatial.transform import Rotation

from visrftwin_ros.bodies.people import nobody
from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.paths.path_set import DIFFUSE, SPECULAR
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.propagation.tracing.solver_aside import SolverAside
from visrftwin_ros.scene.changes import SceneChange
from visrftwin_ros.site.frames import Pose
from visrftwin_ros.site.model import Box
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.static_twin import (
    StaticTwin,
    configured,
    searched,
    with_access_point,
    with_materials,
    with_scene_change,
)

GLASS, CONCRETE = (material_values(name, FREQUENCY) for name in ("glass", "concrete"))
ELSEWHERE = (9.0, -7.0, 1.0)
MOVE = SceneChange(moved={"kiosk": Pose(np.array([1.0, -4.0, 0.0]), Rotation.identity())})
CHANGES = {
    "material": (with_materials, {"floor": GLASS}),
    "surface": (with_scene_change, MOVE),
    "access point": (with_access_point, "ap_b", False),
}


@pytest.fixture(scope="module")
def twin() -> StaticTwin:
    return configured(small_site(), None, "auto", {})


@pytest.fixture(scope="module")
def fresh() -> StaticTwin:
    """A twin that was so from the start."""
    scene = [surface.model_dump() for surface in small_site().scene]
    scene[0]["material"], scene[2]["center"] = "glass", ELSEWHERE
    return configured(small_site(scene=scene), None, "auto", {})


@pytest.fixture
def solver_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Solves of changes in this process: no time for another."""
    monkeypatch.setattr(SolverAside, "__call__", lambda _, *arguments: solve(*arguments))


def engine_of_small_site() -> TwinEngine:
    return TwinEngine(small_site(), None, threads=2)


def link_powers_db(twin: StaticTwin) -> np.ndarray:
    """(L,) of each link's paths without a random reflection."""
    paths = twin.standing.select(~(twin.standing.interactions == DIFFUSE).any(axis=1))
    return 10 * np.log10(np.bincount(paths.link, paths.power, len(paths.links)))


@pytest.mark.parametrize("order", list(permutations(CHANGES)), ids=" ".join)
def test_no_change_forgets_another_in_whatever_order(
    twin: StaticTwin, fresh: StaticTwin, order: tuple[str, ...]
) -> None:
    changed = twin
    for name in order:
        make, *arguments = CHANGES[name]
        changed = make(changed, *arguments)
    assert changed.material_of("floor") == GLASS and changed.materials == {"floor": GLASS}
    assert changed.silent == {"ap_b"}
    np.testing.assert_array_equal(changed.meshes[2].vertices, fresh.meshes[2].vertices)
    assert changed.site.scene[2].center == ELSEWHERE
    np.testing.assert_allclose(link_powers_db(changed), link_powers_db(fresh), atol=0.05)
    assert np.abs(link_powers_db(changed) - link_powers_db(twin)).max() > 0.5
    # The value that it all came from is still what it was.
    assert twin.materials == {} and twin.silent == frozenset()
    assert twin.material_of("floor").name == "concrete"


def test_a_material_that_is_set_back_gives_the_same_bits(twin: StaticTwin) -> None:
    """Also by way of one that does not scatter, over which a scattered path has no field."""
    there = with_materials(twin, {"floor": GLASS})
    on_floor = (there.standing.objects == 0) & (there.standing.interactions == DIFFUSE)
    assert on_floor.any() and (there.standing.power[on_floor.any(axis=1)] == 0).all()
    back = with_materials(there, {"floor": twin.material_of("floor")})
    np.testing.assert_array_equal(back.standing.transfer, twin.standing.transfer)


def test_what_did_not_scatter_when_it_was_traced_is_searched_again(twin: StaticTwin) -> None:
    rough = with_materials(twin, {"kiosk": CONCRETE})
    assert rough.unsearched == ("kiosk",)

    def scattered(some: StaticTwin) -> float:
        paths = some.standing
        on = (paths.interactions == DIFFUSE) & (paths.objects == 2)
        return float(paths.power[on.any(axis=1)].sum())

    assert scattered(rough) == 0
    found = searched(with_access_point(rough, "ap_b", False))
    assert scattered(found) > 0
    assert found.unsearched == () and searched(found) is found
    assert found.silent == {"ap_b"} and found.materials == {"kiosk": CONCRETE}
    np.testing.assert_allclose(link_powers_db(found), link_powers_db(rough), atol=0.05)


def test_two_surfaces_of_one_name_have_each_its_own_values(twin: StaticTwin) -> None:
    """In the tracer as in the formulas by which a field is valued again."""
    odd = replace(GLASS, name="brick", thickness_spread=0.0)
    assert twin.material_of("house").name == "brick"
    changed = with_materials(twin, {"floor": odd})
    solved = configured(small_site(), None, "auto", {"floor": odd})
    assert [mesh.material.name for mesh in solved.meshes[:2]] == ["brick", "brick"]

    def mirrored_db(some: StaticTwin, surface: int) -> float:
        """Of the paths that this surface alone mirrors."""
        paths = some.standing
        once = (paths.interactions[:, 0] == SPECULAR) & (paths.n_vertices == 3)
        return float(10 * np.log10(paths.power[once & (paths.objects[:, 0] == surface)].sum()))

    for surface in (0, 1):
        assert mirrored_db(solved, surface) == pytest.approx(
            mirrored_db(changed, surface), abs=0.02
        )
    assert mirrored_db(solved, 1) == pytest.approx(mirrored_db(twin, 1), abs=0.02)
    assert abs(mirrored_db(solved, 0) - mirrored_db(twin, 0)) > 0.5


def test_updates_go_on_with_the_old_twin_until_the_next_is_whole() -> None:
    engine, go_on = engine_of_small_site(), threading.Event()
    before = engine.update(0, people((3.0, 2.0)))

    def slowly(twin: StaticTwin) -> StaticTwin:
        made = with_materials(twin, {"floor": GLASS})
        assert go_on.wait(60)
        return made

    first = engine.change(slowly)
    second = engine.change(with_access_point, "ap_b", False)
    for tick in range(1, 4):
        state = engine.update(tick, people((3.0, 2.0)))
        np.testing.assert_array_equal(state.metrics.path_loss_db, before.metrics.path_loss_db)
        assert not state.retraced.any() and set(state.fault) == {""}
    go_on.set()
    assert first.result(60).silent == frozenset() and second.result(60).silent == {"ap_b"}
    after = engine.update(5, people((3.0, 2.0)))
    assert after.retraced.all() and engine.twin.materials == {"floor": GLASS}
    off = np.array([ap == "ap_b" for ap, _ in after.links])
    assert [fault == "ap_b is off" for fault in after.fault] == off.tolist()
    assert (after.metrics.path_loss_db != before.metrics.path_loss_db).all()
    engine.close()


def test_a_change_that_fails_leaves_everything_as_it_was(
    solver_here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of_small_site()
    set_up = {"floor": GLASS, "kiosk": CONCRETE}
    engine.change(with_materials, set_up).result(60)
    engine.change(with_access_point, "ap_b", False).result(60)
    crowd = people((3.0, 2.0))
    engine.update(0, crowd)
    before, twin = engine.update(1, crowd), engine.twin

    def failing(*_: object) -> None:
        raise TwinError("Sionna RT could not solve 6 link(s): out of memory")

    with monkeypatch.context() as broken:
        broken.setattr(SolverAside, "__call__", failing)
        with pytest.raises(TwinError, match="out of memory"):
            engine.change(searched).result(60)
    with pytest.raises(TwinError, match="no surface sofa"):
        engine.change(with_scene_change, SceneChange(vanished=frozenset({"sofa"}))).result(60)
    assert engine.twin is twin
    after = engine.update(2, crowd)
    np.testing.assert_array_equal(after.metrics.path_loss_db, before.metrics.path_loss_db)
    assert not after.retraced.any() and after.fault == before.fault
    # Asked again it works, and what was set before it stays set.
    engine.change(searched).result(60)
    assert engine.twin.materials == set_up and engine.twin.silent == {"ap_b"}
    assert engine.update(3, crowd).retraced.all()
    engine.close()


def test_an_engine_that_is_closed_waits_for_no_solve() -> None:
    engine = engine_of_small_site()
    engine.change(with_materials, {"kiosk": CONCRETE}).result(60)
    searching = engine.change(searched)
    while not searching.running():
        time.sleep(0.01)
    engine.close()
    assert isinstance(searching.exception(0), TwinError)
    assert np.isfinite(engine.update(0, nobody()).metrics.path_loss_db).all()


def test_what_comes_back_is_as_it_was_bit_by_bit(twin: StaticTwin) -> None:
    """However often it moved meanwhile, and with a material that was set while it was gone."""
    there = with_scene_change(twin, MOVE)
    gone = with_scene_change(there, SceneChange(vanished=frozenset({"kiosk"})))
    assert [mesh.name for mesh in gone.meshes] == ["floor", "house"]
    with pytest.raises(TwinError, match="no surface 'kiosk'"):
        gone.material_of("kiosk")
    back = with_scene_change(with_materials(gone, {"kiosk": GLASS}), SceneChange())
    assert back.material_of("kiosk") == GLASS and back.site.scene == twin.site.scene
    again = with_materials(back, {"kiosk": twin.material_of("kiosk")})
    for name in ("vertices", "transfer", "objects", "delay"):
        np.testing.assert_array_equal(getattr(again.standing, name), getattr(twin.standing, name))


def test_links_that_a_change_does_not_touch_are_the_same_and_say_so() -> None:
    """A crate behind the house, where no link reaches, and one in the way of a single link."""
    engine = engine_of_small_site()
    before = engine.update(0, nobody())
    crate = Box(name="crate", kind="box", center=(0, 25, 0.5), size=(1, 1, 1), material="metal")
    engine.change(with_scene_change, SceneChange(appeared=(crate,))).result(60)
    after = engine.update(1, nobody())
    untouched = ~after.retraced
    assert untouched.any()
    for name in ("path_loss_db", "delay_spread"):
        was, now = (getattr(state.metrics, name) for state in (before, after))
        np.testing.assert_array_equal(now[untouched], was[untouched])
    way = crate.model_copy(update={"center": (8.5, -5.5, 1.0), "size": (0.3, 3.0, 2.0)})
    engine.change(with_scene_change, SceneChange(appeared=(way,))).result(60)
    blocked = engine.update(2, nobody())
    link = blocked.links.index(("ap_a", "r3"))
    assert blocked.retraced[link]
    assert blocked.metrics.path_loss_db[link] > before.metrics.path_loss_db[link] + 6
    engine.change(with_scene_change, SceneChange()).result(60)
    again = engine.update(3, nobody())
    np.testing.assert_array_equal(again.metrics.path_loss_db, before.metrics.path_loss_db)
    engine.close()
