"""A LiDAR that turns, and may drive, while people walk: every column at its own time, rays against
triangle meshes of the bodies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from visrftwin_ros.benchmarks.simulated.lidar import (
    Array,
    Block,
    SimulatedLidar,
    Walker,
    body_parts,
)
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.site.frames import Pose

SIDES, RINGS = 8, (0.9, 1.05, 0.9)
"""Corners of a ring around a limb, and the rings' sizes from its lower to its upper end."""
GROUPS = 16
"""Columns of a sweep are traced in as many groups, each at one time."""


def body_mesh(walker: Walker) -> Array:
    """(T, 3, 3) m: torso, head, legs and arms as closed meshes, in the world."""
    turn = np.linspace(0, 2 * np.pi, SIDES, endpoint=False)
    triangles = []
    for part in body_parts(walker):
        c, s = np.cos(part.yaw), np.sin(part.yaw)
        ring = np.column_stack([part.half[0] * np.cos(turn), part.half[1] * np.sin(turn)])
        ring = ring @ np.array([[c, s], [-s, c]])
        heights = np.linspace(part.low, part.high, len(RINGS))
        rings = [
            np.column_stack([part.center + size * ring, np.full(SIDES, z)])
            for size, z in zip(RINGS, heights, strict=True)
        ]
        for low, high in pairwise(rings):
            beside, above = np.roll(low, -1, axis=0), np.roll(high, -1, axis=0)
            triangles += [np.stack([low, beside, high], 1), np.stack([beside, above, high], 1)]
        for end in (rings[0], rings[-1]):
            middle = np.tile(end.mean(axis=0), (SIDES, 1))
            triangles.append(np.stack([end, np.roll(end, -1, axis=0), middle], 1))
    return np.concatenate(triangles)


def mesh_distance(origin: Array, ray: Array, triangles: Array) -> Array:
    """Distance [m] along (N, 3) rays from one point to the nearest of (T, 3, 3) triangles, inf where
    they meet none (Moeller & Trumbore, "Fast, minimum storage ray/triangle intersection", 1997)."""
    corner = triangles[:, 0]
    first, second = triangles[:, 1] - corner, triangles[:, 2] - corner
    start = origin - corner
    across = np.cross(start, first)
    # One origin for all rays: the scalar triple products are products of matrices.
    sides = np.stack([np.cross(second, start), across, np.cross(second, first)])
    u, v, determinant = ray.astype(np.float32) @ sides.astype(np.float32).swapaxes(1, 2)
    along = np.einsum("ti,ti->t", second, across).astype(np.float32)
    sign = np.sign(determinant)
    hit = (u * sign >= 0) & (v * sign >= 0) & ((u + v) * sign <= determinant * sign)
    hit &= along * sign > 0
    row, column = np.nonzero(hit)
    distance = np.full(len(ray), np.inf)
    np.minimum.at(distance, row, along[column] / determinant[row, column])
    return distance


class MeshLidar(SimulatedLidar):
    """Meets the bodies' meshes rather than their cylinders."""

    def _body(self, walker: Walker, ray: Array) -> Array:
        away = float(np.hypot(*(walker.position - self.position[:2])))
        slope = ray[:, 0, 2] / np.hypot(ray[:, 0, 0], ray[:, 0, 1])
        height = self.position[2] + slope[:, None] * (away + np.array([-0.7, 0.7]))
        rows = (height.max(axis=1) > -0.1) & (height.min(axis=1) < walker.height + 0.1)
        distance = np.full(ray.shape[:2], np.inf)
        part = ray[rows].reshape(-1, 3)
        if len(part):
            found = mesh_distance(self.position, part, body_mesh(walker))
            distance[rows] = found.reshape(-1, ray.shape[1])
        return distance


@dataclass(frozen=True)
class SpinningLidar:
    """`lidar` as it is at home; `pose_at`: where it is in the world at a time [s]."""

    lidar: SimulatedLidar
    pose_at: Callable[[float], Pose]
    duration: float = 0.1

    def sweep(
        self,
        seconds: float,
        walkers_at: Callable[[float], list[Walker]],
        blocks: Sequence[Block],
        rng: np.random.Generator,
    ) -> tuple[PointCloud, NDArray[np.int64]]:
        """A sweep that begins at a time [s], stamped with it, its returns in the frame of their own
        time; and how many each walker gave."""
        azimuth = np.linspace(-np.pi, np.pi, self.lidar.columns, endpoint=False)
        after = np.linspace(0, self.duration, self.lidar.columns, endpoint=False)
        points, times = [], []
        total: NDArray[np.int64] = np.zeros(len(walkers_at(seconds)), dtype=np.int64)
        for columns in np.array_split(np.arange(self.lidar.columns), GROUPS):
            middle = float(after[columns].mean())
            pose = self.pose_at(seconds + middle)
            yaw = float(pose.rotation.as_euler("ZYX")[0])
            there = replace(self.lidar, position=pose.position, yaw=yaw)
            walkers = walkers_at(seconds + middle)
            met, _ = there._cast(azimuth[columns], walkers, list(blocks))
            part, seen = there._returns(azimuth[columns], *met, rng, len(walkers))
            points.append(part)
            times.append(np.full(part.shape[:2], middle))
            total += seen
        ring = np.repeat(np.arange(self.lidar.beams), self.lidar.columns)
        cloud = PointCloud(
            stamp_ns=round(seconds * 1e9),
            frame="lidar",
            points=np.concatenate(points, axis=1).reshape(-1, 3),
            ring=ring,
            seconds=np.concatenate(times, axis=1).reshape(-1),
        )
        return cloud.finite(), total


def standing(position: tuple[float, float, float]) -> Callable[[float], Pose]:
    """Of a LiDAR that does not move."""
    return lambda _: Pose(np.array(position), Rotation.identity())
