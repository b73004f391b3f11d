"""`visrftwin track --bag`: the same people as from the recording, from a camera that stands or one
that only TF and CameraInfo know."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from kitti import read_frame, write_bag
from made_pictures import a_scene
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from scipy.spatial.transform import Rotation

from visrftwin_ros.cameras.recordings import Recording
from visrftwin_ros.cli import main
from visrftwin_ros.perception.appearance.embedding import ImageTextModel
from visrftwin_ros.perception.sources.bag_sensors import BagReader, DetectorOptions
from visrftwin_ros.perception.sources.bag_tracks import track_bag
from visrftwin_ros.perception.sources.video_tracks import frame_stamp_ns, track_recording
from visrftwin_ros.perception.tracking.tracker import PeopleTracker
from visrftwin_ros.perception.tracking.tracks_file import read_tracks
from visrftwin_ros.site.loading import find_site_file, load_site

FRAMES, STAMP = 24, 1_700_000_000_000_000_000
WITHOUT_ROS = """
import sys
sys.modules.update(dict.fromkeys(["rclpy", "sensor_msgs", "builtin_interfaces"]))
from visrftwin_ros.cli import main
sys.exit(main(sys.argv[1:]))
"""
"""Runs the command where no ROS can be imported."""
STORE = get_typestore(Stores.ROS2_JAZZY)
PETS = load_site("pets_campus").camera()


def made(kind: str, **values: Any) -> Any:
    return STORE.types[kind](**values)


def header(stamp: int, frame: str) -> Any:
    time = made("builtin_interfaces/msg/Time", sec=stamp // 10**9, nanosec=stamp % 10**9)
    return made("std_msgs/msg/Header", stamp=time, frame_id=frame)


def transform(stamp: int) -> Any:
    """The pose of the PETS camera as TF has it."""
    assert PETS.pose is not None
    turn = Rotation.from_rotvec(PETS.pose[0]).inv()
    x, y, z, w = turn.as_quat()
    place = dict(zip("xyz", -turn.apply(PETS.pose[1]), strict=True))
    return made(
        "geometry_msgs/msg/TransformStamped",
        header=header(stamp, "world"),
        child_frame_id="view1_optical_frame",
        transform=made(
            "geometry_msgs/msg/Transform",
            translation=made("geometry_msgs/msg/Vector3", **place),
            rotation=made("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w),
        ),
    )


def camera_info(stamp: int) -> Any:
    fx, fy, cx, cy = PETS.intrinsics or (0, 0, 0, 0)
    region = made(
        "sensor_msgs/msg/RegionOfInterest",
        **dict.fromkeys(("x_offset", "y_offset", "height", "width"), 0),
        do_rectify=False,
    )
    return made(
        "sensor_msgs/msg/CameraInfo",
        header=header(stamp, "view1_optical_frame"),
        height=576,
        width=768,
        distortion_model="plumb_bob",
        d=np.zeros(5),
        k=np.array([fx, 0, cx, 0, fy, cy, 0, 0, 1.0]),
        r=np.eye(3).reshape(-1),
        p=np.zeros(12),
        binning_x=0,
        binning_y=0,
        roi=region,
    )


@pytest.fixture(scope="module")
def bag(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first frames of PETS as lossless compressed images, with late TF and CameraInfo."""
    folder = tmp_path_factory.mktemp("bags") / "pets"
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        kinds = {
            "/view1/camera_info": "sensor_msgs/msg/CameraInfo",
            "/view1/image_raw/compressed": "sensor_msgs/msg/CompressedImage",
            "/tf": "tf2_msgs/msg/TFMessage",
        }
        topics = {t: writer.add_connection(t, kind, typestore=STORE) for t, kind in kinds.items()}

        def write(topic: str, at: int, message: Any) -> None:
            data = STORE.serialize_cdr(message, kinds[topic])
            writer.write(topics[topic], at, data)

        write("/view1/camera_info", STAMP, camera_info(STAMP))
        for number, image in Recording(test_data / "pets" / "vtest.avi").frames():
            if number > FRAMES:
                break
            stamp = STAMP + frame_stamp_ns(number, PETS.frame_rate)
            picture = made(
                "sensor_msgs/msg/CompressedImage",
                header=header(stamp, "view1_optical_frame"),
                format="png",
                data=cv2.imencode(".png", image)[1].reshape(-1),
            )
            write("/view1/image_raw/compressed", stamp + 30_000_000, picture)
            poses = made("tf2_msgs/msg/TFMessage", transforms=[transform(stamp)])
            write("/tf", stamp + 90_000_000, poses)
    return folder


@pytest.fixture
def moving_site(tmp_path: Path) -> Path:
    """pets_campus, whose camera is where TF says and sees as CameraInfo says."""
    content = yaml.safe_load(find_site_file("pets_campus").read_text())
    camera = content["cameras"][0]
    for field in ("fx", "fy", "cx", "cy", "rvec", "t"):
        del camera[field]
    camera["turn_sigma"] = 0.0  # what TF says of it is exact
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(content))
    return tmp_path / "site.yaml"


@pytest.mark.parametrize("moving", [False, True])
def test_a_bag_gives_the_tracks_of_its_recording(
    test_data: Path,
    bag: Path,
    moving_site: Path,
    tmp_path: Path,
    moving: bool,
) -> None:
    weights = test_data / "detector" / "yolov8n320_int8_openvino_model"
    site = str(moving_site) if moving else "pets_campus"
    out = tmp_path / "tracks.csv"
    command = ["track", "--site", site, "--bag", str(bag), "--out", str(out)]
    assert main([*command, "--weights", str(weights), "--detector", "yolo"]) == 0
    found = read_tracks(out)
    recording = test_data / "pets" / "vtest.avi"
    expected = track_recording(PETS, recording, "yolo", weights, frames=FRAMES, progress=False)
    assert len(found) == len(expected) > FRAMES
    assert found.ids == expected.ids
    np.testing.assert_array_equal(found.frame, expected.frame)
    np.testing.assert_allclose(found.position, expected.position, atol=0.01)


def test_the_people_of_a_bag_carry_the_embeddings_of_the_network(
    test_data: Path, bag: Path, tiny_clip: tuple[str, str]
) -> None:
    weights = test_data / "detector" / "yolov8n320_int8_openvino_model"
    options = DetectorOptions("yolo", weights, embeddings=ImageTextModel(*tiny_clip))
    tracker = PeopleTracker()
    reader = BagReader(load_site("pets_campus"), bag, options, progress=False)
    for measurement in reader.measurements():
        people = measurement.take(tracker)
    embedded = [look for look in people.look if len(look)]
    assert len(embedded) >= 3 and {len(look) for look in embedded} == {24}


def test_embedding_weights_that_do_not_load_warn_and_the_bag_is_tracked(
    test_data: Path, bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tracks.csv"
    command = ["track", "--site", "pets_campus", "--bag", str(bag), "--out", str(out)]
    command += ["--weights", str(test_data / "detector" / "yolov8n320_int8_openvino_model")]
    broken = ["--embedding-model", "ViT-B-32", "--embedding-weights", "/no/such.pt"]
    assert main([*command, *broken]) == 0
    assert "tracked without embeddings" in capsys.readouterr().err
    assert len(read_tracks(out)) > FRAMES


def test_pictures_of_a_covered_lens_are_left_out_by_the_name_that_the_graph_has_for_them(
    tmp_path: Path,
) -> None:
    kind, folder = "sensor_msgs/msg/CompressedImage", tmp_path / "bag"
    pictures = [a_scene((768, 576))] * 3 + [np.full((576, 768, 3), k, np.uint8) for k in range(3)]
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        topic = writer.add_connection("/view1/image_raw/compressed", kind, typestore=STORE)
        for k, picture in enumerate(pictures):
            stamp, data = STAMP + k * 10**8, cv2.imencode(".png", picture)[1].reshape(-1)
            sent = made(kind, header=header(stamp, "view1"), format="png", data=data)
            writer.write(topic, stamp, STORE.serialize_cdr(sent, kind))
    reader = BagReader(load_site("pets_campus"), folder, DetectorOptions("motion"), progress=False)
    assert [m.stamp_ns for m in reader.measurements()] == [STAMP + k * 10**8 for k in range(3)]
    assert reader.refused == {
        "camera 'view1': its picture is black: is the lens covered or blinded?"
    }


def test_a_bag_without_the_sites_sensors_is_named(
    test_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = test_data / "mcap" / "wbag_0.mcap"
    out = str(tmp_path / "tracks.csv")
    assert main(["track", "--site", "pets_campus", "--bag", str(bag), "--out", out]) == 2
    assert "wbag_0.mcap" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "named"), [(None, "no bag at"), ("not a bag", "is no MCAP file")])
def test_what_is_no_bag_is_named(
    tmp_path: Path, text: str | None, named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "some.mcap"
    if text is not None:
        file.write_text(text)
    out = str(tmp_path / "tracks.csv")
    assert main(["track", "--site", "pets_campus", "--bag", str(file), "--out", out]) == 2
    assert named in capsys.readouterr().err


def test_a_bag_with_clouds_places_the_kitti_pedestrian_by_both_sensors(
    test_data: Path, tmp_path: Path
) -> None:
    """The image alone is half a metre off; with the Velodyne the label's place comes out."""
    frame = read_frame(test_data / "lidar" / "kitti")
    truth = next(place for kind, place in frame.labels if kind == "Pedestrian")
    write_bag(frame, tmp_path / "bag", sweeps=8)
    content = yaml.safe_load(find_site_file("pets_campus").read_text())
    height, width = frame.image.shape[:2]
    content["cameras"] = [{"name": "left", "image_width": width, "image_height": height}]
    content["scene"] = content["scene"][:1]
    weights = test_data / "detector" / "yolov8n_int8_openvino_model"
    gaps = []
    file = tmp_path / "site.yaml"
    for lidars in ([], [{"name": "velodyne", "frame": "velodyne"}]):
        content["lidars"] = lidars
        file.write_text(yaml.safe_dump(content))
        site = load_site(str(file))
        tracks, _ = track_bag(site, tmp_path / "bag", "yolo", weights, progress=False)
        last = tracks.position[tracks.frame == tracks.frame.max()]
        gaps.append(float(np.hypot(*(last - truth).T).min()))
    assert gaps[1] < 0.3 and gaps[1] < gaps[0]

    command = ["track", "--site", str(file), "--bag", str(tmp_path / "bag"), "--detector", "yolo"]
    command += ["--weights", str(weights), "--out", str(tmp_path / "tracks.csv")]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_ROS, *command], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(
        read_tracks(tmp_path / "tracks.csv").position, tracks.position, atol=1e-3
    )
