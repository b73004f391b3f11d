"""People in simulated sweeps: found, placed, and nothing else taken for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation

from visrftwin_ros.benchmarks.simulated.lidar import (
    Block,
    SimulatedLidar,
    Walker,
    street,
    walkers_on_circles,
)
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.perception.lidar.background import LidarBackground
from visrftwin_ros.perception.lidar.ground import ground_map
from visrftwin_ros.perception.lidar.people_finder import (
    FoundPeople,
    LidarPeopleConfig,
    LidarPeopleFinder,
)
from visrftwin_ros.perception.lidar.static_scene import StaticScene
from visrftwin_ros.perception.measurements.ground_measurements import GroundMeasurements
from visrftwin_ros.site.loading import find_site_file, load_site
from visrftwin_ros.site.model import Box

LEVEL = Rotation.identity()
TENTH = 100_000_000
SEEN = 25
"""Returns from which a body is asked to be found."""


def cloud_of(points: np.ndarray, stamp: int, ring: bool = True) -> PointCloud:
    beams, columns = points.shape[:2]
    rings = np.repeat(np.arange(beams), columns) if ring else None
    return PointCloud(stamp, "lidar", points.reshape(-1, 3), ring=rings)


def sure(found: FoundPeople) -> GroundMeasurements:
    return found.people.where(found.people.score > 0.5)


def gaps(found: GroundMeasurements, truth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each true person to what was found of them (inf if nothing), and who was."""
    distance = np.hypot(*(truth[:, None] - found.position[None]).transpose(2, 0, 1))
    rows, columns = linear_sum_assignment(np.minimum(distance, 0.6))
    result = np.full(len(truth), np.inf)
    result[rows] = np.where(distance[rows, columns] < 0.6, distance[rows, columns], np.inf)
    return result, columns[distance[rows, columns] < 0.6]


@pytest.mark.parametrize(
    ("beams", "height", "elevation", "ring"),
    [
        pytest.param(128, 3.0, (-0.39, 0.39), True, marks=pytest.mark.long),
        (64, 3.0, (-0.43, 0.04), False),
        (32, 1.8, (-0.26, 0.26), True),
        (16, 1.8, (-0.26, 0.26), True),
    ],
)
def test_walkers_are_placed_within_centimetres_and_nobody_is_invented(
    beams: int, height: float, elevation: tuple[float, float], ring: bool
) -> None:
    lidar = SimulatedLidar(np.array([0.0, 0.0, height]), beams=beams, elevation=elevation)
    finder = LidarPeopleFinder("lidar", LidarPeopleConfig(max_range=25.0))
    rng = np.random.default_rng(1)
    error, found_of, asked, invented, statures = [], 0, 0, 0, []
    for k in range(70):
        walkers = walkers_on_circles(8, 0.1 * k, seed=3)
        points, returns = lidar.sweep(walkers, street(), rng)
        found = finder.find(cloud_of(points, k * TENTH, ring), lidar.position, LEVEL)
        people = sure(found)
        if found.learning:
            assert len(people) == 0, "while it learns, nobody is sure"
            continue
        truth = np.array([walker.position for walker in walkers])
        gap, columns = gaps(people, truth)
        # Nearer than that, the lowest beam of the high sensors passes over the shoulders.
        visible = (returns >= SEEN) & (np.hypot(*truth.T) > 4.5)
        error += list(gap[np.isfinite(gap)])
        asked += int(visible.sum())
        found_of += int(np.isfinite(gap[visible]).sum())
        invented += len(people) - len(columns)
        statures += list(np.sort(people.height)[[0, -1]]) if len(people) else []
    assert np.median(error) <= 0.05  # asked for: 0.08
    assert np.quantile(error, 0.9) <= 0.15
    assert found_of >= 0.93 * asked
    assert invented <= 2
    assert min(statures) > 1.3 and max(statures) < 2.2


def test_covariances_are_honest() -> None:
    lidar = SimulatedLidar(np.array([0.0, 0.0, 2.5]))
    finder = LidarPeopleFinder("lidar", LidarPeopleConfig(learning_time=0))
    rng = np.random.default_rng(2)
    distances = []
    for k in range(40):
        walker = Walker(rng.uniform(-12, 12, 2) + 3.0, rng.uniform(0, 6), rng.uniform(0, 6))
        points, _ = lidar.sweep([walker], [], rng)
        people = finder.find(cloud_of(points, k * TENTH), lidar.position, LEVEL).people
        if len(people) == 1:
            r = people.position[0] - walker.position
            distances.append(r @ np.linalg.inv(people.covariance[0]) @ r)
    assert len(distances) > 35
    assert 0.2 < np.mean(distances) < 4.0  # two degrees of freedom: 2 if exact


def test_two_people_side_by_side_are_two() -> None:
    lidar = SimulatedLidar(np.array([0.0, 0.0, 2.5]))
    finder = LidarPeopleFinder("lidar", LidarPeopleConfig(learning_time=0.5))
    rng = np.random.default_rng(0)
    for k in range(8):
        finder.find(cloud_of(lidar.sweep([], [], rng)[0], k * TENTH), lidar.position, LEVEL)
    pair = [Walker(np.array([6.0, 0.32])), Walker(np.array([6.0, -0.32]))]
    points, _ = lidar.sweep(pair, [], rng)
    people = sure(finder.find(cloud_of(points, 8 * TENTH), lidar.position, LEVEL))
    assert len(people) == 2
    assert np.all(gaps(people, np.array([w.position for w in pair]))[0] < 0.15)


def test_a_person_who_stood_there_while_it_learnt_is_found_once_they_came_back() -> None:
    lidar = SimulatedLidar(np.array([0.0, 0.0, 2.5]))
    finder = LidarPeopleFinder("lidar", LidarPeopleConfig(learning_time=0.5))
    rng = np.random.default_rng(0)
    person = [Walker(np.array([7.0, 1.0]))]
    wall = [Block(np.array([12.0, 0.0]), np.array([0.3, 12.0, 4.0]))]
    stamp = 0
    for walkers, sweeps in ((person, 8), ([], 80), (person, 1)):
        for _ in range(sweeps):
            stamp += TENTH
            points, _ = lidar.sweep(walkers, wall, rng)
            found = finder.find(cloud_of(points, stamp), lidar.position, LEVEL)
    assert len(sure(found)) == 1
    assert np.hypot(*(found.people.position[0] - person[0].position)) < 0.1


def test_boxes_of_the_site_are_background_from_the_start() -> None:
    lidar = SimulatedLidar(np.array([0.0, 0.0, 2.5]))
    pillar = Box(
        name="pillar",
        material="concrete",
        kind="box",
        center=(5.0, 1.0, 0.85),
        size=(0.4, 0.4, 1.7),
        yaw=0.3,
    )
    block = Block(np.array([5.0, 1.0]), np.array([0.4, 0.4, 1.7]), 0.3)
    points, _ = lidar.sweep([], [block], np.random.default_rng(0))
    config = LidarPeopleConfig(learning_time=3.0)
    without = LidarPeopleFinder("lidar", config).find(cloud_of(points, 0), lidar.position, LEVEL)
    known = LidarPeopleFinder("lidar", config, scene=StaticScene((pillar,))).find(
        cloud_of(points, 0), lidar.position, LEVEL
    )
    assert (len(without.people), len(known.people)) == (1, 0)


def test_the_mesh_of_a_site_is_background_from_the_start(tmp_path: Path) -> None:
    """A bent wall of two slabs, the far one out of reach, and people before and on its other side."""
    corners = np.array([[6.0, -8.0], [8.0, 4.0], [300.0, 60.0]])
    lines = [f"v {x} {y} {z}" for x, y in corners for z in (0.0, 2.0)]
    faces = [(1, 3, 2), (2, 3, 4), (3, 5, 4), (4, 5, 6)]
    (tmp_path / "wall.obj").write_text(
        "\n".join([*lines, *(f"f {a} {b} {c}" for a, b, c in faces)]) + "\n"
    )
    content = yaml.safe_load(find_site_file("pets_campus").read_text())
    wall = {"name": "wall", "kind": "mesh", "file": "wall.obj", "material": "brick"}
    content["scene"] = [content["scene"][0], wall]
    (tmp_path / "site.yaml").write_text(yaml.safe_dump(content))
    scene = StaticScene.of_site(load_site(str(tmp_path)))
    background = LidarBackground(np.zeros(3), 20.0, scene=scene)

    share = np.random.default_rng(0).uniform(0, 1, (500, 2))
    along = corners[0] + share[:, :1] * (corners[1] - corners[0])
    across = np.array([12.0, -2.0]) / np.hypot(12.0, 2.0)
    for off, known in ((0.0, 1.0), (0.06, 1.0), (-0.06, 1.0), (0.5, 0.0), (-0.5, 0.0)):
        points = np.column_stack([along + off * across, 1.9 * share[:, 1]])
        share_known = np.mean(~background.foreground(points.astype(np.float32)))
        assert abs(share_known - known) <= 0.02, off  # a corner of a cell may be missed
    above = np.column_stack([along, np.full(500, 2.6)]).astype(np.float32)
    assert background.foreground(above).all()


def test_a_tilted_sensor_places_people_in_the_world() -> None:
    upright = SimulatedLidar(np.array([2.0, -1.0, 3.0]))
    walker = Walker(np.array([7.0, 3.0]), height=1.8)
    points, _ = upright.sweep([walker], [], np.random.default_rng(0))
    tilt = Rotation.from_euler("ZYX", [2.1, 0.3, -0.2])
    turned = tilt.inv().apply(points.reshape(-1, 3)).reshape(points.shape).astype(np.float32)
    finder = LidarPeopleFinder("lidar", LidarPeopleConfig(learning_time=0))
    people = finder.find(cloud_of(turned, 0), upright.position, tilt).people
    assert len(people) == 1
    assert np.hypot(*(people.position[0] - walker.position)) < 0.1
    assert abs(people.height[0] - 1.8) < 0.1


def test_a_slope_is_ground() -> None:
    rng = np.random.default_rng(0)
    place = rng.uniform(-20, 20, (40_000, 2))
    slope = 0.06 * place[:, 0] + rng.normal(0, 0.02, len(place))
    points = np.column_stack([place, slope]).astype(np.float32)
    ghosts = rng.random(len(points)) < 0.0005
    points[ghosts, 2] -= 0.6
    height = points[:, 2] - ground_map(points, np.zeros(2), 20.0).under(points)
    assert np.quantile(np.abs(height[~ghosts]), 0.99) < 0.15


def test_people_are_stamped_in_the_middle_of_the_sweep() -> None:
    lidar = SimulatedLidar(np.array([0.0, 0.0, 2.5]))
    points, _ = lidar.sweep([Walker(np.array([5.0, 0.0]))], [], np.random.default_rng(0))
    seconds = np.tile(np.linspace(0, 0.1, points.shape[1]), points.shape[0])
    cloud = PointCloud(10 * TENTH, "lidar", points.reshape(-1, 3), seconds=seconds)
    finder = LidarPeopleFinder("lidar", LidarPeopleConfig(learning_time=0))
    stamp = finder.find(cloud, lidar.position, LEVEL).people.stamp_ns
    assert abs(stamp - 10.5 * TENTH) < 0.1 * TENTH


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(0, 400),
    seed=st.integers(0, 10_000),
    spread=st.sampled_from([0.0, 0.01, 1.0, 30.0, 1e6]),
    bad=st.sampled_from([None, np.nan, np.inf, -np.inf, 1e30]),
)
def test_any_cloud_gives_finite_people(
    count: int, seed: int, spread: float, bad: float | None
) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 1, (count, 3)) * spread
    if bad is not None and count:
        points[rng.random(count) < 0.3, rng.integers(0, 3)] = bad
    finder = LidarPeopleFinder("lidar", LidarPeopleConfig(least_score=0.0, learning_time=0.1))
    for k in range(3):
        cloud = PointCloud(k * TENTH, "lidar", points.astype(np.float32))
        found = finder.find(cloud, np.array([0.0, 0.0, 2.0]), LEVEL)
        kept, dropped = found.people.clean()
        assert dropped == 0
        assert len(kept) == len(found.center) == len(found.size) == len(found.n_points)
