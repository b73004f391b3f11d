"""What a wave finds where it meets a wall of the lab: layers, studs, unevenness, roughness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float, Int
from scipy.special import fresnel

from visrftwin_ros.lab.world.material_prior import Stack, Wall
from visrftwin_ros.lab.world.transfer_matrix import StackCoefficients, stack_coefficients

_METALLIC = 1e3
_NEAREST = 3
"""Studs to either side of a point that its field is made of; what lies beyond cancels."""


@dataclass(frozen=True)
class Hits:
    """N places where waves meet surfaces. surface: number of each; point: m; along: unit, of the wave;
    normal: unit; before, after: m of way on both sides, as if unfolded."""

    surface: Int[np.ndarray, " n"]
    point: Float[np.ndarray, "n 3"]
    along: Float[np.ndarray, "n 3"]
    normal: Float[np.ndarray, "n 3"]
    before: Float[np.ndarray, " n"]
    after: Float[np.ndarray, " n"]

    def take(self, rows: Bool[np.ndarray, " n"] | Int[np.ndarray, " k"]) -> Hits:
        return Hits(*(value[rows] for value in vars(self).values()))

    @property
    def cosine(self) -> Float[np.ndarray, " n"]:
        return np.asarray(np.minimum(np.abs((self.along * self.normal).sum(axis=1)), 1.0))


class WallLaw:
    """The walls of all surfaces of a scene, in its order, at `wavelength` [m]."""

    def __init__(self, walls: Sequence[Wall], wavelength: float) -> None:
        self.wavelength = wavelength
        self._walls = tuple(walls)
        self._plain = _padded([wall.stack for wall in walls])
        self._stud = _padded([wall.stud for wall in walls])
        columns = [(w.pitch, w.width, w.shift, w.roughness, w.lobe) for w in walls]
        self._pitch, self._width, self._shift, self._rough, self.lobe = np.array(columns, float).T

    def coefficients(self, hits: Hits) -> StackCoefficients:
        """What the boards and the studs in the first Fresnel zones do together, roughness left out.

        Kirchhoff's integral over a plane whose coefficient changes in upright strips: each strip
        counts by its share of the Fresnel integral across it (Born and Wolf, section 8.7).
        """
        eps, deep = self._uneven(self._plain, hits)
        plain = stack_coefficients(hits.cosine, eps, deep, self.wavelength)
        rows = np.flatnonzero(self._pitch[hits.surface] > 0)
        if not len(rows):
            return plain
        some = hits.take(rows)
        eps, deep = self._uneven(self._stud, some)
        stud = stack_coefficients(some.cosine, eps, deep, self.wavelength)
        share = self._stud_share(some)
        mixed = []
        for one, other in zip(vars(plain).values(), vars(stud).values(), strict=True):
            values = one.copy()
            values[rows] += share * (other - one[rows])
            mixed.append(values)
        return StackCoefficients(*mixed)

    def smoothness(
        self, surface: Int[np.ndarray, " n"], cosine: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """Share of the amplitude that a rough face reflects as a mirror, exp(-2 (k h cos)^2): Ament,
        Proc. IRE 41, 1953; Rayleigh's criterion is its middle."""
        height = 2 * np.pi / self.wavelength * self._rough[surface] * cosine
        return np.asarray(np.exp(-2 * height**2))

    def rough(self, surface: Int[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
        return np.asarray(self._rough[surface] > 0)

    def _uneven(
        self,
        stacks: tuple[Complex[np.ndarray, "s k"], Float[np.ndarray, "s k"]],
        hits: Hits,
    ) -> tuple[Complex[np.ndarray, "n k"], Float[np.ndarray, "n k"]]:
        """The layers as they are at the points."""
        permittivity, thickness = (table[hits.surface] for table in stacks)
        for surface in np.unique(hits.surface):
            wall, rows = self._walls[surface], np.flatnonzero(hits.surface == surface)
            if not wall.permittivity_within and not wall.thickness_within:
                continue
            factor, swell = wall.unevenness(hits.point[rows])
            value = permittivity[rows]
            varies = (np.abs(value) < _METALLIC) & (np.abs(value - 1) > 1e-9)
            permittivity[rows] = np.where(varies, 1 + (value - 1) * factor[:, None], value)
            thickness[rows] = np.where(varies, thickness[rows] * swell[:, None], thickness[rows])
        return permittivity, thickness

    def _stud_share(self, hits: Hits) -> Complex[np.ndarray, " n"]:
        """Of Kirchhoff's integral, what lies on studs."""
        pitch, width = self._pitch[hits.surface], self._width[hits.surface]
        level = np.abs(hits.normal[:, 2]) > 0.9
        across = np.where(
            level[:, None],
            [1.0, 0.0, 0.0],
            np.stack([-hits.normal[:, 1], hits.normal[:, 0], np.zeros(len(level))], axis=1),
        )
        across /= np.linalg.norm(across, axis=1, keepdims=True)
        place = (hits.point * across).sum(axis=1) + self._shift[hits.surface]
        slant = np.sqrt(np.maximum(1 - (hits.along * across).sum(axis=1) ** 2, 1e-3))
        reach = 1 / hits.before + 1 / hits.after
        scale = slant * np.sqrt(2 * reach / self.wavelength)
        nearest = np.round(place / pitch)
        share = np.zeros(len(place), complex)
        for k in range(-_NEAREST, _NEAREST + 1):
            middle = (nearest + k) * pitch - place
            ends = [fresnel(scale * (middle + side * width / 2)) for side in (1, -1)]
            (s_far, c_far), (s_near, c_near) = ends
            # From -inf to inf the integral of exp(-j pi u^2 / 2) is 1 - j.
            share += ((c_far - c_near) - 1j * (s_far - s_near)) / (1 - 1j)
        return share


def _padded(
    stacks: Sequence[Stack],
) -> tuple[Complex[np.ndarray, "s k"], Float[np.ndarray, "s k"]]:
    """One row a stack; what a shorter one lacks is no layer."""
    most = max(len(stack.thickness) for stack in stacks)
    permittivity, thickness = np.ones((len(stacks), most), complex), np.zeros((len(stacks), most))
    for row, stack in enumerate(stacks):
        permittivity[row, : len(stack.permittivity)] = stack.permittivity
        thickness[row, : len(stack.thickness)] = stack.thickness
    return permittivity, thickness
