"""Errors of the four snapshot metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict

from visrftwin_ros.evaluation.metric_scores import QUANTITIES
from visrftwin_ros.evaluation.pooled_errors import ErrorScore, error_scores
from visrftwin_ros.evaluation.results import Evaluation, Finding, Result
from visrftwin_ros.evaluation.score import Draw, Need


class MetricErrors:
    """Path loss, delay spread, azimuth spread and K factor, predicted minus measured."""

    name = "errors"
    needs: tuple[Need, ...] = ()
    columns: Mapping[str, int] = dict.fromkeys(QUANTITIES, 34)

    def of(self, result: Result, state: Evaluation) -> Finding:
        """Over all scored snapshots, and apart by line of sight."""
        found = error_scores([state], result.name)
        return Finding(
            metrics={
                quantity: {subset: asdict(one) for subset, one in by_subset.items()}
                for quantity, by_subset in found.items()
            },
            rows={"errors": error_rows(result.name, found)},
            cells={quantity: error_cell(one["all"]) for quantity, one in found.items()},
            reached={"path_loss_median_db": {"reached": found["path_loss_db"]["all"].median}},
        )

    def figures(self) -> Mapping[str, Draw]:
        from visrftwin_ros.evaluation.figures.errors import cdf_figure, quantile_figure
        from visrftwin_ros.evaluation.figures.place import delay_map_figure

        return {
            "error_cdf": cdf_figure,
            "error_quantiles": quantile_figure,
            "delay_spread_map": delay_map_figure,
        }


def error_rows(
    predictor: str, found: Mapping[str, Mapping[str, ErrorScore]]
) -> list[dict[str, object]]:
    """Of `errors.csv`."""
    return [
        {"predictor": predictor, "quantity": quantity, "snapshots": subset, **asdict(one)}
        for quantity, by_subset in found.items()
        for subset, one in by_subset.items()
    ]


def error_cell(one: ErrorScore) -> str:
    """Median with its interval, quartile and 90th percentile, for a terminal."""
    if not one.n:
        return "-"
    interval = (
        "" if math.isnan(one.median_low) else f" [{one.median_low:.2g}, {one.median_high:.2g}]"
    )
    missed = f", {one.missed} missed" if one.missed else ""
    return f"{one.median:.2f}{interval} / {one.p75:.2g} / {one.p90:.2g}{missed}"
