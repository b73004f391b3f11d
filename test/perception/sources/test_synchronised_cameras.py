"""`visrftwin track --bag` of cameras that one trigger fires: which came first decides nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from scipy.spatial.transform import Rotation

from visrftwin_ros.cameras.recordings import Recording
from visrftwin_ros.perception.sources.bag_tracks import track_bag
from visrftwin_ros.perception.sources.video_tracks import frame_stamp_ns
from visrftwin_ros.perception.tracking.tracks_file import Tracks
from visrftwin_ros.site.loading import find_site_file, load_site

FRAMES, STAMP = range(33, 43), 1_700_000_000_000_000_000
"""Of PETS: in which people come that one image does not make sure of."""
IMAGE = "sensor_msgs/msg/CompressedImage"
STORE = get_typestore(Stores.ROS2_JAZZY)


def picture(stamp: int, png: np.ndarray) -> bytes:
    types = STORE.types
    time = types["builtin_interfaces/msg/Time"](sec=stamp // 10**9, nanosec=stamp % 10**9)
    header = types["std_msgs/msg/Header"](stamp=time, frame_id="")
    return bytes(STORE.serialize_cdr(types[IMAGE](header=header, format="png", data=png), IMAGE))


def write_bag(folder: Path, recording: Path, order: list[str]) -> None:
    """PETS through all cameras of one stamp, one after the other; the lens of `gate` is covered, that
    of `beside` half."""
    rate = load_site("pets_campus").camera().frame_rate
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        topics = [
            writer.add_connection(f"/{name}/image_raw/compressed", IMAGE, typestore=STORE)
            for name in order
        ]
        for number, image in Recording(recording).frames():
            if number < FRAMES.start:
                continue
            if number not in FRAMES:
                break
            stamp = STAMP + frame_stamp_ns(number, rate)
            for k, (name, topic) in enumerate(zip(order, topics, strict=True)):
                shown = image.copy()
                shown[:, : {"gate": 768, "beside": 384}.get(name, 0)] = 0
                png = cv2.imencode(".png", shown)[1].reshape(-1)
                writer.write(topic, stamp + 1_000_000 * k, picture(stamp, png))


def turned_round(camera: dict[str, Any]) -> dict[str, Any]:
    """The same camera, looking the other way from the same place."""
    turn = Rotation.from_rotvec(camera["rvec"])
    other = turn * Rotation.from_euler("z", np.pi)
    t = other.apply(turn.inv().apply(camera["t"]))
    return {**camera, "rvec": other.as_rotvec().tolist(), "t": t.tolist()}


@pytest.fixture(scope="module")
def tracked(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Tracks of a bag whose cameras come in an order."""
    folder = tmp_path_factory.mktemp("synchronised")
    content = yaml.safe_load(find_site_file("pets_campus").read_text())
    (view1,) = content["cameras"]
    weights = test_data / "detector" / "yolov8n320_int8_openvino_model"

    def made(*order: str) -> Tracks:
        cameras = {
            "view1": view1,
            "gate": {**turned_round(view1), "name": "gate"},
            "beside": {**view1, "name": "beside"},
        }
        file = folder / f"{'-'.join(order)}.yaml"
        file.write_text(yaml.safe_dump({**content, "cameras": [cameras[n] for n in sorted(order)]}))
        bag = folder / "-".join(order)
        write_bag(bag, test_data / "pets" / "vtest.avi", list(order))
        return track_bag(load_site(str(file)), bag, "yolo", weights, progress=False)[0]

    return made


def assert_same(found: Tracks, expected: Tracks) -> None:
    """Also in who is who; the names are given in the order in which people were shown first."""
    assert len(found) == len(expected) > len(FRAMES)
    order = [np.lexsort((*tracks.position.T, tracks.frame)) for tracks in (found, expected)]
    np.testing.assert_array_equal(found.frame[order[0]], expected.frame[order[1]])
    np.testing.assert_array_equal(found.position[order[0]], expected.position[order[1]])
    names = {(found.ids[k], expected.ids[n]) for k, n in zip(*order, strict=True)}
    assert len(names) == len(set(found.ids)) == len(set(expected.ids))


def test_a_covered_camera_that_looks_elsewhere_changes_no_track(tracked: Any) -> None:
    alone = tracked("view1")
    assert_same(tracked("gate", "view1"), alone)
    assert_same(tracked("view1", "gate"), alone)


def test_two_cameras_over_the_same_people_give_the_same_tracks_in_either_order(
    tracked: Any,
) -> None:
    assert_same(tracked("beside", "view1"), tracked("view1", "beside"))
