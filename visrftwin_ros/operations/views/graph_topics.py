"""The topics of a twin by their full names, for tools that are set up by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from visrftwin_ros.operations.node_table import FROM_THE_TOP, root_of
from visrftwin_ros.site.model import Site

Quality = Literal["sensor", "result", "latched", "tf", "tf_static", "clock"]
_RESULTS = {
    "people": "visrftwin_ros/msg/TrackedPeople",
    "tracked_boxes": "visrftwin_ros/msg/TrackedBoxes",
    "channels": "visrftwin_ros/msg/LinkChannels",
    "channel_paths": "visrftwin_ros/msg/ChannelPaths",
    "shadow_forecast": "visrftwin_ros/msg/ShadowForecasts",
    "fade_warnings": "visrftwin_ros/msg/FadeWarning",
    "beams": "visrftwin_ros/msg/BeamDecisions",
    "associations": "visrftwin_ros/msg/Association",
    "telemetry": "visrftwin_ros/msg/LinkTelemetry",
    "hand_overs": "visrftwin_ros/msg/HandOver",
    "service_warnings": "visrftwin_ros/msg/ServiceWarning",
    "sounder/snapshots": "visrftwin_ros/msg/ChannelSnapshot",
}
_LATCHED = {
    "radio_map": "nav_msgs/msg/OccupancyGrid",
    "outage_map": "nav_msgs/msg/OccupancyGrid",
    "material_estimates": "visrftwin_ros/msg/MaterialEstimates",
    "path_loss_residuals": "visrftwin_ros/msg/PathLossResiduals",
    "surface_changes": "visrftwin_ros/msg/SurfaceChanges",
    "next_sounding": "geometry_msgs/msg/PoseStamped",
}
_MARKERS = ("people_markers", "paths", "links")
_OF_ROS: dict[str, Quality] = {"/tf": "tf", "/tf_static": "tf_static", "/clock": "clock"}
_KINDS = {"/clock": "rosgraph_msgs/msg/Clock"}


@dataclass(frozen=True)
class GraphTopic:
    """name: in full, with the namespace. kind: `package/msg/Name`. quality: how it is published.
    shown: of markers and debug images, which only repeat for eyes what other topics say."""

    name: str
    kind: str
    quality: Quality
    shown: bool = False


def graph_topics(site: Site, namespace: str = "", compressed: bool = False) -> list[GraphTopic]:
    """All that a twin of the site hears and says; `compressed` images instead of raw ones.

    TwinError where the namespace is no ROS name.
    """
    root = root_of(namespace)
    found = []
    for camera in site.cameras:
        image = (
            ("image_raw/compressed", "CompressedImage") if compressed else ("image_raw", "Image")
        )
        for name, kind in (image, ("camera_info", "CameraInfo")):
            found.append(
                GraphTopic(f"{root}/{camera.name}/{name}", f"sensor_msgs/msg/{kind}", "sensor")
            )
        detections = f"{root}/{camera.name}/detections"
        found.append(GraphTopic(detections, "visrftwin_ros/msg/Detections", "sensor"))
        others = f"{root}/{camera.name}/detections_2d"
        found.append(GraphTopic(others, "vision_msgs/msg/Detection2DArray", "sensor"))
        debug = f"{root}/{camera.name}/debug_image"
        found.append(GraphTopic(debug, "sensor_msgs/msg/Image", "sensor", shown=True))
    for lidar in site.lidars:
        absolute = lidar.topic.startswith("/")
        cloud = lidar.topic if absolute else f"{root}/{lidar.name}/{lidar.topic}"
        found.append(GraphTopic(cloud, "sensor_msgs/msg/PointCloud2", "sensor"))
        people = f"{root}/{lidar.name}/people"
        found.append(GraphTopic(people, "visrftwin_ros/msg/LidarPeople", "sensor"))
        vehicles = f"{root}/{lidar.name}/vehicles"
        found.append(GraphTopic(vehicles, "visrftwin_ros/msg/LidarVehicles", "sensor"))
    found += [GraphTopic(f"{root}/{name}", kind, "result") for name, kind in _RESULTS.items()]
    found += [GraphTopic(f"{root}/{name}", kind, "latched") for name, kind in _LATCHED.items()]
    markers = "visualization_msgs/msg/MarkerArray"
    found += [GraphTopic(f"{root}/{name}", markers, "result", shown=True) for name in _MARKERS]
    found.append(GraphTopic(f"{root}/scene", markers, "latched", shown=True))
    for name in FROM_THE_TOP:
        kind = _KINDS.get(name, "tf2_msgs/msg/TFMessage")
        found.append(GraphTopic(f"{root}{name}", kind, _OF_ROS[name]))
    return [*found, GraphTopic("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", "result")]
