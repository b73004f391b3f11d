"""Pictures of the lab: people show where the boxes say, and a picture comes again as it was."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.people.avatars import make_avatars
from visrftwin_ros.lab.people.walks import plan_walks
from visrftwin_ros.lab.pictures.denoising import FirstHits, smoothed
from visrftwin_ros.lab.pictures.picture import Quality, camera_at
from visrftwin_ros.lab.pictures.renderer import Renderer
from visrftwin_ros.lab.pictures.sensor_image import Exposure, developed
from visrftwin_ros.lab.training.detector_data import scene_cameras
from visrftwin_ros.lab.world.textures import SIZE, texture
from visrftwin_ros.lab.world.world import load_world

pytest.importorskip("anny")
_SMALL = {"image_width": 160, "image_height": 120, "fx": 82.5, "fy": 82.5, "cx": 79.5, "cy": 59.5}


@pytest.fixture(scope="module")
def pictures():
    """One CCTV and the panorama of a lobby with four people, small, and the CCTV once more."""
    world = load_world("lobby", 1)
    people = make_avatars(plan_walks(world, 4, 6.0, 2), 2)
    cctv = world.site.camera("cctv_northeast").model_copy(update=_SMALL)
    panorama = world.site.camera("panorama").model_copy(
        update={"image_width": 128, "image_height": 64}
    )
    turn = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])
    poses = {"panorama": (turn, -turn @ np.array([10.0, 8.0, 1.5]))}
    with Renderer(world, people, (cctv, panorama), Quality(4, 4, 4, threads=1)) as renderer:
        first = renderer.labelled(2.0, poses, {"sounder_robot": (10.0, 8.0, 0.3)})
        later = renderer.labelled(4.0, only=("cctv_northeast",))
        again = renderer.labelled(2.0, poses, {"sounder_robot": (10.0, 8.0, 0.3)})
        with pytest.raises(TwinError, match="t = 1 s"):
            renderer.labelled(1.0, {"panorama": (np.zeros((2, 2)), np.zeros(3))})
    return people, cctv, first, later, again


def test_people_show_where_they_walk(pictures):
    people, cctv, first, _, _ = pictures
    camera = camera_at(cctv, None)
    labels = first["cctv_northeast"].labels
    assert len(labels) >= 2
    for label in labels:
        if label.visible < 0.5:
            continue
        place = people.walks.at(2.0).position[label.person]
        height = people.walks.height[label.person]
        middle, _ = camera.project((place + [0, 0, 0.55 * height])[None])
        assert label.box[0] - 3 < middle[0, 0] < label.box[2] + 3
        assert label.box[1] - 3 < middle[0, 1] < label.box[3] + 3
        assert label.whole[3] - label.whole[1] >= label.box[3] - label.box[1] - 2.5


def test_the_picture_changes_round_the_people_and_nowhere_else(pictures):
    _, _, first, later, _ = pictures
    one, other = (p["cctv_northeast"].bgr.astype(float) for p in (first, later))
    assert one.shape == (120, 160, 3)
    assert 40 < one.mean() < 220
    changed = np.abs(one - other).mean(axis=2)
    label = max(first["cctv_northeast"].labels, key=lambda label: label.box[3] - label.box[1])
    x0, y0, x1, y1 = (round(edge) for edge in label.box)
    assert changed[y0:y1, x0:x1].mean() > 12
    assert np.median(changed) < 6  # sensor noise, two draws of it


def test_a_picture_comes_again_to_the_bit(pictures):
    _, _, first, _, again = pictures
    for name in ("cctv_northeast", "panorama"):
        assert np.array_equal(first[name].bgr, again[name].bgr)
        assert first[name].labels == again[name].labels


def test_a_moving_camera_is_rendered_only_where_it_is_posed(pictures):
    _, _, first, later, _ = pictures
    assert first["panorama"].bgr.shape == (64, 128, 3)
    assert set(later) == {"cctv_northeast"}
    sky, floor = first["panorama"].bgr[:6].mean(), first["panorama"].bgr[-6:].mean()
    assert sky != pytest.approx(floor, abs=2.0)


def test_smoothing_takes_the_noise_and_leaves_edges():
    rng = np.random.default_rng(0)
    shape = (40, 60, 3)
    position = np.stack([*np.mgrid[0:40, 0:60] * 0.01, np.zeros((40, 60))], axis=-1)
    owner = np.full((40, 60), -1)
    owner[:, 30:] = 2
    albedo = np.broadcast_to(rng.uniform(0.2, 0.8, (40, 60, 1)), shape)
    hits = FirstHits(owner, position, np.broadcast_to([0.0, 0, 1], shape), albedo)
    light = np.where(owner[..., None] == 2, 4.0, 1.0) * np.ones(shape)
    clean = light * albedo
    noisy = clean * rng.gamma(4, 0.25, shape)
    smooth = smoothed(noisy, hits)
    assert np.abs(smooth / albedo - light).mean() < 0.2 * np.abs(noisy / albedo - light).mean()
    assert (smooth / albedo)[:, 28].mean() == pytest.approx(1.0, abs=0.15)
    assert (smooth / albedo)[:, 31].mean() == pytest.approx(4.0, abs=0.5)


def test_a_sensor_s_noise_falls_with_light():
    grey = np.full((100, 100, 3), 0.2)
    exposure = Exposure(1.0, np.ones(3))
    bright = developed(grey, exposure, np.random.default_rng(0)).astype(float)
    dark = developed(grey / 20, exposure, np.random.default_rng(0)).astype(float)
    assert bright.mean() > dark.mean() + 40
    assert bright.std() / bright.mean() < dark.std() / dark.mean()


def test_textures_are_even_across_their_seam_and_come_again():
    look = load_world("lobby", 1).surfaces["south_wall"]
    one = texture(look, 3)
    assert one.shape == (SIZE, SIZE, 3)
    assert np.array_equal(one, texture(look, 3))
    seam = np.abs(one[0] - one[-1]).mean()
    inside = np.abs(np.diff(one, axis=0)).mean()
    assert seam < 3 * inside


def test_data_set_cameras_look_into_the_room():
    world = load_world("lecture_room", 3)
    for camera in scene_cameras(world, np.random.default_rng(5)):
        pixels, seen = camera_at(camera, None).project(np.array([[10.0, 5.0, 0.9]]))
        assert seen[0]
        assert -80 < pixels[0, 0] < camera.image_width + 80
