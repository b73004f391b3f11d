"""Colours, names and sizes that the figures share."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes

from visrftwin_ros.evaluation.results import Evaluation

MEASURED = "#000000"
AXIS_NAMES: Mapping[str, str] = {
    "path_loss_db": "path loss [dB]",
    "delay_spread_ns": "RMS delay spread [ns]",
    "azimuth_spread_deg": "azimuth spread of arrival [°]",
    "k_factor_db": "K factor [dB]",
}


def campaign_title(state: Evaluation, what: str) -> str:
    """What is drawn, of which campaign, and on how many snapshots."""
    scored = int(state.truth.scored.sum())
    people = {"truth": "true people", "tracked": "tracked people", "none": "no people"}
    return (
        f"{what}\n{state.campaign.source.name}, {scored} scored snapshots; "
        f"the twin was told {people[state.options.people]}"
    )


def tidy(axes: Axes, x: str, y: str) -> None:
    """Axis names and a faint grid."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(True, color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def say_nothing(axes: Axes, why: str) -> None:
    """A panel without data, with the reason in it."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, ha="center", va="center", color="0.35", transform=axes.transAxes)
