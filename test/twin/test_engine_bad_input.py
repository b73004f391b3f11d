"""Degenerate places and devices: an error, or a flagged link, and the others unharmed."""

import numpy as np
import pytest
from made_up import people, polylines, small_site
from pydantic import ValidationError

from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.people.people_update import PeopleUpdate
from visrftwin_ros.propagation.tracing import cached_solver
from visrftwin_ros.twin.engine import TwinEngine


def configured(**changes: object) -> TwinEngine:
    return TwinEngine(small_site(**changes), None, threads=2)


@pytest.mark.parametrize(
    "place",
    [{"position": (0, 12)}, {"position": (0, -10), "antenna_height": 3.0}],
    ids=["inside the house", "where the access point is"],
)
def test_a_robot_in_an_impossible_place_leaves_the_others_alone(place: dict[str, object]) -> None:
    engine = configured(robots=[{"name": "odd", **place}, {"name": "r2", "position": (-5, -3)}])
    state = engine.update(0, people((-3.0, -5.0)))
    fine = [i for i, (_, robot) in enumerate(state.links) if robot == "r2"]
    assert np.isfinite(state.metrics.path_loss_db[fine]).all()
    assert not np.isnan(state.metrics.path_loss_db).any()
    for i in range(len(state.links)):
        paths = state.paths(i)
        assert paths is not None and np.isfinite(paths.power).all()


def test_a_body_appears_inside_a_path_of_no_length() -> None:
    here = polylines([(1, 1, 1), (1, 1, 1)], [(0, 0, 1), (5, 0, 1)], links=(0, 1))
    found = PeopleUpdate(here, 0.005).update(people((1.0, 1.0), (2.0, 0.0)))
    assert found.field[0] == 1
    assert abs(found.field[1]) < 0.5


def test_an_empty_scene_and_a_material_out_of_range_are_refused() -> None:
    with pytest.raises(ValidationError, match="at least 1"):
        small_site(scene=[])
    with pytest.raises(ValidationError, match="relative_permittivity"):
        small_site(materials={"odd": {"relative_permittivity": 0.5, "conductivity": 0}})


def test_without_paths_there_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> None:
        raise TwinError("Sionna RT could not solve 6 link(s): out of memory")

    monkeypatch.setattr(cached_solver, "solve", failing)
    with pytest.raises(TwinError, match="out of memory"):
        configured()
