"""The topics of a campaign bag and what quality of service each is offered with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rosbags.interfaces import Qos

SNAPSHOTS = "/sounder/snapshots"
TF = "/tf"
TF_STATIC = "/tf_static"
FACTS = "/campaign"
BOXES = "/tracked_boxes"
TRUTH = "/truth/"
TRUE_PEOPLE = f"{TRUTH}people"
TRUE_CHANNELS = f"{TRUTH}channels"
TRUE_PATHS = f"{TRUTH}channel_paths"
TRUE_MATERIALS = f"{TRUTH}materials"

_SENSOR_TYPES = frozenset(
    f"sensor_msgs/msg/{name}" for name in ("Image", "CompressedImage", "CameraInfo", "PointCloud2")
)
_LATCHED = frozenset({TF_STATIC, FACTS, TRUE_MATERIALS})


def is_sensor(kind: str) -> bool:
    """Whether messages of this type are sensor data: best effort, the newest counts."""
    return kind in _SENSOR_TYPES


def is_latched(topic: str) -> bool:
    """Whether a late subscriber must still get what was said before."""
    return topic in _LATCHED


def offered_qos(topic: str, kind: str) -> Qos:
    """As rosbag2 would have recorded it of a publisher of these nodes."""
    from rosbags.interfaces import (
        Qos,
        QosDurability,
        QosHistory,
        QosLiveliness,
        QosReliability,
        QosTime,
    )

    forever = QosTime(9223372036, 854775807)  # RMW_DURATION_INFINITE
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=1 if is_latched(topic) or is_sensor(kind) else 100,
        reliability=QosReliability.BEST_EFFORT if is_sensor(kind) else QosReliability.RELIABLE,
        durability=QosDurability.TRANSIENT_LOCAL if is_latched(topic) else QosDurability.VOLATILE,
        deadline=forever,
        lifespan=forever,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=forever,
        avoid_ros_namespace_conventions=False,
    )
