"""The paper's figures of an evaluation, as PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from visrftwin_ros.evaluation import scoring
from visrftwin_ros.evaluation.figures.learning import learning_figure
from visrftwin_ros.evaluation.figures.place import distance_figure
from visrftwin_ros.evaluation.figures.traces import trace_figure
from visrftwin_ros.evaluation.results import Evaluation
from visrftwin_ros.evaluation.score import Draw

FIGURES: Mapping[str, Draw] = {
    "traces": trace_figure,
    "path_loss_distance": distance_figure,
    "learning": learning_figure,
}
"""Those of the predictions themselves, by file name; the others are their scores'."""


def draw_figures(state: Evaluation, folder: Path) -> list[Path]:
    """Writes every figure that the evaluation has data for; the PNG files."""
    written = []
    figures = [FIGURES, *(score.figures() for score in scoring.SCORES)]
    for name, draw in [item for own in figures for item in own.items()]:
        figure = draw(state)
        if figure is None:
            continue
        for ending in ("png", "svg"):
            figure.savefig(folder / f"{name}.{ending}", dpi=150, bbox_inches="tight")
        written.append(folder / f"{name}.png")
    return written
