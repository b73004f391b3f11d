"""What rough surfaces scatter: directive lobes of patches, each with a phase of its own.

Degli-Esposti, Fuschini, Vitucci and Falciasecca, "Measurement and modelling of scattering from
buildings", IEEE Trans. AP 55, 2007: effective roughness with one lobe about the mirror's direction.
How much is scattered is what roughness takes from the mirror (`WallLaw.smoothness`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from math import comb

import numpy as np
from jaxtyping import Complex, Float, Int
from scipy.constants import speed_of_light

from visrftwin_ros.lab.radio.wall_law import Hits, WallLaw
from visrftwin_ros.propagation.paths.path_set import DIFFUSE, PathSet, empty
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.scene.visibility import OFF_SURFACE, Visibility

PATCH = 0.5
"""Metres, the longest side of a patch."""
_CROSS_POLAR = 0.1
"""Share of the scattered power in the other polarisation."""
_FAINTEST = 1e-7
"""Share of what free space would let through from which a patch counts; thousands of fainter ones
would add 0.001 dB."""
_ANGLES = np.deg2rad(np.linspace(0, 90, 46))


@dataclass(frozen=True)
class Patches:
    """P patches of a scene: number of the surface, middle [m], unit normal, area [m^2], and unit
    complex Gaussian amplitudes of the two polarisations that say how the facets on it happen to add."""

    surface: Int[np.ndarray, " p"]
    middle: Float[np.ndarray, "p 3"]
    normal: Float[np.ndarray, "p 3"]
    area: Float[np.ndarray, " p"]
    speckle: Complex[np.ndarray, "p 2"]

    @classmethod
    def of(cls, meshes: Sequence[SurfaceMesh], law: WallLaw) -> Patches:
        """Of the rectangles of all boxes and grounds whose faces are rough."""
        parts = [(np.zeros(0, np.int64), np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))]
        for number, mesh in enumerate(meshes):
            if not law.rough(np.array([number]))[0]:
                continue
            corners = mesh.vertices[mesh.faces]
            for first, second in zip(corners[0::2], corners[1::2], strict=True):
                one, other = first[1] - first[0], second[2] - first[0]
                parts.append(_of_rectangle(number, first[0], one, other))
        surface, middle, normal, area = (np.concatenate(c) for c in zip(*parts, strict=True))
        draws = np.random.default_rng(len(area)).standard_normal((2, len(area), 2))
        return cls(surface, middle, normal, area, (draws[0] + 1j * draws[1]) / np.sqrt(2))

    def take(self, rows: Int[np.ndarray, " k"]) -> Patches:
        return Patches(*(value[rows] for value in vars(self).values()))


class Scatterers:
    """The patches that each transmitter sees, `transmitters` by name, (3,) metres."""

    def __init__(
        self,
        patches: Patches,
        law: WallLaw,
        transmitters: dict[str, Float[np.ndarray, " 3"]],
        visibility: Visibility,
        decay: float,
    ) -> None:
        self._law, self._visibility, self._decay = law, visibility, decay
        self._transmitters = transmitters
        self._lit: dict[str, tuple[Patches, Float[np.ndarray, " p"]]] = {}
        for name, place in transmitters.items():
            seen = patches.take(_seen(patches, place, visibility))
            self._lit[name] = seen, self._reflected(seen, place)

    def paths(
        self,
        links: tuple[tuple[str, str], ...],
        receivers: dict[str, Float[np.ndarray, " 3"]],
        depth: int,
    ) -> PathSet:
        """One path over each patch that counts, of all links, transmitter first."""
        found = [self._of_link(i, tx, receivers[rx], depth) for i, (tx, rx) in enumerate(links)]
        columns = {
            f.name: np.concatenate([getattr(part, f.name) for part in [empty((), depth), *found]])
            for f in fields(PathSet)
            if f.name != "links"
        }
        return PathSet(links=links, **columns)

    def _reflected(self, lit: Patches, place: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " p"]:
        """Power that a patch scatters of what falls on it: reflectance times what the mirror loses."""
        step = lit.middle - place
        length = np.linalg.norm(step, axis=1)
        hits = Hits(
            lit.surface,
            lit.middle,
            step / length[:, None],
            lit.normal,
            length,
            np.ones(len(length)),
        )
        found = self._law.coefficients(hits)
        power = (np.abs(found.reflected_te) ** 2 + np.abs(found.reflected_tm) ** 2) / 2
        return np.asarray(power * (1 - self._law.smoothness(lit.surface, hits.cosine) ** 2))

    def _of_link(
        self, link: int, tx: str, receiver: Float[np.ndarray, " 3"], depth: int
    ) -> PathSet:
        lit, scattered = self._lit[tx]
        start = self._transmitters[tx]
        arriving, leaving = lit.middle - start, receiver - lit.middle
        near, far = np.linalg.norm(arriving, axis=1), np.linalg.norm(leaving, axis=1)
        arriving, leaving = arriving / near[:, None], leaving / far[:, None]
        facing = -(arriving * lit.normal).sum(axis=1)
        same_side = facing * (leaving * lit.normal).sum(axis=1) > 0
        gain = self._law.wavelength**2 / (4 * np.pi) ** 2 * lit.area * np.abs(facing) * scattered
        gain = gain * _lobe(arriving, leaving, lit.normal, self._law.lobe[lit.surface])
        gain = gain / (near * np.maximum(far, PATCH)) ** 2
        free = (self._law.wavelength / (4 * np.pi * np.linalg.norm(receiver - start))) ** 2
        rows = np.flatnonzero(same_side & (gain > _FAINTEST * free))
        some = lit.take(rows)
        rows = rows[_seen(some, receiver, self._visibility)]
        some, count = lit.take(rows), len(rows)
        vertices = np.tile(receiver, (count, depth + 2, 1))
        vertices[:, 0], vertices[:, 1] = start, some.middle
        interactions, objects = (
            np.zeros((count, depth), np.uint8),
            np.full((count, depth), -1, np.int32),
        )
        normals = np.zeros((count, depth, 3))
        interactions[:, 0], objects[:, 0], normals[:, 0] = DIFFUSE, some.surface, some.normal
        length = near[rows] + far[rows]
        size = np.sqrt(gain[rows]) * np.exp(-self._decay * length)
        shares = np.sqrt([1 - _CROSS_POLAR, _CROSS_POLAR])
        same, other = size * some.speckle.T * shares[:, None]
        return PathSet(
            links=(),
            link=np.full(count, link, np.int32),
            vertices=vertices,
            n_vertices=np.full(count, 3, np.int32),
            interactions=interactions,
            objects=objects,
            normals=normals,
            transfer=np.stack([np.stack([same, other], 1), np.stack([other, same], 1)], 1),
            delay=length / speed_of_light,
        )


def _of_rectangle(
    number: int,
    corner: Float[np.ndarray, " 3"],
    one: Float[np.ndarray, " 3"],
    other: Float[np.ndarray, " 3"],
) -> tuple[
    Int[np.ndarray, " p"],
    Float[np.ndarray, "p 3"],
    Float[np.ndarray, "p 3"],
    Float[np.ndarray, " p"],
]:
    sides = np.linalg.norm(one), np.linalg.norm(other)
    counts = [max(int(np.ceil(side / PATCH)), 1) for side in sides]
    u, v = (((np.arange(n) + 0.5) / n) for n in counts)
    grid = np.stack(np.meshgrid(u, v, indexing="ij"), axis=-1).reshape(-1, 2)
    normal = np.cross(one, other)
    count = len(grid)
    return (
        np.full(count, number),
        corner + grid @ np.stack([one, other]),
        np.tile(normal / np.linalg.norm(normal), (count, 1)),
        np.full(count, float(np.linalg.norm(normal)) / count),
    )


def _seen(
    patches: Patches, place: Float[np.ndarray, " 3"], visibility: Visibility
) -> Int[np.ndarray, " k"]:
    """The patches between whose middle and `place` nothing stands, from the side that faces it."""
    if not len(patches.area):
        return np.zeros(0, np.intp)
    step = place - patches.middle
    length = np.linalg.norm(step, axis=1)
    side = np.sign((step * patches.normal).sum(axis=1))[:, None]
    start = patches.middle + OFF_SURFACE * side * patches.normal
    hit = visibility.first_hit(start, step / length[:, None])
    return np.flatnonzero(hit > length - 2 * OFF_SURFACE)


def _lobe(
    arriving: Float[np.ndarray, "n 3"],
    leaving: Float[np.ndarray, "n 3"],
    normal: Float[np.ndarray, "n 3"],
    exponent: Float[np.ndarray, " n"],
) -> Float[np.ndarray, " n"]:
    """1/sr: ((1 + cos psi)/2)^alpha / F_alpha about the mirror's direction (their eqs. 6 and 7)."""
    facing = (arriving * normal).sum(axis=1)
    mirror = arriving - 2 * facing[:, None] * normal
    shape = ((1 + (mirror * leaving).sum(axis=1)) / 2) ** exponent
    whole = np.empty(len(shape))
    for alpha in np.unique(exponent):
        rows = exponent == alpha
        incidence = np.arccos(np.minimum(np.abs(facing[rows]), 1.0))
        whole[rows] = np.interp(incidence, _ANGLES, _whole_lobe(round(float(alpha))))
    return np.asarray(shape / whole)


@cache
def _whole_lobe(alpha: int) -> Float[np.ndarray, " a"]:
    """F_alpha at `_ANGLES`: the lobe's integral over the half space (their eq. 8)."""
    sine, cosine = np.sin(_ANGLES), np.cos(_ANGLES)
    total = np.zeros(len(_ANGLES))
    for j in range(alpha + 1):
        tilt = np.ones(len(_ANGLES))
        if j % 2:
            series = sum(comb(2 * w, w) * (sine / 2) ** (2 * w) for w in range((j - 1) // 2 + 1))
            tilt = cosine * series
        total += comb(alpha, j) * 2 * np.pi / (j + 1) * tilt
    return np.asarray(total / 2**alpha)
