"""Robots' own bodies in the live twin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from made_up import boxes, people
from pydantic import ValidationError

from visrftwin_ros.bodies.people import nobody
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.chassis import RobotBodies
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.mounts import RobotPose

SECOND = 1_000_000_000
TUG = {"size": (1.0, 0.7, 0.5), "height": 0.1}
TRUCK = {"size": (3.0, 1.6, 1.1)}


def hall(**robots: dict[str, Any]) -> Site:
    """A floor and one access point, low on a mast; robots by name."""
    return Site.model_validate(
        {
            "name": "hall",
            "propagation": {"samples": 5000, "max_depth": 1, "diffuse": False},
            "scene": [
                {"name": "floor", "kind": "ground", "size": (60, 60), "material": "concrete"}
            ],
            "access_points": [{"name": "ap", "position": (-8, 0, 1.0)}],
            "robots": [{"name": name, **entries} for name, entries in robots.items()],
        }
    )


@pytest.fixture(scope="module")
def engine() -> Iterator[TwinEngine]:
    """`near` drives to and fro across the way from the access point to `far`."""
    path = {"waypoints": [(0, -6), (0, 6)], "speed": 1.0}
    site = hall(
        near={"path": path, "antenna_height": 2.0, "chassis": TRUCK},
        far={"position": (8, 0), "antenna_height": 1.0, "chassis": TUG},
    )
    made = TwinEngine(site, threads=2)
    yield made
    made.close()


def shadow(engine: TwinEngine, seconds: float, rx: str = "far") -> float:
    state = engine.update(round(seconds * SECOND), nobody())
    return float(state.metrics.shadow_loss_db[state.links.index(("ap", rx))])


def test_a_robot_that_drives_across_shadows_the_link_of_another(engine: TwinEngine) -> None:
    fades = [shadow(engine, t) for t in (0.0, 6.0, 12.0)]
    assert fades[1] > 10
    # Aside, its metal front mirrors the access point: the link has more than without it.
    assert -4 < fades[0] < 0.1 and -4 < fades[2] < 0.1


def test_its_own_chassis_does_not_shadow_the_antenna_above_it(engine: TwinEngine) -> None:
    state = engine.update(6 * SECOND, nobody())
    assert state.fault == ("", "")
    assert abs(shadow(engine, 6.0, "near")) < 1.0


def test_a_chassis_is_named_among_what_blocks(engine: TwinEngine) -> None:
    state = engine.update(6 * SECOND, people((20.0, 20.0)))
    paths = state.paths(state.links.index(("ap", "far")))
    assert paths is not None
    blockers = {name for names in paths.blocked_by for name in names}
    assert "near/chassis" in blockers


def test_forecasts_keep_the_robots_where_they_are(engine: TwinEngine) -> None:
    engine.update(6 * SECOND, nobody())
    now = shadow(engine, 6.0)
    ahead = engine.forecast(nobody())
    row = engine.links.index(("ap", "far"))
    assert ahead.mean_db[row] == pytest.approx(now, abs=1.5)
    engine.update(0, nobody())
    assert engine.forecast(nobody()).mean_db[row] == pytest.approx(0, abs=0.2)
    coming = boxes((0.0, -8.0), heading=np.pi / 2)
    coming = type(coming)(**vars(coming) | {"velocity": np.array([[0.0, 8.0, 0.0]])})
    assert engine.forecast(coming).mean_db[row, 4] > 10


def test_without_an_entry_robots_are_no_boxes() -> None:
    assert len(RobotBodies(hall(far={"position": (8, 0)})).at(0, {})) == 0


def test_a_chassis_stands_about_its_robots_base_wherever_that_comes_from() -> None:
    site = hall(
        stands={"position": (8, 1), "yaw": 0.3, "chassis": TUG},
        drives={"path": {"waypoints": [(0, 0), (4, 0)], "speed": 2.0}, "chassis": TUG},
        roams={"chassis": TUG | {"material": "wood"}},
        lost={"chassis": TUG},
    )
    bodies = RobotBodies(site)
    found = bodies.at(SECOND, {"roams": RobotPose(np.array([5.0, 5.0, 2.0]), 1.0)})
    assert found.ids == ("stands/chassis", "drives/chassis", "roams/chassis")
    expected = [[8, 1, 0.1], [2, 0, 0.1], [5, 5, 2.1]]
    np.testing.assert_allclose(found.position, expected, atol=1e-6)
    assert found.heading.tolist() == [0.3, 0.0, 1.0]
    assert found.material == ("metal", "metal", "wood")
    assert found.is_box.all()
    assert (found.depth[0], found.width[0], found.height[0]) == (1.0, 0.7, 0.5)
    np.testing.assert_allclose(found.velocity, [[0, 0, 0], [2, 0, 0], [0, 0, 0]], atol=1e-9)
    later = bodies.at(SECOND * 3 // 2, {"roams": RobotPose(np.array([5.0, 6.0, 2.0]), 1.0)})
    np.testing.assert_allclose(later.velocity[2], [0, 2, 0], atol=1e-9)


def test_an_antenna_inside_its_chassis_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"antenna_height 0.5 m is not above the chassis"):
        hall(far={"position": (8, 0), "antenna_height": 0.5, "chassis": TUG})


@pytest.mark.parametrize("size", [(0.0, 1.0, 1.0), (1.0, float("nan"), 1.0), (1.0, 1.0)])
def test_a_chassis_without_a_size_is_refused(size: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError, match="size"):
        hall(far={"position": (8, 0), "chassis": {"size": size}})


def test_a_chassis_of_a_material_nobody_knows_is_refused() -> None:
    site = hall(far={"position": (8, 0), "chassis": TUG | {"material": "mtal"}})
    with pytest.raises(
        TwinError, match=r"chassis of robot 'far': unknown material 'mtal'; did you mean metal"
    ):
        RobotBodies(site)
