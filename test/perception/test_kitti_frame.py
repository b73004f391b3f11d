"""A real street, image and LiDAR, from a bag: the pedestrian, and the vehicle, is where the label says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from kitti import LIDAR_HEIGHT, KittiFrame, read_frame, read_messages, write_bag
from posed_cameras import posed_camera
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from tf2_msgs.msg import TFMessage

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.messages.clouds import cloud_from_message
from visrftwin_ros.messages.images import image_from_message
from visrftwin_ros.nodes.shared.transforms import TransformBuffer
from visrftwin_ros.perception.detection.detector import make_detector
from visrftwin_ros.perception.lidar.people_finder import LidarPeopleConfig, LidarPeopleFinder
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.sources.vehicle_camera import VehicleCamera
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import PeopleTracker
from visrftwin_ros.perception.tracking.vehicle_tracker import VehicleTracker

TOPICS = {
    "/tf_static": TFMessage,
    "/left/image_raw": Image,
    "/left/camera_info": CameraInfo,
    "/velodyne/points": PointCloud2,
}


@pytest.fixture(scope="module")
def kitti(test_data: Path) -> Path:
    return test_data / "lidar" / "kitti"


@pytest.fixture(scope="module")
def weights(test_data: Path) -> Path:
    return test_data / "detector" / "yolov8n_int8_openvino_model"


def pedestrian(frame: KittiFrame) -> np.ndarray:
    return next(place for kind, place in frame.labels if kind == "Pedestrian")


def camera_of(info: CameraInfo, frames: TransformBuffer, stamp: int) -> CameraModel:
    pose = frames.lookup("world", info.header.frame_id, stamp)
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3], world_from_camera[:3, 3] = pose.rotation.as_matrix(), pose.position
    return posed_camera(
        "left",
        (info.width, info.height),
        np.array(info.k).reshape(3, 3),
        np.array(info.d),
        world_from_camera,
    )


@dataclass(frozen=True)
class Followed:
    """What trackers make of a frame that comes again and again, 0.1 s apart, while the LiDAR learns
    the street: by the camera alone, and by both sensors."""

    camera: CameraModel
    detections: Detections
    by_camera: People
    by_both: People


def followed(frame: KittiFrame, weights: Path, bag: Path, sweeps: int = 12) -> Followed:
    """Through the bag's messages and TF, as the nodes take them."""
    write_bag(frame, bag, sweeps)
    messages = read_messages(bag, TOPICS)
    frames = TransformBuffer()
    frames.add(messages["/tf_static"][0], static=True)
    camera = camera_of(messages["/left/camera_info"][0], frames, 0)
    image = image_from_message(messages["/left/image_raw"][0])
    detections = make_detector("yolo", str(weights), camera).detector.detect(image, 0)
    alone, both = PeopleTracker(), PeopleTracker()
    finder = LidarPeopleFinder("velodyne")
    for message in messages["/velodyne/points"]:
        cloud = cloud_from_message(message)
        pose = frames.lookup("world", cloud.frame, cloud.stamp_ns)
        seen = replace(detections, stamp_ns=cloud.stamp_ns)
        alone.update(seen, camera)
        both.update(seen, camera)
        both.update_ground(finder.find(cloud, pose.position, pose.rotation).people)
    return Followed(camera, detections, alone.people(), both.people())


def test_the_pedestrian_is_named_by_the_camera_and_placed_by_the_lidar(
    kitti: Path, weights: Path, tmp_path: Path
) -> None:
    """While the LiDAR learns the street its clusters start nobody, but place whom the camera sees."""
    frame = read_frame(kitti)
    found = followed(frame, weights, tmp_path / "bag")
    people, place = found.by_both, pedestrian(frame)
    assert len(people) == 1, "one person in the picture, and only one"
    assert people.seen_by == (("left", "velodyne"),)
    assert len(people.look[0]), "the LiDAR's person carries the camera's embedding"
    error = np.hypot(*(people.position[0] - place))
    assert error < 0.3 and error < np.hypot(*(found.by_camera.position[0] - place))
    assert abs(people.height[0] - 1.89) < 0.12
    spread = [np.trace(p.covariance[0, :2, :2]) for p in (people, found.by_camera)]
    assert spread[0] < 0.5 * spread[1]
    assert people.existence[0] > found.by_camera.existence[0] - 1e-9

    # What clusters are for: most of the points inside the box are the wall's behind.
    left, top, right, bottom = found.detections.corners[found.detections.score.argmax()]
    points = frame.points[:, :3]
    pixels, before = found.camera.project(points + np.array([0, 0, LIDAR_HEIGHT]))
    inside = before & (pixels > [left, top]).all(axis=1) & (pixels < [right, bottom]).all(axis=1)
    depth = np.median(np.hypot(*points[inside, :2].T))
    assert depth > np.hypot(*place) + 2, "the median reaches the wall behind"


@pytest.mark.parametrize("name", ["000001", "000002"])
def test_a_street_without_pedestrians_shows_nobody(
    kitti: Path, weights: Path, tmp_path: Path, name: str
) -> None:
    found = followed(read_frame(kitti, name), weights, tmp_path / "bag")
    assert len(found.by_both) == 0


def test_what_stands_within_25_m_is_one_box_within_half_a_metre(
    kitti: Path, weights: Path, tmp_path: Path
) -> None:
    """A trailer of 2.4 m beside a wall, which the network calls a truck: the camera names it, the LiDAR
    places it. From frame 000002; what the other frames label stands further away."""
    frame = read_frame(kitti, "000002")
    write_bag(frame, tmp_path / "bag", 12)
    messages = read_messages(tmp_path / "bag", TOPICS)
    frames = TransformBuffer()
    frames.add(messages["/tf_static"][0], static=True)
    camera = camera_of(messages["/left/camera_info"][0], frames, 0)
    image = image_from_message(messages["/left/image_raw"][0])
    detector = make_detector("yolo", str(weights), camera, vehicles=True).detector
    assert set(detector.vehicles) == {"bicycle", "bus", "car", "motorcycle", "truck"}
    detections = detector.detect(image, 0)
    tracker, source = VehicleTracker(), VehicleCamera("left")
    finder = LidarPeopleFinder("velodyne", LidarPeopleConfig(vehicles=True))
    for message in messages["/velodyne/points"]:
        cloud = cloud_from_message(message)
        pose = frames.lookup("world", cloud.frame, cloud.stamp_ns)
        by_camera = source.measured(replace(detections, stamp_ns=cloud.stamp_ns), camera)
        by_lidar = finder.find(cloud, pose.position, pose.rotation).vehicles
        assert by_camera is not None and by_lidar is not None
        tracker.update(by_camera)
        found = tracker.update(by_lidar)
    near = [place for _, place in frame.labels if np.hypot(*place) < 25]
    assert len(near) == 1
    away = np.hypot(*(found.position - near[0]).T)
    assert away.min() < 0.5
    assert (away < 3).sum() == 1, "camera and LiDAR see one"
    assert set(found.seen_by[int(away.argmin())]) == {"left", "velodyne"}
