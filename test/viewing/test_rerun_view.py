"""What the page draws of few links, and of many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from visrftwin_ros.benchmarks.lobby import Crowd, lobby
from visrftwin_ros.viewing.colors import ROBOT, ROBOT_IN_TROUBLE, ROBOT_UNKNOWN
from visrftwin_ros.viewing.rerun_view import MOST_CURVES, TwinView, robot_mark
from visrftwin_ros.viewing.watch import Coming


@pytest.fixture(params=[(2, 3), (4, 10)], ids=["few", "many"])
def view(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TwinView]:
    aps, robots = request.param
    site = lobby(aps, Crowd(robots, 0.0, 1).position)
    view = TwinView(site, file=tmp_path / "twin.rrd")
    yield view
    view.close()


def test_each_link_has_a_curve_while_there_are_few_and_each_robot_where_there_are_many(
    view: TwinView,
) -> None:
    drawn = [view.curve("ap1", "robot2", serves) for serves in (True, False)]
    assert drawn == (["robot2", ""] if view.by_robot else ["ap1-robot2"] * 2)
    view.log_shadow_losses({"": 3.0})  # of a link that has none: drawn nowhere, and no fault
    view.log_shadow_losses({drawn[0]: 3.0})
    view.log_throughputs({drawn[0]: 1e9})
    view.log_robots(["robot2"], np.zeros((1, 3)), [8.0])
    view.log_robots([], np.zeros((0, 3)), [])
    ahead = Coming(np.arange(4.0), np.arange(4.0), np.arange(4.0) + 1)
    view.log_coming([(("ap1", "robot2"), ahead)])
    view.log_coming([])


def test_the_curves_are_never_more_than_one_can_tell_apart(view: TwinView) -> None:
    names = {view.curve(f"ap{a}", f"robot{r}", True) for a in range(4) for r in range(10)}
    shown = {name for name in names if name in view._curves}
    assert 0 < len(shown) <= MOST_CURVES


def test_a_robot_in_trouble_is_told_from_a_well_one_and_an_unknown_one() -> None:
    assert robot_mark("cart", 5.9) == ("cart", ROBOT, 0.3)
    assert robot_mark("cart", 14.2) == ("cart: 14 dB", ROBOT_IN_TROUBLE, 0.6)
    assert robot_mark("cart", np.nan) == ("cart", ROBOT_UNKNOWN, 0.3)
