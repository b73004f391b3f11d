"""Draw docs/architecture.png: the rooms by level, and which imports which, as the code has it.

python bench/draw_architecture.py
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT / "test"))

from test_layout import GENERATED, LEVELS, imported, module_files, room  # noqa: E402

WHAT = {
    "errors": "TwinError", "cache": "folders", "interrupts": "Ctrl-C", "outputs": "--force",
    "site": "the place, frames", "compiled": "machine code", "yaml_input": "bounded YAML", "cluster": "Dask",
    "beams": "arrays, 802.11ad", "materials": "ITU-R P.2040", "cameras": "pixel and ray",
    "bags": "rosbag2 files", "scene": "surfaces, rays", "bodies": "people for the radio",
    "messages": "arrays and ROS", "propagation": "paths and fields", "perception": "pixels to people",
    "campaign": "soundings", "twin": "channels, live", "lab": "a synthetic world",
    "mapping": "scans to surfaces", "vision": "pictures to materials",
    "calibration": "learnt materials", "viewing": "pictures",
    "evaluation": "scores", "nodes": "ROS 2",
    "benchmarks": "repeatable figures", "operations": "processes", "demo": "one run, told",
    "commands": "sub-commands", "cli": "visrftwin",
}  # fmt: skip
"""Two words for a box; rooms of a level stand in this order."""
GROUND = {"errors", "cache"}
"""Everybody's: their arrows would say nothing."""
COLORS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#9d755d", "#79706e")
INK, PAPER = "#1f2933", "#fbfbf8"
WIDTH, HEIGHT, RISE = 1.9, 0.62, 1.25
"""Of a box, and from one level to the next; a level is ACROSS wide."""
ACROSS = 12.0
ASIDE = {"demo": 2.6, "commands": -1.6}
"""Where arrows would run on top of each other."""


def room_imports() -> dict[str, set[str]]:
    """By room: the rooms that its files import, those of everybody left out."""
    modules = module_files()
    found: dict[str, set[str]] = {room(name): set() for name in modules if name}
    for name, file in modules.items():
        targets = {room(target) for target, _ in imported(file, modules) if target}
        if name:
            found[room(name)] |= targets - GENERATED - GROUND - {room(name)}
    return found


def direct(imports: dict[str, set[str]]) -> dict[str, set[str]]:
    """Without what a room also reaches through another that it imports."""

    def reached(name: str) -> set[str]:
        return imports[name].union(*(reached(other) for other in imports[name]))

    return {
        name: {t for t in targets if not any(t in reached(o) for o in targets - {t})}
        for name, targets in imports.items()
    }


def places(rooms: set[str]) -> dict[str, tuple[float, float]]:
    """Middle of each room's box, levels from the ground up; empty levels take no room."""
    found = {}
    levels = [[name for name in WHAT if name in level & rooms] for level in LEVELS]
    for row, names in enumerate(level for level in levels if level):
        for k, name in enumerate(names):
            found[name] = (ACROSS * (k + 0.5) / len(names) + ASIDE.get(name, 0), row * RISE)
    return found


def draw(file: Path) -> None:
    imports = room_imports()
    place = places(set(imports))
    top = max(y for _, y in place.values())
    figure, axes = plt.subplots(figsize=(11, 0.95 * (top / RISE + 2)), facecolor=PAPER)
    for row in range(round(top / RISE) + 1):
        axes.axhspan(row * RISE - 0.45, row * RISE + 0.45, color="#eef1f4", lw=0, zorder=0)
    for k, (name, targets) in enumerate(sorted(direct(imports).items())):
        for target in sorted(targets):
            arrow = FancyArrowPatch(
                (place[name][0], place[name][1] - HEIGHT / 2),
                (place[target][0], place[target][1] + HEIGHT / 2),
                arrowstyle="-|>",
                mutation_scale=11,
                lw=1.3,
                color=COLORS[k % len(COLORS)],
                shrinkA=0,
                shrinkB=0,
                zorder=1,
            )
            axes.add_patch(arrow)
    for name, (x, y) in place.items():
        corner = (x - WIDTH / 2, y - HEIGHT / 2)
        style = "round,pad=0,rounding_size=0.1"
        axes.add_patch(
            FancyBboxPatch(corner, WIDTH, HEIGHT, style, fc="white", ec=INK, lw=1.1, zorder=2)
        )
        axes.text(x, y + 0.11, name, ha="center", va="center", color=INK, weight="bold", zorder=3)
        axes.text(
            x, y - 0.15, WHAT[name], ha="center", va="center", color=INK, fontsize=8, zorder=3
        )
    axes.set(xlim=(-0.1, ACROSS + 0.1), ylim=(-0.6, top + 0.6))
    axes.set_title(
        "Who imports whom. Arrows run down; one that another way down implies is left out,\n"
        "as are those to `errors` and `cache`, which everybody may use.",
        fontsize=9,
        color=INK,
        loc="left",
    )
    axes.axis("off")
    figure.savefig(file, dpi=110, bbox_inches="tight", facecolor=PAPER)


if __name__ == "__main__":
    draw(CHECKOUT / "docs" / "architecture.png")
