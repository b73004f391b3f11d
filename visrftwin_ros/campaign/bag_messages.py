"""The arrays of a campaign as ROS messages of `rosbags`, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import yaml
from jaxtyping import Float, UInt8

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.campaign.bag_types import made
from visrftwin_ros.campaign.snapshot import (
    PATH_FIELDS,
    LidarCloud,
    MeasuredPaths,
    Snapshot,
    TrueChannel,
)
from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.site.camera_info import camera_calibration
from visrftwin_ros.site.model import Camera

NANOSECONDS = 10**9
_MATERIAL_FIELDS = (
    "relative_permittivity",
    "conductivity",
    "thickness",
    "scattering_coefficient",
)
_POINT = np.dtype(
    {
        "names": ["x", "y", "z", "intensity", "t", "ring"],
        "formats": ["<f4", "<f4", "<f4", "<f4", "<u4", "<u2"],
        "offsets": [0, 4, 8, 12, 16, 20],
        "itemsize": 24,
    }
)
_POINT_FIELD_TYPES = {"<f4": 7, "<u4": 6, "<u2": 4}  # sensor_msgs/PointField's constants


def header(stamp_ns: int, frame_id: str) -> Any:
    """A std_msgs/Header; TwinError on a stamp that ROS cannot hold."""
    seconds, rest = divmod(int(stamp_ns), NANOSECONDS)
    if not 0 <= seconds < 2**31:
        raise TwinError(f"stamp {stamp_ns} ns is no ROS time: expected 0 to 2^31 s")
    stamp = made("builtin_interfaces/Time", sec=seconds, nanosec=rest)
    return made("std_msgs/Header", stamp=stamp, frame_id=frame_id)


def stamp_of(message: Any) -> int:
    """The header's stamp, ns."""
    stamp = message.header.stamp
    return int(stamp.sec) * NANOSECONDS + int(stamp.nanosec)


def text(content: Mapping[str, Any]) -> Any:
    """A std_msgs/String with the content as YAML."""
    return made("std_msgs/String", data=yaml.safe_dump(dict(content), sort_keys=False))


def path_messages(paths: MeasuredPaths) -> list[Any]:
    """RadioPath messages; what a sounder does not measure is NaN or empty."""
    rows = zip(*(getattr(paths, name).tolist() for name in PATH_FIELDS), strict=True)
    return [
        made(
            "visrftwin_ros/RadioPath",
            **dict(zip(PATH_FIELDS, row, strict=True)),
            doppler=float("nan"),
            interactions=np.zeros(0, np.uint8),
            shadow_loss_db=float("nan"),
            blocked_by=[],
            vertices=[],
        )
        for row in rows
    ]


def paths_from_messages(messages: Sequence[Any]) -> MeasuredPaths:
    """The numbers of RadioPath messages."""
    return MeasuredPaths(
        **{
            name: np.array([getattr(m, name) for m in messages], dtype=np.float64)
            for name in PATH_FIELDS
        }
    )


def snapshot_message(snapshot: Snapshot, frame_id: str) -> Any:
    return made(
        "visrftwin_ros/ChannelSnapshot",
        header=header(snapshot.stamp_ns, frame_id),
        tx=snapshot.tx,
        rx=snapshot.rx,
        frequency=float(snapshot.frequency),
        bandwidth=float(snapshot.bandwidth),
        paths=path_messages(snapshot.paths),
        noise_floor_dbm=float(snapshot.noise_floor_dbm),
    )


def compressed_image(stamp_ns: int, frame_id: str, jpeg: UInt8[np.ndarray, " n"]) -> Any:
    return made(
        "sensor_msgs/CompressedImage",
        header=header(stamp_ns, frame_id),
        format="bgr8; jpeg compressed bgr8",  # as image_transport names it
        data=jpeg,
    )


def camera_info(camera: Camera, stamp_ns: int, frame_id: str) -> Any:
    known = camera_calibration(camera)
    region = made(
        "sensor_msgs/RegionOfInterest",
        **dict.fromkeys(("x_offset", "y_offset", "height", "width"), 0),
        do_rectify=False,
    )
    return made(
        "sensor_msgs/CameraInfo",
        header=header(stamp_ns, frame_id),
        height=camera.image_height,
        width=camera.image_width,
        distortion_model=known.distortion_model,
        d=np.array(known.d, dtype=np.float64),
        k=np.array(known.k),
        r=np.array(known.r),
        p=np.array(known.p),
        binning_x=0,
        binning_y=0,
        roi=region,
    )


def cloud_message(stamp_ns: int, frame_id: str, cloud: LidarCloud) -> Any:
    """An unorganised PointCloud2 with x y z intensity [float32], t [uint32, ns], ring [uint16]."""
    points = np.zeros(len(cloud), _POINT)
    for axis, name in enumerate("xyz"):
        points[name] = cloud.xyz[:, axis]
    points["intensity"], points["t"], points["ring"] = cloud.intensity, cloud.time, cloud.ring
    assert _POINT.fields is not None
    fields = [
        made(
            "sensor_msgs/PointField",
            name=name,
            offset=offset,
            datatype=_POINT_FIELD_TYPES[kind.str],
            count=1,
        )
        for name, (kind, offset, *_) in _POINT.fields.items()
    ]
    return made(
        "sensor_msgs/PointCloud2",
        header=header(stamp_ns, frame_id),
        height=1,
        width=len(cloud),
        fields=fields,
        is_bigendian=False,
        point_step=_POINT.itemsize,
        row_step=_POINT.itemsize * len(cloud),
        data=points.view(np.uint8).reshape(-1),
        is_dense=bool(np.isfinite(cloud.xyz).all()),
    )


def vector(kind: str, values: Sequence[float] | Float[np.ndarray, " 3"]) -> Any:
    """A geometry_msgs type with x, y and z."""
    x, y, z = (float(value) for value in values)
    return made(f"geometry_msgs/{kind}", x=x, y=y, z=z)


def transform_stamped(
    stamp_ns: int,
    parent: str,
    child: str,
    translation: Sequence[float] | Float[np.ndarray, " 3"],
    quaternion_xyzw: Sequence[float] | Float[np.ndarray, " 4"],
) -> Any:
    return made(
        "geometry_msgs/TransformStamped",
        header=header(stamp_ns, parent),
        child_frame_id=child,
        transform=made(
            "geometry_msgs/Transform",
            translation=vector("Vector3", translation),
            rotation=_quaternion(quaternion_xyzw),
        ),
    )


def _quaternion(xyzw: Sequence[float] | Float[np.ndarray, " 4"]) -> Any:
    values = np.asarray(xyzw, dtype=np.float64)
    norm = float(np.linalg.norm(values)) if values.shape == (4,) else float("nan")
    if not abs(norm - 1.0) < 1e-3:
        raise TwinError(f"{values.tolist()} is no rotation: expected a unit quaternion x y z w")
    x, y, z, w = (values / norm).tolist()
    return made("geometry_msgs/Quaternion", x=x, y=y, z=z, w=w)


def odometry_message(
    stamp_ns: int,
    world_frame: str,
    robot: str,
    position: Float[np.ndarray, " 3"],
    yaw: float,
    velocity: Float[np.ndarray, " 3"],
    yaw_rate: float,
) -> Any:
    """`velocity` is in the world; nav_msgs/Odometry has it in the robot's frame."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    forward = (cos * velocity[0] + sin * velocity[1], cos * velocity[1] - sin * velocity[0])
    pose = made(
        "geometry_msgs/Pose",
        position=vector("Point", position),
        orientation=_quaternion((0.0, 0.0, np.sin(yaw / 2), np.cos(yaw / 2))),
    )
    twist = made(
        "geometry_msgs/Twist",
        linear=vector("Vector3", (*forward, velocity[2])),
        angular=vector("Vector3", (0.0, 0.0, yaw_rate)),
    )
    unknown = np.zeros(36)
    return made(
        "nav_msgs/Odometry",
        header=header(stamp_ns, world_frame),
        child_frame_id=f"{robot}/base_link",
        pose=made("geometry_msgs/PoseWithCovariance", pose=pose, covariance=unknown),
        twist=made("geometry_msgs/TwistWithCovariance", twist=twist, covariance=unknown),
    )


def people_message(stamp_ns: int, frame_id: str, bodies: Bodies) -> Any:
    """True people: sure of themselves, seen by no sensor."""
    people = [
        made(
            "visrftwin_ros/TrackedPerson",
            id=name,
            position=vector("Point", bodies.position[i]),
            velocity=vector("Vector3", bodies.velocity[i]),
            covariance=np.zeros(16),
            height=float(bodies.height[i]),
            width=float(bodies.width[i]),
            depth=float(bodies.depth[i]),
            heading=float(bodies.heading[i]),
            existence=1.0,
            seen_by=[],
            embedding=np.zeros(0, np.float32),
            material=bodies.material[i] if bodies.material else "",
        )
        for i, name in enumerate(bodies.ids)
    ]
    return made(
        "visrftwin_ros/TrackedPeople",
        header=header(stamp_ns, frame_id),
        people=people,
        latency=0.0,
        stale=False,
        age=0.0,
    )


def bodies_of(message: Any) -> Bodies:
    """The people of a TrackedPeople message."""
    people = message.people

    def column(name: str) -> Float[np.ndarray, " n"]:
        return np.array([getattr(person, name) for person in people], dtype=np.float64)

    def vectors(name: str) -> Float[np.ndarray, "n 3"]:
        found = [getattr(person, name) for person in people]
        return np.array([[v.x, v.y, v.z] for v in found], dtype=np.float64).reshape(-1, 3)

    return Bodies(
        ids=tuple(person.id for person in people),
        position=vectors("position"),
        velocity=vectors("velocity"),
        width=column("width"),
        depth=column("depth"),
        height=column("height"),
        heading=column("heading"),
        material=tuple(person.material for person in people),
    )


def channels_message(stamp_ns: int, frame_id: str, channels: Sequence[TrueChannel]) -> Any:
    """True channels of one instant."""
    links = [
        made(
            "visrftwin_ros/LinkChannel",
            tx=channel.tx,
            rx=channel.rx,
            frequency=float(channel.frequency),
            bandwidth=float(channel.bandwidth),
            path_loss_db=float(channel.path_loss_db),
            rms_delay_spread=float(channel.delay_spread),
            azimuth_spread=float(channel.azimuth_spread),
            k_factor_db=float(channel.k_factor_db),
            shadow_loss_db=float(channel.shadow_loss_db),
            shadow_loss_los_db=float("nan"),
            line_of_sight=bool(channel.line_of_sight),
            retraced=False,
            stale=False,
            age=0.0,
            reason="",
            path_count=len(channel.paths),
            paths=path_messages(channel.paths),
        )
        for channel in channels
    ]
    return made(
        "visrftwin_ros/LinkChannels",
        header=header(stamp_ns, frame_id),
        channels=links,
        links=len(links),
        affected_links=0,
        retraced_paths=0,
        latency=0.0,
        compute_time=0.0,
    )


def true_channel(stamp_ns: int, message: Any, rx_position: Float[np.ndarray, " 3"]) -> TrueChannel:
    """Of a LinkChannel message."""
    return TrueChannel(
        stamp_ns=stamp_ns,
        tx=message.tx,
        rx=message.rx,
        path_loss_db=float(message.path_loss_db),
        delay_spread=float(message.rms_delay_spread),
        azimuth_spread=float(message.azimuth_spread),
        k_factor_db=float(message.k_factor_db),
        shadow_loss_db=float(message.shadow_loss_db),
        line_of_sight=bool(message.line_of_sight),
        rx_position=rx_position,
        frequency=float(message.frequency),
        bandwidth=float(message.bandwidth),
        paths=paths_from_messages(message.paths),
    )


def materials_message(values: Mapping[str, MaterialValues]) -> Any:
    """A std_msgs/String, YAML by surface."""
    return text(
        {
            surface: {name: float(getattr(entry, name)) for name in _MATERIAL_FIELDS}
            for surface, entry in values.items()
        }
    )


def materials_of(message: Any) -> dict[str, MaterialValues]:
    """TwinError where the text is not what `materials_message` writes."""
    try:
        return {
            str(surface): MaterialValues(
                name=str(surface),
                extrapolated=False,
                **{name: float(entry[name]) for name in _MATERIAL_FIELDS},
            )
            for surface, entry in yaml.safe_load(message.data).items()
        }
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise TwinError(
            f"expected YAML {{surface: {{{', '.join(_MATERIAL_FIELDS)}}}}}, not this: {error}"
        ) from error
