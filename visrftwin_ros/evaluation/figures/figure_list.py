"""The paper's figures of an evaluation, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from matplotlib.figure import Figure

from visrftwin_ros.evaluation.evaluation import Evaluation
from visrftwin_ros.evaluation.figures.beams import beam_figure
from visrftwin_ros.evaluation.figures.errors import cdf_figure, quantile_figure
from visrftwin_ros.evaluation.figures.paths import power_angle_figure
from visrftwin_ros.evaluation.figures.place import delay_map_figure, distance_figure
from visrftwin_ros.evaluation.figures.shadow import shadow_figure
from visrftwin_ros.evaluation.figures.traces import trace_figure

FIGURES: Mapping[str, Callable[[Evaluation], Figure | None]] = {
    "error_cdf": cdf_figure,
    "error_quantiles": quantile_figure,
    "traces": trace_figure,
    "path_loss_distance": distance_figure,
    "delay_spread_map": delay_map_figure,
    "power_angle": power_angle_figure,
    "shadow_loss": shadow_figure,
    "beams": beam_figure,
}
"""File name: what draws it; None = the campaign has nothing to draw."""


def draw_figures(state: Evaluation, folder: Path) -> list[Path]:
    """Writes every figure that the evaluation has data for; the PNG files."""
    written = []
    for name, draw in FIGURES.items():
        figure = draw(state)
        if figure is None:
            continue
        for ending in ("png", "svg"):
            figure.savefig(folder / f"{name}.{ending}", dpi=150, bbox_inches="tight")
        written.append(folder / f"{name}.png")
    return written
