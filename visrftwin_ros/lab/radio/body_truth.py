"""What people do to radio paths, by physical optics on their actual meshes.

The lab's own model, apart from the twin's: no rectangle, no cylinder. Each body darkens the plane
through its axis, perpendicular to the path, over the outline of its mesh (Kirchhoff's boundary
values; Goodman, Introduction to Fourier Optics, 3rd ed., sections 3.4 and 4.2). With Babinet's
principle the field behind it, against free space, is

    E/E0 = 1 - j (d1 + d2)/(lambda d1 d2) Int_S exp(-j pi (x^2 + y^2)(d1 + d2)/(lambda d1 d2)) dS

about the point where the ray meets the plane. Exact along the rows of the outline, whose ends are
not rounded to a raster; rows are 3 mm high.

Left out: that the body's surface turns away smoothly (behind a cylinder of skin, 0.3 m wide and
half-way on 5 m, the exact series is 2.1 dB deeper for a horizontal field and 5.5 dB for a vertical
one, about 1 dB at the shadow's edge: test/lab/radio/test_body_truth.py), and the ground under the feet:
floor reflections are paths of their own, and what would pass below the feet of somebody in a ray
1 m over the floor is some 38 dB under the free field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fresnel as fresnel_integrals

from visrftwin_ros.lab.people.outline import Outline, Topology, outline
from visrftwin_ros.propagation.paths.path_segments import Segments

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

ROW_HEIGHT = 3e-3
_NEAR, _FAR = 3.0, 4.5
"""First-zone radii off the outline's box from which fringes fade out, and where they end.

At three a single edge still makes a ripple of 0.5 dB, that of a body less; nothing ends in a step.
"""
_CLOSEST = 0.05
"""Metres between a path's end and a part of a body, at least: Fresnel's approximation ends there."""


@dataclass(frozen=True)
class Person:
    """A body's mesh at one instant: vertices (V, 3) metres in the world; its triangles."""

    vertices: Array
    mesh: Topology


@dataclass(frozen=True)
class BodyFields:
    """K pairs of a path and a body near it: path (K,) row of the PathSet, ascending for each
    body, body (K,) and the factor E/E0, (K,)."""

    path: NDArray[np.intp]
    body: NDArray[np.intp]
    field: ComplexArray

    def product(self, paths: int) -> ComplexArray:
        """(paths,) the factor of all bodies together; the order of their planes is left out,
        as bodies that shadow one another are several Fresnel lengths apart or nearly one."""
        field = np.ones(paths, complex)
        np.multiply.at(field, self.path, self.field)
        return field


def body_fields(segments: Segments, people: Sequence[Person], wavelength: float) -> BodyFields:
    """The factors of all `people` on the paths of `segments`; cost grows with the pairs near."""
    path, body, field = [], [], []
    for i, person in enumerate(people):
        for row in _near(segments, person, wavelength):
            factor = _segment_field(segments, int(row), person, wavelength)
            if factor is not None:
                path.append(int(segments.path[row]))
                body.append(i)
                field.append(factor)
    return BodyFields(np.array(path, np.intp), np.array(body, np.intp), np.array(field, complex))


def outline_field(
    shape: Outline, before: float, after: float, wavelength: float, x: float = 0.0, y: float = 0.0
) -> complex:
    """E/E0 behind `shape` for a ray through (`x`, `y`) of its plane, metres; distances from the
    source to the plane and from there to the receiver."""
    scale = np.sqrt(2 * (before + after) / (wavelength * before * after))
    bottom = (shape.bottom - y) * scale
    rows = _phasor(bottom + shape.row_height * scale) - _phasor(bottom)
    runs = _phasor((shape.right - x) * scale) - _phasor((shape.left - x) * scale)
    return complex(1.0 - 0.5j * (rows * runs).sum())


def _near(segments: Segments, person: Person, wavelength: float) -> NDArray[np.intp]:
    """Segments that pass within the fringes of the upright cylinder about the body."""
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
    above = level - slack - high[2] > _FAR * zone
    return np.flatnonzero((apart < radius + _FAR * zone) & ~above)


def _segment_field(
    segments: Segments, row: int, person: Person, wavelength: float
) -> complex | None:
    """The factor of one body on one segment; None where it stands beyond its ends or too far."""
    start, length = segments.start[row], float(segments.length[row])
    ahead = (segments.end[row] - start) / length
    offset = person.vertices - start
    along = offset @ ahead
    between = (along > 0) & (along < length)
    if not between.any():
        return None
    shown = between[person.mesh.faces].any(axis=1)
    plane = float(np.clip((along.min() + along.max()) / 2, _CLOSEST, length - _CLOSEST))
    behind, beyond = float(segments.behind[row]), float(segments.ahead[row])
    d1, d2 = max(behind + plane, _CLOSEST), max(beyond + length - plane, _CLOSEST)
    # Every vertex keeps its own Fresnel parameter: one nearer to an end than the plane is looms
    # larger from there.
    own1 = np.maximum(behind + along, _CLOSEST)
    own2 = np.maximum(beyond + length - along, _CLOSEST)
    looms = np.sqrt((own1 + own2) * d1 * d2 / ((d1 + d2) * own1 * own2))
    across, upward = _plane_axes(ahead)
    points = np.column_stack([offset @ across, offset @ upward]) * looms[:, None]
    zone = np.sqrt(wavelength * d1 * d2 / (d1 + d2))
    used = points[between]
    clear = np.linalg.norm(np.maximum(np.maximum(used.min(axis=0), -used.max(axis=0)), 0.0))
    if clear > _FAR * zone:
        return None
    field = outline_field(outline(points, person.mesh, ROW_HEIGHT, shown), d1, d2, wavelength)
    fade = np.clip((clear / zone - _NEAR) / (_FAR - _NEAR), 0.0, 1.0)
    return 1.0 - float(np.cos(np.pi / 2 * fade) ** 2) * (1.0 - field)


def _plane_axes(ahead: Array) -> tuple[Array, Array]:
    """Unit vectors across `ahead`: level, and as upright as can be."""
    across = np.array([ahead[1], -ahead[0], 0.0])
    length = np.linalg.norm(across)
    across = across / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    return across, np.cross(across, ahead)


def _phasor(v: Array) -> ComplexArray:
    """C(v) - j S(v)."""
    sine, cosine = fresnel_integrals(v)
    return np.asarray(cosine - 1j * sine)
