"""People that a LiDAR finds, to messages and back."""

from __future__ import annotations

import numpy as np

from visrftwin_ros.messages.stamps import header, stamp_ns
from visrftwin_ros.msg import LidarPeople, LidarPerson
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.perception.lidar.people_finder import FoundPeople
from visrftwin_ros.perception.measurements.ground_measurements import GroundMeasurements


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
