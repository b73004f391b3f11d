"""Pieces of surfaces are cut out of pictures as they are, and only where they are seen."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from visrftwin_ros.cameras.camera_models import PanoramaCamera
from visrftwin_ros.cameras.pinhole import PinholeCamera
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.scene.triangle_tree import TriangleTree
from visrftwin_ros.vision.crop_pyramid import crop_sizes, pixels_across, rectified_crop
from visrftwin_ros.vision.lifting import embedded_crops, looks_of_patches, planned_crops
from visrftwin_ros.vision.posed_pictures import PosedPicture, apart
from visrftwin_ros.vision.surface_patches import surface_patches, visible
from visrftwin_ros.vision.visible_classes import NAMES

MATTER = material_values("concrete", 60e9)
OPTICAL = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
"""A camera that looks along x."""


def sheet(name: str, x: float, width: float, height: float) -> SurfaceMesh:
    """An upright rectangle across x, about y = 0, from z = 0 on."""
    y = width / 2
    vertices = np.array([[x, -y, 0], [x, y, 0], [x, y, height], [x, -y, height]], float)
    return SurfaceMesh(name, vertices, np.array([[0, 1, 2], [0, 2, 3]]), MATTER)


def camera(place: Sequence[float], yaw: float = 0.0, focal: float = 300.0) -> PinholeCamera:
    c, s = np.cos(yaw), np.sin(yaw)
    turn = OPTICAL @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    matrix = np.array([[focal, 0, 199.5], [0, focal, 149.5], [0, 0, 1]])
    return PinholeCamera("c", (400, 300), matrix, turn, -turn @ np.array(place), np.zeros(0))


def picture_of_sheet(lens: PinholeCamera | PanoramaCamera, x: float) -> PosedPicture:
    """Of a wall across x whose left half (y > 0) is red and right half blue, above z = 1 twice as bright."""
    width, height = lens.size
    column, row = np.meshgrid(np.arange(width), np.arange(height))
    rays = lens.rays(np.column_stack([column.ravel(), row.ravel()]).astype(float)) @ lens.rotation
    with np.errstate(divide="ignore", invalid="ignore"):
        places = lens.center + ((x - lens.center[0]) / rays[:, :1]) * rays
    bright = np.where(places[:, 2] > 1.0, 200, 100)
    bgr = np.zeros((height * width, 3), np.uint8)
    left = places[:, 1] > 0
    bgr[left, 2], bgr[~left, 0] = bright[left], bright[~left]
    return PosedPicture("p", lens, bgr.reshape(height, width, 3))


@pytest.mark.parametrize("kind", ["ahead", "oblique", "panorama"])
def test_a_crop_is_as_if_seen_head_on(kind: str) -> None:
    if kind == "panorama":
        turn = OPTICAL @ np.diag([-1.0, -1.0, 1.0])  # the wall is behind, across the picture's seam
        lens = PanoramaCamera("c", (1024, 512), turn, -turn @ np.array([0.0, 0.3, 1.2]))
    else:
        lens = camera([0, 0, 1.2]) if kind == "ahead" else camera([1.0, -2.0, 0.8], 0.9)
    picture = picture_of_sheet(lens, 3.0)
    patches = surface_patches([sheet("wall", 3.0, 2.0, 2.0)], 2.0)
    axes = patches.axes[0]
    cut = rectified_crop(picture, np.array([3.0, 0.0, 1.0]), axes, 1.0, 64, 100.0)
    assert cut is not None
    left_is = np.sign(-axes[0, 1])  # whether the crop's right is towards -y
    red = cut[:, :28, 2] if left_is > 0 else cut[:, 36:, 2]
    assert (red[:28] > 190).all()
    assert (np.abs(red[36:].astype(int) - 100) < 10).all()
    blue = cut[:, 36:, 0] if left_is > 0 else cut[:, :28, 0]
    assert (blue[:28] > 190).all()
    if kind != "panorama":
        assert rectified_crop(picture, np.array([3.0, 0.0, 1.0]), axes, 40.0, 64, 9.0) is None


def test_pixels_across_follow_distance_and_slant() -> None:
    """A metre head on at 3 m with a focal length of 300 px has 100 px; at 60 degrees, half in one direction."""
    patches = surface_patches([sheet("wall", 3.0, 0.1, 0.1)], 2.0)
    picture = picture_of_sheet(camera([0, 0, 0.05]), 3.0)
    assert pixels_across(patches, picture, 1.0)[0] == pytest.approx(100.0, rel=0.02)
    beside = camera([3 - 1.5, -3 * np.sqrt(0.75), 0.05], np.deg2rad(60))
    found = pixels_across(patches, picture_of_sheet(beside, 3.0), 0.1)[0]
    assert found == pytest.approx(5.0, rel=0.05)
    assert pixels_across(patches, picture_of_sheet(camera([6, 0, 0.05]), 3.0), 1.0)[0] == 0.0


def test_patches_cover_a_surface_and_know_its_size() -> None:
    size = np.array([3.0, 2.0, 1.0])
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * size
    faces = [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1]]
    faces += [[2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]]
    box = SurfaceMesh("box", corners, np.array(faces), MATTER)
    patches = surface_patches([sheet("wall", 9.0, 4.0, 2.0), box], 1.0)
    area = np.bincount(patches.surface, patches.area)
    assert area == pytest.approx([8.0, 22.0])
    assert len(patches) == pytest.approx(30, abs=4)
    wall = patches.surface == 0
    assert patches.extent[wall] == pytest.approx(np.tile([4.0, 2.0], (wall.sum(), 1)), abs=0.5)
    assert np.abs(patches.axes[wall, 1]) == pytest.approx(np.tile([0, 0, 1.0], (wall.sum(), 1)))
    assert np.abs(patches.axes[wall] @ [1.0, 0, 0]).max() == pytest.approx(0.0)


def test_crops_fit_on_the_face_that_they_show() -> None:
    assert crop_sizes(np.array([5.0, 3.0]), (0.5, 1.0, 2.0)) == (0.5, 1.0, 2.0)
    assert crop_sizes(np.array([5.0, 0.8]), (0.5, 1.0, 2.0)) == (0.5, 1.0)
    assert crop_sizes(np.array([0.3, 0.3]), (0.5, 1.0, 2.0)) == (0.3,)


class Colours:
    """An embedder of mean colours, which is its own head."""

    name, side = "colours", 32

    def image_embeddings(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        return np.array([crop.mean(axis=(0, 1)) for crop in crops])

    def logits(self, embeddings: np.ndarray) -> np.ndarray:
        return np.pad(embeddings**2, ((0, 0), (0, len(NAMES) - 3)))


def test_views_are_averaged_and_hidden_surfaces_are_not_looked_at() -> None:
    """The paper's (3): two views of one wall, of colours that differ; a second wall stands behind it."""
    meshes = [sheet("wall", 3.0, 1.0, 1.0), sheet("behind", 4.0, 1.0, 1.0)]
    patches = surface_patches(meshes, 2.0)
    grey = [
        PosedPicture("p", camera([0, y, 0.5]), np.full((300, 400, 3), level, np.uint8))
        for y, level in ((0.0, 10), (0.1, 30))
    ]
    tree = TriangleTree(meshes)
    assert visible(patches, np.array([0.0, 0, 0.5]), tree).tolist() == [True, False]
    plan = planned_crops(patches, grey, tree, metres=(0.5,))
    colours = Colours()
    crops, found = embedded_crops(patches, grey, plan, colours)
    looks = looks_of_patches(patches, crops, found, colours)
    assert (looks.crops.tolist(), looks.views.tolist()) == ([2, 0], [2, 0])
    assert looks.logits[0, :3] == pytest.approx([500.0] * 3)  # of 10^2 and 30^2
    unseen = looks_of_patches(patches, (), np.zeros((0, 0)), colours)
    assert not unseen.crops.any()
    one = planned_crops(patches, grey, tree, metres=(0.5,), most_views=1)
    assert [crop.patch for crop in one] == [0]


def test_a_crop_at_the_edge_of_a_picture_is_taken_beside_the_patchs_middle() -> None:
    wall = [sheet("wall", 3.0, 0.9, 0.9)]
    patches = surface_patches(wall, 2.0)
    grey = np.full((300, 400, 3), 10, np.uint8)
    picture = PosedPicture("p", camera([0, 0, 0.45], -0.585), grey)
    plan = planned_crops(patches, [picture], TriangleTree(wall), metres=(0.5,))
    center, axes = patches.center[0], patches.axes[0]
    assert rectified_crop(picture, center, axes, 0.5, 32, plan[0].pixels) is None
    assert len(embedded_crops(patches, [picture], plan, Colours())[0]) == 1


def test_pictures_from_places_apart_are_kept() -> None:
    ahead = np.array([1.0, 0, 0])
    spots = [(np.array([x, 0.0, 0.0]), ahead) for x in (0.0, 0.1, 5.0, 4.9)]
    assert apart(spots, 2) == [0, 2]
    spots.append((np.zeros(3), -ahead))
    assert apart(spots, 3) == [0, 2, 4]
    assert apart([(np.zeros(3), ahead)] * 3, 2) == [0]


def test_a_turned_picture_sees_the_turned_world() -> None:
    turn = cv2.Rodrigues(np.array([0.1, 0.2, 0.3]))[0]
    picture = picture_of_sheet(camera([0, 0.2, 1.2]), 3.0)
    places = np.array([[3.0, 0.4, 1.0], [2.0, -0.3, 0.7]])
    before, after = picture.camera, picture.turned(turn).camera
    assert after.project(places @ turn.T)[0] == pytest.approx(before.project(places)[0])
