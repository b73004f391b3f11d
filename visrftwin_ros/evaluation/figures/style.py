"""Colours, names and sizes that the figures share."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes

from visrftwin_ros.evaluation.evaluation import Evaluation

MEASURED = "#000000"
COLOURS: Mapping[str, str] = {
    "twin": "#d62728",
    "itu": "#1f77b4",
    "geometry": "#17becf",
    "free_space": "#7f7f7f",
    "inh": "#9467bd",
    "umi": "#c49bd8",
    "pointnet": "#2ca02c",
    "nearest": "#bcbd22",
}
LABELS: Mapping[str, str] = {
    "twin": "twin",
    "itu": "ITU materials",
    "geometry": "geometry only",
    "free_space": "free space",
    "inh": "3GPP InH",
    "umi": "3GPP UMi",
    "pointnet": "PointNet",
    "nearest": "nearest snapshot",
}
AXIS_NAMES: Mapping[str, str] = {
    "path_loss_db": "path loss [dB]",
    "delay_spread_ns": "RMS delay spread [ns]",
    "azimuth_spread_deg": "azimuth spread of arrival [°]",
    "k_factor_db": "K factor [dB]",
}


def campaign_title(state: Evaluation, what: str) -> str:
    """What is drawn, of which campaign, and on how many snapshots."""
    scored = int(state.truth.scored.sum())
    materials = {"site": "nominal materials", "truth": "true materials"}[state.options.materials]
    people = {"truth": "true people", "tracked": "tracked people", "none": "no people"}
    return (
        f"{what}\n{state.campaign.source.name}, {scored} scored snapshots; "
        f"twin: {materials}, {people[state.options.people]}"
    )


def tidy(axes: Axes, x: str, y: str) -> None:
    """Axis names and a faint grid."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(True, color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
