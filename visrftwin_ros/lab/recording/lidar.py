"""A spinning 128-beam LiDAR among the static scene and the people's meshes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.campaign.snapshot import LidarCloud
from visrftwin_ros.lab.world.ray_scene import Hits, RayScene
from visrftwin_ros.scene.surfaces import SurfaceMesh

Vectors = Float[np.ndarray, "n 3"]
Column = Float[np.ndarray, " n"]
Stand = tuple[Float[np.ndarray, " 3"], float]
"""Where the sensor is, metres in the world, and its yaw, radians; it stands upright."""

_REFLECTIVITY = {
    "concrete": 0.45, "brick": 0.35, "plasterboard": 0.75, "wood": 0.5, "plywood": 0.55,
    "chipboard": 0.3, "ceiling_board": 0.8, "marble": 0.6, "metal": 0.5, "glass": 0.3,
    "carpet_tile": 0.2, "floorboard": 0.5, "vinyl_tile": 0.45, "asphalt_concrete": 0.15,
}  # fmt: skip
"""At 865 nm; our estimates, within the 0.1 to 0.8 of a LiDAR maker's calibration targets."""
_OF_CLOTHES = 0.45
_OTHER = 0.4
_HEAD_ON = np.cos(np.deg2rad(4.0))
"""A pane sends light back to the sensor within some degrees of head on; else it lets it through."""
_ON = 1e-3
"""Metres behind a pane from which a ray goes on."""
_FULL_SIGNAL_AT = 5.0
"""Metres up to which the receiver's gain evens out the distance."""
_SECTORS = 8
"""Parts of a turn within which people and sensor stand still: they move 2 cm in one, at most."""


@dataclass(frozen=True)
class LidarModel:
    """beams: over `elevation` (low, high) rad, ring 0 the highest. step: rad of azimuth between
    columns. rate: turns a second. range_noise: m, standard deviation of a strong return, more of a
    weak one. reach: m at which a surface of a tenth reflectivity, head on, is found half the time.
    dropout: share of returns lost besides."""

    beams: int = 128
    elevation: tuple[float, float] = (-np.deg2rad(22.5), np.deg2rad(22.5))
    step: float = np.deg2rad(0.17)
    rate: float = 10.0
    range_noise: float = 0.01
    reach: float = 40.0
    dropout: float = 0.005

    def rays(self) -> tuple[Vectors, Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        """Unit directions in the sensor's frame, ring and column of each, column by column."""
        columns = int(np.floor(2 * np.pi / self.step))
        ring = np.tile(np.arange(self.beams), columns)
        column = np.repeat(np.arange(columns), self.beams)
        rise = np.linspace(self.elevation[1], self.elevation[0], self.beams)[ring]
        azimuth = np.pi - column * self.step
        level = np.cos(rise)
        directions = [level * np.cos(azimuth), level * np.sin(azimuth), np.sin(rise)]
        return np.stack(directions, axis=1), ring, column


@dataclass(frozen=True)
class _Returns:
    """Of N rays: range m (inf: none), cosine of incidence and reflectivity of what they met."""

    distance: Column
    cosine: Column
    reflectivity: Column


class LidarSimulator:
    """Sweeps through the true `meshes` and the people's triangles `people`, if any."""

    def __init__(
        self, model: LidarModel, meshes: Sequence[SurfaceMesh], people: RayScene | None, seed: int
    ) -> None:
        self.model = model
        self._seed = seed
        first = np.cumsum([0, *(len(m.vertices) for m in meshes)])
        faces = [m.faces + offset for m, offset in zip(meshes, first, strict=False)]
        self._static = RayScene(np.concatenate([m.vertices for m in meshes]), np.concatenate(faces))
        self._normals = np.concatenate([m.face_normals for m in meshes])
        names = [m.material.name.split(".")[0] for m in meshes]
        count = [len(m.faces) for m in meshes]
        self._pane = np.repeat([name == "glass" for name in names], count)
        self._bright = np.repeat([_REFLECTIVITY.get(name, _OTHER) for name in names], count)
        self._people = people
        self._directions, self._ring, self._column = model.rays()

    def sweep(
        self,
        number: int,
        start: float,
        pose: Callable[[float], Stand],
        vertices: Callable[[float], Vectors],
    ) -> LidarCloud:
        """The turn that begins at `start` [s], in the sensor's frame at that time.

        pose: of the sensor; vertices: of the people, at a time. The sensor's own motion is taken
        out, as a driver that knows the odometry does; that of the people stays in. number: of the
        sweep; it draws the noise.
        """
        model, turn = self.model, 1 / self.model.rate
        columns = int(self._column[-1]) + 1
        ends = np.searchsorted(self._column, np.arange(_SECTORS + 1) * columns / _SECTORS)
        seen, world, sensors = [], [], []
        for k in range(_SECTORS):
            when = start + (k + 0.5) / _SECTORS * turn
            here, yaw = pose(when)
            if self._people is not None:
                self._people.move(vertices(when))
            world.append(_turned(self._directions[ends[k] : ends[k + 1]], yaw))
            sensors.append(np.tile(here, (len(world[-1]), 1)))
            seen.append(self._met(sensors[-1], world[-1]))
        met = _Returns(
            *(np.concatenate([getattr(s, n) for s in seen]) for n in _Returns.__annotations__)
        )
        kept, distance, signal = self._received(met, number)
        points = np.concatenate(sensors)[kept] + np.concatenate(world)[kept] * distance[:, None]
        origin, yaw = pose(start)
        return LidarCloud(
            xyz=_turned(points - origin, -yaw),
            intensity=np.round(np.clip(255 * signal, 1, 255)),
            ring=self._ring[kept],
            time=np.round(self._column[kept] / columns / model.rate * 1e9).astype(np.int64),
        )

    def _met(self, origins: Vectors, directions: Vectors) -> _Returns:
        """What the rays meet, panes seen through."""
        hit = self._static.hits(origins, directions)
        distance, face = hit.distance.copy(), hit.face.copy()
        cosine = np.abs(np.einsum("ij,ij->i", directions, self._normals[face]))
        through = np.flatnonzero((face >= 0) & self._pane[face] & (cosine < _HEAD_ON))
        # A pane has two sides: the ray goes on behind the first, then behind the second.
        for _ in range(4):
            if not len(through):
                break
            step = distance[through] + _ON
            beyond = self._static.hits(
                origins[through] + step[:, None] * directions[through], directions[through]
            )
            distance[through], face[through] = step + beyond.distance, beyond.face
            cosine[through] = np.abs(
                np.einsum("ij,ij->i", directions[through], self._normals[beyond.face])
            )
            again = (beyond.face >= 0) & self._pane[beyond.face] & (cosine[through] < _HEAD_ON)
            through = through[again]
        distance[through] = np.inf
        bright = np.where(face >= 0, self._bright[face], 0.0)
        return self._before_people(origins, directions, _Returns(distance, cosine, bright))

    def _before_people(self, origins: Vectors, directions: Vectors, behind: _Returns) -> _Returns:
        if self._people is None:
            return behind
        hit: Hits = self._people.hits(origins, directions)
        nearer = hit.distance < behind.distance
        # Cloth scatters about as much whichever way it is turned: folds.
        return _Returns(
            np.where(nearer, hit.distance, behind.distance),
            np.where(nearer, 0.7, behind.cosine),
            np.where(nearer, _OF_CLOTHES, behind.reflectivity),
        )

    def _received(self, met: _Returns, number: int) -> tuple[Int[np.ndarray, " k"], Column, Column]:
        """Rows that come back, their measured ranges, and their strength up to 1.

        A return's energy falls with the square of the range and Lambert's cosine: grazing and dark
        surfaces drop out first, and what comes back weakly is measured worse.
        """
        model = self.model
        draw = np.random.default_rng([self._seed, 0x11DA2, number])
        energy = met.reflectivity * met.cosine / np.maximum(met.distance, 0.3) ** 2
        margin = energy / (0.1 / model.reach**2)
        found = draw.random(len(margin)) < margin**2 / (1 + margin**2)
        found &= (draw.random(len(margin)) >= model.dropout) & np.isfinite(met.distance)
        kept = np.flatnonzero(found)
        spread = model.range_noise * np.hypot(1.0, 1.5 / np.sqrt(margin[kept]))
        distance = met.distance[kept] + spread * draw.standard_normal(len(kept))
        near = np.minimum((_FULL_SIGNAL_AT / np.maximum(met.distance[kept], 0.3)) ** 2, 1.0)
        return kept, np.maximum(distance, 0.1), met.reflectivity[kept] * met.cosine[kept] * near


def _turned(vectors: Vectors, yaw: float) -> Vectors:
    c, s = np.cos(yaw), np.sin(yaw)
    return np.asarray(vectors @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]))
