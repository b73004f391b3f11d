"""Radio maps: their cells have the path loss of links there, and know who is best."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import people

from visrftwin_ros.bodies.people import nobody
from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.scene.visibility import Visibility
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin import map_solver
from visrftwin_ros.twin.map_solver import MapSolver
from visrftwin_ros.twin.on_demand_links import PeopleModel, channels_of
from visrftwin_ros.twin.radio_map import MOST_CELLS, MapGrid, MapQuestion, RadioMap

CROWD = people((4.0, 1.2), (-17.5, -17.5), height=1.9)
HOUSE, BODY = (8, 6), (2, 2)
"""Rows and columns of the cells at (2.5, 12.5) and (-17.5, -17.5) m."""


class Maps:
    def __init__(self, site: Site) -> None:
        self.site, self.meshes = site, surface_meshes(site)
        self.model = PeopleModel(site.radio.frequency, materials=site.materials)
        self.grid = MapGrid.over(self.meshes, 1.2, 5.0)
        self.solver = MapSolver()

    def of(self, *aps, bodies=CROWD, **asked) -> RadioMap:
        question = MapQuestion.checked(
            self.site, self.meshes, self.model, aps, self.grid, bodies, 3, **asked
        )
        return RadioMap.of(question, [self.solver.tile(question, t) for t in question.tiles])

    def links(self, ap: str, places, bodies) -> np.ndarray:
        """Path loss of links solved for themselves alone."""
        position = next(one.position for one in self.site.access_points if one.name == ap)
        ends = (
            Devices((ap,), np.array([position], float)),
            Devices(tuple(f"r{i}" for i in range(len(places))), np.array(places, float)),
        )
        paths = solve(self.meshes, *ends, self.model.frequency, self.site.propagation)
        state = channels_of(paths, *ends, bodies, 3, Visibility(self.meshes), self.model)
        return state.metrics.path_loss_db


@pytest.fixture(scope="module")
def maps(site: Site) -> Maps:
    return Maps(site)


@pytest.fixture(scope="module")
def both(maps: Maps) -> RadioMap:
    return maps.of()


def test_a_cell_has_the_path_loss_of_a_link_that_is_solved_for_it_alone(
    maps: Maps, both: RadioMap
) -> None:
    loss = both.loss_db[..., 0]
    assert both.aps == ("ap_a", "ap_b") and loss.shape == (12, 12) and both.stamp_ns == 3
    lit = np.argwhere(loss < 110)
    some = lit[np.linspace(0, len(lit) - 1, 6).astype(int)]
    places = [[5.0 * x - 27.5, 5.0 * y - 27.5, 1.2] for y, x in some]
    alone = maps.links("ap_a", places, CROWD)
    np.testing.assert_allclose(loss[tuple(some.T)], alone, atol=0.3)


def test_nothing_is_within_walls_and_people(both: RadioMap) -> None:
    for cell in (HOUSE, BODY):
        assert np.isnan(both.loss_db[cell]).all() and both.best_ap[cell] == -1
        assert np.isnan(both.best_loss_db[cell])
    free = np.isfinite(both.loss_db)
    assert free.mean() > 0.8 and both.loss_db[free].min() > 60 and both.loss_db[free].max() < 300


def test_the_strongest_access_point_of_a_cell_is_named(both: RadioMap) -> None:
    filled = np.nan_to_num(both.loss_db, nan=np.inf)
    ap_b_is = filled[..., 1] < filled[..., 0]
    assert (both.best_ap[ap_b_is] == 1).all() and 0 < ap_b_is.mean() < 1
    np.testing.assert_array_equal(both.best_loss_db[ap_b_is], both.loss_db[..., 1][ap_b_is])


def test_the_next_map_with_other_people_shoots_no_ray(
    maps: Maps, both: RadioMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visrftwin_ros.twin.map_solver.solve", None)
    alone = maps.of(bodies=nobody())
    assert np.isfinite(alone.loss_db[BODY]).all() and np.isnan(alone.loss_db[HOUSE]).all()
    again = maps.of()
    np.testing.assert_allclose(again.loss_db, both.loss_db, atol=1e-6)


def test_outage_is_sure_where_nothing_serves_and_likelier_with_a_higher_rate(maps: Maps) -> None:
    people_there = people((4.0, 1.2))
    covariance = np.diag([0.04, 0.04, 0.2, 0.2])[None]
    asked = {"bodies": people_there, "covariance": covariance}
    low = maps.of(outage_rate=1e6, **asked).outage
    high = maps.of(outage_rate=2e9, **asked).outage
    assert low is not None and high is not None
    free = np.isfinite(low)
    assert ((low >= 0) & (low <= 1))[free].all() and (low <= high)[free].all()
    assert 0 < np.mean(low[free]) < np.mean(high[free]) < 1
    assert (maps.of(outage_rate=1e12, **asked).outage[free] == 1).all()
    assert np.isnan(low[HOUSE]) and maps.of().outage is None


def test_only_the_tiles_asked_for_are_drawn(maps: Maps) -> None:
    found = maps.of("ap_a", tiles=[0])
    assert np.isfinite(found.loss_db[:8, :8]).mean() > 0.9
    assert np.isnan(found.loss_db[8:]).all() and np.isnan(found.loss_db[:, 8:]).all()


def test_what_is_around_a_place_ends_at_the_grids_border(maps: Maps) -> None:
    corner = maps.grid.near(np.array([-29.0, 0.0, 1.2]), 2)
    assert corner.tolist() == [[0, 3], [4, 9]]
    outside = maps.grid.near(np.array([500.0, 0.0, 1.2]), 2)
    assert outside[0, 0] == outside[0, 1]


@pytest.mark.parametrize(
    ("height", "cell", "said"),
    [
        (np.nan, 5.0, "height is nan"),
        (-1.0, 5.0, "height is -1"),
        (1.0, 0.0, "cell is 0"),
        (1.0, np.nan, "cell is nan"),
        (1.0, 0.1, f"more than {MOST_CELLS}: take cells of 1.6 m or more"),
        (1.0, 1e-300, f"more than {MOST_CELLS}"),
    ],
)
def test_grids_that_cannot_be_drawn_are_refused(
    maps: Maps, height: float, cell: float, said: str
) -> None:
    with pytest.raises(TwinError, match=said):
        MapGrid.over(maps.meshes, height, cell)


def test_the_smallest_cell_that_is_advised_is_taken(maps: Maps) -> None:
    assert len(MapGrid.over(maps.meshes, 1.0, 1.6).centres) <= MOST_CELLS


def test_questions_about_strangers_and_rates_that_are_none_are_refused(maps: Maps) -> None:
    with pytest.raises(TwinError, match="no access point 'ap_z'; the site has ap_a, ap_b"):
        maps.of("ap_z")
    with pytest.raises(TwinError, match="outage_rate is nan"):
        maps.of(outage_rate=float("nan"))


def test_a_map_is_kept_for_the_next_run_until_the_place_changes(
    maps: Maps, both: RadioMap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = MapQuestion.checked(
        maps.site, maps.meshes, maps.model, ("ap_a",), maps.grid, CROWD, 3
    )
    tile = question.tiles[0]
    first = MapSolver(folder=tmp_path).tile(question, tile)
    assert list(tmp_path.iterdir())

    def never(*_: object, **__: object) -> None:
        raise AssertionError("paths were looked for again")

    monkeypatch.setattr(map_solver, "mirror_paths", never)
    again = MapSolver(folder=tmp_path).tile(question, tile)
    np.testing.assert_array_equal(first.loss_db, again.loss_db)
    wall = maps.site.scene[0].model_copy(update={"material": "glass"})
    other = maps.site.model_copy(update={"scene": [wall, *maps.site.scene[1:]]})
    changed = replace(question, site=other, meshes=surface_meshes(other))
    with pytest.raises(AssertionError, match="looked for again"):
        MapSolver(folder=tmp_path).tile(changed, tile)
