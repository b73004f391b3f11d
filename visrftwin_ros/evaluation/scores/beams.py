"""Beam pairs chosen on predicted paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from visrftwin_ros.evaluation.beam_scores import beam_choices, says_nothing_of_beams
from visrftwin_ros.evaluation.results import Evaluation, Finding, Result
from visrftwin_ros.evaluation.score import Draw, Need


class BeamPairs:
    """How good the pair is that the predicted paths advise, on the measured ones."""

    name = "beams"
    needs: tuple[Need, ...] = ("paths", "reference")
    columns: Mapping[str, int] = {"top-1": 8}

    def of(self, result: Result, state: Evaluation) -> Finding | None:
        """Over all scored snapshots, and apart by line of sight; detail: BeamChoices. None where no
        record has directions, and of a predictor whose paths have none."""
        assert result.paths is not None and state.reference_db is not None
        if self.name in state.truth.lacking or says_nothing_of_beams(result.paths):
            return None
        truth = state.truth
        absolute = truth.measured.paths.stronger_by(state.reference_db)
        choices = beam_choices(result.paths, absolute, truth.ends, state.setting.site.radio)
        found = {subset: choices.score(rows) for subset, rows in truth.subsets.items()}
        rows_of_table = [
            {"predictor": result.name, "snapshots": subset, **asdict(score)}
            for subset, score in found.items()
        ]
        return Finding(
            metrics={subset: asdict(score) for subset, score in found.items()},
            rows={"beams": rows_of_table},
            cells={"top-1": f"{found['all'].top1:.2f}"},
            detail=choices,
        )

    def figures(self) -> Mapping[str, Draw]:
        from visrftwin_ros.evaluation.figures.beams import beam_figure

        return {"beams": beam_figure}
