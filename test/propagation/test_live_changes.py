from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from made_up import FREQUENCY, people, small_site

from visrftwin_ros.bodies.people import nobody
from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation import discovery
from visrftwin_ros.propagation.engine import TwinEngine
from visrftwin_ros.propagation.path_set import DIFFUSE
from visrftwin_ros.propagation.visibility import Visibility

GLASS = material_values("glass", FREQUENCY)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """How often the tracer solved, and how often rays were shot."""
    count = {"solves": 0, "rays": 0}
    solve, first_hit = discovery.solve, Visibility.first_hit

    def counted_solve(*arguments: object) -> object:
        count["solves"] += 1
        return solve(*arguments)

    def counted_hit(*arguments: object) -> object:
        count["rays"] += 1
        return first_hit(*arguments)

    monkeypatch.setattr(discovery, "solve", counted_solve)
    monkeypatch.setattr(Visibility, "first_hit", counted_hit)
    yield count


def configured(**changes: object) -> TwinEngine:
    engine = TwinEngine(small_site(**changes), None, threads=2)
    engine.configure()
    return engine


def test_a_new_material_changes_fields_and_shoots_no_ray(calls: dict[str, int]) -> None:
    engine = configured()
    before = engine.update(0, nobody())
    assert calls["solves"] == 1
    rays = calls["rays"]
    engine.set_material("floor", GLASS)
    after = engine.update(1, nobody())
    assert calls == {"solves": 1, "rays": rays}
    assert engine.solver_calls == 1
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


def test_an_access_point_goes_off_and_on_without_a_solve(calls: dict[str, int]) -> None:
    engine = configured()
    before = engine.update(0, people((3.0, 2.0)))
    engine.switch_access_point("ap_a", False)
    off = engine.update(1, people((3.0, 2.0)))
    silent = np.array([tx == "ap_a" for tx, _ in off.links])
    assert np.isinf(off.metrics.path_loss_db[silent]).all()
    assert [fault == "ap_a is off" for fault in off.fault] == silent.tolist()
    assert off.paths(int(np.flatnonzero(silent)[0])) is None
    np.testing.assert_array_equal(
        off.metrics.path_loss_db[~silent], before.metrics.path_loss_db[~silent]
    )
    assert off.retraced.tolist() == silent.tolist()
    engine.switch_access_point("ap_a", True)
    again = engine.update(2, people((3.0, 2.0)))
    np.testing.assert_array_equal(again.metrics.path_loss_db, before.metrics.path_loss_db)
    assert calls["solves"] == 1


def test_moved_furniture_is_solved_once_more(calls: dict[str, int]) -> None:
    engine = configured()
    before = engine.update(0, nobody())
    engine.move_surface("kiosk", (9.0, -7.0, 1.0))
    after = engine.update(1, nobody())
    assert calls["solves"] == 2
    assert (before.metrics.path_loss_db != after.metrics.path_loss_db).any()


def test_changes_of_what_is_not_there_name_what_is() -> None:
    engine = configured()
    with pytest.raises(TwinError, match=r"no surface .sofa.*kiosk"):
        engine.set_material("sofa", GLASS)
    with pytest.raises(TwinError, match="no access point 'ap_x'"):
        engine.switch_access_point("ap_x", False)


def test_a_moved_surface_of_a_mesh_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wall.obj").write_text("v 0 0 0\nv 4 0 0\nv 4 0 3\nv 0 0 3\nf 1 2 3\nf 1 3 4\n")
    wall = {"name": "wall", "kind": "mesh", "file": "wall.obj", "material": "glass"}
    engine = configured(scene=[wall], folder=tmp_path)
    with pytest.raises(TwinError, match="mesh file"):
        engine.move_surface("wall", (0.0, 0.0, 0.0))
