"""A real street, image and LiDAR, from a bag: the pedestrian is where the label says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kitti import LIDAR_HEIGHT, KittiFrame, read_frame, read_messages, write_bag
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from tf2_msgs.msg import TFMessage

from visrftwin_ros.nodes.clouds import cloud_from_message
from visrftwin_ros.nodes.conversions import image_to_bgr, stamp_ns
from visrftwin_ros.nodes.transforms import TransformBuffer
from visrftwin_ros.perception.camera import PinholeCamera
from visrftwin_ros.perception.camera_lidar import camera_lidar_pairs, confirmed_people
from visrftwin_ros.perception.detections import Detections
from visrftwin_ros.perception.detector import make_detector
from visrftwin_ros.perception.ground_measurements import GroundMeasurements
from visrftwin_ros.perception.lidar_people import LidarPeopleConfig, LidarPeopleFinder
from visrftwin_ros.perception.point_cloud import PointCloud
from visrftwin_ros.perception.tracker import PeopleTracker

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


def camera_of(info: CameraInfo, frames: TransformBuffer, stamp: int) -> PinholeCamera:
    pose = frames.lookup("world", info.header.frame_id, stamp)
    world_from_camera = np.eye(4)
    world_from_camera[:3, :3], world_from_camera[:3, 3] = pose.rotation.as_matrix(), pose.position
    return PinholeCamera.from_pose(
        "left", (info.width, info.height), np.array(info.k), np.array(info.d), world_from_camera
    )


def test_camera_and_lidar_place_the_pedestrian(kitti: Path, weights: Path, tmp_path: Path) -> None:
    frame = read_frame(kitti)
    write_bag(frame, tmp_path / "bag")
    messages = read_messages(tmp_path / "bag", TOPICS)
    (image,), (info,) = messages["/left/image_raw"], messages["/left/camera_info"]
    (cloud_message,) = messages["/velodyne/points"]
    frames = TransformBuffer()
    frames.add(messages["/tf_static"][0], static=True)
    stamp = stamp_ns(image.header.stamp)

    camera = camera_of(info, frames, stamp)
    detector = make_detector("yolo", str(weights), camera).detector
    detections = detector.detect(image_to_bgr(image), stamp)
    cloud = cloud_from_message(cloud_message)
    pose = frames.lookup("world", cloud.frame, stamp)
    finder = LidarPeopleFinder("velodyne", LidarPeopleConfig(learning_time=0))
    people = finder.find(cloud, pose.position, pose.rotation).people
    pairs = camera_lidar_pairs(detections, camera, people)

    assert len(pairs.cluster) == 1, "one person in the picture, and only one"
    place = people.position[pairs.cluster[0]]
    assert np.hypot(*(place - pedestrian(frame))) < 0.3
    assert abs(people.height[pairs.cluster[0]] - 1.89) < 0.12
    assert confirmed_people(people, pairs, detections).score[pairs.cluster[0]] > 0.9

    # What the LiDAR is for: the foot of the box alone, or the points inside it, say less.
    left, top, right, bottom = detections.corners[pairs.detection[0]]
    pixels, before = camera.project(cloud.points + np.array([0, 0, LIDAR_HEIGHT]))
    inside = before & (pixels > [left, top]).all(axis=1) & (pixels < [right, bottom]).all(axis=1)
    depth = np.median(np.hypot(*cloud.points[inside, :2].T))
    assert depth > np.hypot(*pedestrian(frame)) + 2, "the median reaches the wall behind"


def test_the_tracker_shows_the_pedestrian_alone_placed_by_the_lidar(
    kitti: Path, weights: Path, tmp_path: Path
) -> None:
    """While the LiDAR learns the street its clusters start nobody, but place whom the camera sees."""
    frame = read_frame(kitti)
    write_bag(frame, tmp_path / "bag", sweeps=12)
    messages = read_messages(tmp_path / "bag", TOPICS)
    frames = TransformBuffer()
    frames.add(messages["/tf_static"][0], static=True)
    camera = camera_of(messages["/left/camera_info"][0], frames, 0)
    image = image_to_bgr(messages["/left/image_raw"][0])
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
    people = both.people()
    assert len(people) == 1
    assert people.seen_by == (("left", "velodyne"),)
    error = np.hypot(*(people.position[0] - pedestrian(frame)))
    assert error < 0.3
    assert np.trace(people.covariance[0, :2, :2]) < 0.5 * np.trace(
        alone.people().covariance[0, :2, :2]
    )


@pytest.mark.parametrize("name", ["000001", "000002"])
def test_a_street_without_pedestrians_pairs_nobody(kitti: Path, weights: Path, name: str) -> None:
    frame = read_frame(kitti, name)
    camera = PinholeCamera.from_pose(
        "left", frame.image.shape[1::-1], frame.matrix, np.zeros(0), frame.world_from_camera
    )
    detections = make_detector("yolo", str(weights), camera).detector.detect(frame.image, 0)
    sure = detections.where(detections.score > 0.25)
    people = found(frame)
    assert len(camera_lidar_pairs(sure, camera, people).cluster) == 0


def test_a_box_beside_every_cluster_names_none(kitti: Path) -> None:
    frame = read_frame(kitti)
    camera = PinholeCamera.from_pose(
        "left", frame.image.shape[1::-1], frame.matrix, np.zeros(0), frame.world_from_camera
    )
    wall = Detections(
        0, "left", camera.size, np.array([[250.0, 120.0, 60.0, 150.0]]), np.ones(1), ("",)
    )
    assert len(camera_lidar_pairs(wall, camera, found(frame)).cluster) == 0


def found(frame: KittiFrame) -> GroundMeasurements:
    finder = LidarPeopleFinder("velodyne", LidarPeopleConfig(learning_time=0))
    cloud = PointCloud(0, "velodyne", frame.points[:, :3])
    return finder.find(cloud, np.array([0.0, 0.0, LIDAR_HEIGHT]), Rotation.identity()).people
