"""Radio maps of the channel predictor: the action `get_radio_map`, and what is around each robot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from nav_msgs.msg import OccupancyGrid
from rclpy.action.server import ServerGoalHandle

from visrftwin_ros.action import GetRadioMap
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.stamps import stamp_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.messages.radio_map_messages import occupancy_grid, outage_grid
from visrftwin_ros.nodes.shared.awaited_answers import AwaitedAnswers
from visrftwin_ros.nodes.shared.channel_services import PeopleNow
from visrftwin_ros.nodes.shared.twin_node import LATCHED_QOS, OK, WARN, TwinNode
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.radio_map import MapGrid, MapQuestion, RadioMap

FEEDBACK_PERIOD = 0.2
LIVE_PERIOD = 1.0
LIVE_REACH = 5
"""Cells around that of a robot which its live map shows."""

Places = Callable[[], Mapping[str, np.ndarray]]


class RadioMaps:
    """Maps of an active `node`, by its `engine`; `people` tells who is there, `places` where robots'
    antennas are."""

    def __init__(
        self,
        node: TwinNode,
        engine: TwinEngine,
        people: Callable[[], PeopleNow],
        places: Places,
        answers: AwaitedAnswers,
    ) -> None:
        self._node, self._engine, self._answers = node, engine, answers
        self._people, self._places = people, places
        self._goals: dict[int, ServerGoalHandle] = {}
        self._map = node.publisher(OccupancyGrid, "radio_map", LATCHED_QOS)
        self._outage = node.publisher(OccupancyGrid, "outage_map", LATCHED_QOS)
        node.action(GetRadioMap, "get_radio_map", self._get_radio_map, lambda _: True)
        node.timer(FEEDBACK_PERIOD, self._look_at_goals)
        self._live: dict[str, Any] = {}
        self._live_at_work = False
        if node.value("live_map_cell"):
            self._live = {
                robot.name: node.publisher(OccupancyGrid, f"{robot.name}/radio_map")
                for robot in engine.site.robots
            }
            node.timer(LIVE_PERIOD, self._begin_live)

    def close(self) -> None:
        """Who still waits for a map is told."""
        for goal in self._goals.values():
            goal.abort()
        self._goals.clear()
        self._live.clear()

    async def _get_radio_map(self, goal: ServerGoalHandle) -> GetRadioMap.Result:
        result, number = GetRadioMap.Result(), 0
        try:
            asked = goal.request
            grid = MapGrid.over(self._engine.twin.meshes, asked.height, asked.cell)
            number = self._ask(asked.aps, grid, asked.outage_rate)
            self._goals[number] = goal
            found: RadioMap = await self._answers.of(number)
        except TwinError as error:
            result.message = str(error)
            if goal.is_cancel_requested:
                goal.canceled()
            elif goal.is_active:
                goal.abort()
            return result
        finally:
            self._goals.pop(number, None)
        world = self._engine.site.world_frame
        self._map.publish(occupancy_grid(found, world))
        if found.outage is not None:
            self._outage.publish(outage_grid(found, world))
        fill(result, found, world)
        goal.succeed()
        return result

    def _ask(
        self, aps: list[str], grid: MapGrid, outage_rate: float, tiles: list[int] | None = None
    ) -> int:
        """The number of the answer."""
        if not self._node.active:
            raise TwinError("the channel predictor is not active: activate it and ask again")
        now, twin = self._people(), self._engine.twin
        on = [ap.name for ap in twin.site.access_points if ap.name not in twin.silent]
        off = [ap for ap in aps if ap in twin.silent]
        if off or not on:
            raise TwinError(f"{', '.join(off) or 'every access point'} is off")
        question = MapQuestion.checked(
            twin.site,
            twin.meshes,
            self._engine.people_model,
            aps or on,
            grid,
            now.bodies,
            now.stamp_ns,
            now.covariance,
            outage_rate,
            tiles,
            twin.residuals,
        )
        return self._answers.enquiries.ask_map(question)

    def _look_at_goals(self) -> None:
        for number, goal in list(self._goals.items()):
            if goal.is_cancel_requested:
                self._answers.give_up(number, "cancelled")
            elif goal.is_active:
                done = self._answers.enquiries.progress(number)
                phase = "cell by cell" if done else "waiting, or shooting the first rays"
                goal.publish_feedback(GetRadioMap.Feedback(progress=done, phase=phase))

    def _begin_live(self) -> None:
        """Unless the last ones are still being worked out."""
        heard = [name for name, out in self._live.items() if out.get_subscription_count()]
        if heard and self._node.active and not self._live_at_work:
            self._live_at_work = True
            self._node.executor.create_task(self._send_live, heard)

    async def _send_live(self, heard: list[str]) -> None:
        """A map around each of these robots, where they have a place."""
        try:
            places = self._places()
            known = {name: places[name] for name in heard if name in places}
            heights = sorted({float(place[2]) for place in known.values()})
            for height in heights:
                level = {name: place for name, place in known.items() if place[2] == height}
                await self._send_level(height, level)
            self._node.report("live maps", OK, f"around {len(known)} robots")
        except TwinError as error:
            self._node.report("live maps", WARN, str(error))
        except Exception as error:  # A task's own would end the node.
            self._node.fault("live maps", error)
        finally:
            self._live_at_work = False

    async def _send_level(self, height: float, places: Mapping[str, np.ndarray]) -> None:
        cell = self._node.value("live_map_cell")
        grid = MapGrid.over(self._engine.twin.meshes, height, cell)
        index = np.arange(grid.rows * grid.columns).reshape(grid.rows, grid.columns)
        around = {name: grid.near(place, LIVE_REACH) for name, place in places.items()}
        cells = [index[slice(*y), slice(*x)].ravel() for x, y in around.values()]
        tiles = np.unique(grid.tile_of[np.concatenate(cells)]).tolist()
        if not tiles:
            return
        found: RadioMap = await self._answers.of(self._ask([], grid, 0.0, tiles))
        for name, window in around.items():
            if name in self._live and (window[:, 1] > window[:, 0]).all():
                message = occupancy_grid(found, self._engine.site.world_frame, window)
                self._live[name].publish(message)


def fill(result: GetRadioMap.Result, found: RadioMap, world: str) -> None:
    """Puts a map into the action's result."""
    x, y, z = found.grid.origin.tolist()
    result.origin = Point(x=x, y=y, z=z)
    result.rows, result.columns = found.grid.rows, found.grid.columns
    result.cell = found.grid.cell
    result.path_loss_db = found.best_loss_db.astype(np.float32).ravel().tolist()
    result.aps = list(found.aps)
    result.best_ap = found.best_ap.astype(np.int16).ravel().tolist()
    if found.outage is not None:
        result.outage_probability = found.outage.astype(np.float32).ravel().tolist()
    result.header.stamp = stamp_message(made, found.stamp_ns)
    result.header.frame_id = world
    result.success = True
