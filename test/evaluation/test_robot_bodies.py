"""Robots are in the way off line as they are on the graph: from the site, or where they received."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visrftwin_ros.campaign.snapshot import Campaign, Snapshot, no_paths
from visrftwin_ros.evaluation.evaluation import _people
from visrftwin_ros.evaluation.results import Options
from visrftwin_ros.evaluation.robot_bodies import RecordedRobots
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.chassis import RobotBodies

SECOND = 1_000_000_000
TUG = {"size": (1.0, 0.7, 0.5), "height": 0.1}


def yard() -> Site:
    """One robot stands, one drives, one is where TF says; and one on TF that has no body."""
    path = {"waypoints": [(0, -6), (0, 6)], "speed": 1.0}
    robots: list[dict[str, Any]] = [
        {"name": "stands", "position": (5, 1), "chassis": TUG},
        {"name": "drives", "path": path, "chassis": TUG},
        {"name": "roves", "chassis": TUG},
        {"name": "bare"},
    ]
    scene = [{"name": "floor", "kind": "ground", "size": (60, 60), "material": "concrete"}]
    aps = [{"name": "ap", "position": (-8, 0, 3)}]
    return Site.model_validate(
        {"name": "yard", "scene": scene, "access_points": aps, "robots": robots}
    )


def snapshot(rx: str, seconds: float, x: float) -> Snapshot:
    stamp, place = round(seconds * SECOND), np.array([x, 2.0, 1.2])
    known = Snapshot(stamp, "ap", rx, 60e9, 2e9, no_paths())
    return replace(known, rx_position=place, rx_yaw=0.5)


SNAPSHOTS = (
    snapshot("roves", 10.0, 1.0),
    snapshot("bare", 10.0, 3.0),
    snapshot("roves", 10.4, 2.0),
)


def test_what_the_site_places_is_there_at_any_time_as_on_the_graph() -> None:
    site = yard()
    there, live = (
        RecordedRobots(site, SNAPSHOTS).at(3 * SECOND),
        RobotBodies(site).at(3 * SECOND, {}),
    )
    assert there.ids == live.ids == ("stands/chassis", "drives/chassis")
    assert there.position == pytest.approx(live.position)


@pytest.mark.parametrize(("seconds", "x"), [(9.8, 1.0), (10.2, 1.0), (10.5, 2.0), (11.5, None)])
def test_a_robot_on_tf_is_where_its_snapshots_have_it_for_half_a_second(
    seconds: float, x: float | None
) -> None:
    there = RecordedRobots(yard(), SNAPSHOTS).at(round(seconds * SECOND))
    assert there.ids[2:] == (() if x is None else ("roves/chassis",))
    if x is not None:
        assert there.position[2] == pytest.approx([x, 2.0, 0.1])
        assert there.heading[2] == 0.5


def test_an_evaluation_has_the_robots_whoever_the_people_are() -> None:
    campaign = Campaign(Path("bag"), {}, SNAPSHOTS)
    for people in ("truth", "none"):
        timeline, _ = _people(campaign, yard(), Options(people=people))
        assert "roves/chassis" in timeline.at(10 * SECOND).ids
