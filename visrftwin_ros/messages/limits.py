"""What a message may hold, checked before anything is read of it: its time, then its sizes, then
the numbers that size what follows.

Lists of what a sensor saw are cut to their limit; what is out of its limits otherwise is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.stamps import NANOSECONDS, stamp_ns
from visrftwin_ros.site.frames import EXTRAPOLATION
from visrftwin_ros.site.residual_map import (
    LARGEST_DB,
    LEAST_ALONE_DB,
    LEAST_TRUST,
    LONGEST,
    SHORTEST,
)
from visrftwin_ros.site.residual_map import MOST as MOST_SOUNDINGS

LONGEST_NAME = 256
"""Characters of a frame, an id or a name."""
MOST_VERTICES = 64
"""Of one path: an order of magnitude above what any solver here is asked for."""
MOST_HORIZONS = 100
"""Of one link's forecast."""
LONGEST_HORIZON = 10.0
"""s that a forecast looks ahead."""
MOST_LEVELS = 32
"""Of its distribution."""
LARGEST_SNR_DB = 200.0
MOST_SERVING = 8
"""Access points beside the first that serve a robot at a time."""
MOST_PLACES = 10_000
"""Of a robot's plan."""
MOST_CELLS = 100_000
"""Of a radio map; the twin's own have 1600."""
LONGEST_EMBEDDING = 4096
MOST_HYPOTHESES = 1000
"""Classes that one object may be of, in vision_msgs."""
FARTHEST = 1e5
"""m from the origin of the world at which a person, a box or a robot is believed."""
LARGEST_BOX = 30.0
"""m of a side of a tracked box: a lorry with its trailer has 19."""
LAST_CHANGE = 2
"""Of the constants of SurfaceChange.msg."""
UNIT = 0.01
"""By which the length of a quaternion may differ from 1."""
LONGEST_SWEEP = 1.0
"""s that a LiDAR takes for one."""
MOST_SECTORS = 3600
"""Directions in which a LiDAR says how far it saw."""
HALF_TURN = 3.2
"""rad, in single precision."""
LARGEST = 5.0
"""m of a person's width, depth or height that is believed."""


@dataclass(frozen=True)
class Limits:
    """Of one message: people and boxes of a sensor, links, paths of all links, transforms, pixels of
    an image and points of a cloud.

    ahead: s that a stamp may lie before the clock. behind: s that it may lie behind the clock and
    what rests on it still be fresh. extrapolation: s from the nearest sample of TF up to which a robot
    is taken to be where it was then.
    """

    people: int = 200
    boxes: int = 500
    links: int = 2_000
    paths: int = 100_000
    transforms: int = 1_000
    pixels: int = 40_000_000
    points: int = 2_000_000
    ahead: float = 0.5
    behind: float = 1.0
    extrapolation: float = EXTRAPOLATION


Rule = Callable[[Any, Limits], str]
Sides = Callable[[Any], tuple[float, float, float]]


def check_message(kind: str, message: Any, limits: Limits, now_ns: int) -> str:
    """What was cut from a message of the type `package/Name`; '' if nothing. `now_ns` is ROS time.

    TwinError, which says what would be right, where the message is not to be used.
    """
    header = getattr(message, "header", None)
    if header is not None:
        if kind not in _UNTIMED:
            check_time(header.stamp, now_ns, limits.ahead)
        _check_names(header.frame_id)
    return _RULES[kind](message, limits) if kind in _RULES else ""


def check_time(stamp: Any, now_ns: int, ahead: float) -> None:
    """TwinError where a builtin_interfaces/Time is none, or lies `ahead` s before the clock."""
    if stamp.sec < 0 or stamp.nanosec >= NANOSECONDS:
        raise TwinError(
            f"stamp {stamp.sec} s {stamp.nanosec} ns is no ROS time: set the sender's clock"
        )
    if not stamp.sec and not stamp.nanosec:
        raise TwinError("stamp 0 is no time: have the sender fill in its header")
    # Before the first /clock nothing can be said.
    lead = (stamp_ns(stamp) - now_ns) * 1e-9
    if now_ns and lead > ahead:
        raise TwinError(
            f"stamp {lead:.2f} s in the future (limit {ahead:g} s): synchronise the clocks"
        )


def check_place(place: Float[np.ndarray, " 3"], whose: str) -> None:
    """TwinError where a position [m] in the world is none, or too far away to be one of this site."""
    where = ", ".join(f"{value:g}" for value in place)
    if not np.isfinite(place).all():
        raise TwinError(f"the position of {whose} is not finite: ({where})")
    if np.abs(place).max() > FARTHEST:
        raise TwinError(f"the position of {whose}, ({where}) m, is over {FARTHEST:g} m away")


def cut(items: Sequence[Any], most: int, what: str) -> tuple[list[Any], str]:
    """The first `most` of a message's list, and what to say of the rest; '' where there is none."""
    if len(items) <= most:
        return list(items), ""
    return list(items[:most]), f"{len(items)} {what} come: only the first {most} are taken"


def _check_count(items: Sequence[Any], most: int, what: str) -> None:
    if len(items) > most:
        raise TwinError(f"{len(items)} {what} in one message: at most {most} are taken")


def _check_names(*names: str) -> None:
    longest = max(map(len, names), default=0)
    if longest > LONGEST_NAME:
        raise TwinError(f"a name of {longest} characters: at most {LONGEST_NAME} are taken")


def _finite(*numbers: float) -> bool:
    return all(map(math.isfinite, numbers))


def _people(message: Any, limits: Limits) -> str:
    people, told = _believed(message.people, limits.people, _sides_of_person, LARGEST, "people")
    if told:
        message.people = people
    return told


def _tracked_boxes(message: Any, limits: Limits) -> str:
    _check_names(*(box.kind for box in message.boxes[: limits.boxes]))
    boxes, told = _believed(message.boxes, limits.boxes, _sides_of_box, LARGEST_BOX, "boxes")
    if told:
        message.boxes = boxes
    return told


def _believed(
    told_of: Sequence[Any], most: int, sides: Sides, largest: float, what: str
) -> tuple[list[Any], str]:
    """The first `most` people or boxes without those that are too far away or too large."""
    taken, told = cut(told_of, most, what)
    _check_names(*(one.id for one in taken), *(one.material for one in taken))

    def credible(one: Any) -> bool:
        # What is no number is left to the models, which leave it out and name it.
        place = one.position
        off = max(abs(place.x), abs(place.y), abs(place.z))
        return not (off > FARTHEST or max(sides(one)) > largest)

    believed = [one for one in taken if credible(one)]
    if len(believed) < len(taken):
        names = ", ".join(one.id for one in taken if not credible(one))
        told = f"{what} over {FARTHEST:g} m away or {largest:g} m large are left out: {names}"
    return believed, told


def _sides_of_person(person: Any) -> tuple[float, float, float]:
    return person.width, person.depth, person.height


def _sides_of_box(box: Any) -> tuple[float, float, float]:
    return box.size.x, box.size.y, box.size.z


def _boxes(message: Any, limits: Limits) -> str:
    boxes, told = cut(message.detections, limits.boxes, "boxes")
    for box in boxes:
        _check_names(box.track_id, box.kind)
        _check_count(box.embedding, LONGEST_EMBEDDING, "numbers of an embedding")
    _check_names(message.camera, message.detector)
    if told:
        message.detections = boxes
    return told


def _vision(message: Any, limits: Limits) -> str:
    found, told = cut(message.detections, limits.boxes, "boxes")
    for one in found:
        _check_count(one.results, MOST_HYPOTHESES, "hypotheses of one object")
        _check_names(one.id, *(result.hypothesis.class_id for result in one.results))
        center = one.bbox.center
        numbers = center.position.x, center.position.y, center.theta
        if not _finite(*numbers, one.bbox.size_x, one.bbox.size_y):
            raise TwinError("a box holds what is no number: correct who publishes it")
    if told:
        message.detections = found
    return told


def _lidar_people(message: Any, limits: Limits) -> str:
    taken, told = cut(message.people, limits.people, "people")
    people = [person for person in taken if _credible_cluster(person)]
    if len(people) < len(taken):
        wrong = len(taken) - len(people)
        told = f"{wrong} people of no place or size that can be true are left out"
    if told:
        message.people = people
    check_place(np.array([message.origin.x, message.origin.y, message.origin.z]), "the LiDAR")
    if not message.reach >= 0:
        raise TwinError(f"the LiDAR's reach is {message.reach:g} m: fill it in")
    return told


def _lidar_vehicles(message: Any, limits: Limits) -> str:
    taken, told = cut(message.vehicles, limits.boxes, "vehicles")
    _check_names(message.lidar, *(vehicle.kind for vehicle in taken))
    vehicles = [vehicle for vehicle in taken if _credible_vehicle(vehicle)]
    if len(vehicles) < len(taken):
        wrong = len(taken) - len(vehicles)
        told = f"{wrong} vehicles of no place or size that can be true are left out"
    if told:
        message.vehicles = vehicles
    check_place(np.array([message.origin.x, message.origin.y, message.origin.z]), "the LiDAR")
    if not message.reach >= 0:
        raise TwinError(f"the LiDAR's reach is {message.reach:g} m: fill it in")
    _check_count(message.nearest, MOST_SECTORS, "directions")
    if not (np.asarray(message.nearest) >= 0).all():
        raise TwinError("a range that is none in `nearest`: expected metres from 0 on")
    return told


def _credible_vehicle(vehicle: Any) -> bool:
    size = np.array([vehicle.size.x, vehicle.size.y, vehicle.size.z])
    numbers = np.array([*vehicle.anchor, *vehicle.covariance])
    return bool(
        (np.abs(numbers) <= FARTHEST).all()
        and ((size >= 0) & (size <= LARGEST_BOX)).all()
        and set(vehicle.side) <= {-1, 0, 1}
        and vehicle.heading_sigma > 0
        and abs(vehicle.heading) <= HALF_TURN
        and 0 <= vehicle.score <= 1
        and abs(vehicle.seconds) <= LONGEST_SWEEP
    )


def _credible_cluster(person: Any) -> bool:
    place, size = person.centroid, person.size
    sizes = np.array([size.x, size.y, size.z, person.height, person.height_sigma])
    return bool(
        max(map(abs, (place.x, place.y, place.z))) <= FARTHEST
        and ((sizes >= 0) & (sizes <= LARGEST)).all()
        and np.abs(person.covariance).max() <= FARTHEST
        and abs(person.seconds) <= LONGEST_SWEEP
    )


def _transforms(message: Any, limits: Limits) -> str:
    _check_count(message.transforms, limits.transforms, "transforms")
    for transform in message.transforms:
        _check_names(transform.header.frame_id, transform.child_frame_id)
        if transform.header.stamp.sec < 0:
            raise TwinError(
                f"TF of {transform.child_frame_id!r}: stamp {transform.header.stamp.sec} s is no ROS"
                " time: set its sender's clock"
            )
    return ""


def _clock(message: Any, limits: Limits) -> str:
    # Zero is what a simulator begins with.
    if message.clock.sec < 0 or message.clock.nanosec >= NANOSECONDS:
        raise TwinError(
            f"{message.clock.sec} s {message.clock.nanosec} ns is no ROS time: correct who publishes it"
        )
    return ""


def _camera_info(message: Any, limits: Limits) -> str:
    _check_count(message.d, 14, "distortion coefficients")
    _check_names(message.distortion_model)
    if not _finite(*message.k, *message.d):
        raise TwinError("a CameraInfo with K or D that are no numbers: calibrate the camera")
    return ""


def _channels(message: Any, limits: Limits) -> str:
    _check_links(message.channels, limits)
    return ""


def _check_links(links: Sequence[Any], limits: Limits) -> None:
    _check_count(links, limits.links, "links")
    seen: set[tuple[str, str]] = set()
    for link in links:
        _check_names(link.tx, link.rx)
        if (link.tx, link.rx) in seen:
            raise TwinError(f"the link {link.tx}-{link.rx} comes twice in one message")
        seen.add((link.tx, link.rx))


def _paths(message: Any, limits: Limits) -> str:
    _check_links(message.links, limits)
    count = sum(len(link.paths) for link in message.links)
    if count > limits.paths:
        raise TwinError(f"{count} paths in one message: at most {limits.paths} are taken")
    for link in message.links:
        for path in link.paths:
            if len(path.vertices) > MOST_VERTICES:
                raise TwinError(
                    f"a path of {link.tx}-{link.rx} has {len(path.vertices)} vertices: at most"
                    f" {MOST_VERTICES} are taken"
                )
    return ""


def _forecasts(message: Any, limits: Limits) -> str:
    _check_links(message.forecasts, limits)
    counts: set[int] = set()
    levels: set[int] = set()
    for link in message.forecasts:
        values = link.horizon, link.shadow_loss_db, link.shadow_loss_upper_db
        counts.update(map(len, values))
        # A link without a path has no loss: NaN.
        if not _finite(*link.horizon) or any(map(math.isinf, (*values[1], *values[2]))):
            raise TwinError(f"the forecast of {link.tx}-{link.rx} holds what is no number")
        if not _rises(link.horizon, LONGEST_HORIZON):
            raise TwinError(
                f"the forecast of {link.tx}-{link.rx} has wrong horizons: expected seconds that rise"
                f" from 0 to at most {LONGEST_HORIZON:g}"
            )
        _distribution(link)
        levels.add(len(link.quantiles))
    if len(counts) > 1 or max(counts, default=0) > MOST_HORIZONS:
        raise TwinError(
            f"forecasts of {', '.join(map(str, sorted(counts)))} horizons, means and upper bounds:"
            f" expected the same number of each for every link, at most {MOST_HORIZONS}"
        )
    if len({tuple(link.horizon) for link in message.forecasts}) > 1:
        raise TwinError("forecasts of different moments: expected the same horizons for every link")
    if len(levels) > 1:
        raise TwinError(
            f"forecasts of {', '.join(map(str, sorted(levels)))} levels: expected the same number"
            " for every link"
        )
    return ""


def _rises(values: Sequence[float], most: float) -> bool:
    """From 0 to at most `most`, none twice."""
    return all(0 <= v <= most for v in values) and all(a < b for a, b in pairwise(values))


def _distribution(link: Any) -> None:
    """TwinError where the quantiles of a forecast do not fit its horizons and levels."""
    levels, cells = link.quantiles, len(link.horizon) * len(link.quantiles)
    if len(levels) > MOST_LEVELS or not _rises(levels, 1.0):
        raise TwinError(
            f"the forecast of {link.tx}-{link.rx} has wrong levels: expected at most {MOST_LEVELS}"
            " that rise from 0 to 1"
        )
    for name in ("shadow_loss_quantiles_db", "snr_quantiles_db"):
        values = getattr(link, name)
        if len(values) not in (0, cells) or any(v == math.inf for v in values):
            raise TwinError(
                f"{name} of {link.tx}-{link.rx}: {len(values)} values, expected {cells} numbers,"
                " each horizon by each level"
            )


def _association(message: Any, limits: Limits) -> str:
    _check_names(message.robot, message.ap, message.reported_by, *message.also[:MOST_SERVING])
    if len(message.also) > MOST_SERVING:
        raise TwinError(
            f"{len(message.also)} further access points serve {message.robot}: at most {MOST_SERVING}"
        )
    return ""


def _telemetry(message: Any, limits: Limits) -> str:
    _check_names(message.tx, message.rx)
    values = message.frequency, message.rssi_dbm, message.snr_db, message.phy_rate
    if any(map(math.isinf, values)) or abs(message.snr_db) > LARGEST_SNR_DB:
        raise TwinError(
            f"telemetry of {message.tx}-{message.rx} holds what is no measurement: expected NaN"
            f" where unknown, and an SNR within {LARGEST_SNR_DB:g} dB"
        )
    return ""


def _plan(message: Any, limits: Limits) -> str:
    _check_count(message.poses, MOST_PLACES, "places of a plan")
    return ""


def _grid(message: Any, limits: Limits) -> str:
    info, at, turn = message.info, message.info.origin.position, message.info.origin.orientation
    _check_count(message.data, MOST_CELLS, "cells of a map")
    if info.width * info.height != len(message.data):
        raise TwinError(
            f"{len(message.data)} cells for {info.width} columns and {info.height} rows: expected"
            " columns times rows"
        )
    check_place(np.array([at.x, at.y, at.z]), "a map's first cell")
    if not 0 < info.resolution <= FARTHEST:
        raise TwinError(f"cells of {info.resolution:g} m: expected more than 0")
    if not all(abs(part) < UNIT for part in (turn.x, turn.y, turn.z)):
        raise TwinError("a map that is turned: expected one along the axes of the world")
    return ""


def _estimates(message: Any, limits: Limits) -> str:
    _check_count(message.materials, limits.boxes, "surfaces")
    _check_names(*(one.surface for one in message.materials))
    for one in message.materials:
        values = (one.relative_permittivity, one.conductivity, one.scattering_coefficient)
        if not _finite(*values, one.thickness):
            raise TwinError(f"the material of {one.surface} holds what is no number")
    return ""


def _surface_changes(message: Any, limits: Limits) -> str:
    _check_count(message.changes, limits.boxes, "changes")
    for one in message.changes:
        _check_names(one.surface, one.material, *one.seen_by[:MOST_VERTICES])
        _check_count(one.seen_by, MOST_VERTICES, f"sensors that saw {one.surface}")
        if one.change > LAST_CHANGE:
            raise TwinError(
                f"the change of {one.surface} is {one.change}: expected 0 (moved), 1 (appeared) or"
                " 2 (vanished)"
            )
        if not 0 <= one.confidence <= 1:
            raise TwinError(
                f"the change of {one.surface} has confidence {one.confidence:g}: 0 to 1"
            )
        place, turn = one.motion.translation, one.motion.rotation
        check_place(np.array([place.x, place.y, place.z]), f"what moved {one.surface}")
        length = math.hypot(turn.x, turn.y, turn.z, turn.w)
        if not abs(length - 1) < UNIT:
            raise TwinError(
                f"the motion of {one.surface} has a quaternion of length {length:g}: expected 1"
            )
        _check_count(one.mesh.vertices, MOST_VERTICES, f"corners of {one.surface}")
        for corner in one.mesh.vertices:
            check_place(np.array([corner.x, corner.y, corner.z]), f"a corner of {one.surface}")
    return ""


def _residuals(message: Any, limits: Limits) -> str:
    counts = {len(getattr(message, name)) for name in _OF_SOUNDINGS}
    if len(counts) > 1 or max(counts) > MOST_SOUNDINGS:
        raise TwinError(
            f"{', '.join(map(str, sorted(counts)))} access points, positions, residuals and trusts:"
            f" expected the same number of each, at most {MOST_SOUNDINGS}"
        )
    _check_names(*message.access_points)
    for place in message.positions:
        check_place(np.array([place.x, place.y, place.z]), "a sounding")
    # Numbers of 32 bits round down.
    trusted = all(0.99 * LEAST_TRUST <= trust <= 1 for trust in message.trust)
    alone = 0.99 * LEAST_ALONE_DB <= message.alone_db <= LARGEST_DB
    shared, reach = 0 <= message.shared_db <= LARGEST_DB, SHORTEST <= message.reach <= LONGEST
    if counts != {0} and not (trusted and alone and shared and reach):
        raise TwinError(
            f"residuals of no covariance: expected trust of {LEAST_TRUST:g} to 1, alone_db of"
            f" {LEAST_ALONE_DB:g} and shared_db of 0 to {LARGEST_DB:g}, reach of {SHORTEST:g} to"
            f" {LONGEST:g}"
        )
    if not all(abs(value) <= LARGEST_DB for value in message.residuals_db):
        raise TwinError(f"a residual that is none: expected dB within {LARGEST_DB:g}")
    return ""


def _snapshot(message: Any, limits: Limits) -> str:
    _check_names(message.tx, message.rx)
    _check_count(message.paths, limits.paths, "paths")
    return ""


def _beams(message: Any, limits: Limits) -> str:
    _check_links(message.decisions, limits)
    return ""


_OF_SOUNDINGS = ("access_points", "positions", "residuals_db", "trust")
_UNTIMED = (
    "sensor_msgs/CameraInfo",
    "diagnostic_msgs/DiagnosticArray",
    "visrftwin_ros/MaterialEstimates",
    "visrftwin_ros/PathLossResiduals",
)
"""Of these nobody reads the stamp; many senders leave it at zero."""
_RULES: dict[str, Rule] = {
    "visrftwin_ros/TrackedPeople": _people,
    "visrftwin_ros/TrackedBoxes": _tracked_boxes,
    "visrftwin_ros/Detections": _boxes,
    "vision_msgs/Detection2DArray": _vision,
    "visrftwin_ros/LidarPeople": _lidar_people,
    "visrftwin_ros/LidarVehicles": _lidar_vehicles,
    "tf2_msgs/TFMessage": _transforms,
    "rosgraph_msgs/Clock": _clock,
    "nav_msgs/Path": _plan,
    "nav_msgs/OccupancyGrid": _grid,
    "sensor_msgs/CameraInfo": _camera_info,
    "visrftwin_ros/LinkChannels": _channels,
    "visrftwin_ros/ChannelPaths": _paths,
    "visrftwin_ros/ShadowForecasts": _forecasts,
    "visrftwin_ros/BeamDecisions": _beams,
    "visrftwin_ros/Association": _association,
    "visrftwin_ros/LinkTelemetry": _telemetry,
    "visrftwin_ros/MaterialEstimates": _estimates,
    "visrftwin_ros/PathLossResiduals": _residuals,
    "visrftwin_ros/SurfaceChanges": _surface_changes,
    "visrftwin_ros/ChannelSnapshot": _snapshot,
}
