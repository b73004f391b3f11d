"""What people do to radio paths, by a wave marched past their actual meshes.

The lab's own model, apart from the twin's: no rectangle, no cylinder, no edge. Planes along the
path, one above the other, cut the meshes near it; past each cut `slice_march` carries a wave with
the surface's impedance, all bodies of the cut at once, which gives S(h) = E/E0 - 1 of bodies as
tall as one likes with that section. Over the heights h Fresnel's integral adds up what passes there
(Goodman, Introduction to Fourier Optics, 3rd ed., section 4.2):

    E/E0 = 1 + Int S(h) sqrt(j / (lambda F)) exp(-j pi h^2 / (lambda F)) dh,   F = d1 d2 / (d1 + d2)

So thickness, roundness, cloth and who stands behind whom count across the path; up and down, over a
head or a shoulder, bodies are thin. Vertical polarisation. A body stands on opaque ground: below
its lowest part in reach the section goes on. Somebody near the path whose first zone the others
do not touch multiplies.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float, Int
from numpy.typing import NDArray
from scipy.special import fresnel as fresnel_integrals

from visrftwin_ros.bodies.surface import SKIN, body_impedance
from visrftwin_ros.compiled import compiled
from visrftwin_ros.lab.people.topology import Topology
from visrftwin_ros.lab.radio.slice_march import slice_factor
from visrftwin_ros.propagation.paths.path_segments import Segments

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

METAL = "metal"
_METAL_ADMITTANCE = 1e3 + 0j
_NEAR, _FAR = 3.0, 1.5
"""First-zone radii off the body from which fringes fade out, and how much farther off they end.

At three a single edge still makes a ripple of 0.5 dB, that of a body less; nothing ends in a step.
Of a path that carries a share of its link's amplitude the fringes are followed that share as far, but
to one zone: there its ripple is as small on the link.
"""
_NEAREST = 1.0
_TOGETHER = 1.0
"""First-zone radii off the ray up to which bodies are marched past as one."""
_CLOSEST = 0.05
"""Metres between a path's end and a part of a body, at least."""
_BELOW = 5.0
"""First-zone radii below the ray down to which bodies are cut; below it goes on as there."""
_UNDER_THE_TOP = (0.002, 0.012, 0.03, 0.06, 0.1, 0.15)
"""Metres under the top of a body at which it is cut: heads are round."""
_FINE, _COARSE = 0.03, 0.07
"""Metres between cuts: within two zones of the ray, half a zone where that is more; and beyond."""


@dataclass(frozen=True)
class Person:
    """A body's mesh at one instant, with what it carries: vertices (V, 3) metres in the world; its
    closed triangles. material: of the surface, one of `bodies.surface` or `METAL`. facets: (F, 3)
    coarser triangles of the same vertices, for what it reflects; default those of the mesh."""

    vertices: Array
    mesh: Topology
    material: str = SKIN
    facets: NDArray[np.int64] | None = None


def body_fields(
    segments: Segments,
    people: Sequence[Person],
    paths: int,
    wavelength: float,
    but: NDArray[np.intp] | None = None,
    share: Array | None = None,
) -> ComplexArray:
    """(paths,) the factor E/E0 of all `people` on the paths of `segments`.

    but: (paths,) the one of the people, by number, who does nothing to a path. share: (paths,) of
    its link's amplitude that a path carries, which says how far out its fringes matter; default 1.
    """
    field = np.ones(paths, complex)
    near: dict[int, list[int]] = {}
    whole = np.ones(paths) if share is None else share
    reach = np.maximum(_NEAR * np.minimum(whole, 1.0), _NEAREST)[segments.path]
    for i, person in enumerate(people):
        for row in _near(segments, person, wavelength, _FAR * reach):
            if but is None or but[segments.path[row]] != i:
                near.setdefault(int(row), []).append(i)
    surfaces = {
        i: admittance(people[i].material, wavelength)
        for i in {i for some in near.values() for i in some}
    }
    passed: list[tuple[int, list[_Seen]]] = []
    for row in sorted(near):
        stand = [
            shown
            for i in near[row]
            if (shown := _seen(segments, row, people[i], surfaces[i], wavelength)) is not None
            and shown.clear < _FAR * reach[row]
        ]
        close = [body for body in stand if body.clear <= _TOGETHER]
        apart = [[body] for body in stand if body.clear > _TOGETHER]
        passed += [(row, group) for group in ([close] if close else []) + apart]
    for row, group in passed:
        factor = _group_field(segments, row, group, wavelength, float(reach[row]))
        field[segments.path[row]] *= factor
    return field


def admittance(material: str, wavelength: float) -> complex:
    """Of a surface over that of free space, for a field along it at grazing incidence."""
    if material == METAL:
        return _METAL_ADMITTANCE
    return complex(1 / body_impedance(material, np.zeros(1), wavelength)[0])


@dataclass(frozen=True)
class _Seen:
    """A body from a path: points (V, 3), metres along the unfolded path, across and above it; clear:
    first-zone radii between the path and the body's box."""

    points: Array
    faces: NDArray[np.int64]
    surface: complex
    clear: float


def _near(segments: Segments, person: Person, wavelength: float, reach: Array) -> NDArray[np.intp]:
    """Segments that pass within `reach` (of each, first-zone radii) of the upright cylinder about the
    body."""
    low, high = person.vertices.min(axis=0), person.vertices.max(axis=0)
    middle, radius = (low + high)[:2] / 2, np.linalg.norm((high - low)[:2]) / 2
    start, step = segments.start, segments.end - segments.start
    square = np.maximum((step[:, :2] ** 2).sum(axis=1), 1e-12)
    share = np.clip(((middle - start[:, :2]) * step[:, :2]).sum(axis=1) / square, 0.0, 1.0)
    apart = np.linalg.norm(start[:, :2] + share[:, None] * step[:, :2] - middle, axis=1)
    d1 = segments.behind + share * segments.length
    d2 = segments.ahead + (1 - share) * segments.length
    zone = np.sqrt(wavelength * d1 * d2 / np.maximum(d1 + d2, 1e-9))
    level = start[:, 2] + share * step[:, 2]
    # Over a body's height the ray of a steep segment moves: by so much may it still come down.
    slack = radius * np.abs(step[:, 2]) / np.sqrt(square)
    above = level - slack - high[2] > reach * zone
    return np.flatnonzero((apart < radius + reach * zone) & ~above)


def _seen(
    segments: Segments, row: int, person: Person, surface: complex, wavelength: float
) -> _Seen | None:
    """None where the body stands beyond the segment's ends."""
    start, length = segments.start[row], float(segments.length[row])
    behind, beyond = float(segments.behind[row]), float(segments.ahead[row])
    ahead = (segments.end[row] - start) / length
    # What reaches beyond an end of the segment is pressed flat there.
    low, high = max(0.0, _CLOSEST - behind), min(length, length + beyond - _CLOSEST)
    axes = np.stack([ahead, *_plane_axes(ahead)])
    points, used, least, most = _seen_from(person.vertices, start, axes, low, max(high, low))
    if not used or most[3] <= 0 or least[3] >= length:
        return None
    points[:, 0] += behind
    plane = behind + 0.5 * (least[0] + most[0])
    whole = behind + length + beyond
    zone = np.sqrt(wavelength * plane * (whole - plane) / whole)
    aside = max(least[1], -most[1], 0.0)
    clear = float(np.hypot(aside, max(-most[2], 0.0)) / zone)
    return _Seen(points, person.mesh.faces, surface, clear)


@compiled
def _seen_from(
    vertices: Float[np.ndarray, "v 3"],
    start: Float[np.ndarray, " 3"],
    axes: Float[np.ndarray, "3 3"],
    low: float,
    high: float,
) -> tuple[Float[np.ndarray, "v 3"], int, Float[np.ndarray, " 4"], Float[np.ndarray, " 4"]]:
    """Vertices along `axes` from `start`, the first coordinate kept within `low` and `high`; how many
    lie between these, the least and the most of each coordinate of those, and last of the first
    one of all."""
    points = np.empty(vertices.shape)
    least, most = np.full(4, np.inf), np.full(4, -np.inf)
    used = 0
    for i in range(len(vertices)):
        for axis in range(3):
            points[i, axis] = (
                (vertices[i, 0] - start[0]) * axes[axis, 0]
                + (vertices[i, 1] - start[1]) * axes[axis, 1]
                + (vertices[i, 2] - start[2]) * axes[axis, 2]
            )
        along = points[i, 0]
        least[3], most[3] = min(least[3], along), max(most[3], along)
        points[i, 0] = min(max(along, low), high)
        if low < points[i, 0] < high:
            used += 1
            for axis in range(3):
                least[axis] = min(least[axis], points[i, axis])
                most[axis] = max(most[axis], points[i, axis])
    return points, used, least, most


def _group_field(
    segments: Segments, row: int, group: Sequence[_Seen], wavelength: float, reach: float
) -> complex:
    """The factor of bodies that the wave passes one after the other; reach: first-zone radii off them
    from which their fringes fade out."""
    distance = float(segments.behind[row] + segments.length[row] + segments.ahead[row])
    points = np.concatenate([body.points for body in group])
    plane = float(points[:, 0].mean())
    if plane < distance / 2:  # from the farther end: the wave's curvature is less there
        points[:, 0], plane = distance - points[:, 0], distance - plane
    lens = plane * (distance - plane) / distance
    # Every vertex keeps its own Fresnel parameter: one nearer to an end than the plane looms.
    own = points[:, 0] * (distance - points[:, 0]) / distance
    points[:, 2] *= np.sqrt(lens / own)
    first = np.cumsum([0, *(len(body.points) for body in group)])
    faces = np.concatenate([b.faces + offset for b, offset in zip(group, first, strict=False)])
    surface = np.repeat([body.surface for body in group], [len(body.faces) for body in group])
    tops = [float(points[a:b, 2].max()) for a, b in itertools.pairwise(first)]
    heights = _heights(float(points[:, 2].min()), tops, float(np.sqrt(wavelength * lens)))
    scattered = _slices(points, faces, surface, heights, distance, wavelength)
    factor = _over_heights(heights, scattered, wavelength * lens)
    fade = np.clip((group[0].clear - reach) / ((_FAR - 1.0) * reach), 0.0, 1.0)
    return 1.0 + float(np.cos(np.pi / 2 * fade) ** 2) * factor


def _heights(bottom: float, tops: Sequence[float], zone: float) -> Array:
    """Ascending, from what counts as the bottom to the highest of the tops."""
    top = max(tops)
    low = min(max(bottom + 0.02, -_BELOW * zone), top - _UNDER_THE_TOP[0])
    fine = max(_FINE, zone / 2)
    inner = max(low, -2 * zone), min(top, 2 * zone)
    some = [np.array([low])]
    if inner[1] > inner[0]:
        some.append(np.linspace(*inner, int(np.ceil((inner[1] - inner[0]) / fine)) + 1))
    for a, b in ((low, inner[0]), (max(inner[1], low), top)):
        if b > a:
            some.append(np.linspace(a, b, int(np.ceil((b - a) / max(_COARSE, fine))) + 1))
    some += [t - np.array(_UNDER_THE_TOP) for t in tops]
    heights = np.unique(np.concatenate(some))
    heights = heights[(heights >= low) & (heights < top - 1e-6)]
    kept = np.append(np.diff(heights) > 0.25 * np.minimum(fine, _FINE), True)
    kept[heights > top - 0.02] = True
    return np.append(heights[kept], top)


def _over_heights(heights: Array, scattered: ComplexArray, square: float) -> complex:
    """Fresnel's integral of what varies in straight lines between `heights`, square = lambda F; as
    at the lowest below it, 0 above the highest."""
    u = heights * np.sqrt(2 / square)
    sine, cosine = fresnel_integrals(u)
    zeroth = np.diff(cosine - 1j * sine)
    first = np.diff(1j / np.pi * np.exp(-0.5j * np.pi * u**2))
    slope = np.diff(scattered) / np.diff(u)
    total = ((scattered[:-1] - slope * u[:-1]) * zeroth + slope * first).sum()
    total += scattered[0] * (cosine[0] - 1j * sine[0] + 0.5 - 0.5j)
    return complex((0.5 + 0.5j) * total)


def _plane_axes(ahead: Array) -> tuple[Array, Array]:
    """Unit vectors across `ahead`: level, and as upright as can be."""
    across = np.array([ahead[1], -ahead[0], 0.0])
    length = np.linalg.norm(across)
    across = across / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    return across, np.cross(across, ahead)


@compiled
def _slices(
    points: Float[np.ndarray, "v 3"],
    faces: Int[np.ndarray, "f 3"],
    surface: Complex[np.ndarray, " f"],
    heights: Float[np.ndarray, " h"],
    distance: float,
    wavelength: float,
) -> Complex[np.ndarray, " h"]:
    """S at each height; 0 at the last one, the top."""
    found = np.zeros(len(heights), np.complex128)
    cuts = len(heights) - 1
    first, after = np.empty(len(faces), np.int64), np.empty(len(faces), np.int64)
    count = np.zeros(cuts + 1, np.int64)
    under = np.searchsorted(heights[:cuts], points[:, 2], "right")  # cuts at or under each vertex
    for f in range(len(faces)):
        a, b, c = under[faces[f, 0]], under[faces[f, 1]], under[faces[f, 2]]
        first[f], after[f] = min(a, b, c), max(a, b, c)
        for n in range(first[f], after[f]):
            count[n + 1] += 1
    begin = np.cumsum(count)
    filled = begin.copy()
    sides, surfaces = np.empty((begin[-1], 4)), np.empty(begin[-1], np.complex128)
    for f in range(len(faces)):
        for n in range(first[f], after[f]):
            row = filled[n]
            filled[n] = row + 1
            surfaces[row] = surface[f]
            for e in range(3):
                a, b = faces[f, e], faces[f, (e + 1) % 3]
                rises = points[b, 2] >= heights[n]
                if rises == (points[a, 2] >= heights[n]):
                    continue
                share = (heights[n] - points[a, 2]) / (points[b, 2] - points[a, 2])
                for axis in range(2):
                    sides[row, 2 * int(rises) + axis] = points[a, axis] + share * (
                        points[b, axis] - points[a, axis]
                    )
    for n in range(cuts):
        some = slice(begin[n], begin[n + 1])
        found[n] = slice_factor(sides[some], surfaces[some], distance, wavelength)
    return found
