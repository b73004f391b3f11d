"""People and vehicles that a LiDAR finds, to messages and back."""

from __future__ import annotations

import numpy as np

from visrftwin_ros.messages.stamps import header, stamp_ns
from visrftwin_ros.msg import LidarPeople, LidarPerson, LidarVehicle, LidarVehicles
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.perception.lidar.people_finder import FoundPeople
from visrftwin_ros.perception.measurements.ground_measurements import GroundMeasurements
from visrftwin_ros.perception.measurements.sweep_view import SPEAKS, SweepView
from visrftwin_ros.perception.measurements.vehicle_measurements import (
    VehicleMeasurements,
    vehicle_rows,
)


def lidar_people_message(found: FoundPeople, world_frame: str) -> LidarPeople:
    """All but the latency."""
    people = found.people
    message = LidarPeople(lidar=people.sensor, reach=people.reach, learning=found.learning)
    message.header = header(made, people.stamp_ns, world_frame)
    message.origin.x, message.origin.y = (float(v) for v in people.origin)
    for i in range(len(people)):
        person = LidarPerson(
            n_points=int(found.n_points[i]),
            covariance=found.covariance[i].reshape(-1).astype(np.float64),
            height=float(people.height[i]),
            height_sigma=float(people.height_sigma[i]),
            score=float(people.score[i]),
            seconds=float(people.after[i]),
        )
        centroid, size = person.centroid, person.size
        centroid.x, centroid.y, centroid.z = (float(v) for v in found.center[i])
        size.x, size.y, size.z = (float(v) for v in found.size[i])
        message.people.append(person)
    return message


def measurements_from_message(message: LidarPeople) -> GroundMeasurements:
    """What the tracker takes; what is wrong with single people, it sorts out."""
    people = message.people
    size = np.array([[p.size.x, p.size.y] for p in people], dtype=np.float64).reshape(-1, 2)
    covariance = np.array([p.covariance for p in people], np.float64).reshape(-1, 3, 3)
    return GroundMeasurements(
        stamp_ns=stamp_ns(message.header.stamp),
        sensor=message.lidar,
        position=np.array([[p.centroid.x, p.centroid.y] for p in people], np.float64).reshape(
            -1, 2
        ),
        covariance=covariance[:, :2, :2],
        height=np.array([p.height for p in people], dtype=np.float64),
        height_sigma=np.array([p.height_sigma for p in people], dtype=np.float64),
        score=np.array([p.score for p in people], dtype=np.float64),
        after=np.array([p.seconds for p in people], dtype=np.float64),
        extent=np.sort(size, axis=1)[:, ::-1],
        origin=np.array([message.origin.x, message.origin.y], dtype=np.float64),
        reach=float(message.reach),
    )


def lidar_vehicles_message(vehicles: VehicleMeasurements, world_frame: str) -> LidarVehicles:
    """All but the latency; of a sweep."""
    view = vehicles.view
    assert isinstance(view, SweepView)
    message = LidarVehicles(lidar=vehicles.sensor, reach=view.reach)
    message.header = header(made, vehicles.stamp_ns, world_frame)
    message.origin.x, message.origin.y = (float(v) for v in view.origin)
    message.nearest = view.nearest.astype(np.float32)
    for i in range(len(vehicles)):
        vehicle = LidarVehicle(
            kind=vehicles.kind[i],
            anchor=vehicles.anchor[i].astype(np.float64),
            side=vehicles.side[i].astype(np.int8),
            covariance=vehicles.covariance[i].reshape(-1).astype(np.float64),
            heading=float(vehicles.heading[i]),
            heading_sigma=float(vehicles.heading_sigma[i]),
            n_points=int(vehicles.n_points[i]),
            whole=[bool(known) for known in vehicles.whole[i]],
            score=float(vehicles.score[i]),
            seconds=float(vehicles.after[i]),
        )
        vehicle.size.x, vehicle.size.y, vehicle.size.z = (float(v) for v in vehicles.size[i])
        message.vehicles.append(vehicle)
    return message


def vehicles_from_message(message: LidarVehicles) -> VehicleMeasurements:
    """What the tracker takes; what is wrong with single vehicles, it sorts out."""
    origin = np.array([message.origin.x, message.origin.y], dtype=np.float64)
    nearest = np.array(message.nearest, dtype=np.float64)
    reach = float(message.reach)
    view = SweepView(origin, reach, nearest if len(nearest) else np.full(1, reach))
    rows = [
        {
            "kind": one.kind,
            "score": one.score,
            "after": one.seconds,
            "anchor": one.anchor,
            "side": one.side,
            "covariance": np.reshape(one.covariance, (2, 2)),
            "doubt": np.zeros((2, 2)),
            "heading": one.heading,
            "heading_sigma": one.heading_sigma,
            "size": (one.size.x, one.size.y, one.size.z),
            "whole": one.whole,
            "n_points": one.n_points,
        }
        for one in message.vehicles
    ]
    return vehicle_rows(rows, stamp_ns(message.header.stamp), message.lidar, view, SPEAKS)
