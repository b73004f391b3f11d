"""Fields along known geometry: slab reflection and transmission, and their chain along a path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.constants import epsilon_0, speed_of_light

from visrftwin_ros.propagation.diffraction import Wedges, diffracted_field
from visrftwin_ros.propagation.path_set import DIFFRACTION, REFRACTION, SPECULAR, lengths
from visrftwin_ros.propagation.scene import SurfaceMesh

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True)
class SurfaceElectrics:
    """Per surface of the scene (O,): complex relative permittivity eps_r - j sigma/(w eps0),
    slab thickness [m] and the share sqrt(1 - S^2) of amplitude that reflects specularly."""

    permittivity: ComplexArray
    thickness: Array
    smoothness: Array


def surface_electrics(meshes: Sequence[SurfaceMesh], frequency: float) -> SurfaceElectrics:
    """The materials of the scene's surfaces at `frequency` [Hz]."""
    values = [mesh.material for mesh in meshes]
    loss = np.array([v.conductivity for v in values]) / (2 * np.pi * frequency * epsilon_0)
    return SurfaceElectrics(
        permittivity=np.array([v.relative_permittivity for v in values]) - 1j * loss,
        thickness=np.array([v.thickness for v in values]),
        smoothness=np.sqrt(1 - np.array([v.scattering_coefficient for v in values]) ** 2),
    )


def slab_coefficients(
    cosine: Array, permittivity: ComplexArray, thickness: Array, wavelength: float
) -> tuple[ComplexArray, ComplexArray, ComplexArray, ComplexArray]:
    """Reflection TE, TM and transmission TE, TM of a slab in air, ITU-R P.2040-4 eqs. (37), (43).

    cosine: of the angle of incidence. All arguments broadcast.
    """
    root = np.sqrt(permittivity - (1 - cosine**2))
    te = (cosine - root) / (cosine + root)
    tm = (permittivity * cosine - root) / (permittivity * cosine + root)
    once = np.exp(-2j * np.pi * thickness / wavelength * root)
    twice = once**2
    return (
        te * (1 - twice) / (1 - te**2 * twice),
        tm * (1 - twice) / (1 - tm**2 * twice),
        (1 - te**2) * once / (1 - te**2 * twice),
        (1 - tm**2) * once / (1 - tm**2 * twice),
    )


def chain_transfer(
    vertices: Array,
    interactions: NDArray[np.uint8],
    objects: NDArray[np.int32],
    normals: Array,
    n_vertices: NDArray[np.int32],
    start: NDArray[np.intp],
    electrics: SurfaceElectrics,
    wavelength: float,
    wedges: Wedges,
) -> ComplexArray:
    """(P, 2, 2) from theta, phi leaving vertex `start` to theta, phi at the receiver.

    The vertices after `start` must be specular reflections, refractions and at most one
    diffraction, at `wedges` (one a path, of no meaning on others); spreading is left out. Shapes
    as in PathSet, start (P,). The receiver's basis is that of the direction the wave comes from,
    as an antenna there sees it.
    """
    rows = np.arange(len(vertices))
    direction = _unit(vertices[rows, start + 1] - vertices[rows, start])
    theta, phi = _spherical_basis(direction)
    field = np.stack([theta, phi], axis=1).astype(complex)  # (P, sent polarisation, xyz)
    for d in range(interactions.shape[1]):
        kind = interactions[:, d]
        bent = np.flatnonzero(kind == DIFFRACTION)
        if len(bent):
            field[bent] = _past_edge(
                field[bent],
                vertices[bent],
                d,
                objects[bent, d],
                wedges.take(bent),
                electrics,
                wavelength,
            )
        on = np.flatnonzero((d >= start) & ((kind == SPECULAR) | (kind == REFRACTION)))
        if not len(on):
            continue
        incoming = _unit(vertices[on, d + 1] - vertices[on, d])
        outgoing = _unit(vertices[on, d + 2] - vertices[on, d + 1])
        normal, surface = normals[on, d], objects[on, d]
        cosine = np.abs((incoming * normal).sum(axis=1))
        reflect_te, reflect_tm, pass_te, pass_tm = slab_coefficients(
            cosine, electrics.permittivity[surface], electrics.thickness[surface], wavelength
        )
        mirrored = interactions[on, d] == SPECULAR
        smooth = electrics.smoothness[surface]
        te = np.where(mirrored, reflect_te * smooth, pass_te)
        tm = np.where(mirrored, reflect_tm * smooth, pass_tm)
        field[on] = _interact(field[on], incoming, outgoing, normal, te, tm)
    last = _unit(vertices[rows, n_vertices - 1] - vertices[rows, n_vertices - 2])
    return _received(field, last)


def bounce_transfer(
    incoming: Array, outgoing: Array, normal: Array, te: ComplexArray, tm: ComplexArray
) -> ComplexArray:
    """(P, 2, 2) as `chain_transfer` over one reflection, unit vectors (P, 3), coefficients (P,)."""
    field = np.stack(_spherical_basis(incoming), axis=1).astype(complex)
    return _received(_interact(field, incoming, outgoing, normal, te, tm), outgoing)


def _past_edge(
    field: ComplexArray,
    vertices: Array,
    d: int,
    surface: NDArray[np.int32],
    wedges: Wedges,
    electrics: SurfaceElectrics,
    wavelength: float,
) -> ComplexArray:
    """(N, 2, 3) the field after the edge that is interaction `d` of paths with these vertices."""
    incoming = _unit(vertices[:, d + 1] - vertices[:, d])
    outgoing = _unit(vertices[:, d + 2] - vertices[:, d + 1])
    length = np.linalg.norm(np.diff(vertices, axis=1), axis=2)
    wedges = wedges.facing(incoming)
    slab = electrics.permittivity[surface], electrics.thickness[surface], wavelength
    reflection = [
        coefficient * electrics.smoothness[surface]
        for face in (wedges.near, wedges.far)
        for coefficient in slab_coefficients(np.abs((incoming * face).sum(axis=1)), *slab)[:2]
    ]
    before, after = length[:, : d + 1].sum(axis=1), length[:, d + 1 :].sum(axis=1)
    return diffracted_field(
        field, incoming, outgoing, wedges, before, after, reflection, wavelength
    )


def free_space_amplitude(distance: Array, wavelength: float) -> Array:
    """lambda / (4 pi d) between isotropic antennas (Friis)."""
    return wavelength / (4 * np.pi * distance)


def wavelength_of(frequency: float) -> float:
    """Metres in vacuum."""
    return speed_of_light / frequency


def _interact(
    field: ComplexArray,
    incoming: Array,
    outgoing: Array,
    normal: Array,
    te: ComplexArray,
    tm: ComplexArray,
) -> ComplexArray:
    """Fields (P, sent polarisation, xyz) after a surface with these coefficients."""
    across = _perpendicular(incoming, normal)
    within_in, within_out = np.cross(incoming, across), np.cross(outgoing, across)
    part_te = np.einsum("pix,px->pi", field, across) * te[:, None]
    part_tm = np.einsum("pix,px->pi", field, within_in) * tm[:, None]
    return np.asarray(
        part_te[..., None] * across[:, None] + part_tm[..., None] * within_out[:, None]
    )


def _received(field: ComplexArray, last: Array) -> ComplexArray:
    """(P, received, sent) polarisations of fields that travel along `last` (P, 3)."""
    theta, phi = _spherical_basis(last)
    return np.asarray(np.einsum("prx,psx->prs", np.stack([theta, -phi], axis=1), field))


def _spherical_basis(direction: Array) -> tuple[Array, Array]:
    azimuth = np.arctan2(direction[:, 1], direction[:, 0])
    flat = np.hypot(direction[:, 0], direction[:, 1])
    c, s = np.cos(azimuth), np.sin(azimuth)
    theta = np.stack([direction[:, 2] * c, direction[:, 2] * s, -flat], axis=1)
    return theta, np.stack([-s, c, np.zeros_like(s)], axis=1)


def _perpendicular(direction: Array, normal: Array) -> Array:
    """Unit k x n, or any unit vector across k where the wave meets the surface head on."""
    across = np.cross(direction, normal)
    head_on = np.linalg.norm(across, axis=1) < 1e-9
    if head_on.any():
        axis = np.eye(3)[np.abs(direction[head_on]).argmin(axis=1)]
        across[head_on] = np.cross(direction[head_on], axis)
    return _unit(across)


def _unit(vectors: Array) -> Array:
    length = lengths(vectors)[..., None]
    return np.asarray(vectors / np.where(length > 0, length, 1.0))
