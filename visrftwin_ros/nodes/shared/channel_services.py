"""What the channel predictor answers when asked: `set_material`, `predict_link`.

A question that takes a solve is handed to a process of its own (`awaited_answers`), a change of the twin to the
engine's thread; the node's other callbacks go on while the service callback awaits the answer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent import futures
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from numpy.typing import NDArray
from rclpy._rclpy_pybind11 import InvalidHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues, literal_material, material_values
from visrftwin_ros.messages.limits import check_place, check_time
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.nodes.messages.channel_messages import ChannelMessages
from visrftwin_ros.nodes.shared.awaited_answers import AwaitedAnswers
from visrftwin_ros.nodes.shared.transforms import Pose, TransformBuffer
from visrftwin_ros.nodes.shared.twin_node import OK, WARN, TwinNode
from visrftwin_ros.srv import PredictLink, SetMaterial
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.materials_file import write_materials
from visrftwin_ros.twin.static_twin import StaticTwin, searched, with_materials

_POLL_PERIOD = 0.05


@dataclass(frozen=True)
class PeopleNow:
    """The last people known, their stamp, seconds since, and whether that is too long ago.

    covariance: (N, 4, 4) of x, y, vx, vy of each.
    """

    bodies: Bodies
    covariance: NDArray[np.float64]
    stamp_ns: int
    age: float
    stale: bool


class ChannelServices:
    """The services of an active `node`, on its `engine`; `people` tells who is there.

    materials: the file that keeps what `set_material` sets; None = nothing is kept.
    """

    def __init__(
        self,
        node: TwinNode,
        engine: TwinEngine,
        transforms: TransformBuffer,
        people: Callable[[], PeopleNow],
        most_paths: int,
        materials: Path | None,
        answers: AwaitedAnswers,
    ) -> None:
        self._node = node
        self._engine = engine
        self._transforms = transforms
        self._people = people
        self._materials = materials
        site = engine.site
        # Of its own: the node's keeps the paths of the site's links.
        self._messages = ChannelMessages(site.world_frame, site.radio, most_paths)
        self._answers = answers
        self._changes: list[tuple[futures.Future[StaticTwin], Future]] = []
        self._searches: list[futures.Future[StaticTwin]] = []
        # A callback that awaits would hold up the whole node in its default, exclusive group.
        group = ReentrantCallbackGroup()
        for kind, name, callback in (
            (SetMaterial, "set_material", self._set_material),
            (PredictLink, "predict_link", self._predict_link),
        ):
            service = node.service(kind, name, callback, group)
            service.send_response = partial(_send_if_there, service.send_response)
        node.timer(_POLL_PERIOD, self._poll)

    def close(self) -> None:
        """Who still waits for a change is told."""
        for _, future in self._changes:
            future.set_exception(TwinError("the channel predictor was shut down"))
        self._changes.clear()

    async def _set_material(
        self, request: SetMaterial.Request, response: SetMaterial.Response
    ) -> SetMaterial.Response:
        try:
            self._check_active()
            change = self._engine.change(self._with_material, request)
            self._changes.append((change, Future()))
            twin: StaticTwin = (await self._changes[-1][1]).result()
        except TwinError as error:
            return _refused(response, error)
        if twin.unsearched:
            self._searches.append(self._engine.change(searched))
        response.success = True
        response.message = self._answer_on(request.surface, twin)
        return response

    def _answer_on(self, surface: str, twin: StaticTwin) -> str:
        values = twin.material_of(surface)
        said = [
            f"{surface} is {values.name}: relative permittivity "
            f"{values.relative_permittivity:.4g}, conductivity {values.conductivity:.4g} S/m, "
            f"scattering coefficient {values.scattering_coefficient:.4g}",
            f"kept in {self._materials}"
            if self._materials
            else "forgotten when this node restarts: give parameter `materials` to keep it",
        ]
        if surface in twin.unsearched:
            said.append("its scattered paths are being searched for")
        return "; ".join(said)

    def _with_material(self, twin: StaticTwin, request: SetMaterial.Request) -> StaticTwin:
        """`twin` with what was asked for, once that is kept; in the engine's thread."""
        changed = with_materials(twin, {request.surface: _material(twin, request)})
        if self._materials:
            # Those of what is there today only are not read back.
            own = {surface.name for surface in changed.surveyed.scene}
            kept = {name: one for name, one in changed.materials.items() if name in own}
            write_materials(self._materials, kept)
        return changed

    async def _predict_link(
        self, request: PredictLink.Request, response: PredictLink.Response
    ) -> PredictLink.Response:
        try:
            self._check_active()
            tx, rx = self._place("tx", request.tx), self._place("rx", request.rx)
            meshes, bodies = self._engine.twin.meshes, self._people().bodies
            number = self._answers.enquiries.ask_link(meshes, tx, rx, bodies)
            found = await self._answers.of(number)
        except TwinError as error:
            return _refused(response, error)
        now = self._people()
        state = self._engine.channels_of(found, now.bodies, now.stamp_ns)
        response.channel = self._messages.channels(state, now.stale, now.age).channels[0]
        response.paths = self._messages.paths(state, now.stale, state.links).links[0].paths
        response.success = True
        return response

    def _check_active(self) -> None:
        if not self._node.active:
            raise TwinError("the channel predictor is not active: activate it and ask again")

    def _place(self, name: str, pose: PoseStamped) -> NDArray[np.float64]:
        """(3,) of a pose, in the world frame; a stamp of zero means now."""
        world, frame = self._engine.site.world_frame, pose.header.frame_id
        if not frame:
            raise TwinError(f"{name} has no frame: give {world!r} or any frame known to TF")
        p = pose.pose.position
        place = np.array([p.x, p.y, p.z])
        if frame == world:
            check_place(place, name)
            return place
        given, now = pose.header.stamp, self._node.now_ns()
        if given.sec or given.nanosec:
            check_time(given, now, self._node.limits.ahead)
        stamp = stamp_ns(given) or now
        try:
            base: Pose = self._transforms.lookup(
                world, frame, stamp, self._node.limits.extrapolation
            )
        except TwinError as error:
            raise TwinError(f"{name}: {error}") from error
        place = base.position + base.rotation.apply(place)
        check_place(place, name)
        return place

    def _poll(self) -> None:
        while self._changes and self._changes[0][0].done():
            change, future = self._changes.pop(0)
            future.set_result(change)
        while self._searches and self._searches[0].done():
            try:
                self._searches.pop(0).result()
                self._node.report("scattering", OK, "every path that scatters was searched for")
            except TwinError as error:
                self._node.report("scattering", WARN, f"paths are missing: {error}")


def _material(twin: StaticTwin, request: SetMaterial.Request) -> MaterialValues:
    site = twin.site
    if request.material:
        return material_values(request.material, site.radio.frequency, site.materials)
    before = twin.material_of(request.surface)
    given = {
        name: getattr(request, name)
        for name in ("relative_permittivity", "conductivity", "scattering_coefficient")
    }
    return literal_material(f"{request.surface} as set", before, given)


def _send_if_there(send: Callable[..., None], response: Any, header: Any) -> None:
    """A service may be gone, cleaned up, when its answer is ready; rclpy would end the node."""
    with contextlib.suppress(InvalidHandle):
        send(response, header)


def _refused(response: Any, error: TwinError) -> Any:
    response.success, response.message = False, str(error)
    return response
