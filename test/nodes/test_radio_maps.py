"""The action `get_radio_map`, and the maps around robots."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from nav_msgs.msg import OccupancyGrid
from node_bench import NodeBench
from rclpy.action import ActionClient
from rclpy.lifecycle import TransitionCallbackReturn

from visrftwin_ros.action import GetRadioMap
from visrftwin_ros.messages.stamps import stamp_message
from visrftwin_ros.msg import LinkChannels, TrackedPeople, TrackedPerson
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.twin_node import LATCHED_QOS
from visrftwin_ros.nodes.twin_viewer import TwinViewer

GRID = {"height": 1.2, "cell": 4.0}


class Mapped:
    """An active predictor on the small site, and who asks it for maps."""

    def __init__(self, bench: NodeBench, site: Path, **values: object) -> None:
        self.bench = bench
        cache = str(site.parent / "cache")
        self.node = bench.active(
            ChannelPredictor, "predictor", site=str(site), cache=cache, **values
        )
        self.feedback: list[Any] = []
        self.maps = bench.heard(OccupancyGrid, "radio_map", LATCHED_QOS)
        self.outages = bench.heard(OccupancyGrid, "outage_map", LATCHED_QOS)
        self._client = ActionClient(bench._probe, GetRadioMap, "get_radio_map")
        self._people = bench.publisher(TrackedPeople, "people")

    def see(self, x: float, y: float) -> None:
        message = TrackedPeople()
        message.header.stamp = stamp_message(made, time.time_ns())
        one = TrackedPerson(id="p0", height=1.75, width=0.5, depth=0.3)
        one.position.x, one.position.y = x, y
        one.covariance = np.diag([0.01, 0.01, 0.1, 0.1]).reshape(-1)
        message.people.append(one)
        self._people.publish(message)
        self.bench.spin(0.2)

    def ask(self, **asked: object) -> Any:
        """The handle of a goal that was taken."""
        assert self.bench.until(self._client.server_is_ready)
        goal = GetRadioMap.Goal(**{**GRID, **asked})
        sent = self._client.send_goal_async(goal, lambda m: self.feedback.append(m.feedback))
        assert self.bench.until(sent.done)
        assert sent.result().accepted
        return sent.result()

    def result(self, handle: Any) -> tuple[int, Any]:
        future = handle.get_result_async()
        assert self.bench.until(future.done, 300.0), "no result"
        return future.result().status, future.result().result


@pytest.fixture
def mapped(bench: NodeBench, small_site: Path) -> Mapped:
    return Mapped(bench, small_site)


def test_a_map_tells_of_its_progress_covers_the_site_and_can_be_cancelled_or_refused(
    mapped: Mapped,
) -> None:
    mapped.see(20.0, -26.0)
    channels = mapped.bench.heard(LinkChannels, "channels")
    status, answer = mapped.result(mapped.ask(outage_rate=1e8))
    assert status == GoalStatus.STATUS_SUCCEEDED and answer.success, answer.message
    assert len(channels) > 5  # the node was not held up
    assert (answer.rows, answer.columns, answer.cell) == (15, 15, 4.0)
    assert (answer.origin.x, answer.origin.y) == (-30, -30)
    assert answer.header.frame_id == "world" and list(answer.aps) == ["ap"]
    loss = np.array(answer.path_loss_db).reshape(15, 15)
    # (0, 12) lies in the wall, (-8, -8) is near the access point at (-8, -6, 3).
    assert np.isnan(loss[10, 7]) and np.nanmin(loss) == pytest.approx(loss[5, 5], abs=0.01)
    best = np.array(answer.best_ap).reshape(15, 15)
    np.testing.assert_array_equal(best == -1, np.isnan(loss))
    outage = np.array(answer.outage_probability)
    assert outage.shape == (225,) and np.nanmin(outage) == 0 and np.nanmax(outage) <= 1
    told = [one.progress for one in mapped.feedback]
    assert told == sorted(told) and 0 <= told[0] <= told[-1] < 1

    assert mapped.bench.until(lambda: mapped.maps)
    grid = mapped.maps[-1]
    cells = np.array(grid.data).reshape(15, 15)
    assert (grid.info.resolution, grid.info.width, grid.info.height) == (4.0, 15, 15)
    np.testing.assert_array_equal(cells == -1, np.isnan(loss))
    assert cells[5, 5] == round(loss[5, 5] - 60)
    assert grid.info.origin.position.x == -30 and grid.header.stamp == answer.header.stamp

    assert mapped.bench.until(lambda: mapped.outages)
    percent = np.array(mapped.outages[-1].data, float)
    np.testing.assert_array_equal(percent == -1, np.isnan(outage))
    known = ~np.isnan(outage)
    np.testing.assert_allclose(percent[known], 100 * outage[known], atol=0.51)
    assert mapped.outages[-1].info == grid.info

    handle = mapped.ask(cell=1.6)
    handle.cancel_goal_async()
    status, answer = mapped.result(handle)
    assert status == GoalStatus.STATUS_CANCELED
    assert not answer.success and answer.message == "cancelled"

    for asked, said in (
        ({"aps": ["lighthouse"]}, "no access point 'lighthouse'; the site has ap"),
        ({"height": float("nan")}, "height is nan"),
        ({"cell": 0.5}, "120 x 120 cells of 0.5 m over 60 x 60 m are more than 1600"),
        ({"outage_rate": -1.0}, "outage_rate is -1"),
    ):
        status, answer = mapped.result(mapped.ask(**asked))
        assert status == GoalStatus.STATUS_ABORTED
        assert not answer.success and said in answer.message, said


def test_a_predictor_that_is_shut_down_meanwhile_is_there_again_afterwards(mapped: Mapped) -> None:
    success = TransitionCallbackReturn.SUCCESS
    assert mapped.node.trigger_deactivate() == success
    status, answer = mapped.result(mapped.ask())
    assert status == GoalStatus.STATUS_ABORTED and "not active" in answer.message
    assert mapped.node.trigger_activate() == success
    mapped.ask()
    mapped.bench.spin(0.3)
    assert mapped.node.trigger_deactivate() == success
    assert mapped.node.trigger_cleanup() == success
    mapped.bench.spin(0.5)
    assert mapped.node.trigger_configure() == success
    assert mapped.node.trigger_activate() == success
    status, answer = mapped.result(mapped.ask(cell=-1.0))
    assert status == GoalStatus.STATUS_ABORTED and "cell is -1" in answer.message


def test_around_a_robot_there_is_a_map_of_now(bench: NodeBench, small_site: Path) -> None:
    mapped = Mapped(bench, small_site, live_map_cell=2.0)
    around = bench.heard(OccupancyGrid, "standing/radio_map")
    mapped.see(1.0, -3.0)
    assert bench.until(lambda: around, 300.0)
    before = around[-1]
    # The robot stands at (0, -6): cell 15, 12 of 30 x 30, five around it.
    assert (before.info.width, before.info.height, before.info.resolution) == (11, 11, 2.0)
    assert (before.info.origin.position.x, before.info.origin.position.y) == (-10, -16)
    cells = np.array(before.data).reshape(11, 11)
    assert cells[6, 5] == -1 and (cells >= 0).sum() == 120  # the cell with the person
    mapped.see(-5.0, -11.0)

    def moved() -> bool:
        now = np.array(around[-1].data).reshape(11, 11)
        return bool(now[6, 5] >= 0 and now[2, 2] == -1)

    assert bench.until(moved, 300.0)


def test_the_viewer_draws_maps_of_the_world_and_leaves_out_others(
    bench: NodeBench, small_site: Path, tmp_path: Path
) -> None:
    record = str(tmp_path / "twin.rrd")
    node = bench.active(TwinViewer, "viewer", site=str(small_site), record=record, web_port=0)
    drawn: list[tuple[Any, ...]] = []
    node._view.log_radio_map = lambda *what: drawn.append(what)
    maps = bench.publisher(OccupancyGrid, "radio_map", LATCHED_QOS)
    grid = OccupancyGrid(data=[-1, 20, 100, 0])
    grid.info.width = grid.info.height = 2
    grid.info.resolution = 0.5
    grid.info.origin.position.x, grid.info.origin.orientation.w = 3.0, 1.0
    for frame in ("odom", "world"):
        grid.header.stamp, grid.header.frame_id = stamp_message(made, time.time_ns()), frame
        maps.publish(grid)
        if frame == "odom":
            assert bench.says("viewer: radio map", 1, "in frame 'odom', expected 'world'")
            assert not drawn
    assert bench.until(lambda: drawn)
    robot, loss, origin, cell, _ = drawn[0]
    assert (robot, origin.tolist(), cell) == ("", [3.0, 0.0], 0.5)
    np.testing.assert_array_equal(loss, [[np.nan, 80.0], [160.0, 60.0]])
