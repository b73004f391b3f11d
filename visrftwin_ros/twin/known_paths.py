"""Paths that were traced once, in the scene as it is now."""

from __future__ import annotations

from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.replay.material_update import TracedPaths
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.cached_solver import Discovery
from visrftwin_ros.propagation.tracing.local_search import searched_locally


def paths_within(
    traced: TracedPaths,
    scene: ReplayScene,
    discovery: Discovery,
    receivers: Devices,
    replayed: bool = False,
) -> PathSet:
    """What was traced to `receivers` in the scene as it is now: of other materials, and with what moved,
    came or went searched for.

    Always from what was traced, so that it does not matter how the scene was between. replayed: as in
    `searched_locally`.
    """
    if scene.same_places(traced.scene):
        return traced.within(scene)
    ends = discovery.transmitters, receivers
    return searched_locally(traced.paths, traced.scene, scene, *ends, discovery.settings, replayed)
