"""Pictures come with the place from where they were taken, or not at all."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from parity_bag import Event, write_bag
from scipy.spatial.transform import Rotation

from visrftwin_ros.bags.bag_types import made
from visrftwin_ros.cameras.camera_models import PanoramaCamera, fixed_camera
from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab import shipped
from visrftwin_ros.lab.recording.mast import PANORAMA_HEIGHT
from visrftwin_ros.messages.camera_info import camera_info_message
from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.messages.images import compressed_image_message, image_message
from visrftwin_ros.site.frames import Pose
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Camera
from visrftwin_ros.vision.bag_pictures import read_bag_pictures
from visrftwin_ros.vision.posed_pictures import KeptApart
from visrftwin_ros.vision.rgbd_pictures import read_rgbd_pictures


def test_a_bags_cameras_stand_where_its_site_has_them_and_its_panorama_on_the_mast() -> None:
    pictures, _ = read_bag_pictures(shipped.BAG, "world", 1)
    by_topic = {picture.name.split("/")[1]: picture for picture in pictures}
    site = load_site("lobby")
    fixed = [camera for camera in site.cameras if camera.pose is not None]
    assert fixed
    for camera in fixed:
        assert by_topic[camera.name].camera.center == pytest.approx(
            fixed_camera(camera).center, abs=1e-3
        )
    panorama = by_topic["panorama"]
    assert isinstance(panorama.camera, PanoramaCamera)
    assert panorama.camera.center[2] == pytest.approx(PANORAMA_HEIGHT, abs=0.01)
    assert panorama.bgr.shape == (512, 1024, 3)


def test_a_world_that_tf_does_not_reach_gives_no_picture_and_says_why() -> None:
    pictures, left_out = read_bag_pictures(shipped.BAG, "moon", 1)
    assert not pictures
    assert any("panorama" in reason and "'moon'" in reason for reason in left_out)


def test_colour_pictures_beside_depths_have_their_poses(tmp_path: Path) -> None:
    np.savetxt(
        tmp_path / "camera-intrinsics.txt", np.array([[60.0, 0, 40], [0, 60, 30], [0, 0, 1]])
    )
    for number, x in enumerate((0.0, 2.0, 4.0)):
        pose = np.eye(4)
        pose[0, 3] = x
        pose[0, 1] = 4e-4  # as rounded
        np.savetxt(tmp_path / f"f{number}.pose.txt", pose if number < 2 else 2 * pose)
        cv2.imwrite(str(tmp_path / f"f{number}.depth.png"), np.full((60, 80), 900, np.uint16))
        cv2.imwrite(str(tmp_path / f"f{number}.color.png"), np.full((60, 80, 3), 9, np.uint8))
    pictures, left_out = read_rgbd_pictures(tmp_path, 5)
    assert [p.camera.center[0] for p in pictures] == pytest.approx([0.0, 2.0])
    # 3 m ahead and 1 m to the right of the second camera: 20 px beside its centre.
    assert pictures[1].camera.project(np.array([[3.0, 0.0, 3.0]]))[0][0] == pytest.approx(
        [60, 30], abs=0.1
    )
    assert len(left_out) == 1 and "is no rotation" in left_out[0]
    (tmp_path / "camera-intrinsics.txt").unlink()
    with pytest.raises(TwinError, match="camera's matrix is missing"):
        read_rgbd_pictures(tmp_path, 5)


def test_of_raw_and_compressed_pictures_of_a_camera_one_is_taken_and_the_others_are_named(
    tmp_path: Path,
) -> None:
    camera = Camera(name="front", image_width=32, image_height=16, fx=20, fy=20, cx=16, cy=8)
    grey = np.full((16, 32, 3), 9, np.uint8)
    jpeg = cv2.imencode(".jpg", grey)[1].reshape(-1)
    still = transform_message(made, "world", "optical", 0, Pose(np.zeros(3), Rotation.identity()))
    raw = image_message(made, grey, 1_000, "optical")
    messages = {
        "/front/image_raw/compressed": compressed_image_message(made, jpeg, 1_000, "optical"),
        "/front/image_rect": raw,
        "/front/image_raw": raw,
        "/front/camera_info": camera_info_message(made, camera, 1_000, "optical"),
        "/tf_static": made("tf2_msgs/TFMessage", transforms=[still]),
    }
    write_bag(tmp_path / "bag", [Event(0.0, *one) for one in messages.items()])
    pictures, left_out = read_bag_pictures(tmp_path / "bag", "world", 3)
    assert [picture.name for picture in pictures] == ["/front/image_raw 0"]
    assert sorted(left_out) == [
        "pictures of /front/image_raw/compressed: of the same camera /front/image_raw is taken",
        "pictures of /front/image_rect: of the same camera /front/image_raw is taken",
    ]


def test_pictures_far_apart_are_kept_of_however_many_come() -> None:
    """Within twice the doubled radius of everything that came something is kept."""
    kept: KeptApart[int] = KeptApart(6)
    places = np.random.default_rng(2).uniform(0, 10, (300, 3)) * [1, 1, 0]
    gone = [one for k, place in enumerate(places) for one in kept.add(place, np.zeros(3), k)]
    assert sorted([*gone, *kept.items]) == list(range(300))
    assert 2 <= len(kept.items) <= 6
    own = places[kept.items]
    away = np.linalg.norm(places[:, None] - own, axis=2).min(axis=1).max()
    between = np.linalg.norm(own[:, None] - own, axis=2)[np.triu_indices(len(own), 1)].min()
    assert away <= 2 * between
    same: KeptApart[int] = KeptApart(6)
    assert [same.add(np.ones(3), np.zeros(3), k) for k in range(3)] == [[], [1], [2]]
