"""Write docs/mmdiff.md and its figures: lobes in place of mirrors, checked against mirrors.

python bench/mmdiff.py [--out docs] [--only plates,geometry,cost,room]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import mmdiff_cost
import mmdiff_geometry
import mmdiff_plates
import mmdiff_room
import numpy as np
import torch
from real_data.page import table

from visrftwin_ros.scene.ray_device import prepare

THREADS = 1
"""Of torch and of Dr.Jit: figures do not depend on them, and the machine may have other work."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--only", default="", help="parts to print; no page: " + ",".join(PARTS))
    arguments = parser.parse_args()
    chosen = tuple(filter(None, arguments.only.split(","))) or tuple(PARTS)
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    torch.set_num_threads(THREADS)
    prepare("auto", THREADS)
    filled: dict[str, str] = {}
    for name in chosen:
        begun = time.process_time()
        filled |= PARTS[name](arguments.out)
        print(f"{name}: {time.process_time() - begun:.0f} s of processor time", file=sys.stderr)
    if arguments.only:
        print("\n\n".join(f"{name}:\n{text}" for name, text in filled.items()))
        return
    page = (Path(__file__).parent / "mmdiff.md.in").read_text().format(**filled)
    (arguments.out / "mmdiff.md").write_text(page)
    print(arguments.out / "mmdiff.md")


def _plates(out: Path) -> dict[str, str]:
    limit = mmdiff_plates.limit_table()
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6))
    mmdiff_plates.by_scale(axes[0])
    mmdiff_plates.by_distance(axes[1])
    mmdiff_plates.by_angle(axes[2])
    _save(figure, out / "mmdiff_deviation.png")
    figure, axes = plt.subplots(1, 2, figsize=(8.5, 4))
    largest = {name: mmdiff_plates.largest_over_angles(name) for name in ("tx", "nearer")}
    for axis, (name, values) in zip(axes, largest.items(), strict=True):
        title = "rays of the transmitter" if name == "tx" else "rays of the nearer end"
        mmdiff_plates.draw_largest(axis, values, title)
    _save(figure, out / "mmdiff_largest.png")
    mean, low, high = mmdiff_plates.mean_and_range(mmdiff_plates.Case(rays=400_000))
    rows = [
        (title, f"{np.median(values):.2f}", f"{values[-1, -1]:.2f}", f"{values.max():.2f}")
        for title, values in zip(("transmitter", "nearer end"), largest.values(), strict=True)
    ]
    head = ("rays of", "median over distances, dB", "50 m / 50 m, dB", "largest, dB")
    return {
        "limit": limit,
        "scale5": f"{mean:.2f} dB ({low:.2f} to {high:.2f} over three seeds)",
        "largest": table(head, rows),
    }


def _geometry(out: Path) -> dict[str, str]:
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.4))
    rows = []
    for name, (column, offset) in mmdiff_geometry.FREE.items():
        turn = column > 3
        unit, factor = ("°", np.rad2deg(1)) if turn else ("cm", 100.0)
        fits = [mmdiff_geometry.fitted(column, offset, seed) for seed in mmdiff_plates.SEEDS]
        left = np.abs([fit.values[-1] for fit in fits]) * factor
        axes[int(turn)].plot(fits[0].values * factor, label=name)
        rows.append((name, f"{offset * factor:g} {unit}", f"{left.mean():.2f} {unit}",
                     f"{left.max():.2f} {unit}"))  # fmt: skip
    walls = [mmdiff_geometry.wall_fitted(seed) for seed in mmdiff_plates.SEEDS[:2]]
    for column, (unit, factor) in enumerate((("cm", 100.0), ("°", float(np.rad2deg(1))))):
        values = np.array([fit.values[:, column] for fit in walls]) * factor
        left = np.abs(values[:, -1])
        axes[column].plot(values[0], "k--", label="the wall of a room")
        rows.append(("a wall of the room", f"{values[0, 0]:g} {unit}",
                     f"{left.mean():.2f} {unit}", f"{left.max():.2f} {unit}"))  # fmt: skip
    for axis, label in zip(axes, ("offset [cm]", "offset [°]"), strict=True):
        axis.set(xlabel="step", ylabel=label)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
    _save(figure, out / "mmdiff_geometry.png")
    return {"geometry": table(("free", "offset", "left, mean over seeds", "worst"), rows)}


def _cost(out: Path) -> dict[str, str]:
    return {"cost": mmdiff_cost.cost_table()}


def _room(out: Path) -> dict[str, str]:
    return mmdiff_room.scores_and_figure(out / "mmdiff_room.png")


def _save(figure: plt.Figure, file: Path) -> None:
    for axis in figure.axes:
        if not axis.images:
            axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(file, dpi=80)
    plt.close(figure)


PARTS: dict[str, Callable[[Path], dict[str, str]]] = {
    "plates": _plates,
    "geometry": _geometry,
    "cost": _cost,
    "room": _room,
}

if __name__ == "__main__":
    main()
