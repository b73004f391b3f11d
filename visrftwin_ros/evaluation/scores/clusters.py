"""Clusters of paths, predicted and measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.evaluation.cluster_scores import cluster_score
from visrftwin_ros.evaluation.results import Evaluation, Finding, Result
from visrftwin_ros.evaluation.score import Draw, Need


class Clusters:
    """Which clusters are found, missed and invented."""

    name = "clusters"
    needs: tuple[Need, ...] = ("paths",)
    columns: Mapping[str, int] = {}

    def of(self, result: Result, state: Evaluation) -> Finding | None:
        """Over all scored snapshots, and apart by line of sight; None where records tell of none."""
        if self.name in state.truth.lacking:
            return None
        assert result.paths is not None
        found = {}
        for subset, rows in state.truth.subsets.items():
            ours, theirs = (
                Multipath.joined([side.of(int(i)) for i in np.flatnonzero(rows)])
                for side in (result.paths, state.truth.measured.paths)
            )
            found[subset] = asdict(cluster_score(ours, theirs))
        rows_of_table = [
            {"predictor": result.name, "snapshots": subset, **score}
            for subset, score in found.items()
        ]
        return Finding(metrics=found, rows={"clusters": rows_of_table})

    def figures(self) -> Mapping[str, Draw]:
        from visrftwin_ros.evaluation.figures.paths import power_angle_figure

        return {"power_angle": power_angle_figure}
