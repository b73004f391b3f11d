"""One small room, its true spectra by mirrors on the clean mesh, learned on a noisy one."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
from numpy.typing import NDArray
from real_data.page import table
from scipy.ndimage import maximum_filter

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.differentiable.angle_spectrum import AngleSpectrum, log_error_db
from visrftwin_ros.propagation.differentiable.arrivals import Arrivals, Permittivity, arrivals
from visrftwin_ros.propagation.differentiable.lobe_paths import Ends, lobe_paths
from visrftwin_ros.propagation.differentiable.lobe_scene import LobeScene
from visrftwin_ros.propagation.differentiable.lobes import Lobes
from visrftwin_ros.propagation.differentiable.surface_materials import (
    CONDUCTIVITY,
    ConstantMaterials,
    PositionMaterials,
    material_numbers,
)
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.tracing.mirror_paths import Planes, mirror_paths
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import AntennaArray, Propagation

Array = NDArray[np.float64]

FREQUENCY = 60e9
WAVELENGTH = wavelength_of(FREQUENCY)
SIZE = np.array([4.3, 2.9, 2.7])
"""Of Office 1 in the supplement's table 3, m."""
ARRAY = AntennaArray(rows=8, columns=8)
DEPTH, CELL, NOISE = 2, 0.5, 0.05
"""Bounces; side of the mesh's squares, m; standard deviation of its corners on each axis, m."""
TRAINING, TESTING = 60, 20
STEPS, BATCH, RATE, RAYS, TEST_RAYS = 300, 4, 5e-3, 20_000, 100_000
START = (5.0, 1.0)
"""Relative permittivity and conductivity, S/m, of every place before learning."""
ALPHA = 120.0
SEEDS = (1, 2)
PEAK_RANGE_DB, PEAK_SIZE, WIDEST_DEG, TOLERANCE_DEG = 25.0, 5, 80.0, 10.0
"""A peak is the largest of its 5 x 5 cells, within 25 dB of the strongest and 80 degrees of the
array's axis in both angles; one of ours is that of the truth within 10 degrees."""


@dataclass(frozen=True)
class Places:
    """Receivers, metres, and how their arrays stand."""

    positions: Array
    mounts: tuple[Mount, ...]


@dataclass(frozen=True)
class Score:
    """Of the strongest peaks: F1; mean angle, degrees, and power difference, dB, of those found."""

    f1: float
    angle_deg: float
    power_db: float


TX = np.array([0.5, 0.5, 2.3])


def sheet(name: str, corner: Sequence[float], one: Sequence[float], two: Sequence[float],
          material: str) -> SurfaceMesh:  # fmt: skip
    """A rectangle from `corner` along two edges, in squares of about CELL."""
    start, a, b = (np.array(v, float) for v in (corner, one, two))
    rows, columns = (max(1, round(float(np.linalg.norm(e)) / CELL)) for e in (a, b))
    u, v = np.meshgrid(np.linspace(0, 1, rows + 1), np.linspace(0, 1, columns + 1), indexing="ij")
    vertices = start + u.reshape(-1, 1) * a + v.reshape(-1, 1) * b
    first = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    low = np.stack([first, first + columns + 1, first + columns + 2], axis=1)
    high = np.stack([first, first + columns + 2, first + 1], axis=1)
    values = replace(material_values(material, FREQUENCY), scattering_coefficient=0.0)
    return SurfaceMesh(name, vertices, np.concatenate([low, high]), values)


def clean_room() -> tuple[SurfaceMesh, ...]:
    """Walls, floor, ceiling, a cabinet, a table and a box."""
    x, y, z = SIZE
    found = [
        sheet("floor", (0, 0, 0), (x, 0, 0), (0, y, 0), "concrete"),
        sheet("ceiling", (0, 0, z), (x, 0, 0), (0, y, 0), "ceiling_board"),
        sheet("south", (0, 0, 0), (x, 0, 0), (0, 0, z), "brick"),
        sheet("north", (0, y, 0), (x, 0, 0), (0, 0, z), "concrete"),
        sheet("west", (0, 0, 0), (0, y, 0), (0, 0, z), "brick"),
        sheet("east", (x, 0, 0), (0, y, 0), (0, 0, z), "glass"),
    ]
    boxes = (
        ("cabinet", (3.3, 2.4, 0), (1.0, 0.5, 2.0), "metal"),
        ("table", (1.5, 1.0, 0.6), (1.5, 0.8, 0.1), "wood"),
        ("box", (0.2, 2.2, 0), (0.5, 0.5, 1.0), "chipboard"),
    )
    for name, (a, b, c), (w, d, h), material in boxes:
        for k, (corner, one, two) in enumerate((
            ((a, b, c), (w, 0, 0), (0, 0, h)), ((a, b + d, c), (w, 0, 0), (0, 0, h)),
            ((a, b, c), (0, d, 0), (0, 0, h)), ((a + w, b, c), (0, d, 0), (0, 0, h)),
            ((a, b, c + h), (w, 0, 0), (0, d, 0)), ((a, b, c), (w, 0, 0), (0, d, 0)),
        )):  # fmt: skip
            found.append(sheet(f"{name} {k}", corner, one, two, material))
    return tuple(found)


def noisy(meshes: Sequence[SurfaceMesh], deviation: float, seed: int) -> tuple[SurfaceMesh, ...]:
    """Each corner moved at random; corners in one place stay together."""
    everywhere = np.concatenate([mesh.vertices for mesh in meshes])
    _, place = np.unique(everywhere.round(6), axis=0, return_inverse=True)
    moves = np.random.default_rng(seed).normal(0, deviation, (place.max() + 1, 3))
    shifted = everywhere + moves[place.reshape(-1)]
    parts = np.split(shifted, np.cumsum([len(mesh.vertices) for mesh in meshes])[:-1])
    return tuple(replace(mesh, vertices=p) for mesh, p in zip(meshes, parts, strict=True))


def drawn_places(count: int, seed: int) -> Places:
    """Anywhere in the room outside its furniture, arrays level, looking any way."""
    random = np.random.default_rng(seed)
    kept: list[Array] = []
    while len(kept) < count:
        at = random.uniform((0.4, 0.4, 0.9), SIZE - (0.4, 0.4, 0.9))
        cabinet = at[0] > 3.1 and at[1] > 2.2
        box = at[0] < 0.9 and at[1] > 2.0 and at[2] < 1.2
        if not cabinet and not box and np.linalg.norm(at - TX) > 0.8:
            kept.append(at)
    turns = random.uniform(-np.pi, np.pi, count)
    return Places(np.array(kept), tuple(Mount(ARRAY, float(turn)) for turn in turns))


def mirrors(meshes: Sequence[SurfaceMesh], places: Places) -> Arrivals:
    """What mirrors and the line of sight bring: the image method on these surfaces."""
    settings = Propagation(max_depth=DEPTH, diffuse=False, refraction=False, diffraction=False)
    names = tuple(f"rx{k}" for k in range(len(places.positions)))
    ends = Devices(("tx",), TX[None]), Devices(names, places.positions)
    paths = mirror_paths(Planes.of(meshes), meshes, *ends, FREQUENCY, settings)
    return Arrivals(
        torch.tensor(paths.power, dtype=torch.float32),
        torch.tensor(paths.arrival.T, dtype=torch.float32),
        torch.tensor(paths.delay * 299792458.0, dtype=torch.float32),
        torch.tensor(paths.link, dtype=torch.int64),
    )


def lobes_spectrum(
    scene: LobeScene, alpha: torch.Tensor, materials: Permittivity, position: Array, mount: Mount,
    rays: int, seed: int,
) -> torch.Tensor:  # fmt: skip
    """At one receiver, by its own rays."""
    each = alpha.expand(len(scene))
    start, other = (torch.tensor(v, dtype=torch.float32) for v in (position, TX))
    ends = Ends(start, other[:, None], True)
    paths = lobe_paths(scene, Lobes.of(each.detach()), ends, rays, DEPTH, seed)
    shares = arrivals(scene, scene.vertices, paths, Lobes.of(each), materials, ends, WAVELENGTH)
    return AngleSpectrum(ARRAY).of(shares, [mount])[0]


@dataclass(frozen=True)
class Learned:
    """alpha, materials: after the last step. losses: (steps,) dB. seconds: of processor time."""

    alpha: torch.Tensor
    materials: PositionMaterials
    losses: Array
    seconds: float


def start_materials(seed: int) -> PositionMaterials:
    low, high = torch.zeros(3), torch.tensor(SIZE, dtype=torch.float32)
    return PositionMaterials(low, high, FREQUENCY, material_numbers(*START), seed)


def faces_of(meshes: Sequence[SurfaceMesh]) -> ConstantMaterials:
    """The surfaces' own materials, without their thickness."""
    values = [mesh.material for mesh in meshes]
    numbers = [
        material_numbers(v.relative_permittivity, max(v.conductivity, CONDUCTIVITY[0]))
        for v in values
    ]
    return ConstantMaterials(torch.tensor(numbers).T.contiguous(), FREQUENCY)


def learned(
    scene: LobeScene, places: Places, truth: torch.Tensor, seed: int, say: Callable[[str], None]
) -> Learned:
    """Network and lobe by Adam on BATCH receivers a step, the rate falling along half a cosine."""
    random, begun = np.random.default_rng(seed), time.process_time()
    materials = start_materials(seed)
    root = torch.tensor([np.log(ALPHA)], dtype=torch.float32, requires_grad=True)
    groups: list[dict[str, Any]] = [
        {"params": materials.parameters(), "lr": RATE},
        {"params": [root], "lr": 4 * RATE},
    ]
    optimiser = torch.optim.Adam(groups)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    losses = []
    for step in range(STEPS):
        rows = random.choice(len(places.positions), BATCH, replace=False)
        optimiser.zero_grad()
        total = 0.0
        for row in rows:
            spectrum = lobes_spectrum(
                scene, root.exp(), materials, places.positions[row], places.mounts[row], RAYS,
                int(random.integers(2**31)),
            )  # fmt: skip
            loss = log_error_db(spectrum, truth[row]) / BATCH
            loss.backward()
            total += float(loss.detach())
        optimiser.step()
        falling.step()
        losses.append(total)
        if step % 20 == 0:
            say(f"step {step}: {total:.2f} dB, alpha {float(root.exp().detach()):.0f}")
    return Learned(root.exp().detach(), materials, np.array(losses), time.process_time() - begun)


def peaks(spectrum: Array, most: int) -> tuple[Array, Array, Array]:
    """Row and column, degrees, and power of the strongest, as PEAK_RANGE_DB says."""
    angles = AngleSpectrum(ARRAY).angles_deg
    high = spectrum == maximum_filter(spectrum, PEAK_SIZE)
    high &= spectrum > spectrum.max() * 10 ** (-PEAK_RANGE_DB / 10)
    inner = np.abs(angles) <= WIDEST_DEG
    rows, columns = np.nonzero(high & inner[:, None] & inner)
    order = np.argsort(-spectrum[rows, columns])[:most]
    rows, columns = rows[order], columns[order]
    return angles[rows], angles[columns], spectrum[rows, columns]


def score(predicted: Sequence[Array], truth: Sequence[Array], most: int) -> Score:
    """Over all receivers; a peak of the truth takes the nearest of ours that none before it took."""
    hits, said, there = 0, 0, 0
    angles, powers = [], []
    for ours, true in zip(predicted, truth, strict=True):
        (e1, a1, p1), (e2, a2, p2) = peaks(ours, most), peaks(true, most)
        said, there = said + len(p1), there + len(p2)
        free = np.ones(len(p1), bool)
        for elevation, azimuth, power in zip(e2, a2, p2, strict=True):
            away = _apart_deg(e1, a1, elevation, azimuth)
            away[~free] = np.inf
            if len(away) and away.min() <= TOLERANCE_DEG:
                k = int(away.argmin())
                free[k] = False
                hits += 1
                angles.append(away[k])
                powers.append(abs(10 * np.log10(p1[k] / power)))
    f1 = 2 * hits / max(said + there, 1)
    return Score(f1, float(np.mean(angles or [np.nan])), float(np.mean(powers or [np.nan])))


def _apart_deg(e1: Array, a1: Array, e2: float, a2: float) -> Array:
    one, two, turn = np.deg2rad(e1), np.deg2rad(e2), np.deg2rad(a1 - a2)
    cosine = np.sin(one) * np.sin(two) + np.cos(one) * np.cos(two) * np.cos(turn)
    return np.asarray(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def scores_and_figure(file: Path) -> dict[str, str]:
    """The table of unseen places, and spectra of two of them, in `file`."""
    clean = clean_room()
    scan = noisy(clean, NOISE, 3)
    training, testing = drawn_places(TRAINING, 1), drawn_places(TESTING, 2)
    grid = AngleSpectrum(ARRAY)
    truth = [grid.of(mirrors(clean, at), at.mounts) for at in (training, testing)]
    true = list(truth[1].numpy())
    rows, shown, curves = [], {"truth": true}, {}
    on_scan = list(grid.of(mirrors(scan, testing), testing.mounts).numpy())
    rows.append(_row("mirrors, noisy mesh, true materials", [on_scan], true))
    shown["mirrors, noisy"] = on_scan
    for mesh, name in ((clean, "clean"), (scan, "noisy")):
        scene = LobeScene(mesh)
        start = torch.tensor([ALPHA])
        known = [_predicted(scene, start, faces_of(mesh), testing)]
        rows.append(_row(f"lobes, {name} mesh, true materials as half spaces", known, true))
        before = [_predicted(scene, start, start_materials(seed), testing) for seed in SEEDS]
        rows.append(_row(f"lobes, {name} mesh, not calibrated", before, true))
        fits = [learned(scene, training, truth[0], seed, _to_stderr) for seed in SEEDS]
        after = [_predicted(scene, fit.alpha, fit.materials, testing) for fit in fits]
        rows.append(_row(f"lobes, {name} mesh, calibrated", after, true))
        shown[f"lobes, {name}, calibrated"] = after[0]
        curves[name] = fits
    _draw(file, shown, curves)
    every = [fit for fits in curves.values() for fit in fits]
    alphas = {
        name: ", ".join(f"{float(f.alpha):.0f}" for f in fits) for name, fits in curves.items()
    }
    head = ("predicted by", "top-1 F1", "angle, °", "power, dB",
            "top-5 F1", "angle, °", "power, dB")  # fmt: skip
    return {
        "scores": table(head, rows),
        "training": f"{TRAINING} places, {STEPS} steps of {BATCH}",
        "testing": str(TESTING),
        "seconds": f"{np.mean([fit.seconds for fit in every]):.0f}",
        "alphas": f"{alphas['clean']} on the clean mesh and {alphas['noisy']} on the noisy one",
    }


def _predicted(
    scene: LobeScene, alpha: torch.Tensor, materials: Permittivity, places: Places
) -> list[Array]:
    with torch.no_grad():
        return [
            lobes_spectrum(scene, alpha, materials, at, mount, TEST_RAYS, 77).numpy()
            for at, mount in zip(places.positions, places.mounts, strict=True)
        ]


def _row(name: str, predicted: Sequence[list[Array]], truth: list[Array]) -> tuple[str, ...]:
    cells = []
    for most in (1, 5):
        scores = [score(each, truth, most) for each in predicted]
        for what, digits in (("f1", 2), ("angle_deg", 1), ("power_db", 1)):
            values = [getattr(s, what) for s in scores]
            cell = f"{np.mean(values):.{digits}f}"
            if len(values) > 1:
                cell += f" ({min(values):.{digits}f} to {max(values):.{digits}f})"
            cells.append(cell)
    return (name, *cells)


def _draw(file: Path, shown: dict[str, list[Array]], curves: dict[str, list[Learned]]) -> None:
    figure, axes = plt.subplots(2, len(shown) + 1, figsize=(3.1 * (len(shown) + 1), 5.4))
    for row in range(2):
        peak = 10 * np.log10(shown["truth"][row].max())
        for axis, (name, spectra) in zip(axes[row], shown.items(), strict=False):
            picture = 10 * np.log10(np.maximum(spectra[row], 1e-16))
            axis.imshow(
                picture, origin="lower", extent=(-90, 90, -90, 90), vmin=peak - 30, vmax=peak
            )
            elevation, azimuth, _ = peaks(spectra[row], 5)
            axis.plot(azimuth, elevation, "r+", ms=6)
            axis.set_title(f"{name}, place {row + 1}", fontsize=8)
    for axis, (name, fits) in zip(axes[:, -1], curves.items(), strict=True):
        for fit in fits:
            axis.plot(fit.losses, lw=0.8)
        axis.set(xlabel="step", ylabel="log error [dB]", ylim=(0, None))
        axis.set_title(f"{name} mesh", fontsize=8)
    figure.tight_layout()
    figure.savefig(file, dpi=75)
    plt.close(figure)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)
