"""The LiDAR's sweep: geometry, panes, dropouts, motion."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from shapes import cylinder, moved

from visrftwin_ros.lab.recording.lidar import LidarModel, LidarSimulator
from visrftwin_ros.lab.world.ray_scene import RayScene
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import Site

_SITE = """
name: hall
scene:
  - {name: floor, kind: ground, center: [0, 0, 0], size: [40, 40], material: concrete}
  - {name: wall, kind: box, center: [8.1, 0, 2], size: [0.2, 40, 4], material: plasterboard}
  - {name: pane, kind: box, center: [-4, 0, 2], size: [0.02, 12, 4], material: glass}
  - {name: behind, kind: box, center: [-9.1, 0, 2], size: [0.2, 40, 4], material: plasterboard}
access_points: [{name: ap, position: [0, 0, 3]}]
"""
QUICK = LidarModel(beams=32, step=np.deg2rad(1.0))
HEIGHT = 1.5


def still(seconds: float) -> tuple[np.ndarray, float]:
    return np.array([0.0, 0.0, HEIGHT]), 0.0


def nobody(seconds: float) -> np.ndarray:
    return np.zeros((0, 3))


@pytest.fixture(scope="module")
def meshes() -> tuple[SurfaceMesh, ...]:
    return surface_meshes(Site.model_validate(yaml.safe_load(_SITE)))


@pytest.fixture(scope="module")
def simulator(meshes: tuple[SurfaceMesh, ...]) -> LidarSimulator:
    return LidarSimulator(QUICK, meshes, None, 1)


def test_the_full_sensor_has_128_beams_and_a_column_every_0_17_degrees() -> None:
    directions, ring, column = LidarModel().rays()
    assert ring.max() == 127 and column.max() == 2116
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0)
    turn = np.arctan2(directions[::128, 1], directions[::128, 0])
    assert np.rad2deg(np.abs(np.diff(np.unwrap(turn)))) == pytest.approx(0.17, abs=1e-9)


def test_points_lie_on_floor_and_walls_within_the_noise(simulator: LidarSimulator) -> None:
    cloud = simulator.sweep(0, 0.0, still, nobody)
    x, z = cloud.xyz[:, 0], cloud.xyz[:, 2] + HEIGHT
    floor = z < 0.3
    wall = (x > 7.0) & ~floor
    assert wall.sum() > 200 and floor.sum() > 500
    assert np.abs(np.mean(x[wall] - 8.0)) < 0.01
    # The noise is along the ray, which meets the wall at up to 60 degrees.
    assert 0.005 < np.std(x[wall] - 8.0) < 0.03
    assert np.abs(np.median(z[floor])) < 0.01


def test_panes_are_seen_head_on_and_else_seen_through(simulator: LidarSimulator) -> None:
    cloud = simulator.sweep(0, 0.0, still, nobody)
    x, y = cloud.xyz[:, 0], cloud.xyz[:, 1]
    high = cloud.xyz[:, 2] + HEIGHT > 0.3
    on_pane = high & (np.abs(x + 4.0) < 0.1)
    through = high & (np.abs(x + 9.0) < 0.2) & (np.abs(y) < 8.0)
    assert 0 < on_pane.sum() < 60
    assert np.abs(y[on_pane]).max() < 4.0 * np.tan(np.deg2rad(6))
    assert through.sum() > 100


def test_grazing_and_far_surfaces_drop_out_first(simulator: LidarSimulator) -> None:
    cloud = simulator.sweep(0, 0.0, still, nobody)
    directions, _, _ = QUICK.rays()
    down = np.flatnonzero(directions[:32, 2] < -0.02)
    found = np.bincount(cloud.ring, minlength=32)[down] / 360
    steep, grazing = found[-3:].mean(), found[:2].mean()
    assert steep > 0.95
    assert grazing < steep
    assert (cloud.intensity >= 1).all() and (cloud.intensity <= 255).all()


def test_a_person_hides_what_is_behind_and_walks_within_the_sweep(
    meshes: tuple[SurfaceMesh, ...],
) -> None:
    body = cylinder(0.2, 0.2, 0.0, 1.8)
    scene = RayScene(body.vertices, body.mesh.faces)
    simulator = LidarSimulator(QUICK, meshes, scene, 1)

    def walking(seconds: float) -> np.ndarray:
        return moved(body, (3.0, 1.2 * (seconds - 10.05) * 10, 0.0)).vertices

    cloud = simulator.sweep(0, 10.0, still, walking)
    person = (np.hypot(cloud.xyz[:, 0] - 3, cloud.xyz[:, 1]) < 0.5) & (cloud.xyz[:, 2] > -1.2)
    assert person.sum() > 40
    assert np.abs(cloud.xyz[person, 0].min() - 2.8) < 0.05
    # At 12 m/s for the test's sake; azimuth 0 is the middle of the sweep, when it is at y = 0.
    assert np.abs(np.median(cloud.xyz[person, 1])) < 0.15
    standing = moved(body, (3.0, 0.0, 0.0)).vertices
    x, y, z = simulator.sweep(1, 0.0, still, lambda seconds: standing).xyz.T
    assert not ((x > 7) & (np.abs(y) < 0.4) & (np.abs(z) < 0.6)).any()
    assert ((x > 7) & (np.abs(y) > 0.8) & (np.abs(z) < 0.6)).any()


def test_the_sensors_own_motion_is_taken_out(meshes: tuple[SurfaceMesh, ...]) -> None:
    simulator = LidarSimulator(QUICK, meshes, None, 1)

    def driving(seconds: float) -> tuple[np.ndarray, float]:
        return np.array([5.0 * seconds, 0.0, HEIGHT]), 0.5 + 0.4 * seconds

    cloud = simulator.sweep(0, 0.0, driving, nobody)
    c, s = np.cos(0.5), np.sin(0.5)
    world = cloud.xyz @ np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]]) + [0, 0, HEIGHT]
    wall = (np.abs(world[:, 0] - 8) < 1) & (world[:, 2] > 0.3)
    assert np.abs(np.mean(world[wall, 0]) - 8.0) < 0.02
    assert np.std(world[wall, 0]) < 0.04


def test_times_run_through_the_turn_and_equal_sweeps_are_equal(simulator: LidarSimulator) -> None:
    one, other = (simulator.sweep(4, 0.4, still, nobody) for _ in range(2))
    np.testing.assert_array_equal(one.xyz, other.xyz)
    assert one.time.min() >= 0 and 0.09e9 < one.time.max() < 0.1e9
    assert (np.diff(one.time) >= 0).all()
    assert len(simulator.sweep(5, 0.4, still, nobody)) != len(one)
