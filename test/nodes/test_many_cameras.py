"""The tracker node with several cameras, fixed and moving, and what goes wrong with them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from node_bench import ERROR, OK, SENSOR_QOS, WARN, NodeBench
from posed_cameras import posed_camera
from rclpy.lifecycle import TransitionCallbackReturn
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.messages.stamps import stamp_message, stamp_ns
from visrftwin_ros.msg import Detection, Detections, TrackedPeople, TrackedPerson
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.people_tracker import PeopleTrackerNode
from visrftwin_ros.nodes.shared.transforms import MOVING_QOS, Pose
from visrftwin_ros.nodes.twin_viewer import TwinViewer
from visrftwin_ros.site.loading import load_site

SECOND = 1_000_000_000
SIZE = (960, 720)
IMAGE = {"image_width": SIZE[0], "image_height": SIZE[1]}
MATRIX = np.array([[600.0, 0, 480], [0, 600.0, 360], [0, 0, 1]])


def pose_of(angle: float) -> Pose:
    """Of a camera 12 m from (0, 0) and 4 m up that looks there, at an angle from +x."""
    place = np.array([12 * np.cos(angle), 12 * np.sin(angle), 4.0])
    forward = np.array([0.0, 0.0, 1.0]) - place
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    axes = np.column_stack([right, np.cross(forward, right), forward])
    return Pose(place, Rotation.from_matrix(axes))


def camera_of(name: str, pose: Pose) -> CameraModel:
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = pose.rotation.as_matrix(), pose.position
    return posed_camera(name, SIZE, MATRIX, np.zeros(0), matrix)


@pytest.fixture
def site(small_site: Path) -> Path:
    """The small site with two fixed cameras, `east` and `north`, and `glasses` on TF alone."""
    content = yaml.safe_load(small_site.read_text())
    size = {"image_width": SIZE[0], "image_height": SIZE[1]}
    cameras: list[dict[str, Any]] = []
    for name, angle in (("east", 0.0), ("north", np.pi / 2)):
        pose = pose_of(angle)
        turn = pose.rotation.inv()
        cameras.append(
            {
                "name": name,
                **size,
                **{"fx": 600.0, "fy": 600.0, "cx": 480.0, "cy": 360.0},
                "rvec": turn.as_rotvec().tolist(),
                "t": (-turn.apply(pose.position)).tolist(),
            }
        )
    cameras.append({"name": "glasses", **size})
    content["cameras"] = cameras
    small_site.write_text(yaml.safe_dump(content))
    assert load_site(str(small_site)).camera("glasses").pose is None
    return small_site


class Scene:
    """Somebody who walks over the origin, seen by cameras that this test speaks for."""

    def __init__(self, bench: NodeBench, site: Path, **parameters: object) -> None:
        self.bench = bench
        self.node = bench.active(PeopleTrackerNode, "tracker", site=str(site), **parameters)
        self.people = bench.heard(TrackedPeople, "people")
        self._publishers = {
            name: bench.publisher(Detections, f"{name}/detections", SENSOR_QOS)
            for name in ("east", "north", "glasses")
        }
        self.transforms = bench.publisher(TFMessage, "/tf", MOVING_QOS)
        self.infos = bench.publisher(CameraInfo, "glasses/camera_info", SENSOR_QOS)
        self.start = time.time_ns()

    def place(self, seconds: float) -> np.ndarray:
        return np.array([0.8 * seconds - 1.0, 0.3])

    def see(self, camera: CameraModel, seconds: float, frame: str = "", shift: float = 0.0) -> int:
        """A camera's box of the walker, stamped `shift` seconds off; the stamp."""
        ends = np.array([[*self.place(seconds), 0.0], [*self.place(seconds), 1.72]])
        (u, bottom), (_, top) = camera.project(ends)[0]
        size = {"width": 0.36 * (bottom - top), "height": bottom - top}
        box = Detection(score=0.9, x=u, y=(top + bottom) / 2, **size)
        message = Detections(camera=camera.name, detector="yolo", detections=[box], **IMAGE)
        stamp = self.start + round((seconds + shift) * SECOND)
        message.header.stamp = stamp_message(made, stamp)
        message.header.frame_id = frame
        self._publishers[camera.name].publish(message)
        return stamp

    def answered(self, stamp: int, seconds: float = 3.0) -> bool:
        return self.bench.until(
            lambda: any(stamp_ns(m.header.stamp) >= stamp for m in self.people), seconds
        )

    def tell_lens(self) -> None:
        info = CameraInfo(width=SIZE[0], height=SIZE[1], distortion_model="plumb_bob")
        info.k = MATRIX.reshape(-1).tolist()
        info.d = [0.0] * 5
        self.infos.publish(info)
        assert self.bench.says("tracker: glasses calibration", OK)

    def tell_pose(self, seconds: float) -> Pose:
        """Where the glasses are: they walk around the origin."""
        pose = pose_of(-0.5 + 0.2 * seconds)
        stamp = self.start + round(seconds * SECOND)
        frames = [transform_message(made, "world", "glasses_optical_frame", stamp, pose)]
        self.transforms.publish(TFMessage(transforms=frames))
        return pose


EAST, NORTH = camera_of("east", pose_of(0.0)), camera_of("north", pose_of(np.pi / 2))


def test_two_cameras_see_one_person(bench: NodeBench, site: Path) -> None:
    scene = Scene(bench, site)
    for k in range(12):
        scene.see(EAST, 0.1 * k)
        assert scene.answered(scene.see(NORTH, 0.1 * k + 0.04))
    (person,) = scene.people[-1].people
    assert set(person.seen_by) == {"east", "north"} and person.id == "1"
    assert (person.position.x, person.position.y) == pytest.approx(scene.place(1.14), abs=0.1)


def test_a_late_camera_is_replayed(bench: NodeBench, site: Path) -> None:
    scene = Scene(bench, site)
    for k in range(10):
        assert scene.answered(scene.see(EAST, 0.1 * k))
        if k > 3:
            scene.see(NORTH, 0.1 * k - 0.25)
            bench.spin(0.05)
    assert bench.until(lambda: int(bench.statuses["tracker: north"][2]["replayed"]) >= 5)
    stamps = [stamp_ns(m.header.stamp) for m in scene.people]
    assert stamps == sorted(stamps) and {p.id for m in scene.people for p in m.people} == {"1"}


def test_a_moving_camera_places_people_through_tf(bench: NodeBench, site: Path) -> None:
    scene = Scene(bench, site)
    scene.tell_lens()
    for k in range(15):
        pose = scene.tell_pose(0.1 * k)
        bench.spin(0.02)
        assert scene.answered(scene.see(camera_of("glasses", pose), 0.1 * k))
    (person,) = scene.people[-1].people
    assert (person.position.x, person.position.y) == pytest.approx(scene.place(1.4), abs=0.1)
    assert person.seen_by == ["glasses"]


def test_detections_wait_for_tf_that_comes_late_and_use_the_pose_between(
    bench: NodeBench, site: Path
) -> None:
    scene = Scene(bench, site)
    scene.tell_lens()
    scene.tell_pose(0.0)
    for k in range(1, 12):
        between = pose_of(-0.5 + 0.2 * (0.1 * k - 0.05))
        stamp = scene.see(camera_of("glasses", between), 0.1 * k - 0.05)
        assert not scene.answered(stamp, 0.06)  # no pose after the image yet
        scene.tell_pose(0.1 * k)
        assert scene.answered(stamp, 1.0)
    (person,) = scene.people[-1].people
    assert (person.position.x, person.position.y) == pytest.approx(scene.place(1.05), abs=0.1)


@pytest.mark.parametrize(
    ("lens", "frames", "named"),
    [
        (False, [], "no CameraInfo yet"),
        (True, [], "TF has no frame 'glasses_optical_frame'"),
        (True, [("world", "glasses_optical_frame", -3.0)], "s away from the time asked for"),
        (
            True,
            [("world", "glasses_optical_frame", -4.0), ("world", "glasses_optical_frame", 4.0)],
            "has a gap of 8.0 s",
        ),
        (True, [("a", "glasses_optical_frame", 0.0), ("glasses_optical_frame", "a", 0.0)], "loops"),
    ],
)
def test_a_moving_camera_without_lens_or_pose_is_named_and_the_others_go_on(
    bench: NodeBench, site: Path, lens: bool, frames: list[tuple[str, str, float]], named: str
) -> None:
    scene = Scene(bench, site)
    if lens:
        scene.tell_lens()
    for parent, child, seconds in frames:
        stamp = scene.start + round(seconds * SECOND)
        message = transform_message(made, parent, child, stamp, pose_of(0.0))
        scene.transforms.publish(TFMessage(transforms=[message]))
        bench.spin(0.05)
    for k in range(8):
        scene.see(camera_of("glasses", pose_of(2.0)), 0.1 * k)
        assert scene.answered(scene.see(EAST, 0.1 * k + 0.04))
    assert bench.says("tracker: glasses", ERROR, named)
    assert bench.says("tracker: east", OK)
    assert len(scene.people[-1].people) == 1
    assert all("glasses" not in p.seen_by for m in scene.people for p in m.people)


def test_a_calibration_for_another_size_is_named(bench: NodeBench, site: Path) -> None:
    scene = Scene(bench, site)
    scene.infos.publish(CameraInfo(width=640, height=480, k=MATRIX.reshape(-1).tolist()))
    assert bench.says("tracker: glasses calibration", ERROR, "640x480")
    scene.infos.publish(CameraInfo(width=960, height=720))
    assert bench.says("tracker: glasses calibration", ERROR, "holds no calibration")


def test_two_cameras_under_one_name_are_named_and_only_the_first_counts(
    bench: NodeBench, site: Path
) -> None:
    scene = Scene(bench, site)
    for k in range(8):
        assert scene.answered(scene.see(EAST, 0.1 * k, frame="east_optical_frame"))
        other = camera_of("east", pose_of(2.5))  # another camera altogether
        scene.see(other, 0.1 * k + 0.03, frame="door_optical_frame")
        bench.spin(0.02)
    assert bench.says("tracker: east name", ERROR, "two cameras send as 'east'")
    assert "door_optical_frame" in bench.statuses["tracker: east name"][1]
    assert len(scene.people[-1].people) == 1


def test_a_camera_whose_clock_jumps_is_named_and_the_other_goes_on(
    bench: NodeBench, site: Path
) -> None:
    scene = Scene(bench, site)
    for k in range(16):
        assert scene.answered(scene.see(EAST, 0.1 * k))
        scene.see(NORTH, 0.1 * k + 0.04, shift=500.0 if k >= 8 else 0.0)
        bench.spin(0.02)
    assert bench.says("tracker: north", WARN, "ahead of the other sensors'")
    assert bench.says("tracker: east", OK)
    assert {person.id for message in scene.people for person in message.people} == {"1"}


def test_a_flooding_camera_is_named_and_the_other_goes_on(bench: NodeBench, site: Path) -> None:
    scene = Scene(bench, site)
    for k in range(10):
        assert scene.answered(scene.see(EAST, 0.1 * k))
        for _ in range(10):
            scene.see(NORTH, 0.05)
            bench.spin(0.003)
    assert bench.says("tracker: north", WARN, "floods")
    assert {person.id for message in scene.people for person in message.people} == {"1"}


def test_a_crowd_of_two_hundred_and_boxes_in_the_sky(bench: NodeBench, site: Path) -> None:
    scene = Scene(bench, site)
    grid = np.stack(np.meshgrid(np.arange(20) - 10.0, np.arange(10) - 5.0), -1).reshape(-1, 2)
    feet = EAST.project(np.column_stack([grid, np.zeros(200)]))[0]
    heads = EAST.project(np.column_stack([grid, np.full(200, 1.72)]))[0]
    size = feet[:, 1] - heads[:, 1]
    publisher = scene._publishers["east"]
    for k in range(5):
        message = Detections(camera="east", detector="yolo", **IMAGE)
        message.header.stamp = stamp_message(made, scene.start + k * SECOND // 10)
        for (u, v), h in zip(feet, size, strict=True):
            if np.isfinite([u, v, h]).all() and h > 1:
                body = {"x": u, "y": v - h / 2, "width": 0.36 * h, "height": h}
                message.detections.append(Detection(score=0.9, **body))
        sky = {"x": 480.0, "y": 20.0, "width": 10.0, "height": 30.0}
        message.detections.append(Detection(score=0.95, **sky))
        publisher.publish(message)
        assert scene.answered(stamp_ns(message.header.stamp), 5.0)
    shown = scene.people[-1].people
    assert 60 < len(shown) <= 200
    assert np.isfinite([[p.position.x, p.position.y] for p in shown]).all()
    assert bench.until(lambda: int(bench.statuses["tracker: east"][2]["boxes_off_ground"]) > 0)


def test_a_fixed_rate_gives_predictions_to_now(bench: NodeBench, site: Path) -> None:
    scene = Scene(bench, site, rate=50.0)
    for k in range(12):
        scene.see(EAST, 0.1 * k, shift=(time.time_ns() - scene.start) / SECOND - 0.1 * k)
        bench.spin(0.1)
    stamps = np.array([stamp_ns(m.header.stamp) for m in scene.people])
    assert 30 < len(stamps) < 80  # fifty a second, however fast the camera is
    assert (np.diff(stamps) >= 0).all()
    assert any(m.age > 0.03 for m in scene.people)
    moving = [m for m in scene.people if m.people]
    assert moving and not any(m.stale for m in moving)


def test_no_cameras_at_all_is_named(bench: NodeBench, small_site: Path) -> None:
    content = yaml.safe_load(small_site.read_text())
    content["cameras"] = []
    small_site.write_text(yaml.safe_dump(content))
    node = bench.node(PeopleTrackerNode, "tracker", site=str(small_site))
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert bench.says("tracker: configure", ERROR, "has no cameras")


def test_tracks_are_drawn_for_rviz_when_somebody_looks(bench: NodeBench, site: Path) -> None:
    scene = Scene(bench, site)
    markers = bench.heard(MarkerArray, "people_markers")
    assert bench.until(lambda: scene.node._markers.get_subscription_count() > 0)
    for k in range(8):
        assert scene.answered(scene.see(EAST, 0.1 * k))
    assert bench.until(lambda: markers and len(markers[-1].markers) == 4)
    drawn = {marker.ns: marker for marker in markers[-1].markers if marker.ns}
    assert drawn["ids"].text == "1 east" and len(drawn["covariance"].points) == 25
    end = drawn["trails"].points[-1]
    assert (end.x, end.y) == pytest.approx(scene.place(0.7), abs=0.15)


def test_the_viewer_draws_tracks_of_people_behind_and_before_the_cameras(
    bench: NodeBench, site: Path, tmp_path: Path
) -> None:
    record = tmp_path / "twin.rrd"
    node = bench.active(TwinViewer, "viewer", site=str(site), record=str(record), web_port=0)
    drawn: dict[str, list[str]] = {}
    node._view.log_tracks_on_image = lambda name, ids, corners: drawn.update({name: list(ids)})
    people = bench.publisher(TrackedPeople, "people")
    message = TrackedPeople()
    message.header.stamp = stamp_message(made, time.time_ns())
    message.header.frame_id = "world"
    for name, x in (("middle", 0.0), ("behind_east", 30.0)):
        person = TrackedPerson(id=name, height=1.7, width=0.45, depth=0.3)
        person.position.x = x
        person.covariance = (0.04 * np.eye(4)).reshape(-1)
        message.people.append(person)
    people.publish(message)
    assert bench.until(lambda: len(drawn) == 2)
    assert drawn["east"] == ["middle"] and "middle" in drawn["north"]
