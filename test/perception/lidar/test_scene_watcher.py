"""Furniture that was moved, came or went, and people, who are no furniture."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from furnished_room import TABLE, box_of, furnished_room, moved, opened, rebuilt
from room_lidar import MAST, sweep

from visrftwin_ros.perception.lidar.furniture import movable_things
from visrftwin_ros.perception.lidar.scene_watcher import SceneWatcher
from visrftwin_ros.scene.changes import SceneChange, SeenChange, all_of, moved_surface
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Box, Site

ROOM = furnished_room()
STEP = 0.25
"""s between sweeps."""
Place = Callable[[float], tuple[Site, Sequence[tuple[float, float]]]]
AWAY = SceneChange(vanished=frozenset(TABLE))
CRATE = Box(
    name="crate", kind="box", center=(5.0, 2.4, 0.3), size=(0.9, 0.6, 0.6), yaw=0.4, material="wood"
)


class Watched:
    """A watcher that is shown a place; `told` is each answer with its time, s."""

    def __init__(self, origin: np.ndarray = MAST) -> None:
        self.watcher, self.time, self.origin = SceneWatcher(ROOM, "mast"), 0.0, origin
        self.told: list[tuple[float, tuple[SeenChange, ...]]] = []

    def shown(
        self,
        site: Site,
        seconds: float,
        people: Sequence[tuple[float, float]] = (),
        tracked: Sequence[tuple[float, float]] | None = (),
    ) -> tuple[SeenChange, ...]:
        """What it says at the end."""
        for _ in range(round(seconds / STEP)):
            points = sweep(site, round(self.time * 1000), people, self.origin)
            known = None if tracked is None else np.array(tracked, float).reshape(-1, 2)
            self.watcher.look(points, self.origin, round(self.time * 1e9), known)
            self.told.append((self.time, self.watcher.changes))
            self.time += STEP
        return self.watcher.changes


def corners_apart(change: SceneChange, true: SceneChange, name: str) -> float:
    """m, the most by which a corner of a moved surface is elsewhere than it truly is; a box that is turned by
    half a turn is the same."""

    def corners(one: SceneChange) -> np.ndarray:
        site = ROOM.model_copy(
            update={"scene": [moved_surface(box_of(ROOM, name), one.moved[name])]}
        )
        return surface_meshes(site)[0].vertices

    apart = np.linalg.norm(corners(change)[:, None] - corners(true), axis=2)
    return float(apart.min(axis=1).max())


def test_a_table_that_was_carried_is_found_within_three_seconds() -> None:
    there = moved(ROOM, TABLE, (5.2, 3.0), 0.6)
    watched = Watched()
    assert watched.shown(ROOM, 1.5) == ()
    watched.shown(rebuilt(ROOM, AWAY), 1.5)
    put_down = watched.time
    seen = all_of(watched.shown(rebuilt(ROOM, there), 3.0))
    assert set(seen.moved) == set(TABLE) and not seen.vanished and not seen.appeared
    assert max(corners_apart(seen, there, name) for name in TABLE) < 0.1
    first = next(
        time
        for time, told in watched.told
        if {one.surface for one in told} == set(TABLE) and told[0].motion
    )
    assert first - put_down <= 2.5
    assert abs(watched.watcher.changes[0].since_ns * 1e-9 - put_down) <= 0.75
    assert all(one.seen_by == ("mast",) and one.confidence > 0.5 for one in watched.watcher.changes)
    # It comes back.
    assert watched.shown(ROOM, 3.5) == ()


def test_an_opened_door_turned_about_its_hinge() -> None:
    there = opened(ROOM, -1.3)
    watched = Watched()
    watched.shown(ROOM, 1.5)
    seen = all_of(watched.shown(rebuilt(ROOM, there), 3.5))
    assert set(seen.moved) == {"door"} and not seen.appeared
    assert corners_apart(seen, there, "door") < 0.1


def test_what_goes_out_of_sight_is_gone_and_what_comes_is_a_box() -> None:
    watched = Watched()
    watched.shown(ROOM, 1.5)
    both = SceneChange(vanished=frozenset(TABLE), appeared=(CRATE,))
    seen = all_of(watched.shown(rebuilt(ROOM, both), 5.5))
    assert seen.vanished == set(TABLE) and not seen.moved
    (box,) = seen.appeared
    assert box.material == ""
    np.testing.assert_allclose(box.center, CRATE.center, atol=0.12)
    np.testing.assert_allclose(np.sort(box.size), np.sort(CRATE.size), atol=0.15)


def test_a_half_seen_table_is_still_that_table() -> None:
    """Of which a screen hides one end."""
    screen = Box(
        name="screen", kind="box", center=(4.1, 3.0, 0.8), size=(0.05, 1.0, 1.6), material="wood"
    )
    there = moved(ROOM, TABLE, (5.2, 2.75), 0.0)
    site = rebuilt(ROOM, SceneChange(moved=there.moved, appeared=(screen,)))
    watched = Watched()
    watched.shown(ROOM, 1.5)
    seen = all_of(watched.shown(site, 3.0))
    assert set(seen.moved) == set(TABLE)
    assert corners_apart(seen, there, "table_top") < 0.25


@pytest.mark.parametrize("tracked", [True, False], ids=["tracked", "lost"])
def test_a_person_who_stands_still_never_becomes_furniture(tracked: bool) -> None:
    stands = [(5.0, 2.6)]
    watched = Watched()
    watched.shown(ROOM, 1.5)
    assert watched.shown(ROOM, 8.0, people=stands, tracked=stands if tracked else ()) == ()


def test_without_a_tracker_nothing_new_is_taken_for_furniture() -> None:
    watched = Watched()
    watched.shown(ROOM, 1.5, tracked=None)
    crate = rebuilt(ROOM, SceneChange(appeared=(CRATE,)))
    assert watched.shown(crate, 5.0, tracked=None) == ()


def test_people_who_walk_about_change_nothing() -> None:
    watched = Watched()
    for step in range(32):
        where = [(1.0 + 0.16 * step, 3.3), (5.5 - 0.1 * step, 1.2)]
        assert watched.shown(ROOM, STEP, people=where, tracked=where) == ()


def test_furniture_is_what_stands_in_a_room_in_pieces_that_belong_together() -> None:
    site = load_site("lobby")
    things = {thing.surfaces for thing in movable_things(site, surface_meshes(site))}
    assert ("coffee_table", "coffee_table_foot") in things
    assert ("seats_north",) in things and ("seats_table", "seats_table_foot") in things
    assert "sofa_c_arm_left" in next(names for names in things if "sofa_c_seat" in names)
    assert not {"floor", "south_wall", "pillar", "partition_south"} & {n for t in things for n in t}
