"""Who says nothing of beams is not judged by them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sounded_hall import hall, record

from visrftwin_ros.beams.multipath import Multipath, no_multipath
from visrftwin_ros.evaluation.baselines import radiance
from visrftwin_ros.evaluation.baselines.rf3dgs import RF3DGS
from visrftwin_ros.evaluation.beam_scores import says_nothing_of_beams
from visrftwin_ros.evaluation.evaluation import evaluate
from visrftwin_ros.evaluation.figures.paper.columns import columns
from visrftwin_ros.evaluation.figures.paper.links import beam_selection
from visrftwin_ros.evaluation.results import Options
from visrftwin_ros.evaluation.study import Study


def paths(departure: float, arrival: float) -> Multipath:
    return Multipath.of_link(
        np.array([1e-9]),
        np.array([1e-8]),
        np.full((1, 2), departure),
        np.full((1, 2), arrival),
    )


def test_beams_take_directions_at_both_ends() -> None:
    assert says_nothing_of_beams(paths(np.nan, 0.1)) and says_nothing_of_beams(paths(0.1, np.nan))
    assert not says_nothing_of_beams(paths(0.2, 0.1))
    # Nobody heard anything: that is an answer, and it is judged.
    assert not says_nothing_of_beams(no_multipath(1))


def test_a_field_of_arrivals_has_no_score_of_beams_and_the_figure_says_so(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RF3DGS, "steps", 3)
    monkeypatch.setattr(radiance, "LEAST", 1)
    folder = tmp_path_factory.mktemp("beams")
    site = hall(folder / "hall")
    asked = Options(predictors=("itu", "rf3dgs"), train_share=0.5)
    state = evaluate(record(folder / "bag", site, seconds=1), site, asked)
    study = Study((state,))
    assert "beams" in state.findings["itu"] and "beams" not in state.findings["rf3dgs"]
    shown = columns(("itu", "rf3dgs"), study, site.name)
    figure = beam_selection(study, site.name, shown)
    (legend,) = figure.legends
    said = [text.get_text() for text in legend.get_texts()]
    assert "RF-3DGS-like (random): says nothing of beams" in said
    assert [replace(column, why="") for column in shown] == list(shown)
