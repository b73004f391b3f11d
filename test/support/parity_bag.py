"""A made recording of two cameras, a LiDAR and TF: small grey pictures, few beams, everything known.

People are boxes of one grey level each, which `GreyLevelDetector` finds, and bodies in the LiDAR's
sweeps. A recording is a list of events; what is wrong with one, a test writes into its list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from scipy.spatial.transform import Rotation

from visrftwin_ros.benchmarks.simulated.lidar import SimulatedLidar, Walker
from visrftwin_ros.perception.measurements.detections import Detections

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
SIZE, FOCAL = (256, 192), 220.0
"""px, of both cameras."""
PERIOD = 0.2
"""s of every sensor; each has a phase of its own, since equal stamps have no order in a graph."""
PHASE = {"rover": -0.04, "mast": 0.0, "north": 0.07, "tf": -0.02}
LATENCY = 0.015
"""s from a stamp to its message's place in the bag."""
BODY = np.array([0.3, 0.45, 1.75])
GREYS = (110, 200)
"""Of the people, one each; everything else is black."""
STORE = get_typestore(Stores.ROS2_JAZZY)
Array = NDArray[np.float64]
Place = tuple[Array, Rotation]
"""Where a frame is in the world, and how it is turned."""


@dataclass(frozen=True)
class Event:
    """A message of the bag. arrives: s after START."""

    arrives: float
    topic: str
    message: Any

    def later(self, seconds: float) -> Event:
        """The same, but it arrives so much later."""
        return replace(self, arrives=self.arrives + seconds)

    def stamped(self, stamp: float) -> Event:
        """The same with another stamp."""
        told = header(stamp, self.message.header.frame_id)
        return replace(self, message=replace(self.message, header=told))


def walkers(seconds: float) -> list[Array]:
    """(2,) m, where the two people are."""
    return [
        np.array([-2.5, -0.5]) + seconds * np.array([0.6, 0.25]),
        np.array([2.0, -2.0]) + seconds * np.array([0.1, 0.35]),
    ]


def looking_at(place: Sequence[float], target: Sequence[float]) -> Rotation:
    """Of the optical frame (x right, y down, z ahead) of an upright camera."""
    forward = np.subtract(target, place) / np.linalg.norm(np.subtract(target, place))
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return Rotation.from_matrix(np.column_stack([right, np.cross(forward, right), forward]))


NORTH: Place = (np.array([0.0, 9.0, 4.0]), looking_at([0, 9, 4], [0, 0, 1]))
MAST = SimulatedLidar(
    np.array([3.0, 6.0, 2.2]),
    beams=24,
    columns=360,
    elevation=(-0.5, 0.1),
    noise=0.01,
    dropout=0.0,
    reach=14.0,
)
MOUNT: Place = (np.array([0.0, 0.0, 3.0]), looking_at([0, 0, 3], [9, 0, 1]))
"""Of the rover's camera on its base."""


def driving(seconds: float) -> Place:
    """The rover's base, on its way past the people: straight on, so that a pose between two samples
    is exact, however far apart they are."""
    return np.array([-9.0 + 0.4 * seconds, -3.0, 0.0]), Rotation.from_euler("z", 0.3)


def on_base(base: Place) -> Place:
    """The rover's camera, of its base."""
    return base[0] + base[1].apply(MOUNT[0]), base[1] * MOUNT[1]


def ticks(sensor: str, seconds: float, since: float = 0.0, period: float = PERIOD) -> list[float]:
    """Stamps of a sensor, s."""
    count = round((seconds - since) / period)
    return [round(since + PHASE[sensor] + period * k, 3) for k in range(count)]


# What the sensors send.


def images(
    camera: str,
    stamps: Iterable[float],
    pose: Callable[[float], Place],
    *,
    size: tuple[int, int] = SIZE,
    frame: str = "",
) -> list[Event]:
    """Pictures of the people; of another size, the same picture in other pixels."""
    events = []
    for stamp in stamps:
        picture = painted(pose(stamp), walkers(stamp), size)
        message = made(
            "sensor_msgs/msg/Image",
            header=header(stamp, frame or f"{camera}_optical_frame"),
            height=size[1],
            width=size[0],
            encoding="mono8",
            is_bigendian=0,
            step=size[0],
            data=picture.reshape(-1),
        )
        events.append(Event(stamp + LATENCY, f"/{camera}/image_raw", message))
    return events


def painted(camera: Place, people: list[Array], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W) grey: the upright box around every body's corners, the nearest last."""
    picture = np.zeros((size[1], size[0]), np.uint8)
    scale = size[0] / SIZE[0]
    distance = [np.hypot(*(place - camera[0][:2])) for place in people]
    for k in np.argsort(distance)[::-1]:
        corners = np.stack(np.meshgrid(*[[-0.5, 0.5]] * 2, [0.0, 1.0]), -1).reshape(-1, 3) * BODY
        seen = camera[1].inv().apply(corners + [*people[k], 0.0] - camera[0])
        pixels = scale * (FOCAL * seen[:, :2] / seen[:, 2:] + np.array(SIZE) / 2)
        if seen[:, 2].min() < 0.5:
            continue
        left, top = np.maximum(np.rint(pixels.min(axis=0)), 0).astype(int)
        right, bottom = np.maximum(np.rint(pixels.max(axis=0)), 0).astype(int)
        picture[top:bottom, left:right] = GREYS[k]
    return picture


def infos(camera: str, stamps: Iterable[float], size: tuple[int, int] = SIZE) -> list[Event]:
    """CameraInfo, a moment before the image of the same stamp."""
    focal = FOCAL * size[0] / SIZE[0]
    matrix = np.array([focal, 0, size[0] / 2, 0, focal, size[1] / 2, 0, 0, 1.0])
    zeros = dict.fromkeys(("x_offset", "y_offset", "height", "width"), 0)
    events = []
    for stamp in stamps:
        message = made(
            "sensor_msgs/msg/CameraInfo",
            header=header(stamp, f"{camera}_optical_frame"),
            height=size[1],
            width=size[0],
            distortion_model="plumb_bob",
            d=np.zeros(5),
            k=matrix,
            r=np.eye(3).reshape(-1),
            p=np.zeros(12),
            binning_x=0,
            binning_y=0,
            roi=made("sensor_msgs/msg/RegionOfInterest", **zeros, do_rectify=False),
        )
        events.append(Event(stamp + LATENCY - 0.005, f"/{camera}/camera_info", message))
    return events


def sweeps(
    stamps: Iterable[float],
    frame: str = "mast",
    *,
    turn: float = 0.0,
    place: Callable[[float], Array] = lambda _: MAST.position,
    returns: bool = True,
) -> list[Event]:
    """The mast's sweeps, whose points are in a frame turned by `turn` rad against the mast's; where
    they hold no `returns`, as under a cover."""
    events = []
    for stamp in stamps:
        bodies = [Walker(at, heading=0.4, phase=6.0 * stamp) for at in walkers(stamp)]
        lidar = replace(MAST, position=place(stamp))
        random = np.random.default_rng(round(1000 * stamp) + 1000)
        points = lidar.sweep(bodies, [], random)[0].astype(np.float64)
        points = Rotation.from_euler("z", -turn).apply(points.reshape(-1, 3)).astype(np.float32)
        if not returns:
            points[:] = np.nan
        field = [
            made("sensor_msgs/msg/PointField", name=name, offset=4 * k, datatype=7, count=1)
            for k, name in enumerate("xyz")
        ]
        message = made(
            "sensor_msgs/msg/PointCloud2",
            header=header(stamp, frame),
            height=lidar.beams,
            width=lidar.columns,
            fields=field,
            is_bigendian=False,
            point_step=12,
            row_step=12 * lidar.columns,
            data=points.reshape(-1).view(np.uint8),
            is_dense=False,
        )
        events.append(Event(stamp + LATENCY, "/mast/points", message))
    return events


def poses(
    stamps: Iterable[float],
    place: Callable[[float], Place] = driving,
    frame: str = "rover/base_link",
) -> list[Event]:
    """Of a moving frame in the world, on /tf."""
    return [
        Event(stamp + 0.01, "/tf", transforms(transform(stamp, "world", frame, place(stamp))))
        for stamp in stamps
    ]


def mounts(cover_on: str = "world") -> list[Event]:
    """/tf_static: the rover's camera on its base, and the mast's cover, a quarter turn about it, as a
    frame of the world or of the mast."""
    place = MAST.position if cover_on == "world" else np.zeros(3)
    turned = (place, Rotation.from_euler("z", np.pi / 2))
    message = transforms(
        transform(-0.2, "rover/base_link", "rover_optical_frame", MOUNT),
        transform(-0.2, cover_on, "cover", turned),
    )
    return [Event(-0.2, "/tf_static", message)]


# The bag and its site.


def write_bag(folder: Path, events: Iterable[Event]) -> Path:
    """The events in the order in which they arrive."""
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections: dict[str, Any] = {}
        for event in sorted(events, key=lambda event: event.arrives):
            kind = event.message.__msgtype__
            if event.topic not in connections:
                connections[event.topic] = writer.add_connection(event.topic, kind, typestore=STORE)
            data = STORE.serialize_cdr(event.message, kind)
            writer.write(connections[event.topic], nanoseconds(event.arrives), data)
    return folder


def made_site(
    folder: Path,
    sensors: Sequence[str] = ("north", "rover", "mast"),
    **changes: dict[str, Any],
) -> Path:
    """A site with these of the sensors. changes: fields of a sensor that differ, or that None takes
    away. CameraInfo tells the lenses, TF where the rover's camera is."""
    turn = NORTH[1].inv()
    size = {"image_width": SIZE[0], "image_height": SIZE[1], "frame_rate": 1 / PERIOD}
    pose = {"rvec": turn.as_rotvec().tolist(), "t": (-turn.apply(NORTH[0])).tolist()}
    known: dict[str, tuple[str, dict[str, Any]]] = {
        "north": ("cameras", {**size, **pose}),
        "rover": ("cameras", size),
        "mast": ("lidars", {"position": MAST.position.tolist(), "max_range": 12.0}),
    }
    ground = {"name": "ground", "kind": "ground", "size": [40.0, 40.0], "material": "concrete"}
    content: dict[str, Any] = {
        "name": "yard",
        "scene": [ground],
        "access_points": [{"name": "ap", "position": [0.0, 0.0, 3.0]}],
    }
    for name in sensors:
        kind, fields = known[name]
        entry = {"name": name, **fields, **changes.get(name, {})}
        given = {key: value for key, value in entry.items() if value is not None}
        content.setdefault(kind, []).append(given)
    folder.mkdir(parents=True)
    file = folder / "site.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


# Messages.


def nanoseconds(seconds: float) -> int:
    return START + round(seconds * SECOND)


@cache
def _type(kind: str) -> Any:
    return STORE.types[kind]


def made(kind: str, **values: Any) -> Any:
    return _type(kind)(**values)


def header(stamp: float, frame: str) -> Any:
    second, rest = divmod(nanoseconds(stamp), SECOND)
    time = made("builtin_interfaces/msg/Time", sec=second, nanosec=rest)
    return made("std_msgs/msg/Header", stamp=time, frame_id=frame)


def transform(stamp: float, parent: str, child: str, place: Place) -> Any:
    x, y, z, w = (float(value) for value in place[1].as_quat())
    where = {axis: float(value) for axis, value in zip("xyz", place[0], strict=True)}
    return made(
        "geometry_msgs/msg/TransformStamped",
        header=header(stamp, parent),
        child_frame_id=child,
        transform=made(
            "geometry_msgs/msg/Transform",
            translation=made("geometry_msgs/msg/Vector3", **where),
            rotation=made("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w),
        ),
    )


def transforms(*samples: Any) -> Any:
    return made("tf2_msgs/msg/TFMessage", transforms=list(samples))


class GreyLevelDetector:
    """A fake of the network: the box around all pixels of each grey level. Sees every picture
    alone, so that what the tracks show is the sensors' handling and not the detector's."""

    kind = "yolo"
    vehicles: tuple[str, ...] = ()
    sees = ""

    def __init__(self, weights: str | Path, *, camera: str = "", **options: object) -> None:
        self._camera = camera

    def reset(self) -> None:
        """Nothing is remembered."""

    def detect(self, image_bgr: NDArray[np.uint8], stamp_ns: int) -> Detections:
        grey = image_bgr[..., 0]
        box = []
        for level in GREYS:
            rows, columns = np.nonzero(grey == level)
            if len(rows):
                low = np.array([columns.min(), rows.min()]) - 0.5
                high = np.array([columns.max(), rows.max()]) + 0.5
                box.append([*(low + high) / 2, *(high - low)])
        return Detections(
            stamp_ns=stamp_ns,
            camera=self._camera,
            image_size=(grey.shape[1], grey.shape[0]),
            box=np.array(box, dtype=np.float64).reshape(-1, 4),
            score=np.full(len(box), 0.9),
            track_id=("",) * len(box),
        )
