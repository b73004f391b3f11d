"""A spinning LiDAR among walking bodies, boxes and a flat ground: rays, noise, dropouts.

Bodies are not what the finder assumes: torso, head, swinging legs and arms, each an elliptic
cylinder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Walker:
    """At (2,) m on the ground, facing `heading`, `phase` of the stride in rad."""

    position: Array
    heading: float = 0.0
    phase: float = 0.0
    height: float = 1.75


@dataclass(frozen=True)
class Block:
    """An upright box: center (2,) m, size (3,) m, yaw; from the ground up."""

    center: Array
    size: Array
    yaw: float = 0.0


@dataclass(frozen=True)
class SimulatedLidar:
    """Stands at `position` (3,) m, upright, turned by `yaw`."""

    position: Array
    beams: int = 128
    columns: int = 1024
    elevation: tuple[float, float] = (-0.39, 0.39)
    noise: float = 0.02
    dropout: float = 0.02
    reach: float = 80.0
    yaw: float = 0.0

    def sweep(
        self, walkers: list[Walker], blocks: list[Block], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """(beams, columns, 3) m in the sensor's frame, NaN where no return came; and how many
        returns each walker gave, 0 for those of whom other things hide more than half."""
        azimuth = np.linspace(-np.pi, np.pi, self.columns, endpoint=False)
        distance, met = self._cast(azimuth, walkers, blocks)
        points, seen = self._returns(azimuth, *distance, rng, len(walkers))
        seen[seen < 0.5 * met] = 0
        return points, seen

    def _rays(self, azimuth: Array) -> Array:
        """(beams, columns, 3) directions in the sensor's frame."""
        rise = np.linspace(self.elevation[1], self.elevation[0], self.beams)
        ray = np.empty((self.beams, len(azimuth), 3))
        ray[..., 0] = np.cos(rise)[:, None] * np.cos(azimuth)
        ray[..., 1] = np.cos(rise)[:, None] * np.sin(azimuth)
        ray[..., 2] = np.sin(rise)[:, None]
        return ray

    def _cast(
        self, azimuth: Array, walkers: list[Walker], blocks: list[Block]
    ) -> tuple[tuple[Array, NDArray[np.int64]], Array]:
        """Distance along each ray and whose body it meets; rays that would meet each body alone."""
        azimuth = azimuth + self.yaw
        ray = self._rays(azimuth)
        with np.errstate(divide="ignore"):
            distance = np.where(ray[..., 2] < 0, -self.position[2] / ray[..., 2], np.inf)
        for block in blocks:
            distance = np.minimum(distance, self._block(block, ray))
        owner = np.full(distance.shape, len(walkers))
        met = np.zeros(len(walkers))
        for k, walker in enumerate(walkers):
            away = walker.position - self.position[:2]
            turn = np.arctan2(away[1], away[0])
            off = np.abs((azimuth - turn + np.pi) % (2 * np.pi) - np.pi)
            near = np.flatnonzero(off < np.arctan2(0.9, max(np.hypot(*away), 0.3)))
            if not len(near):
                continue
            body = self._body(walker, ray[:, near])
            owner[:, near] = np.where(body < distance[:, near], k, owner[:, near])
            distance[:, near] = np.minimum(distance[:, near], body)
            met[k] = np.isfinite(body).sum()
        return (distance, owner), met

    def _returns(
        self,
        azimuth: Array,
        distance: Array,
        owner: NDArray[np.int64],
        rng: np.random.Generator,
        count: int,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Points with noise and dropouts, and how many each of `count` walkers gave."""
        distance = distance + rng.normal(0, self.noise, distance.shape)
        gone = (rng.random(distance.shape) < self.dropout) | ~(distance < self.reach)
        distance[gone] = np.nan
        seen = np.bincount(owner[~gone], minlength=count + 1)[:count]
        return (self._rays(azimuth) * distance[..., None]).astype(np.float32), seen

    def _body(self, walker: Walker, ray: Array) -> Array:
        """Distance to a body along (..., 3) rays."""
        return np.minimum.reduce([self._cylinder(part, ray) for part in body_parts(walker)])

    def _block(self, block: Block, ray: Array) -> Array:
        c, s = np.cos(block.yaw), np.sin(block.yaw)
        turn = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1.0]])
        start = turn @ (self.position - np.array([*block.center, block.size[2] / 2]))
        with np.errstate(divide="ignore", invalid="ignore"):
            along = ray @ turn.T
            first = (-block.size / 2 - start) / along
            second = (block.size / 2 - start) / along
        enter = np.minimum(first, second).max(axis=-1)
        leave = np.maximum(first, second).min(axis=-1)
        return np.where((enter < leave) & (enter > 0), enter, np.inf)

    def _cylinder(self, cylinder: Cylinder, ray: Array) -> Array:
        """Distance to the side or the top of an upright elliptic cylinder."""
        c, s = np.cos(cylinder.yaw), np.sin(cylinder.yaw)
        turn = np.array([[c, s], [-s, c]])
        scale = 1 / np.array(cylinder.half)
        start = turn @ (self.position[:2] - cylinder.center) * scale
        along = ray[..., :2] @ turn.T * scale
        a = (along**2).sum(axis=-1)
        b = along @ start
        discriminant = b**2 - a * (start @ start - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            side = (-b - np.sqrt(discriminant)) / a
            height = self.position[2] + side * ray[..., 2]
            side = np.where(
                (side > 0) & (height > cylinder.low) & (height < cylinder.high), side, np.inf
            )
            top = (cylinder.high - self.position[2]) / ray[..., 2]
            inside = ((start + top[..., None] * along) ** 2).sum(axis=-1) < 1
        top = np.where((top > 0) & inside, top, np.inf)
        return np.fmin(np.where(np.isnan(side), np.inf, side), top)


@dataclass(frozen=True)
class Cylinder:
    center: Array
    half: tuple[float, float]
    yaw: float
    low: float
    high: float


def body_parts(walker: Walker) -> list[Cylinder]:
    """Depth along the heading first, width second; limbs swing in opposite phase."""
    forward = np.array([np.cos(walker.heading), np.sin(walker.heading)])
    left = np.array([-forward[1], forward[0]])
    h, at, yaw = walker.height, walker.position, walker.heading
    parts = [
        Cylinder(at, (0.12, 0.20), yaw, 0.48 * h, 0.82 * h),
        Cylinder(at + 0.02 * forward, (0.10, 0.08), yaw, 0.82 * h, h),
    ]
    for side in (-1.0, 1.0):
        swing = side * np.sin(walker.phase)
        hip = at + 0.09 * side * left
        parts.append(Cylinder(hip + 0.10 * swing * forward, (0.09, 0.08), yaw, 0.26 * h, 0.48 * h))
        parts.append(Cylinder(hip + 0.24 * swing * forward, (0.07, 0.06), yaw, 0.0, 0.26 * h))
        arm = at + 0.25 * side * left - 0.12 * swing * forward
        parts.append(Cylinder(arm, (0.05, 0.05), yaw, 0.42 * h, 0.80 * h))
    return parts


def walkers_on_circles(count: int, seconds: float, seed: int, radius: float = 14.0) -> list[Walker]:
    """People who walk circles of their own, all inside `radius` m of the origin, at a time."""
    rng = np.random.default_rng(seed)
    middle = rng.uniform(-radius + 2, radius - 2, (count, 2))
    size = rng.uniform(0.8, 2.0, count)
    start = rng.uniform(0, 2 * np.pi, count)
    speed = rng.uniform(0.6, 1.6, count) / size * rng.choice([-1, 1], count)
    stature = rng.normal(1.72, 0.08, count)
    angle = start + speed * seconds
    place = middle + size[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return [
        Walker(
            place[k],
            heading=float(angle[k] + np.sign(speed[k]) * np.pi / 2),
            phase=float(start[k] + 6.0 * seconds),
            height=float(stature[k]),
        )
        for k in range(count)
    ]


def street(seed: int = 0) -> list[Block]:
    """Walls, pillars, bins and a parked car."""
    rng = np.random.default_rng(seed)
    blocks = [
        Block(np.array([0.0, 18.0]), np.array([40.0, 0.5, 6.0])),
        Block(np.array([-20.0, 0.0]), np.array([0.5, 40.0, 6.0]), 0.05),
        Block(np.array([9.0, -15.0]), np.array([4.4, 1.8, 1.5]), 0.2),
    ]
    for _ in range(6):
        at = rng.uniform(-13, 13, 2)
        blocks.append(Block(at, np.array([0.35, 0.35, 4.0])))
    for _ in range(4):
        blocks.append(Block(rng.uniform(-13, 13, 2), np.array([0.5, 0.5, 1.1])))
    return blocks
