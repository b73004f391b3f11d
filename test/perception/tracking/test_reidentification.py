"""Who is taken for somebody that is out of sight, and who is not."""

from __future__ import annotations

import numpy as np
import pytest
from many_cameras import Path, line, looking_at, seen_by

from visrftwin_ros.cameras.pinhole import PinholeCamera
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import PeopleTracker

NORTH = looking_at("north", (0.0, 14.0, 4.0), (0.0, 0.0))
SOUTH = looking_at("south", (0.0, -14.0, 4.0), (0.0, 0.0))
LOOK = np.eye(1, 128)
STANDING, ELSEWHERE = line((0.0, 0.0), (0.0, 0.0)), line((1.4, 0.3), (0.0, 0.0))


def watched(
    tracker: PeopleTracker,
    camera: PinholeCamera,
    walker: Path,
    times: np.ndarray,
    look: np.ndarray = LOOK,
    hidden: bool = False,
) -> People:
    """The people after a camera has looked at a walker, whom something hides or not."""
    random = np.random.default_rng(0)
    for seconds in times:
        found = seen_by(
            camera,
            [walker],
            seconds,
            random,
            looks=look,
            hidden=lambda places: np.full(len(places), hidden),
        )
        people = tracker.update(found, camera)
    return people


@pytest.mark.parametrize(("where", "named"), [(NORTH, ("1", "2")), (SOUTH, ("1",))])
def test_a_camera_does_not_take_a_newcomer_for_its_own_hidden_person(
    where: PinholeCamera, named: tuple[str, ...]
) -> None:
    """It has just told the two apart by place. Another camera has not: there a likeness counts."""
    tracker = PeopleTracker()
    assert watched(tracker, NORTH, STANDING, np.arange(0.0, 2.0, 0.1)).ids == ("1",)
    hidden = watched(tracker, NORTH, STANDING, np.arange(2.0, 2.5, 0.1), hidden=True)
    assert hidden.ids == ("1",) and hidden.seen_by == ((),), "stands behind something"
    people = watched(tracker, where, ELSEWHERE, np.arange(2.5, 3.2, 0.1))
    assert people.ids == named
    assert tracker.report.recognised == (0 if where is NORTH else 1)
    newest = people.position[people.ids.index(named[-1])]
    assert np.hypot(*(newest - [1.4, 0.3])) < 0.3


@pytest.mark.parametrize(("likeness", "name"), [(1.0, "1"), (0.55, "2")])
def test_a_box_of_who_looks_different_continues_nobody_out_of_sight(
    likeness: float, name: str
) -> None:
    """Where somebody coasts a stranger appears: place alone would make them one person."""
    tracker = PeopleTracker()
    watched(tracker, NORTH, STANDING, np.arange(0.0, 2.0, 0.1))
    watched(tracker, NORTH, STANDING, np.arange(2.0, 2.5, 0.1), hidden=True)
    look = likeness * LOOK + np.sqrt(1 - likeness**2) * np.eye(2, 128)[1:]
    near = line((0.3, 0.0), (0.0, 0.0))
    people = watched(tracker, SOUTH, near, np.arange(2.5, 3.2, 0.1), look)
    seen = [n for n, by in zip(people.ids, people.seen_by, strict=True) if by == ("south",)]
    assert seen == [name]
