"""The paper's figures 11 to 18 of a study, as PDF for a page and PNG to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from visrftwin_ros.evaluation.figures.paper import errors, links, snapshots
from visrftwin_ros.evaluation.figures.paper.columns import Column, columns, compact
from visrftwin_ros.evaluation.report import write_table
from visrftwin_ros.evaluation.study import Study


@dataclass(frozen=True)
class PaperFigure:
    """shown: names of predictors, in order, those that are not built yet among them."""

    number: int
    file: str
    what: str
    shown: tuple[str, ...]
    draw: Callable[[Study, str, tuple[Column, ...]], Figure]


_ZERO_TO_TRUE = ("twin", "twin_calibrated", "twin_true")
PAPER_FIGURES: tuple[PaperFigure, ...] = (
    PaperFigure(
        11,
        "fig11_snapshots",
        "the four metrics along a drive, path loss over distance",
        ("twin", "twin_true", "twin_calibrated", "inh"),
        snapshots.over_snapshots,
    ),
    PaperFigure(
        12,
        "fig12_delay_spread",
        "delay-spread error of every approach",
        (
            *_ZERO_TO_TRUE,
            "itu",
            "geometry",
            "inh",
            "pointnet",
            "pointnet_stretch",
            "pointnet_all",
            "nearest",
            "nearest_stretch",
            "nerf2",
            "nerf2_stretch",
            "rf3dgs",
            "rf3dgs_stretch",
        ),
        errors.delay_spread_bars,
    ),
    PaperFigure(
        13, "fig13_place", "delay-spread error over the place", ("twin", "twin_calibrated"),
        snapshots.over_the_place,
    ),
    PaperFigure(
        14, "fig14_directions", "power over direction and delay of one snapshot",
        ("twin", "nerf2", "rf3dgs"), snapshots.over_directions,
    ),
    PaperFigure(
        15, "fig15_fine_tuning", "errors before and after fine tuning", _ZERO_TO_TRUE,
        errors.zero_and_few_shot,
    ),
    PaperFigure(
        16, "fig16_sites", "delay-spread error across sites",
        ("twin", "twin_true", "itu", "pointnet", "pointnet_stretch", "rf3dgs"),
        errors.across_sites,
    ),
    PaperFigure(
        17, "fig17_mobility", "shadow loss as somebody crosses a link", ("twin", "twin_true"),
        links.shadow_loss,
    ),
    PaperFigure(
        18, "fig18_beams", "throughput of the beams that each prediction advises",
        ("twin", "twin_true", "geometry", "itu", "rf3dgs"), links.beam_selection,
    ),
)  # fmt: skip
"""Of the study's first site, but for figure 16, which has all."""


def draw_paper_figures(study: Study, folder: Path) -> list[str]:
    """Writes every figure and `paper_figures.csv`; a line for each: its file, what it shows, and what
    has no numbers yet."""
    rows = list(_drawn(study, folder))
    write_table(folder / "paper_figures.csv", rows)
    return [
        f"figure {row['figure']}: {row['file']}: {row['what']}"
        + (f" (missing: {row['missing']})" if row["missing"] else "")
        for row in rows
    ]


def _drawn(study: Study, folder: Path) -> Iterator[dict[str, str]]:
    site = next(iter(study.sites))
    for entry in PAPER_FIGURES:
        shown = columns(entry.shown, study, site)
        with compact():
            figure = entry.draw(study, site, shown)
            for ending in ("pdf", "png"):
                figure.savefig(folder / f"{entry.file}.{ending}", dpi=200)
        yield {
            "figure": str(entry.number),
            "file": f"{entry.file}.pdf",
            "what": entry.what,
            "campaigns": str(len(study.sites[site])),
            "missing": "; ".join(f"{c.label}: {c.why}" for c in shown if c.why),
        }
