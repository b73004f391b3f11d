"""Errors of the four snapshot metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from visrftwin_ros.evaluation.metric_scores import QUANTITIES, errors, summary
from visrftwin_ros.evaluation.results import Evaluation, Finding, Result
from visrftwin_ros.evaluation.score import Draw, Need


class MetricErrors:
    """Path loss, delay spread, azimuth spread and K factor, predicted minus measured."""

    name = "errors"
    needs: tuple[Need, ...] = ()
    columns: Mapping[str, int] = dict.fromkeys(QUANTITIES, 24)

    def of(self, result: Result, state: Evaluation) -> Finding:
        """Over all scored snapshots, and apart by line of sight."""
        error = errors(result.metrics, state.truth.measured.metrics)
        subsets = state.truth.subsets
        found = {
            quantity: {name: summary(error[quantity][rows]) for name, rows in subsets.items()}
            for quantity in QUANTITIES
        }
        rows = [
            {"predictor": result.name, "quantity": quantity, "snapshots": subset, **asdict(one)}
            for quantity, by_subset in found.items()
            for subset, one in by_subset.items()
        ]
        return Finding(
            metrics={
                quantity: {subset: asdict(one) for subset, one in by_subset.items()}
                for quantity, by_subset in found.items()
            },
            rows={"errors": rows},
            cells={
                quantity: f"{one['all'].median:.2f} / {one['all'].p90:.2f} ({one['all'].n})"
                for quantity, one in found.items()
            },
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
