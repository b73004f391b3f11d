"""What a scene watcher publishes, taken into a live twin beside its updates."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.scene_changes import changes_from_message
from visrftwin_ros.msg import SurfaceChanges
from visrftwin_ros.nodes.shared.twin_node import LATCHED_QOS, OK, WARN, TwinNode
from visrftwin_ros.propagation.tracing.local_search import rehearse_local_search
from visrftwin_ros.scene.changes import SceneChange, all_of
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.static_twin import StaticTwin, with_scene_change

_POLL_PERIOD = 0.05


class SceneHeard:
    """Has the `engine` of `node` take over `surface_changes`; while one is made only the newest waits.

    taken: is told of each twin that came of it.
    """

    def __init__(
        self, node: TwinNode, engine: TwinEngine, taken: Callable[[StaticTwin], None]
    ) -> None:
        # What compiles at the first call must not hold up a tick.
        rehearse_local_search(engine.site.radio.frequency, engine.twin.discovery.device)
        self._node, self._engine, self._taken = node, engine, taken
        self._waiting: SceneChange | None = None
        self._change: tuple[SceneChange, Future[StaticTwin]] | None = None  # that is made
        node.subscription(SurfaceChanges, "surface_changes", self._on_changes, LATCHED_QOS)
        node.timer(_POLL_PERIOD, self._poll)

    def _on_changes(self, message: SurfaceChanges) -> None:
        try:
            seen = changes_from_message(message, self._engine.site.world_frame)
        except TwinError as error:
            self._node.report("scene", WARN, f"changes left out: {error}")
            return
        self._waiting = all_of(seen)

    def _poll(self) -> None:
        if self._change is not None:
            if not self._change[1].done():
                return
            (change, made), self._change = self._change, None
            self._made(change, made)
        if self._waiting is not None:
            change, self._waiting = self._waiting, None
            self._change = change, self._engine.change(with_scene_change, change)

    def _made(self, change: SceneChange, made: Future[StaticTwin]) -> None:
        try:
            twin = made.result()
        except TwinError as error:
            self._node.report("scene", WARN, f"changes not taken over: {error}")
            return
        self._taken(twin)
        told = [
            *(f"{name} moved" for name in sorted(change.moved)),
            *(f"{name} is gone" for name in sorted(change.vanished)),
            *(f"{box.name} came" for box in change.appeared),
        ]
        self._node.report("scene", OK, ", ".join(told) or "all is as in the site")
