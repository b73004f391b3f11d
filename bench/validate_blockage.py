"""Write docs/blockage_validation.md and its figures: our blockage against measurement and theory.

VISRFTWIN_TEST_DATA=../shared/data python bench/validate_blockage.py [--out docs]
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from validation_bodies import off_mesh, pairs, reflected
from validation_fades import Crossings, Fades, measured, modelled
from validation_walk import LENGTH, screen_field, walk, walker

from visrftwin_ros.bodies.surface import skin_permittivity
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.people.cylinder_diffraction import (
    Cylinders,
    Polarization,
    cylinder_field,
)
from visrftwin_ros.propagation.people.screen_diffraction import (
    FIELD_OF_MODEL,
    BlockageModel,
    loss_db,
    vertical_screen,
)
from visrftwin_ros.scene.ray_device import prepare

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test" / "support"))
from cylinder_cases import CIRCLES_DB

Array = NDArray[np.float64]
MODELS: tuple[BlockageModel, ...] = ("fresnel", "metis", "knife_edge")
REFERENCE = (
    ((0.30, 2.5, 2.5), 15.55, 15.57, 5.31),
    ((0.45, 2.5, 2.5), 19.04, 18.98, 5.54),
    ((0.30, 0.5, 4.5), 19.95, 19.80, 5.57),
)
"""(width, d1, d2), exact, METIS, METIS at the edge: the project's reference numbers, dB."""

ELLIPSES = (
    (0.25, 0.45, 2.0, 2.0, 0.0, 23.7),
    (0.25, 0.45, 2.0, 2.0, 0.01, 26.7),
    (0.25, 0.45, 0.7, 3.3, 0.0, 33.6),
    (0.45, 0.25, 2.0, 2.0, 0.0, 28.4),
    (0.45, 0.25, 2.0, 2.0, 0.01, 38.0),
)
"""Width, depth, d1, d2, receiver off the axis; reference loss by moments, metal V, dB."""
THICK_FREQUENCY = 60.48e9


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def strips() -> str:
    def loss(size: tuple[float, float, float], offset: float, model: BlockageModel) -> float:
        screen = vertical_screen(size[1], size[2], size[0], float("inf"), offset, None)
        return float(loss_db(FIELD_OF_MODEL[model](screen, wavelength_of(60e9)))[0])

    rows: list[tuple[object, ...]] = []
    for size, exact, metis, edge in REFERENCE:
        centred = [f"{loss(size, 0.0, model):.2f}" for model in MODELS]
        edges = [f"{loss(size, size[0] / 2, model):.2f}" for model in MODELS]
        rows.append((f"{size[0]:.2f} m, {size[1]} / {size[2]} m", *centred, exact, metis,
                     *edges, edge))  # fmt: skip
    head = ("width, d1 / d2", *(f"{m}, centred" for m in MODELS), "exact (ref.)", "METIS (ref.)",
            *(f"{m}, edge" for m in MODELS), "METIS, edge (ref.)")  # fmt: skip
    return table(head, rows)


def behind(
    width: float,
    depth: float,
    d1: float,
    d2: float,
    off: float,
    polarization: Polarization,
    skin: bool,
) -> float:
    """Loss in dB of an endless cylinder by our model, its receiver `off` metres off the axis."""
    wavelength = wavelength_of(THICK_FREQUENCY)
    ends = np.array([[-d1, 0.0]]), np.array([[d2, off]])
    body = Cylinders(*ends, np.array([[depth / 2, width / 2]]), np.zeros(1))
    permittivity = skin_permittivity(wavelength) if skin else None
    return float(loss_db(cylinder_field(body, wavelength, polarization, permittivity))[0])


def circles_table() -> str:
    kinds: tuple[tuple[Polarization, bool], ...] = (
        ("vertical", False), ("horizontal", False), ("vertical", True), ("horizontal", True)
    )  # fmt: skip
    rows: list[tuple[object, ...]] = []
    for radius, d1, d2, printed in CIRCLES_DB:
        screen = vertical_screen(d1, d2, 2 * radius, float("inf"), 0.0, None)
        strip = float(loss_db(FIELD_OF_MODEL["fresnel"](screen, wavelength_of(THICK_FREQUENCY)))[0])
        ours = [behind(2 * radius, 2 * radius, d1, d2, 0.0, *kind) for kind in kinds]
        rows.append((f"{radius:.3f} m, {d1} / {d2} m", f"{strip:.1f}",
                     *(f"{found:.2f} / {right:.2f}"
                       for found, right in zip(ours, printed, strict=True))))  # fmt: skip
    head = ("radius, d1 / d2", "flat screen", "metal V", "metal H", "skin V", "skin H")
    return table(head, rows)


def ellipses_table() -> str:
    return table(
        ("width, depth, d1 / d2, receiver off", "metal V", "reference"),
        [(f"{width:.2f} m, {depth:.2f} m, {d1} / {d2} m, {off * 100:.0f} cm",
          f"{behind(width, depth, d1, d2, off, 'vertical', skin=False):.1f}", f"{printed:.1f}")
         for width, depth, d1, d2, off, printed in ELLIPSES],
    )  # fmt: skip


def draw_walk(curves: dict[str, Array], file: Path) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(13, 5), sharey=True)
    step = np.arange(60)
    styles = ("C0o-", "C1s-", "C2^-")
    groups = (
        ("our models", ("fresnel", "metis", "knife_edge"), styles),
        ("other theory", ("fresnel", "exact conducting cylinder", "Sionna, plate",
                          "Sionna, closed body"), ("C0o-", "C4-", "C3D-", "C5x-")),
    )  # fmt: skip
    for axis, (title, names, marks) in zip(axes, groups, strict=True):
        for name, mark in zip(names, marks, strict=True):
            axis.plot(step, np.where(np.isfinite(curves[name]), curves[name], np.nan), mark,
                      label=name, markersize=4)  # fmt: skip
        axis.set(xlabel="step (40 mm, 1.2 m/s)", title=title)
        axis.grid(alpha=0.3)
    lost = step[np.isinf(curves["Sionna, closed body"])]
    axes[1].plot(lost, np.full(len(lost), 33.0), "C5x", markersize=7)
    if len(lost):
        axes[1].annotate("no path at all", (lost[-1], 33.0), (lost[-1] + 2, 32.6))
    axes[0].set(ylabel="shadow loss (dB)", ylim=(35, -4))
    for axis in axes:
        axis.legend(loc="lower left", fontsize=8)
    figure.suptitle(
        f"A person crosses a {LENGTH:.0f} m link at 60 GHz, 1.2 m high (paper, fig. 19)"
    )
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    plt.close(figure)


def draw_fades(traces: dict[str, Fades], models: dict[str, Fades], file: Path) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(13, 5))
    for axis, name, unit in zip(axes, ("depth", "width"), ("dB", "s"), strict=True):
        for style, group in (("-", traces), ("--", models)):
            for label, fades in group.items():
                values = np.sort(getattr(fades, name))
                share = (np.arange(len(values)) + 0.5) / len(values)
                axis.plot(values, share, style, label=label)
        axis.set(xlabel=f"fade {name} ({unit})", ylabel="share of fades below", ylim=(0, 1))
        axis.grid(alpha=0.3)
    axes[1].set(xlim=(0, 0.7), xlabel="time more than 3 dB down (s)")
    axes[0].legend(fontsize=8)
    figure.suptitle("Pedestrian fades: measured (IMMERSE, solid) and modelled (dashed)")
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    plt.close(figure)


def draw_reflection(curves: dict[str, Array], file: Path) -> None:
    figure, axis = plt.subplots(figsize=(8, 5))
    axis.plot(curves["angle"], curves["exact"], "k-", label="exact (conducting cylinder)")
    axis.plot(curves["angle"], curves["optics"], "C1--", label="geometrical optics with divergence")
    handed_over = curves["angle"][curves["zones"] < 2].min(initial=curves["angle"].max())
    axis.axvspan(handed_over, curves["angle"].max(), color="0.9",
                 label="within two Fresnel zones: left to the screen")  # fmt: skip
    axis.set(xlabel="receiver's angle from the transmitter, seen from the body (degrees)",
             ylabel="reflected over direct field (dB)",
             title="Round body, radius 0.2 m, 60 GHz, 2 m and 3 m away")  # fmt: skip
    axis.grid(alpha=0.3)
    axis.legend()
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    plt.close(figure)


def reflection_table(curves: dict[str, Array]) -> str:
    error = curves["optics"] - curves["exact"]
    rows: list[tuple[object, ...]] = []
    for low, high in ((1, 2), (2, 3), (3, 5), (5, 10), (10, 1000)):
        on = (curves["zones"] >= low) & (curves["zones"] < high)
        rows.append((f"{low} to {high}" if high < 1000 else f"over {low}",
                     f"{error[on].mean():.2f}", f"{np.abs(error[on]).max():.2f}"))  # fmt: skip
    return table(("Fresnel zones off the ray", "mean error (dB)", "largest (dB)"), rows)


def mesh_table() -> str:
    rows: list[tuple[object, ...]] = []
    for degrees in (20, 50, 70):
        sionna, ours, divergence, delay = off_mesh(np.deg2rad(degrees))
        rows.append((degrees, f"{sionna:.2f}", f"{ours:.2f}", f"{divergence:.2f}",
                     f"{ours - sionna - divergence:+.2f}", f"{delay:+.2f}"))  # fmt: skip
    head = ("incidence (degrees)", "Sionna, facet (dB)", "ours (dB)", "divergence factor (dB)",
            "what is left (dB)", "delay, ours - Sionna (ps)")  # fmt: skip
    return table(head, rows)


def fades_table(traces: dict[str, Fades], models: dict[str, Fades]) -> str:
    rows: list[tuple[object, ...]] = []
    for name, fades in (traces | models).items():
        quantiles = [np.quantile(values, (0.1, 0.5, 0.9)) for values in (fades.depth, fades.width)]
        depth, width = quantiles[0].round(1), (quantiles[1] * 1e3).round()
        rows.append((name, len(fades.depth), f"{depth[0]} / **{depth[1]}** / {depth[2]}",
                     f"{width[0]:.0f} / **{width[1]:.0f}** / {width[2]:.0f}"))  # fmt: skip
    return table(("", "fades", "depth 10 / 50 / 90 % (dB)", "over 3 dB, 10 / 50 / 90 % (ms)"), rows)


def walk_table(curves: dict[str, Array]) -> str:
    rows: list[tuple[object, ...]] = []
    for name, loss in curves.items():
        if name == "offset":
            continue
        lost, finite = int(np.isinf(loss).sum()), loss[np.isfinite(loss)]
        at_middle = "no path" if np.isinf(loss[30]) else f"{loss[30]:.1f}"
        rows.append((name, at_middle, f"{finite.max():.1f}", int((finite > 3).sum()) + lost, lost))
    fine = np.arange(-0.6, 0.6, 0.002)
    for name, heading in (("walking across", np.pi / 2), ("facing along the link", 0.0)):
        loss = loss_db(screen_field(walker(fine, heading), "fresnel"))
        rows.append(
            (f"fresnel every 2 mm, {name}", f"{loss[300]:.1f}", f"{loss.max():.1f}", "", "")
        )
    head = ("", "in the middle (dB)", "deepest (dB)", "steps over 3 dB", "steps without any path")
    return table(head, rows)


def pairs_table() -> str:
    return table(
        ("two people 0.45 m wide on a 6 m link", "exact (dB)", "product (dB)", "sum (dB)"),
        [(f"{p.name} ({p.apart} m apart along it)", f"{p.exact:.1f}", f"{p.product:.1f}",
          f"{p.summed:.1f}") for p in pairs()],
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs"))
    out = parser.parse_args().out
    data = Path(os.environ["VISRFTWIN_TEST_DATA"])
    prepare("auto", 2)
    curves, bounce = walk(), reflected()
    traces = {f"IMMERSE {name}": fades for name, fades in measured(data).items()}
    models = {f"model {model}": modelled(model) for model in MODELS}
    draw_walk(curves, out / "blockage_walk.png")
    draw_fades(traces, models, out / "blockage_fades.png")
    draw_reflection(bounce, out / "body_reflection.png")
    text = (Path(__file__).parent / "blockage_validation.md.in").read_text()
    filled = text.format(
        strips=strips(),
        circles=circles_table(),
        ellipses=ellipses_table(),
        walk=walk_table(curves),
        pairs=pairs_table(),
        fades=fades_table(traces, models),
        reflection=reflection_table(bounce),
        mesh=mesh_table(),
        crossings=Crossings(),
    )
    (out / "blockage_validation.md").write_text(filled)
    print(out / "blockage_validation.md")


if __name__ == "__main__":
    main()
