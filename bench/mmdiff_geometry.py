"""A plate that is not where it was: its place found again from the spectrum of its echo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from mmdiff_plates import WAVELENGTH, perfect, plate
from mmdiff_room import TX, clean_room, drawn_places
from numpy.typing import NDArray

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.propagation.differentiable.angle_spectrum import AngleSpectrum, log_error_db
from visrftwin_ros.propagation.differentiable.arrivals import arrivals
from visrftwin_ros.propagation.differentiable.lobe_paths import Ends, lobe_paths
from visrftwin_ros.propagation.differentiable.lobe_scene import LobeScene
from visrftwin_ros.propagation.differentiable.lobes import Lobes
from visrftwin_ros.propagation.differentiable.moved_surfaces import moved
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import AntennaArray

STEPS, RATE, RAYS, ALPHA, AWAY = 200, 0.02, 40_000, 120.0, 3.0
ARRAY = AntennaArray(rows=8, columns=8)
WALL, WALL_SHIFT, WALL_TURN = "east", 0.2, np.deg2rad(5)
WALL_RAYS, PLACES = 10_000, 10
FREE = {
    "x, along the plate": (1, 0.1), "y, along the plate": (2, 0.1), "z, off the plate": (0, 0.1),
    "turn about x": (4, np.deg2rad(5)), "turn about y": (5, np.deg2rad(5)),
}  # fmt: skip
"""Names as in the supplement, whose z is the plate's normal: column of the moves, offset to begin with.
Ours stands upright, its normal along the world's x."""


@dataclass(frozen=True)
class Fit:
    """values: (STEPS + 1, ...) offset left, m or rad. error_db: (STEPS,) of the spectrum."""

    values: NDArray[np.float64]
    error_db: NDArray[np.float64]


def standing_plate() -> SurfaceMesh:
    flat = plate(1.0)
    return SurfaceMesh(flat.name, flat.vertices[:, [2, 0, 1]], flat.faces, flat.material)


def fitted(column: int, offset: float, seed: int) -> Fit:
    """From `offset` on, one number by Adam, whose rate falls to nothing along half a cosine."""
    scene, lobes = LobeScene([standing_plate()]), Lobes.of(torch.tensor([ALPHA]))
    side = AWAY / np.sqrt(2)
    tx, rx = torch.tensor([side, -side, 0.0]), torch.tensor([side, side, 0.0])
    ends = Ends(rx.float(), tx.float()[:, None], True)
    grid, mounts = AngleSpectrum(ARRAY), [Mount(ARRAY, yaw=-0.75 * np.pi)]

    def spectrum(moves: torch.Tensor, rays: int, draw: int) -> torch.Tensor:
        corners = moved(scene, scene.vertices, moves)
        there = scene.moved(corners)
        paths = lobe_paths(there, lobes, ends, rays, 1, draw)
        shares = arrivals(there, corners, paths, lobes, perfect, ends, WAVELENGTH)
        return grid.of(shares, mounts)

    with torch.no_grad():
        reference = spectrum(torch.zeros(1, 6), 5 * RAYS, 1000 + seed)
    number = torch.tensor(float(offset), requires_grad=True)
    optimiser = torch.optim.Adam([number], lr=RATE)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    one_hot = torch.eye(6)[column][None]
    values, errors = [offset], []
    for step in range(STEPS):
        loss = log_error_db(spectrum(number * one_hot, RAYS, seed + step), reference)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        falling.step()
        values.append(float(number.detach()))
        errors.append(float(loss.detach()))
    return Fit(np.array(values), np.array(errors))


def wall_fitted(seed: int) -> Fit:
    """A wall of the room, off by WALL_SHIFT along its normal and WALL_TURN about the vertical, both free,
    one of PLACES receivers a step. values: (STEPS + 1, 2) metres and radians left."""
    meshes = clean_room()
    index = [mesh.name for mesh in meshes].index(WALL)
    scene, places = LobeScene(meshes), drawn_places(PLACES, 50 + seed)
    lobes, grid = Lobes.of(torch.full((len(scene),), ALPHA)), AngleSpectrum(ARRAY)
    pick = torch.zeros(2, len(scene), 6)
    pick[0, index, 0], pick[1, index, 5] = 1, 1

    def spectrum(numbers: torch.Tensor, place: int, rays: int, draw: int) -> torch.Tensor:
        corners = moved(scene, scene.vertices, torch.einsum("k,ksm->sm", numbers, pick))
        there = scene.moved(corners)
        start = torch.tensor(places.positions[place], dtype=torch.float32)
        ends = Ends(start, torch.tensor(TX, dtype=torch.float32)[:, None], True)
        paths = lobe_paths(there, lobes, ends, rays, 1, draw)
        shares = arrivals(there, corners, paths, lobes, perfect, ends, WAVELENGTH)
        return grid.of(shares, [places.mounts[place]])

    with torch.no_grad():
        references = [
            spectrum(torch.zeros(2), k, 5 * WALL_RAYS, 1000 + seed) for k in range(PLACES)
        ]
    numbers = torch.tensor([WALL_SHIFT, WALL_TURN], dtype=torch.float32, requires_grad=True)
    optimiser = torch.optim.Adam([numbers], lr=RATE)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    values, errors = [numbers.detach().numpy().copy()], []
    for step in range(STEPS):
        place = step % PLACES
        found = spectrum(numbers, place, WALL_RAYS, seed + step)
        loss = log_error_db(found, references[place])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        falling.step()
        values.append(numbers.detach().numpy().copy())
        errors.append(float(loss.detach()))
    return Fit(np.array(values), np.array(errors))
