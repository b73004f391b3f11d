"""The one table of nodes that `ros2 launch` and `visrftwin up` both start from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from visrftwin_ros.site.model import Site

EXIT_CANNOT_START = 3
"""Exit code of a node that could not be configured: a restart would not help."""

EXECUTABLES = (
    "camera_replay",
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
    weights: str = "",
    viewer: bool = True,
    rate: float = 1.0,
    loop: bool = False,
) -> list[NodeSpec]:
    """The nodes of a site, downstream first, so that nothing is lost when the cameras start.

    `video` starts a camera_replay for the site's first camera with a recording; without it the
    cameras are expected to publish by themselves.
    """
    common: dict[str, Any] = {"site": site_name}
    table = [
        NodeSpec("site_frames", "", common),
        NodeSpec("channel_predictor", "", common),
        NodeSpec("beam_selector", "", common),
        NodeSpec("people_tracker", "", common),
    ]
    if viewer:
        table.append(NodeSpec("twin_viewer", "", common))
    for camera in site.cameras:
        # Weights that somebody names must load; without any, the motion detector is what there is.
        parameters = {
            **common,
            "camera": camera.name,
            "weights": weights,
            "detector": "yolo" if weights else "auto",
        }
        table.append(NodeSpec("people_detector", f"/{camera.name}", parameters))
    for lidar in site.lidars:
        parameters = {**common, "lidar": lidar.name}
        table.append(NodeSpec("lidar_people", f"/{lidar.name}", parameters))
    if video:
        camera = next((c for c in site.cameras if c.video), site.cameras[0])
        parameters = {**common, "camera": camera.name, "video": video, "rate": rate, "loop": loop}
        table.append(NodeSpec("camera_replay", f"/{camera.name}", parameters))
    return table
