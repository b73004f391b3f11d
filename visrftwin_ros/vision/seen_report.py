"""What was seen, for a person: plan and pictures in material colours, probabilities, what was not seen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from visrftwin_ros.scene.triangle_tree import TriangleTree
from visrftwin_ros.vision.material_posterior import COLUMNS, CONFIDENT, name_of
from visrftwin_ros.vision.posed_pictures import PosedPicture
from visrftwin_ros.vision.seen_materials import SeenMaterials
from visrftwin_ros.vision.surface_patches import visible
from visrftwin_ros.vision.visible_classes import CLASSES, UNKNOWN, UNKNOWN_COLOUR

_SHOWN = 6
"""Pictures in the report."""
_WIDTH = 1000
_LIKELY = 0.2
_LITTLE = 0.2
"""Share of a surface, under which it counts as not seen."""


def write_seen_report(folder: Path, seen: SeenMaterials) -> list[str]:
    """Writes `materials.json`, `material_plan.png` and `material_view_N.jpg` to `folder`; the lines that the
    report says of them."""
    (folder / "materials.json").write_text(json.dumps(seen.facts(), indent=1) + "\n")
    _plan(folder / "material_plan.png", seen)
    step = max(1, -(-len(seen.pictures) // _SHOWN))
    views = []
    tree = TriangleTree(seen.meshes)
    for number, picture in enumerate(seen.pictures[::step], 1):
        name = f"material_view_{number}.jpg"
        cv2.imwrite(str(folder / name), _overlay(picture, seen, tree))
        views.append(name)
    return _lines(seen, views)


def colour_of(name: str) -> str:
    """Of a class, or of what is unknown, as #rrggbb."""
    return UNKNOWN_COLOUR if name == UNKNOWN else CLASSES[name].colour


def _lines(seen: SeenMaterials, views: Sequence[str]) -> list[str]:
    names, shares = seen.names(), seen.share_seen()
    hidden = [s for s, share in zip(seen.surfaces, shares, strict=True) if share < _LITTLE]
    lines = [
        "## Materials",
        "",
        f"Read off pictures by `{seen.embedder}`. A picture shows a face: paint hides what is under it, and a "
        "guess may be wrong. A surface is called by a class from a probability of "
        f"{CONFIDENT:g} on; else it is `{UNKNOWN}`, with values between all that buildings are made of. "
        "`materials.json` has mean and covariance of each surface's radio values.",
        "",
        "![Plan](material_plan.png)",
        "",
        *(f"![View]({view})" for view in views),
        "",
        "| surface | called | likeliest | next | seen | metal |",
        "|---|---|---|---|---|---|",
    ]
    for surface, name, row, share, values in zip(
        seen.surfaces, names, seen.posterior, shares, seen.values, strict=True
    ):
        first, second = (f"{COLUMNS[k]} {row[k]:.2f}" for k in np.argsort(-row)[:2])
        other = second if np.sort(row)[-2] >= _LIKELY else ""
        lines.append(
            f"| {surface} | {name} | {first} | {other} | {100 * share:.0f} % | {values.conductor:.2f} |"
        )
    if hidden:
        lines += ["", f"Not seen in any picture, or hardly: {', '.join(hidden)}."]
    return lines


def _plan(file: Path, seen: SeenMaterials) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import to_rgba
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    upright = np.abs(seen.patches.axes[:, 1, 2]) > 0.7
    for flat, marker, size in ((~upright, "s", 60), (upright, "o", 26)):
        rows = np.flatnonzero(flat)
        rows = rows[np.argsort(seen.patches.center[rows, 2])]
        low = rows[seen.patches.center[rows, 2] < _ceiling(seen)]
        colours = [colour_of(name_of(seen.of_patch[i])) for i in low]
        strength = np.clip(seen.of_patch[low].max(axis=1), 0.15, 1.0)
        x, y = seen.patches.center[low, :2].T
        shades = [to_rgba(colour, a) for colour, a in zip(colours, strength, strict=True)]
        axes.scatter(x, y, c=shades, marker=marker, s=size, lw=0)
    for name in (*COLUMNS[:-1], UNKNOWN):
        axes.scatter([], [], c=colour_of(name), label=name, s=40)
    axes.set_aspect("equal")
    axes.set_xlabel("x [m]")
    axes.set_ylabel("y [m]")
    axes.set_title("Materials from above: squares lie flat, dots stand upright; pale: unsure")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.savefig(file, dpi=110)


def _ceiling(seen: SeenMaterials) -> float:
    """m over which a patch hides the floor from above."""
    heights = seen.patches.center[:, 2]
    return float(heights.min() + 0.85 * np.ptp(heights)) if len(heights) else np.inf


def _overlay(picture: PosedPicture, seen: SeenMaterials, tree: TriangleTree) -> np.ndarray:
    """The picture with a square of its material's colour on every patch that it shows."""
    image = picture.bgr.copy()
    patches = seen.patches
    rows = np.flatnonzero(visible(patches, picture.camera.center, tree))
    half = 0.42 * np.minimum(patches.extent[rows], 1.0)
    corners = np.stack(
        [
            patches.center[rows]
            + a * half[:, :1] * patches.axes[rows, 0]
            + b * half[:, 1:] * patches.axes[rows, 1]
            for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ],
        axis=1,
    )
    drawn = image.copy()
    for row, square in zip(rows, corners, strict=True):
        pixels, inside = picture.camera.project(square)
        if inside.all() and np.ptp(pixels[:, 0]) < picture.camera.column_period / 2:
            colour = _bgr(colour_of(name_of(seen.of_patch[row])))
            cv2.fillPoly(drawn, [np.round(pixels).astype(np.int32)], colour)
    image = cv2.addWeighted(image, 0.5, drawn, 0.5, 0.0)
    scale = min(1.0, _WIDTH / image.shape[1])
    return np.asarray(
        cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if scale < 1
        else image
    )


def _bgr(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return blue, green, red
