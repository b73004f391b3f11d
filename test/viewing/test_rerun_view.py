"""What the page draws of few links, and of many."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from visrftwin_ros.benchmarks.lobby import Crowd, lobby
from visrftwin_ros.viewing.colors import ROBOT, ROBOT_IN_TROUBLE, ROBOT_UNKNOWN, radio_map_colors
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


def test_a_radio_map_lies_where_it_was_made_and_unknown_cells_are_left_out(view: TwinView) -> None:
    logged: dict[str, Any] = {}
    log = view._recording.log
    view._recording.log = lambda name, what, **kw: (
        logged.update({name: what}) or log(name, what, **kw)
    )
    loss = np.array([[60.0, 130.0, np.nan], [np.nan, np.nan, 95.0]])
    view.log_radio_map("", loss, np.array([-1.0, 4.0]), 0.5, 3_661 * 10**9)
    cells = logged["world/radio_map"]
    corners = np.array(cells.vertex_positions.as_arrow_array().to_pylist())
    assert len(corners) == 3 * 4
    assert corners[:, :2].min(axis=0) == pytest.approx([-1.0, 4.0])
    assert corners[8:, :2].mean(axis=0) == pytest.approx([0.25, 4.75])
    assert {"legend/map", "legend/map/ends"} <= logged.keys()
    assert logged["legend/map/time"].labels.as_arrow_array().to_pylist() == ["map of 01:01:01"]
    view.log_radio_map("robot2", np.full((2, 2), np.nan), np.zeros(2), 0.5, 0)
    assert "world/radio_map/robot2" in logged


def test_the_colours_of_a_map_grow_darker_with_the_loss() -> None:
    brightness = radio_map_colors(np.linspace(50.0, 140.0, 10)).sum(axis=1)
    assert (np.diff(brightness.astype(int)) <= 0).all() and brightness[0] > 2 * brightness[-1]
