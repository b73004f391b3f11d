"""A site in which furniture was moved, came or went."""

from pathlib import Path

import numpy as np
import pytest
from made_up import small_site
from scipy.spatial.transform import Rotation

from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.changes import SceneChange, changed_site, numbers_in
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.frames import Pose
from visrftwin_ros.site.model import Box

STILL = Pose(np.zeros(3), Rotation.identity())
QUARTER = Pose(np.array([1.0, 2.0, 0.0]), Rotation.from_euler("z", 90, degrees=True))
CRATE = Box(name="crate", kind="box", center=(1, 1, 0.5), size=(1, 1, 1), material="wood")


def test_a_moved_box_is_the_same_box_moved_corner_by_corner() -> None:
    site = small_site()
    changed, meshes = changed_site(site, SceneChange(moved={"kiosk": QUARTER}))
    before = surface_meshes(site)[2].vertices
    expected = np.column_stack([1 - before[:, 1], 2 + before[:, 0], before[:, 2]])
    np.testing.assert_allclose(meshes[2].vertices, expected, atol=1e-12)
    np.testing.assert_allclose(surface_meshes(changed)[2].vertices, expected, atol=1e-12)


def test_the_mesh_of_a_file_moves_also_upwards_and_over(tmp_path: Path) -> None:
    (tmp_path / "leaf.obj").write_text("v 0 0 0\nv 4 0 0\nv 4 0 3\nv 0 0 3\nf 1 2 3\nf 1 3 4\n")
    leaf = {"name": "leaf", "kind": "mesh", "file": "leaf.obj", "material": "glass"}
    site = small_site(scene=[leaf], folder=tmp_path)
    tilted = Pose(np.array([0, 0, 1.0]), Rotation.from_euler("x", 90, degrees=True))
    _, meshes = changed_site(site, SceneChange(moved={"leaf": tilted}))
    corners = {tuple(corner) for corner in np.round(meshes[0].vertices, 9).tolist()}
    assert corners == {(x, y, 1) for x in (0, 4) for y in (0, -3)}


def test_numbers_follow_the_surfaces_past_one_that_is_gone() -> None:
    site = small_site()
    change = SceneChange(moved={"kiosk": QUARTER}, vanished=frozenset({"floor"}), appeared=(CRATE,))
    _, meshes = changed_site(site, change)
    assert [mesh.name for mesh in meshes] == ["house", "kiosk", "crate"]
    assert numbers_in(surface_meshes(site), meshes) == ([-1, 0, -1], [1, 2])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (SceneChange(moved={"sofa": STILL}), "no surface sofa; the site has floor, house, kiosk"),
        (SceneChange(vanished=frozenset({"sofa"})), "no surface sofa"),
        (SceneChange({"kiosk": STILL}, frozenset({"kiosk"})), "kiosk moved and vanished"),
        (SceneChange(appeared=(CRATE, CRATE)), "crate: what appears needs a name"),
        (SceneChange(moved={"floor": QUARTER}), "floor is the ground"),
        (SceneChange(vanished=frozenset({"floor", "house", "kiosk"})), "nothing of site"),
        (
            SceneChange(moved={"kiosk": Pose(np.zeros(3), Rotation.from_euler("x", 0.2))}),
            "kiosk would be tilted",
        ),
    ],
)
def test_what_cannot_be_says_what_could(change: SceneChange, told: str) -> None:
    with pytest.raises(TwinError, match=told):
        changed_site(small_site(), change)
