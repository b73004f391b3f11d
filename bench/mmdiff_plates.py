"""One plate before a transmitter and a receiver: how far the lobes' power is from the mirror's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from real_data.page import table

from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.differentiable.arrivals import arrivals
from visrftwin_ros.propagation.differentiable.lobe_paths import Ends, lobe_paths
from visrftwin_ros.propagation.differentiable.lobe_scene import LobeScene
from visrftwin_ros.propagation.differentiable.lobes import Lobes
from visrftwin_ros.propagation.fields.free_space import free_space_amplitude, wavelength_of
from visrftwin_ros.scene.surfaces import SurfaceMesh

Array = NDArray[np.float64]

FREQUENCY = 60e9
WAVELENGTH = wavelength_of(FREQUENCY)
SEEDS = (1, 2, 3)
ANGLES = (0, 30, 50, 65, 75, 80, 85, 89)
LARGE, SCALE = 200.0, 5.0
ALPHA, DISTANCE, INCIDENCE = 120.0, 25.0, 45.0
"""The supplement's case: lobe, metres to both ends, degrees."""
DISTANCES = (1.0, 5.0, 25.0, 50.0)


@dataclass(frozen=True)
class Case:
    """scale: side of the plate, m. to_tx, to_rx: metres from its middle. angle: of incidence, degrees.
    sphere: whose rays are drawn: `tx`, as the supplement does it, or the `nearer` end's."""

    alpha: float = ALPHA
    scale: float = SCALE
    to_tx: float = DISTANCE
    to_rx: float = DISTANCE
    angle: float = INCIDENCE
    sphere: str = "nearer"
    rays: int = 100_000


def plate(scale: float) -> SurfaceMesh:
    """A horizontal square of metal with this side."""
    corners = scale / 2 * np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    return SurfaceMesh("plate", corners, faces, material_values("metal", FREQUENCY))


def perfect(place: torch.Tensor, surface: torch.Tensor) -> torch.Tensor:
    """A mirror's permittivity."""
    return torch.full((len(surface),), 1 - 1e9j, dtype=torch.complex64)


def over_mirror_db(case: Case, seed: int) -> float:
    """The lobes' power over that of a mirror without an end."""
    turn = np.deg2rad(case.angle)
    tx, rx = (
        torch.tensor([sign * away * np.sin(turn), 0.0, away * np.cos(turn)], dtype=torch.float32)
        for sign, away in ((-1, case.to_tx), (1, case.to_rx))
    )
    from_rx = case.sphere == "nearer" and case.to_rx <= case.to_tx
    start, other = (rx, tx) if from_rx else (tx, rx)
    ends = Ends(start, other[:, None], from_rx)
    scene, lobes = LobeScene([plate(case.scale)]), Lobes.of(torch.tensor([float(case.alpha)]))
    paths = lobe_paths(scene, lobes, ends, case.rays, 1, seed)[1:]
    power = arrivals(scene, scene.vertices, paths, lobes, perfect, ends, WAVELENGTH).power.sum()
    mirror = free_space_amplitude(np.array(case.to_tx + case.to_rx), WAVELENGTH) ** 2
    return float(10 * np.log10(max(float(power), 1e-30) / mirror))


def mean_and_range(case: Case) -> tuple[float, float, float]:
    """Over SEEDS: mean, lowest, highest."""
    values = [over_mirror_db(case, seed) for seed in SEEDS]
    return float(np.mean(values)), min(values), max(values)


def _cell(case: Case) -> str:
    mean, low, high = mean_and_range(case)
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"


def limit_table() -> str:
    """A plate of 200 m."""
    rows = []
    for to_tx, to_rx in ((10.0, 10.0), (25.0, 5.0), (5.0, 25.0)):
        cells = [_cell(Case(alpha, LARGE, to_tx, to_rx)) for alpha in (10.0, 120.0, 1e3, 1e4)]
        factor = 20 * np.log10(to_tx / (to_tx + to_rx))
        rows.append((f"{to_tx:g} / {to_rx:g}", *cells, f"{factor:+.1f}"))
    head = ("m to TX / RX", *(f"alpha {a}" for a in ("10", "120", "1,000", "10,000")),
            "(17)'s factor would add")  # fmt: skip
    return table(head, rows)


def by_scale(axis: Any) -> None:
    """Figure 12 a."""
    alphas = np.geomspace(2, 1000, 7)
    for scale in (1.0, 5.0, 10.0, 50.0):
        values = [over_mirror_db(Case(alpha, scale), SEEDS[0]) for alpha in alphas]
        axis.semilogx(alphas, np.abs(values), "o-", ms=3, label=f"{scale:g} m")
    axis.axhline(2, color="0.6", lw=0.8)
    axis.axvline(ALPHA, color="0.6", lw=0.8)
    axis.set(xlabel="alpha", ylabel="|deviation| [dB]", ylim=(0, 12), title="scale and lobe")
    axis.legend(fontsize=7)


def by_distance(axis: Any) -> None:
    """Figure 12 b."""
    away = np.array([1, 5, 10, 20, 30, 40, 50], float)
    for to_rx in (5.0, 25.0, 50.0):
        cases = [Case(to_tx=to_tx, to_rx=to_rx) for to_tx in away]
        values = [over_mirror_db(case, SEEDS[0]) for case in cases]
        axis.plot(away, np.abs(values), "o-", ms=3, label=f"RX {to_rx:g} m")
    axis.set(xlabel="TX to plate [m]", ylabel="|deviation| [dB]", title="distance, scale 5")
    axis.legend(fontsize=7)


def by_angle(axis: Any) -> None:
    """Figure 12 c."""
    for colour, alpha in enumerate((10.0, 50.0, 120.0)):
        for sphere, line in (("tx", "--"), ("nearer", "-")):
            found = [
                mean_and_range(Case(alpha, LARGE, angle=angle, sphere=sphere)) for angle in ANGLES
            ]
            mean, low, high = np.array(found).T
            label = f"alpha {alpha:g}" if sphere == "nearer" else None
            axis.plot(ANGLES, mean, line, color=f"C{colour}", label=label)
            axis.fill_between(ANGLES, low, high, color=f"C{colour}", alpha=0.2, lw=0)
    axis.set(xlabel="angle of incidence [°]", ylabel="deviation [dB]", title="angle, scale 200",
             ylim=(-3, 1))  # fmt: skip
    axis.legend(fontsize=7)


def largest_over_angles(sphere: str) -> Array:
    """(DISTANCES to TX, to RX) largest absolute deviation over ANGLES, dB: figure 16."""
    return np.array(
        [
            [
                max(
                    abs(over_mirror_db(Case(ALPHA, LARGE, to_tx, to_rx, angle, sphere), SEEDS[0]))
                    for angle in ANGLES
                )
                for to_rx in DISTANCES
            ]
            for to_tx in DISTANCES
        ]
    )


def draw_largest(axis: Any, values: Array, title: str) -> None:
    axis.imshow(values, vmin=0, vmax=3, cmap="viridis", origin="lower")
    for row, column in np.ndindex(values.shape):
        axis.text(column, row, f"{values[row, column]:.1f}", ha="center", va="center",
                  color="white" if values[row, column] < 2 else "black", fontsize=8)  # fmt: skip
    ticks = range(len(DISTANCES))
    axis.set_xticks(ticks, [f"{d:g}" for d in DISTANCES])
    axis.set_yticks(ticks, [f"{d:g}" for d in DISTANCES])
    axis.set(xlabel="RX to plate [m]", ylabel="TX to plate [m]", title=title)
