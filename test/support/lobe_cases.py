"""Plates before the lobe tracer, and their integral by another way."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from visrftwin_ros.materials.table import MaterialValues, material_values
from visrftwin_ros.propagation.differentiable.arrivals import Arrivals, arrivals
from visrftwin_ros.propagation.differentiable.lobe_paths import Ends, lobe_paths
from visrftwin_ros.propagation.differentiable.lobe_scene import LobeScene
from visrftwin_ros.propagation.differentiable.lobes import Lobes
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.scene.surfaces import SurfaceMesh

FREQUENCY = 60e9
WAVELENGTH = wavelength_of(FREQUENCY)
METAL: MaterialValues = material_values("metal", FREQUENCY)
Array = NDArray[np.float64]


def plate(half: float, middle: tuple[float, float, float] = (0, 0, 0)) -> SurfaceMesh:
    """A horizontal square of twice `half`, metres."""
    corners = half * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    return SurfaceMesh("plate", corners + np.array(middle), faces, METAL)


def beside(angle_deg: float, to_tx: float, to_rx: float, from_rx: bool) -> Ends:
    """Ends so far from the plate's middle, at its mirror's angle."""
    turn = np.deg2rad(angle_deg)
    tx = torch.tensor([-to_tx * np.sin(turn), 0.0, to_tx * np.cos(turn)])
    rx = torch.tensor([to_rx * np.sin(turn), 0.0, to_rx * np.cos(turn)])
    start, other = (rx, tx) if from_rx else (tx, rx)
    return Ends(start, other[:, None], from_rx)


def perfect(place: torch.Tensor, surface: torch.Tensor) -> torch.Tensor:
    """A mirror's permittivity."""
    return torch.full((len(surface),), 1 - 1e9j, dtype=torch.complex64)


def found(
    meshes: list[SurfaceMesh], ends: Ends, alpha: float, rays: int, depth: int = 1, seed: int = 1
) -> Arrivals:
    """What mirrors send to the other ends, the line of sight left out."""
    scene = LobeScene(meshes)
    lobes = Lobes.of(torch.full((len(scene),), float(alpha)))
    paths = lobe_paths(scene, lobes, ends, rays, depth, seed)[1:]
    return arrivals(scene, scene.vertices, paths, lobes, perfect, ends, WAVELENGTH)


def over_mirror_db(power: float, length: float) -> float:
    """Against a perfect mirror's path of that length."""
    return float(10 * np.log10(power / (WAVELENGTH / (4 * np.pi * length)) ** 2))


def lobe_over_half_space(alpha: float, incidence: Array) -> Array:
    """F in sr: a sum over rings about the mirror's direction, of each the part above the surface."""
    off = (np.arange(20_000) + 0.5) * np.pi / 20_000
    off = off[((1 + np.cos(off)) / 2) ** alpha > 1e-12]
    turn = np.asarray(incidence)[..., None]
    edge = -np.cos(off) * np.cos(turn) / np.maximum(np.sin(off) * np.sin(turn), 1e-300)
    width = 2 * np.arccos(np.clip(edge, -1, 1))
    return (((1 + np.cos(off)) / 2) ** alpha * np.sin(off) * width).sum(axis=-1) * np.pi / 20_000


def plate_power(
    alpha: float, tx: Array, rx: Array, half: float, middle: Array, points: int = 250
) -> float:
    """Gain over a perfectly reflecting plate: the sum of the lobes over a grid of its points."""
    node, weight = np.polynomial.legendre.leggauss(points)
    x, y = np.meshgrid(half * node, half * node, indexing="ij")
    place = np.stack([x, y, np.zeros_like(x)], axis=-1) + middle
    into, out = place - tx, rx - place
    r_in, r_out = (np.linalg.norm(step, axis=-1) for step in (into, out))
    into, out = into / r_in[..., None], out / r_out[..., None]
    slant = -into[..., 2]
    grid = np.linspace(0, np.pi / 2, 200)
    normalised = lobe_over_half_space(alpha, grid)
    mirrored = into * [1, 1, -1]
    cosine = (mirrored * out).sum(axis=-1)
    lobe = ((1 + cosine) / 2) ** alpha / np.interp(np.arccos(slant), grid, normalised)
    field = _vertical(into) * [-1, -1, 1]
    turned = field - ((field * out).sum(axis=-1) / (1 + cosine))[..., None] * (mirrored + out)
    heard = (turned * _vertical(out)).sum(axis=-1) ** 2
    area = half**2 * np.outer(weight, weight)
    share = lobe * slant * heard / (r_in * r_out) ** 2 * area
    return float((WAVELENGTH / (4 * np.pi)) ** 2 * share.sum())


def _vertical(way: Array) -> Array:
    up = np.array([0.0, 0.0, 1.0]) - way * way[..., 2:]
    return up / np.linalg.norm(up, axis=-1, keepdims=True)
