"""The one table of nodes that `ros2 launch` and `visrftwin up` both start from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab import shipped
from visrftwin_ros.messages.limits import Limits
from visrftwin_ros.site.model import Site

EXECUTABLES = (
    "camera_replay",
    "campaign_replay",
    "people_detector",
    "lidar_people",
    "people_tracker",
    "vehicle_tracker",
    "site_frames",
    "channel_predictor",
    "beam_selector",
    "material_calibrator",
    "scene_mapper",
    "scene_watcher",
    "twin_viewer",
)
ONLY_LOOK = ("material_calibrator", "scene_mapper", "scene_watcher", "twin_viewer")
"""Without them everything is decided all the same."""
SEE = ("people_detector", "lidar_people")
"""Most of a twin's work, and of which a busy machine may leave some: they go by the newest there is."""
FROM_THE_TOP = ("/tf", "/tf_static", "/clock")
"""Topics that ROS names absolutely."""

OF_ALL_PREDICTORS = (
    *("people", "tracked_boxes"),
    *("channels", "channel_paths", "shadow_forecast", "fade_warnings"),
    *("material_estimates", "path_loss_residuals", "surface_changes"),
)
"""Topics that predictors have in common; services and markers each has for itself."""


@dataclass(frozen=True)
class NodeSpec:
    """One process of the graph: executable, node name, namespace, its parameters, the topics that
    it has by other names, and what else stands behind --ros-args."""

    executable: str
    namespace: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    remapped: dict[str, str] = field(default_factory=dict)
    ros_arguments: tuple[str, ...] = ()

    @property
    def only_looks(self) -> bool:
        return self.executable in ONLY_LOOK

    @property
    def niceness(self) -> int:
        """How far it gives way: what looks to what sees, and that to what decides, which has little to do
        and is waited for, all the more when it is started again. The viewer has little to do too, and a browser
        beside it takes all that it can get."""
        if self.executable in SEE or self.executable == "twin_viewer":
            return 5
        return 10 if self.only_looks else 0

    @property
    def full_name(self) -> str:
        return f"{self.namespace}/{self.executable}"


def node_table(
    site: Site,
    site_name: str,
    *,
    video: str = "",
    bag: str = "",
    weights: str = "",
    viewer: bool = True,
    calibrate: bool = False,
    map_scene: bool = False,
    watch_scene: bool = False,
    vehicles: bool = False,
    page: Mapping[str, Any] = MappingProxyType({}),
    rate: float = 1.0,
    loop: bool = False,
    namespace: str = "",
    use_sim_time: bool = False,
    vision_msgs: bool = False,
    predictors: int = 1,
    ros_arguments: Sequence[str] = (),
) -> list[NodeSpec]:
    """The nodes of a site, downstream first, so that nothing is lost when the sensors start.

    `video` starts a camera_replay for the site's first camera with a recording, `bag` a
    campaign_replay, on whose time all other nodes run; without either the sensors are expected to
    publish by themselves. Under a `namespace` the whole twin lies below it, TF and /clock as well,
    so that several are on one graph without hearing each other; only /diagnostics is everybody's.
    `weights`: of the detectors; '' = those that ship on the lab's sites, elsewhere the motion
    detector; `none` = the motion detector. `calibrate`: with the material_calibrator. `map_scene`: with
    the scene_mapper. `watch_scene`: with the scene_watcher, of the site's first LiDAR. `vehicles`: detectors
    and LiDARs look for them, and the vehicle_tracker follows them. `page`: parameters
    of the viewer. `use_sim_time`: all nodes run on the /clock of a
    simulator, which has the sensors. `vision_msgs`: detectors of others publish <camera>/detections_2d,
    and none of ours runs. `predictors`: that share the site by access point, those behind the first in namespaces of
    their own. `ros_arguments`: of every node, behind its own.
    Raises TwinError where the bag cannot be read, the namespace is no ROS name, a moving camera has
    no weights, or a video, whose stamps are of now, is to be played on a simulator's time.
    """
    root = root_of(namespace)
    weights = "" if vision_msgs else _weights(site, weights)
    common: dict[str, Any] = {"site": site_name}
    if use_sim_time and video:
        raise TwinError(
            "a video is stamped by this machine's clock, not by a simulator's: give --video none"
            " with --use-sim-time"
        )
    if bag or use_sim_time:
        common["use_sim_time"] = True
    if bag and rate > 1.0:  # latencies are of wall time, stamps of the recording's
        for limit in ("ahead", "behind", "extrapolation"):
            common[f"limits.{limit}"] = getattr(Limits, limit) * rate
    shared = {"predictors": predictors} if predictors > 1 else {}
    table = [
        NodeSpec("site_frames", "", common),
        *_predictors(site, root, common, predictors),
        NodeSpec("beam_selector", "", common | shared),
        NodeSpec("people_tracker", "", common | ({"vision_msgs": True} if vision_msgs else {})),
    ]
    seeing = {"vehicles": True} if vehicles else {}
    if vehicles and (site.cameras or site.lidars):
        table.append(NodeSpec("vehicle_tracker", "", common))
    if calibrate:
        table.append(NodeSpec("material_calibrator", "", common))
    if viewer:
        table.append(NodeSpec("twin_viewer", "", common | shared | dict(page)))
    compressed = _compressed_cameras(bag) if bag else frozenset()
    if map_scene:
        own = {"compressed": sorted(compressed)} if compressed else {}
        table.append(NodeSpec("scene_mapper", "", common | own))
    if watch_scene:
        if not site.lidars:
            raise TwinError(f"site {site.name!r} has no LiDAR to watch the scene with")
        parameters = {**common, "lidar": site.lidars[0].name, **({"repeats": True} if bag else {})}
        table.append(NodeSpec("scene_watcher", "", parameters))
    for camera in () if vision_msgs else site.cameras:
        # Weights that somebody names must load; without any, the motion detector is what there is.
        parameters = {
            **common,
            "camera": camera.name,
            "weights": weights,
            "detector": "yolo" if weights else "auto",
            **({"compressed": True} if camera.name in compressed else {}),
            **({"longest_repeat": 0.0} if bag or video else {}),  # it may be a rendering
            **seeing,
        }
        table.append(NodeSpec("people_detector", f"/{camera.name}", parameters))
    for lidar in site.lidars:
        parameters = {**common, "lidar": lidar.name, **({"repeats": True} if bag else {}), **seeing}
        table.append(NodeSpec("lidar_people", f"/{lidar.name}", parameters))
    waits = [f"{root}{spec.full_name}".strip("/") for spec in table if not spec.only_looks]
    if bag:
        parameters = {"bag": bag, "rate": rate, "loop": loop, "wait_for": waits}
        table.append(NodeSpec("campaign_replay", "", parameters))
    elif video:
        camera = next((c for c in site.cameras if c.video), site.cameras[0])
        parameters = {**common, "camera": camera.name, "video": video, "rate": rate, "loop": loop}
        parameters["wait_for"] = waits
        table.append(NodeSpec("camera_replay", f"/{camera.name}", parameters))
    table = [replace(spec, ros_arguments=tuple(ros_arguments)) for spec in table]
    return [_below(root, spec) for spec in table] if root else table


def only(table: Sequence[NodeSpec], namespace: str, patterns: Sequence[str]) -> list[NodeSpec]:
    """The nodes of a twin that fit one of these shell patterns, by their name in the twin or their executable;
    the others run on other hosts.

    Raises TwinError on a pattern that fits none.
    """
    root = root_of(namespace)
    names = {s.full_name.removeprefix(root).strip("/"): s for s in table}
    fitting = {
        pattern: [
            name
            for name, spec in names.items()
            if fnmatchcase(name, pattern) or fnmatchcase(spec.executable, pattern)
        ]
        for pattern in patterns
    }
    if lacking := [pattern for pattern, found in fitting.items() if not found]:
        raise TwinError(f"no node {', '.join(lacking)}: there are {', '.join(names)}")
    chosen = {name for found in fitting.values() for name in found}
    return [spec for name, spec in names.items() if name in chosen]


def remapped(table: Sequence[NodeSpec], rules: Mapping[str, str]) -> list[NodeSpec]:
    """The same nodes with other names of topics, services and actions, all in full. ROS applies one rule to a
    name, so what the table itself remaps goes straight to the other name."""
    return [
        replace(
            spec, remapped={n: rules.get(to, to) for n, to in spec.remapped.items()} | dict(rules)
        )
        for spec in table
    ]


def part_namespaces(site: Site) -> list[str]:
    """In which predictors may be that share the site with a first one, below the twin's."""
    return [f"part_{number + 1}" for number in range(1, len(site.access_points))]


def _predictors(site: Site, root: str, common: Mapping[str, Any], count: int) -> Iterator[NodeSpec]:
    """They publish on the same topics, each the links of its access points."""
    names = [ap.name for ap in site.access_points]
    if count == 1:
        yield NodeSpec("channel_predictor", "", dict(common))
        return
    if not 1 <= count <= len(names):
        raise TwinError(
            f"{count} predictors: site {site.name!r} can be shared by 1 to {len(names)}, its access"
            " points"
        )
    plans = [f"{robot.name}/plan" for robot in site.robots]
    remapped = {name: f"{root}/{name}" for name in (*OF_ALL_PREDICTORS, *plans)}
    for number, part in enumerate(("", *part_namespaces(site)[: count - 1])):
        spec = NodeSpec("channel_predictor", "", {**common, "access_points": names[number::count]})
        yield replace(spec, namespace=f"/{part}", remapped=remapped) if part else spec


def _weights(site: Site, given: str) -> str:
    """Of the detectors; '' for the motion detector, which needs cameras that stand."""
    if not given and site.name in shipped.SITES:
        return str(shipped.WEIGHTS)
    weights = "" if given == "none" else given
    moving = [camera.name for camera in site.cameras if camera.pose is None]
    if moving and not weights:
        raise TwinError(
            f"site {site.name!r}: {', '.join(moving)} may move, and without weights there is only the"
            " motion detector, which needs a camera that stands: give detector weights"
        )
    return weights


def root_of(namespace: str) -> str:
    """A namespace as ROS has it, with a leading slash; '' for the root. TwinError on no ROS name."""
    names = [name for name in namespace.split("/") if name]
    if not all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in names):
        raise TwinError(
            f"namespace {namespace!r} is no ROS name: use letters, digits and _, no digit first, and"
            " / between names"
        )
    return "".join(f"/{name}" for name in names)


def _below(root: str, spec: NodeSpec) -> NodeSpec:
    """The node under `root`, with all that ROS names from the very top."""
    remapped = {**spec.remapped, **{topic: f"{root}{topic}" for topic in FROM_THE_TOP}}
    return replace(spec, namespace=f"{root}{spec.namespace}", remapped=remapped)


def _compressed_cameras(bag: str) -> frozenset[str]:
    """Cameras of which the bag has compressed images only."""
    from visrftwin_ros.bags.bag_file import open_bag

    with open_bag(bag) as opened:
        topics = {c.topic.strip("/") for c in opened.connections if c.msgcount}
    raw = {t.removesuffix("/image_raw") for t in topics if t.endswith("/image_raw")}
    suffix = "/image_raw/compressed"
    return frozenset({t.removesuffix(suffix) for t in topics if t.endswith(suffix)} - raw)
