"""A new predictor or score is one object in its registry; everything else takes it from there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from sounded_hall import hall, record

from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation import predictors, scoring
from visrftwin_ros.evaluation.evaluation import evaluate
from visrftwin_ros.evaluation.figures.figure_list import draw_figures
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics
from visrftwin_ros.evaluation.prediction import Prediction, Progress, Setting, Told
from visrftwin_ros.evaluation.report import text_table, write_reports
from visrftwin_ros.evaluation.results import Evaluation, Finding, Options, Result
from visrftwin_ros.evaluation.score import Draw, Need
from visrftwin_ros.propagation.paths.link_metrics import LinkMetrics
from visrftwin_ros.site.model import Site


class OneForAll:
    """The same metrics and no shadow everywhere; remembers what it was told."""

    name = "toy"
    label = "toy predictor"
    colour = "#123456"
    what = "the same everywhere"
    headline = True

    def __init__(self, told: tuple[Told, ...] = ("geometry",)) -> None:
        self.told = told
        self.settings: list[Setting] = []

    def predict(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> Prediction:
        self.settings.append(setting)
        some = np.ones(len(questions))
        return Prediction(metrics=SnapshotMetrics(80 * some, 9e-9 * some, 0.5 * some, 3 * some))

    def channels(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> LinkMetrics:
        self.settings.append(setting)
        zero = np.zeros(len(questions))
        values = dict.fromkeys(LinkMetrics.__dataclass_fields__, zero)
        return LinkMetrics(**{**values, "line_of_sight": zero > 0})


class HighestLoss:
    """The highest path loss that was predicted."""

    name = "highest"
    needs: tuple[Need, ...] = ()
    columns: Mapping[str, int] = {"highest loss": 16}

    def of(self, result: Result, state: Evaluation) -> Finding:
        highest = float(np.nanmax(result.metrics.path_loss_db))
        row = {"predictor": result.name, "loss": highest}
        return Finding(
            metrics={"loss_db": highest},
            rows={"highest": [row]},
            cells={"highest loss": f"{highest:.1f} dB"},
        )

    def figures(self) -> Mapping[str, Draw]:
        def draw(state: Evaluation) -> Figure:
            names = [result.predictor.label for result, _ in state.found("highest")]
            figure = Figure()
            figure.suptitle(", ".join(names))
            return figure

        return {"highest": draw}


@pytest.fixture(scope="module")
def toy() -> OneForAll:
    return OneForAll()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registries")


@pytest.fixture(scope="module")
def site(folder: Path) -> Site:
    return hall(folder / "hall")


@pytest.fixture(scope="module")
def bag(folder: Path, site: Site) -> Path:
    return record(folder / "bag", site, seconds=2)


@pytest.fixture(scope="module")
def state(toy: OneForAll, bag: Path, site: Site) -> Evaluation:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(predictors, "PREDICTORS", (*predictors.PREDICTORS, toy))
        patch.setattr(scoring, "SCORES", (*scoring.SCORES, HighestLoss()))
        return evaluate(bag, site, Options(predictors=("free_space", "toy")))


def test_a_registered_predictor_and_score_stand_in_the_report_and_the_figures(
    state: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "SCORES", (*scoring.SCORES, HighestLoss()))
    write_reports(state, tmp_path)
    draw_figures(state, tmp_path)
    found = json.loads((tmp_path / "metrics.json").read_text())["predictors"]
    assert found["toy"]["what"] == "the same everywhere" and found["toy"]["told"] == "geometry"
    assert found["toy"]["errors"]["path_loss_db"]["all"]["n"] > 0
    assert found["toy"]["highest"]["loss_db"] == pytest.approx(80 + found["toy"]["offset_db"])
    assert set(found["free_space"]) >= {"errors", "clusters", "beams", "highest"}
    assert [line.split(",")[0] for line in (tmp_path / "highest.csv").read_text().split()] == [
        "predictor",
        "free_space",
        "toy",
    ]
    table = text_table(state).splitlines()
    assert "highest loss" in table[0] and table[2].startswith("toy")
    assert table[2].endswith(" dB   geometry")
    for figure in ("error_cdf", "traces", "delay_spread_map", "highest"):
        assert "toy predictor" in (tmp_path / f"{figure}.svg").read_text()


def test_one_that_follows_channels_is_scored_on_shadow_loss_and_has_tables_of_its_name(
    state: Evaluation, tmp_path: Path
) -> None:
    write_reports(state, tmp_path)
    shadow = json.loads((tmp_path / "metrics.json").read_text())["shadow_loss"]
    assert shadow["toy"] == shadow["nobody"]
    assert (tmp_path / "shadow_loss_toy.csv").is_file()
    assert not (tmp_path / "shadow_loss.csv").exists()


def test_one_that_cannot_follow_channels_is_named_and_keeps_its_other_scores(
    bag: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> LinkMetrics:
        raise TwinError("no such channel")

    monkeypatch.setattr(OneForAll, "channels", failing)
    monkeypatch.setattr(predictors, "PREDICTORS", (OneForAll(),))
    found = evaluate(bag, site, Options(predictors=("toy",)))
    assert found.complete and found.found("errors") and not found.found("shadow")
    assert any("toy" in problem and "no such channel" in problem for problem in found.problems)


def test_who_is_not_told_of_people_and_snapshots_gets_neither(
    state: Evaluation, toy: OneForAll
) -> None:
    assert len(state.setting.people) and len(state.setting.known.questions)
    assert len(toy.settings) == 2
    for setting in toy.settings:
        assert not len(setting.people) and not len(setting.known.questions)
    told = state.setting.as_told(("people", "snapshots"))
    assert told.people is state.setting.people and told.known is state.setting.known
    assert state.setting.as_told(("stretches",)).known is state.setting.stretches


def test_true_materials_reach_only_who_is_told_of_them(state: Evaluation) -> None:
    setting = state.setting
    assert setting.true_meshes is not None
    assert setting.as_told(("materials",)).meshes is setting.meshes
    assert setting.as_told(("true materials",)).meshes is setting.true_meshes
    assert setting.as_told(("materials",)).true_meshes is None
    with pytest.raises(TwinError, match="truth/materials"):
        replace(setting, true_meshes=None).as_told(("true materials",))


def test_tracked_people_are_scored_against_the_true_ones(state: Evaluation) -> None:
    score = next(score for score in scoring.SCORES if score.name == "tracks")
    result = replace(state.results[0], predictor=OneForAll(told=("people",)))
    assert score.of(result, state) is None
    tracked = replace(state, options=replace(state.options, people="tracked"))
    found = score.of(result, tracked)
    assert found is not None and found.metrics["recall"] == found.metrics["precision"] == 1
    assert found.metrics["error_p90"] < 1e-6 and found.metrics["truth"] == 20
