"""The one table of nodes that `ros2 launch` and `visrftwin up` both start from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from visrftwin_ros.site.model import Site

EXECUTABLES = (
    "camera_replay",
    "campaign_replay",
    "people_detector",
    "lidar_people",
    "people_tracker",
    "site_frames",
    "channel_predictor",
    "beam_selector",
    "twin_viewer",
)


@dataclass(frozen=True)
class NodeSpec:
    """One process of the graph: executable, node name, namespace and its parameters."""

    executable: str
    namespace: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

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
    rate: float = 1.0,
    loop: bool = False,
) -> list[NodeSpec]:
    """The nodes of a site, downstream first, so that nothing is lost when the sensors start.

    `video` starts a camera_replay for the site's first camera with a recording, `bag` a
    campaign_replay, on whose time all other nodes run; without either the sensors are expected to
    publish by themselves. Raises TwinError where the bag cannot be read.
    """
    common: dict[str, Any] = {"site": site_name}
    if bag:
        common["use_sim_time"] = True
    table = [
        NodeSpec("site_frames", "", common),
        NodeSpec("channel_predictor", "", common),
        NodeSpec("beam_selector", "", common),
        NodeSpec("people_tracker", "", common),
    ]
    if viewer:
        table.append(NodeSpec("twin_viewer", "", common))
    compressed = _compressed_cameras(bag) if bag else frozenset()
    for camera in site.cameras:
        # Weights that somebody names must load; without any, the motion detector is what there is.
        parameters = {
            **common,
            "camera": camera.name,
            "weights": weights,
            "detector": "yolo" if weights else "auto",
            **({"compressed": True} if camera.name in compressed else {}),
        }
        table.append(NodeSpec("people_detector", f"/{camera.name}", parameters))
    for lidar in site.lidars:
        parameters = {**common, "lidar": lidar.name}
        table.append(NodeSpec("lidar_people", f"/{lidar.name}", parameters))
    if bag:
        waits = [spec.full_name.strip("/") for spec in table]
        parameters = {"bag": bag, "rate": rate, "loop": loop, "wait_for": waits}
        table.append(NodeSpec("campaign_replay", "", parameters))
    elif video:
        camera = next((c for c in site.cameras if c.video), site.cameras[0])
        parameters = {**common, "camera": camera.name, "video": video, "rate": rate, "loop": loop}
        table.append(NodeSpec("camera_replay", f"/{camera.name}", parameters))
    return table


def _compressed_cameras(bag: str) -> frozenset[str]:
    """Cameras of which the bag has compressed images only."""
    from visrftwin_ros.bags.bag_file import open_bag

    with open_bag(bag) as opened:
        topics = {c.topic.strip("/") for c in opened.connections if c.msgcount}
    raw = {t.removesuffix("/image_raw") for t in topics if t.endswith("/image_raw")}
    suffix = "/image_raw/compressed"
    return frozenset({t.removesuffix(suffix) for t in topics if t.endswith(suffix)} - raw)
