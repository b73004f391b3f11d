"""The report beside a mapped site: floor plan, surfaces as JSON, a page of text, errors where they are known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.mapping.place_map import MappedSurface, PlaceMap
from visrftwin_ros.mapping.reference import WITHIN, MapError

_COLOURS = {
    "floor": "#e8e4da", "ceiling": "#bbbbbb", "wall": "#1f2933", "panel": "#f58518", "box": "#4c78a8",
}  # fmt: skip
_SHOWN = 60_000
"""Points drawn into the floor plan."""
_LITTLE_SEEN = 0.5


def write_report(
    folder: Path,
    place: PlaceMap,
    materials: Mapping[str, str],
    devices: Mapping[str, Float[np.ndarray, " 3"]],
    error: MapError | None,
    notes: Sequence[str] = (),
) -> None:
    """Writes `report.md`, `surfaces.json`, `floor_plan.png` and, with an error, `error.png` to `folder`.

    materials: the site's name by surface. devices: places of access points by name, m. notes: more lines.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "surfaces.json").write_text(json.dumps(facts(place, materials), indent=1) + "\n")
    (folder / "report.md").write_text(_page(place, materials, error, notes))
    _floor_plan(folder / "floor_plan.png", place, devices)
    if error is not None:
        _histogram(folder / "error.png", error)


def facts(place: PlaceMap, materials: Mapping[str, str]) -> dict[str, Any]:
    """What `surfaces.json` says: lengths in m, `map_from_source` a 3x3 turn."""
    return {
        "source": place.scan.source,
        "map_from_source": place.turn.round(6).tolist(),
        "walls_direction": round(place.direction, 5),
        "share_moved": round(place.moved, 4),
        "share_unmapped": round(place.unmapped, 4),
        "left_out": list(place.scan.left_out),
        "surfaces": [
            {
                "name": s.name,
                "kind": s.kind,
                "material": materials[s.name],
                "area": round(s.area, 3),
                "points": s.points,
                "point_sd": round(s.point_sd, 4),
                "sd": round(s.sd, 4),
                "share_seen": round(s.seen, 3),
                "made_square": s.snapped,
                "triangles": len(s.faces),
                "outlines": [loop.round(3).tolist() for loop in s.loops],
            }
            for s in place.surfaces
        ],
    }


def _page(
    place: PlaceMap, materials: Mapping[str, str], error: MapError | None, notes: Sequence[str]
) -> str:
    assumed = sum(materials[s.name] == "unknown" for s in place.surfaces)
    lines = [
        "# Map",
        "",
        f"From {place.scan.source}. Lengths in metres, areas in square metres.",
        "",
        "![Floor plan](floor_plan.png)",
        "",
        f"- {100 * place.moved:.1f} % of the points moved, as people do, and were left out.",
        f"- {100 * place.unmapped:.1f} % of the cloud is in no surface: too small or too ragged for a box.",
        f"- {assumed} of {len(place.surfaces)} surfaces are of the material `unknown`: usual values and a "
        "thickness that was stated, neither of them seen. A scan of one side says nothing of a wall's "
        "thickness. `--material` sets what is known.",
        "- Glass, mirrors and black surfaces give no or wrong returns: what is of them is missing here.",
    ]
    if not np.allclose(place.turn, np.eye(3)):
        lines.append(
            "- The source was not upright: the map is turned, by `map_from_source` of `surfaces.json`."
        )
    lines += [f"- Left out: {text}" for text in place.scan.left_out[:20]]
    if error is not None:
        lines += ["", *_error_lines(error)]
    lines += [
        "",
        "`sd`: how far the surface may lie from its plane at a place, `point sd`: the spread of its points.",
        "",
        "| surface | material | area | points | sd | point sd | seen | square | triangles |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_row(s, materials[s.name]) for s in place.surfaces]
    little = [s.name for s in place.surfaces if s.seen < _LITTLE_SEEN]
    if little:
        lines += [
            "",
            f"Less than half of these was seen, the rest is taken to go on: {', '.join(little)}.",
        ]
    return "\n".join([*lines, *(["", *notes] if notes else [])]) + "\n"


def _error_lines(error: MapError) -> list[str]:
    walls = error.wall_offset
    offset = f"{100 * np.median(walls):.1f} cm" if len(walls) else "no wall"
    return [
        f"Against the reference: {100 * error.within:.1f} % of the map within {100 * WITHIN:g} cm, walls off by "
        f"{offset} (median of {len(walls)}), {100 * error.found:.1f} % of what was seen of the reference is in "
        "the map.",
        "",
        "![Error](error.png)",
    ]


def _row(s: MappedSurface, material: str) -> str:
    square = "yes" if s.snapped else ""
    return (
        f"| {s.name} | {material} | {s.area:.2f} | {s.points} | {s.sd:.3f} | {s.point_sd:.3f} | "
        f"{100 * s.seen:.0f} % | {square} | {len(s.faces)} |"
    )


def _floor_plan(
    file: Path, place: PlaceMap, devices: Mapping[str, Float[np.ndarray, " 3"]]
) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for surface in (s for s in place.surfaces if s.kind == "floor"):
        for k, loop in enumerate(surface.loops):
            axes.fill(*loop[:, :2].T, color=_COLOURS["floor"] if k == 0 else "white", zorder=0)
    step = max(1, len(place.points) // _SHOWN)
    axes.plot(*place.points[::step, :2].T, ",", color="#9aa5b1", alpha=0.3, zorder=1)
    drawn = set()
    for surface in place.surfaces:
        if surface.kind in ("floor", "ceiling"):
            continue
        style: dict[str, Any] = {
            "color": _COLOURS[surface.kind],
            "lw": 2.2 if surface.kind == "wall" else 1.0,
        }
        label = None if surface.kind in drawn else surface.kind
        drawn.add(surface.kind)
        for loop in surface.loops:
            closed = np.vstack([loop, loop[:1]])
            axes.plot(closed[:, 0], closed[:, 1], label=label, zorder=3, **style)
            label = None
    for name, where in devices.items():
        axes.plot(where[0], where[1], "^", color="#e45756", ms=9, zorder=4)
        axes.annotate(
            name, (where[0], where[1]), xytext=(6, 6), textcoords="offset points", color="#e45756"
        )
    axes.set_aspect("equal")
    axes.set_xlabel("x [m]")
    axes.set_ylabel("y [m]")
    axes.set_title(f"{len(place.surfaces)} surfaces, from above")
    if drawn:
        axes.legend(loc="upper right")
    figure.savefig(file, dpi=110)


def _histogram(file: Path, error: MapError) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.hist(100 * np.minimum(error.away, 0.3), bins=60, color="#4c78a8")
    axes.axvline(100 * WITHIN, color="#e45756", label=f"{100 * error.within:.1f} % within")
    axes.set_xlabel("distance from the reference [cm], all over 30 in the last")
    axes.set_ylabel("places on the map, every 10 cm")
    axes.legend()
    figure.savefig(file, dpi=110)
