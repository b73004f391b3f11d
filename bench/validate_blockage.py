"""Write docs/blockage_validation.md and its figures: our blockage against measurement and theory.

VISRFTWIN_TEST_DATA=../shared/data python bench/validate_blockage.py [--out docs]
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import fade_tables
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from real_data.page import table
from validation_bodies import off_mesh, pairs, reflected
from validation_cylinders import cases_table, circles_table, ellipses_table
from validation_walk import LENGTH, screen_field, walk, walker

from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.people.screen_diffraction import (
    FIELD_OF_MODEL,
    BlockageModel,
    loss_db,
    vertical_screen,
)
from visrftwin_ros.scene.ray_device import prepare

Array = NDArray[np.float64]
FLAT: tuple[BlockageModel, ...] = ("fresnel", "metis", "knife_edge")
REFERENCE = (
    ((0.30, 2.5, 2.5), 15.55, 15.57, 5.31),
    ((0.45, 2.5, 2.5), 19.04, 18.98, 5.54),
    ((0.30, 0.5, 4.5), 19.95, 19.80, 5.57),
)
"""(width, d1, d2), exact, METIS, METIS at the edge: the project's reference numbers, dB."""


def strips() -> str:
    def loss(size: tuple[float, float, float], offset: float, model: BlockageModel) -> float:
        screen = vertical_screen(size[1], size[2], size[0], float("inf"), offset, None)
        return float(loss_db(FIELD_OF_MODEL[model](screen, wavelength_of(60e9)))[0])

    rows: list[tuple[object, ...]] = []
    for size, exact, metis, edge in REFERENCE:
        centred = [f"{loss(size, 0.0, model):.2f}" for model in FLAT]
        edges = [f"{loss(size, size[0] / 2, model):.2f}" for model in FLAT]
        rows.append((f"{size[0]:.2f} m, {size[1]} / {size[2]} m", *centred, exact, metis,
                     *edges, edge))  # fmt: skip
    head = ("width, d1 / d2", *(f"{m}, centred" for m in FLAT), "exact (ref.)", "METIS (ref.)",
            *(f"{m}, edge" for m in FLAT), "METIS, edge (ref.)")  # fmt: skip
    return table(head, rows)


def draw_walk(curves: dict[str, Array], file: Path) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(13, 5), sharey=True)
    step = np.arange(60)
    styles = ("C0o-", "C6d-", "C1s-", "C2^-")
    groups = (
        ("our models", ("thick", "fresnel", "metis", "knife_edge"), styles),
        ("other theory", ("thick", "exact conducting cylinder", "Sionna, plate",
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
    axes[0].set(ylabel="shadow loss (dB)", ylim=(40, -4))
    for axis in axes:
        axis.legend(loc="lower left", fontsize=8)
    figure.suptitle(
        f"A person crosses a {LENGTH:.0f} m link at 60 GHz, 1.2 m high (paper, fig. 19)"
    )
    figure.tight_layout()
    figure.savefig(file, dpi=110)
    plt.close(figure)


def draw_reflection(curves: dict[str, Array], file: Path) -> None:
    figure, axis = plt.subplots(figsize=(8, 5))
    axis.plot(curves["angle"], curves["exact"], "k-", label="exact (conducting cylinder)")
    axis.plot(curves["angle"], curves["optics"], "C1--", label="geometrical optics with divergence")
    handed_over = curves["angle"][curves["zones"] < 2].min(initial=curves["angle"].max())
    axis.axvspan(handed_over, curves["angle"].max(), color="0.9",
                 label="within two Fresnel zones: left to the shadow")  # fmt: skip
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
        loss = loss_db(screen_field(walker(fine, heading), "thick"))
        rows.append((f"thick every 2 mm, {name}", f"{loss[300]:.1f}", f"{loss.max():.1f}", "", ""))
    head = ("", "in the middle (dB)", "deepest (dB)", "steps over 3 dB", "steps without any path")
    return table(head, rows)


def pairs_table() -> str:
    return table(
        ("two people 0.45 m wide on a 6 m link", "exact (dB)", "twin (dB)", "product (dB)"),
        [(f"{p.name} ({p.apart} m apart along it)", f"{p.exact:.1f}", f"{p.twin:.1f}",
          f"{p.product:.1f}") for p in pairs()],
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
    fades = fade_tables.compared(data)
    draw_walk(curves, out / "blockage_walk.png")
    fade_tables.draw(fades, out / "blockage_fades.png")
    draw_reflection(bounce, out / "body_reflection.png")
    text = (Path(__file__).parent / "blockage_validation.md.in").read_text()
    filled = text.format(
        strips=strips(),
        circles=circles_table(),
        ellipses=ellipses_table(),
        cases=cases_table(),
        walk=walk_table(curves),
        pairs=pairs_table(),
        immerse=fade_tables.immerse_table(fades.immerse_measured, fades.immerse),
        crowd=fade_tables.crowd_table(fades),
        walked=fade_tables.walk_table(fades),
        vehicles=fade_tables.vehicles_table(fades),
        priors=fade_tables.priors_table(),
        **fade_tables.findings(fades),
        reflection=reflection_table(bounce),
        mesh=mesh_table(),
    )
    (out / "blockage_validation.md").write_text(filled)
    print(out / "blockage_validation.md")


if __name__ == "__main__":
    main()
