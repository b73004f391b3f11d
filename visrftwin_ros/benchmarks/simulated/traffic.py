"""Cars on a road, parked and passing, for a simulated LiDAR and simulated cameras, with their truth.

Cars are a body and a cabin that is set back: not the box that the finder assumes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.benchmarks.simulated.lidar import Block, SimulatedLidar, Walker
from visrftwin_ros.messages.point_cloud import PointCloud

Array = NDArray[np.float64]
SILL = 0.6
"""Share of a car's height where its cabin begins."""
LIDAR = np.array([0.0, 0.0, 3.0])


@dataclass(frozen=True)
class Car:
    """center: (2,) m of its middle. size: (3,) m, length, width, height. velocity: (2,) m/s."""

    center: Array
    heading: float
    size: Array
    velocity: Array

    def blocks(self) -> list[Block]:
        length, width, height = self.size
        ahead = np.array([np.cos(self.heading), np.sin(self.heading)])
        body = Block(self.center, np.array([length, width, SILL * height]), self.heading)
        cabin = np.array([0.5 * length, 0.86 * width, height])
        return [body, Block(self.center - 0.06 * length * ahead, cabin, self.heading)]

    def corners(self) -> Array:
        """(16, 3) m: of body and cabin, which is what a camera's box is drawn around."""
        found = []
        for block in self.blocks():
            c, s = np.cos(block.yaw), np.sin(block.yaw)
            for x, y, z in np.ndindex(2, 2, 2):
                dx, dy = (x - 0.5) * block.size[0], (y - 0.5) * block.size[1]
                place = block.center + np.array([c * dx - s * dy, s * dx + c * dy])
                found.append([*place, z * block.size[2]])
        return np.array(found)


@dataclass(frozen=True)
class Traffic:
    """A road along x past the LiDAR: cars parked on its far kerb, one that passes on an arc, people on
    the pavement and a house. All is drawn from the seed."""

    seed: int

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, 0xCA2])

    def parked(self) -> list[Car]:
        rng, cars, x = self._rng(), [], -14.0
        while x < 14.0:
            size = _drawn_size(rng)
            x += size[0] / 2
            place = np.array([x, 10.0 + rng.normal(0, 0.1)])
            heading = rng.normal(0, 0.03) + np.pi * rng.integers(2)
            cars.append(Car(place, float(heading), size, np.zeros(2)))
            x += size[0] / 2 + rng.uniform(0.7, 3.0)
        return cars

    def passing(self, seconds: float) -> Car:
        """The car that drives, after so many seconds: it enters 24 m from the LiDAR's foot."""
        rng = np.random.default_rng([self.seed, 0xD21])
        speed, bend = rng.uniform(4.0, 13.0), rng.uniform(-0.012, 0.012)
        size, lane = _drawn_size(rng), rng.uniform(4.5, 6.5)
        way = speed * seconds - 24.0
        heading = bend * way
        # A circle of curvature `bend` that touches the lane at x = 0.
        place = np.array([np.sin(heading) / bend, lane + (1 - np.cos(heading)) / bend])
        ahead = np.array([np.cos(heading), np.sin(heading)])
        return Car(place, float(heading), size, speed * ahead)

    def people(self, seconds: float) -> list[Walker]:
        rng = np.random.default_rng([self.seed, 0x9E0])
        walkers = []
        for _ in range(3):
            x, y, speed = rng.uniform(-12, 8), rng.uniform(-6.0, -2.5), rng.uniform(0.8, 1.5)
            phase, height = rng.uniform(0, 6), rng.normal(1.72, 0.08)
            at = np.array([x + speed * seconds, y])
            walkers.append(Walker(at, 0.0, float(phase + 6 * seconds), float(height)))
        return walkers

    def blocks(self) -> list[Block]:
        """House, lamp posts, and the parked cars."""
        still = [Block(np.array([0.0, 16.0]), np.array([60.0, 0.4, 6.0]))]
        still += [Block(np.array([x, 12.3]), np.array([0.15, 0.15, 5.0])) for x in (-9.0, 3.0)]
        return still + [block for car in self.parked() for block in car.blocks()]

    def sweep(self, number: int, rate: float, from_second: float, beams: int = 64) -> PointCloud:
        """Of a LiDAR of `beams` beams at `LIDAR`; the passing car comes from `from_second` on."""
        lidar = SimulatedLidar(LIDAR, beams=beams)
        seconds = number / rate
        blocks = self.blocks()
        if seconds >= from_second:
            blocks += self.passing(seconds - from_second).blocks()
        rng = np.random.default_rng([self.seed, 0x11DA, number])
        points, _ = lidar.sweep(self.people(seconds), blocks, rng)
        ring = np.repeat(np.arange(beams), lidar.columns)
        return PointCloud(round(1e9 * seconds), "lidar", points.reshape(-1, 3), ring=ring)


def _drawn_size(rng: np.random.Generator) -> Array:
    """From a city car to an estate or a small van."""
    return np.array([rng.uniform(3.6, 4.9), rng.uniform(1.65, 1.9), rng.uniform(1.4, 1.9)])
