r"""The errors of a study as a LaTeX table, for `\input` into a paper."""

from __future__ import annotations

import math

from visrftwin_ros.evaluation.metric_scores import MISS, QUANTITIES
from visrftwin_ros.evaluation.pooled_errors import ErrorScore
from visrftwin_ros.evaluation.statistics import LEVEL
from visrftwin_ros.evaluation.study import Study, pooled

_TITLES = {
    "path_loss_db": "path loss [dB]",
    "delay_spread_ns": "delay spread [ns]",
    "azimuth_spread_deg": "azimuth spread [$^\\circ$]",
    "k_factor_db": "$K$ [dB]",
}


def latex_table(study: Study) -> str:
    """One `tabular` of plain LaTeX: a row a predictor, a block a site, with what each was told."""
    lines = [
        f"% absolute errors: median [{100 * LEVEL:g} % interval] / 75th / 90th percentile",
        "% a missing answer counts as "
        + ", ".join(f"{value:g} ({name})" for name, value in MISS.items()),
        r"\begin{tabular}{lllll p{0.24\textwidth}}",
        r"\hline",
        " & ".join(["predictor", *(_TITLES[name] for name in QUANTITIES), "told"]) + r" \\",
    ]
    for site, states in study.sites.items():
        count = sum(int(state.truth.scored.sum()) for state in states)
        lines.append(r"\hline")
        lines.append(
            rf"\multicolumn{{6}}{{l}}{{{_escaped(site)}: {len(states)} campaign(s), "
            rf"{count} snapshots}} \\"
        )
        for predictor, cells in pooled(study, site).items():
            row = [_escaped(predictor.label), *(_cell(cells[name]) for name in QUANTITIES)]
            lines.append(" & ".join([*row, _escaped(states[0].told(predictor))]) + r" \\")
        lacking = {name: why for state in states for name, why in state.truth.lacking.items()}
        lines += [f"% {site}: not scored: {name}: {why}" for name, why in lacking.items()]
    return "\n".join([*lines, r"\hline", r"\end{tabular}", ""])


def _cell(one: ErrorScore) -> str:
    if not one.n:
        return "--"
    interval = (
        "" if math.isnan(one.median_low) else f" [{one.median_low:.2g}, {one.median_high:.2g}]"
    )
    return f"{one.median:.2f}{interval} / {one.p75:.2g} / {one.p90:.2g}"


def _escaped(text: str) -> str:
    return text.replace("_", r"\_").replace("%", r"\%").replace("&", r"\&")
