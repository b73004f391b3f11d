"""Known paths carried along with a receiver that moves: the image method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.constants import speed_of_light

from visrftwin_ros.propagation.fields import (
    chain_transfer,
    free_space_amplitude,
    surface_electrics,
    wavelength_of,
)
from visrftwin_ros.propagation.path_set import (
    DIFFRACTION,
    DIFFUSE,
    SPECULAR,
    PathSet,
    path_delay,
)
from visrftwin_ros.propagation.scene import SurfaceMesh
from visrftwin_ros.propagation.sionna_solver import Device
from visrftwin_ros.propagation.visibility import Visibility

Array = NDArray[np.float64]

_OFF_SURFACE = 1e-3
"""Metres by which a ray starts and ends off a surface, in the tracer's single precision."""
_SHORTEST = 1e-2
"""Metres; Sionna leaves out paths with shorter segments, so a replay does as well."""


class ReplayScene:
    """What replaying needs of the static scene: its surfaces' fields and what hides what."""

    def __init__(
        self, meshes: Sequence[SurfaceMesh], frequency: float, device: Device = "auto"
    ) -> None:
        self.visibility = Visibility(meshes, device)
        self.electrics = surface_electrics(meshes, frequency)
        self.wavelength = wavelength_of(frequency)


class MovingReceiver:
    """Known paths to one receiver, carried to wherever it goes.

    Every path has a fixed part, up to its last diffuse reflection or diffraction (or the
    transmitter), and a specular part from there to the receiver. The specular part is built again
    by the image method: vertices exact, visibility checked again, Fresnel coefficients computed
    again. The scattering point of a diffuse reflection stays; its field follows Lambert's
    law and the new distance. A diffraction point stays too, which by Fermat's principle costs
    second order in the distance moved, and keeps its coefficient apart from the spreading.
    """

    def __init__(self, known: PathSet, scene: ReplayScene) -> None:
        self._known = known
        self._scene = scene
        start = _fixed_until(known)
        bent = (known.interactions == DIFFRACTION).any(axis=1)
        # Most paths end in a diffuse reflection: with no specular part their field only scales.
        scattered = (start > 0) & (start == known.n_vertices - 2) & ~bent
        self._scattered = np.flatnonzero(scattered)
        self._chained = np.flatnonzero(~scattered)
        self._chains = known.select(self._chained)
        self._start = start[self._chained]
        self._before_chain = np.linalg.pinv(
            self._chain(self._chains, self._chains.vertices, self._start)
        ) @ (self._chains.transfer / self._strength(self._chains.vertices)[:, None, None])
        rows, last = self._scattered, start[self._scattered]
        self._points = known.vertices[rows, last]
        step = known.vertices[rows, last + 1] - self._points
        normals = known.normals[rows, last - 1]
        self._normals = normals * np.sign((step * normals).sum(axis=1, keepdims=True))
        self._after = np.arange(known.depth + 2) > last[:, None]
        length = np.linalg.norm(step, axis=1)
        self._to_point = known.delay[rows] - length / speed_of_light
        self._at_point = known.transfer[rows] / self._lobe(step, length)[:, None, None]

    def at(self, receiver: Array) -> PathSet:
        """The paths that still exist with the receiver at (3,) metres, world frame."""
        known = self._known
        vertices, transfer = known.vertices.copy(), np.empty_like(known.transfer)
        delay, valid = np.empty_like(known.delay), np.zeros(len(known), bool)

        rows = self._scattered
        step = receiver - self._points
        length = np.linalg.norm(step, axis=1)
        vertices[rows] = np.where(self._after[..., None], receiver, vertices[rows])
        valid[rows] = self._sees(step, length)
        transfer[rows] = self._at_point * self._lobe(step, length)[:, None, None]
        delay[rows] = self._to_point + length / speed_of_light

        rows = self._chained
        moved = self._specular_vertices(receiver)
        valid[rows] = exists = self._visible(moved)
        # The others' vertices are not finite; nothing of them is kept.
        moved[~exists] = self._chains.vertices[~exists]
        chain = self._chain(self._chains, moved, self._start)
        strength = self._strength(moved)[:, None, None]
        vertices[rows], delay[rows] = moved, path_delay(moved)
        # A path that is specular throughout owes nothing to the tracer's single-precision field.
        amplitude = free_space_amplitude(delay[rows] * speed_of_light, self._scene.wavelength)
        transfer[rows] = np.where(
            (self._start == 0)[:, None, None],
            chain * amplitude[:, None, None],
            chain @ self._before_chain * strength,
        )
        moved_paths = replace(known, vertices=vertices, transfer=transfer, delay=delay)
        return moved_paths.select(np.flatnonzero(valid))

    def _lobe(self, step: Array, length: Array) -> Array:
        """(N,) Lambert's law times spreading from the scattering points along `step` (N, 3)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            # Behind the surface or on top of the point: such a path is dropped.
            cosine = np.maximum((step * self._normals).sum(axis=1), 0.0) / length
            return np.asarray(np.sqrt(cosine) / length)

    def _sees(self, step: Array, length: Array) -> NDArray[np.bool_]:
        """(N,) the receiver is visible from the scattering points, on the side of the surface
        from which they scatter."""
        facing = (step * self._normals).sum(axis=1) > 0
        origin = self._points + _OFF_SURFACE * self._normals
        hit = self._scene.visibility.first_hit(origin, step / np.maximum(length, 1e-9)[:, None])
        return facing & (hit > length - 2 * _OFF_SURFACE) & (length > _SHORTEST)

    def _strength(self, vertices: Array) -> Array:
        """(C,) spreading and Lambert's law of the chained paths."""
        return _spreading(self._chains, vertices, self._start) * _lambert(
            self._chains, vertices, self._start
        )

    def _chain(
        self, paths: PathSet, vertices: Array, start: NDArray[np.intp]
    ) -> NDArray[np.complex128]:
        return chain_transfer(
            vertices,
            paths.interactions,
            paths.objects,
            paths.normals,
            paths.n_vertices,
            start,
            self._scene.electrics,
            self._scene.wavelength,
        )

    def _specular_vertices(self, receiver: Array) -> Array:
        """(P, V, 3): images of the receiver backwards, then intersections forwards."""
        known, start = self._chains, self._start
        count, depth = known.interactions.shape
        image = np.tile(receiver, (count, 1))
        images = np.empty((count, depth + 1, 3))
        images[:, depth] = image
        mirrors = (known.interactions == SPECULAR) & (np.arange(depth) >= start[:, None])
        for d in reversed(range(depth)):
            on = mirrors[:, d]
            normal, point = known.normals[on, d], known.vertices[on, d + 1]
            off = ((image[on] - point) * normal).sum(axis=1, keepdims=True)
            image[on] -= 2 * off * normal
            images[:, d] = image
        vertices = known.vertices.copy()
        here = vertices[np.arange(count), start]
        for d in range(depth):
            on = np.flatnonzero((d >= start) & (d < known.n_vertices - 2))
            # images[:, d] is mirrored at this vertex and all later ones: aim at it.
            aim = images[on, d] - here[on]
            normal, point = known.normals[on, d], known.vertices[on, d + 1]
            closing = (aim * normal).sum(axis=1)
            gap = ((point - here[on]) * normal).sum(axis=1)
            with np.errstate(divide="ignore", invalid="ignore"):
                share = gap / closing
            # Parallel to the surface or beyond the target: no such path; nan fails every check.
            share = np.where((share > 0) & (share < 1), share, np.nan)
            vertices[on, d + 1] = here[on] = here[on] + share[:, None] * aim
        after = np.arange(depth + 2) >= known.n_vertices[:, None] - 1
        vertices[after] = receiver
        return vertices

    def _visible(self, vertices: Array) -> NDArray[np.bool_]:
        """(P,) every new segment is free, and every new vertex lies on a surface."""
        known, start = self._chains, self._start
        steps = np.diff(vertices, axis=1)
        length = np.linalg.norm(steps, axis=2)
        piece = np.arange(length.shape[1])
        new = (piece >= start[:, None]) & (piece < (known.n_vertices - 1)[:, None])
        valid = np.isfinite(vertices).all(axis=(1, 2)) & ~(new & ~(length > _SHORTEST)).any(axis=1)
        row, piece = np.nonzero(new & valid[:, None])
        direction = steps[row, piece] / length[row, piece, None]
        from_surface, to_surface = piece > 0, piece < known.n_vertices[row] - 2
        # Off the surface along its normal, on the side on which the ray goes on: along the ray
        # itself, a grazing one would stay within the surface.
        origin = vertices[row, piece].copy()
        normal = known.normals[row, np.maximum(piece - 1, 0)]
        edge = known.interactions[row, np.maximum(piece - 1, 0)] == DIFFRACTION
        side = np.sign((direction * normal).sum(axis=1, keepdims=True))
        step_off = np.where((from_surface & ~edge)[:, None], side * normal, 0.0)
        step_off = np.where((from_surface & edge)[:, None], direction, step_off)
        origin += _OFF_SURFACE * step_off
        expected = length[row, piece]
        # Expected distance to the next surface from the shifted origin, measured along its normal.
        target_normal = known.normals[row, np.minimum(piece, known.depth - 1)]
        closing = (direction * target_normal).sum(axis=1)
        gap = ((vertices[row, piece + 1] - origin) * target_normal).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            on_surface = gap / closing
        hit = self._scene.visibility.first_hit(origin, direction)
        tolerance = 2 * _OFF_SURFACE + 1e-5 * expected
        grazing = np.maximum(np.abs(closing), 1e-2)
        with np.errstate(invalid="ignore"):
            arrives = np.where(
                to_surface,
                np.abs(hit - on_surface) < tolerance / grazing,
                hit > expected - tolerance,
            )
        valid[row[~arrives]] = False
        return valid


def _fixed_until(paths: PathSet) -> NDArray[np.intp]:
    """(P,) index of the vertex from which on the path is specular; 0 is the transmitter."""
    held = (paths.interactions == DIFFUSE) | (paths.interactions == DIFFRACTION)
    return np.where(held, np.arange(1, paths.depth + 1), 0).max(axis=1, initial=0)


def _spreading(paths: PathSet, vertices: Array, start: NDArray[np.intp]) -> Array:
    """(P,) amplitude of spreading up to a constant factor.

    1 / length of the last ray tube; with a diffraction, 1 / sqrt(s s' (s + s')) of the uniform
    theory of diffraction, as in Sionna.
    """
    length = np.linalg.norm(np.diff(vertices, axis=1), axis=2)
    piece = np.arange(length.shape[1])
    tube = np.where(piece >= start[:, None], length, 0.0).sum(axis=1)
    spreading = 1 / tube
    edge = paths.interactions == DIFFRACTION
    bent = edge.any(axis=1)
    after_edge = piece > np.where(bent, edge.argmax(axis=1), 0)[:, None]
    s = np.where(after_edge, length, 0.0).sum(axis=1)
    before = length.sum(axis=1) - s
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bent, 1 / np.sqrt(s * before * (s + before)), spreading)


def _lambert(paths: PathSet, vertices: Array, start: NDArray[np.intp]) -> Array:
    """(P,) sqrt of the cosine at which the wave leaves the last, diffuse, scattering point."""
    rows = np.arange(len(paths))
    last = np.maximum(start - 1, 0)
    step = vertices[rows, start + 1] - vertices[rows, start]
    if not paths.depth:
        return np.ones(len(paths))
    cosine = np.abs((step * paths.normals[rows, last]).sum(axis=1)) / np.linalg.norm(step, axis=1)
    diffuse = (start > 0) & (paths.interactions[rows, last] == DIFFUSE)
    return np.sqrt(np.where(diffuse, cosine, 1.0))
