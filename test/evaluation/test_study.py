"""Several campaigns in one call: pooled, paired, and as the paper's figures and a table."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sounded_hall
from sounded_hall import hall, record

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.campaign.snapshot import MeasuredPaths
from visrftwin_ros.cli import main
from visrftwin_ros.evaluation.baselines import pointnet
from visrftwin_ros.evaluation.baselines.pointnet import PointNetOfAllOthers
from visrftwin_ros.evaluation.evaluation import evaluate
from visrftwin_ros.evaluation.figures.learning import learning_figure, running_mean
from visrftwin_ros.evaluation.figures.paper.figure_list import PAPER_FIGURES, draw_paper_figures
from visrftwin_ros.evaluation.latex_table import latex_table
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics
from visrftwin_ros.evaluation.pooled_errors import error_scores, scored_magnitudes
from visrftwin_ros.evaluation.prediction import Prediction, Progress, Setting
from visrftwin_ros.evaluation.predictors import TWINS, all_names
from visrftwin_ros.evaluation.report import metrics_of, paired_rows, text_table
from visrftwin_ros.evaluation.results import Evaluation, Options
from visrftwin_ros.evaluation.study import Study

NO_RAYS = "free_space,inh,nearest,nearest_stretch"
RAYLESS = Options(predictors=tuple(NO_RAYS.split(",")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def bag(folder: Path) -> Path:
    return record(folder / "bag", hall(folder / "hall"), seconds=2)


@pytest.fixture(scope="module")
def states(folder: Path, bag: Path) -> tuple[Evaluation, ...]:
    site = hall(folder / "hall")
    return tuple(evaluate(bag, site, replace(RAYLESS, seed=seed)) for seed in (1, 2, 3))


def table(file: Path) -> list[dict[str, str]]:
    with file.open() as stream:
        return list(csv.DictReader(stream))


def test_pooled_errors_are_those_of_all_snapshots_and_their_groups_are_campaigns(
    states: tuple[Evaluation, ...],
) -> None:
    found = error_scores(states, "inh")["path_loss_db"]["all"]
    each = [scored_magnitudes([state], "inh", "path_loss_db") for state in states]
    everything = np.concatenate(each)
    assert found.n == len(everything) and found.missed == 0
    assert found.median == pytest.approx(np.median(everything))
    # Three campaigns drawn again: their own medians bound the interval.
    medians = [np.median(errors) for errors in each]
    assert min(medians) - 1e-9 <= found.median_low <= found.median_high <= max(medians) + 1e-9


def test_each_two_twins_are_paired_once(states: tuple[Evaluation, ...]) -> None:
    """inh and nearest play two twins."""
    played = dict(zip(("inh", "nearest"), TWINS[:2], strict=True))
    renamed = [
        replace(
            state,
            results=[
                replace(result, predictor=played.get(result.name, result.predictor))
                for result in state.results
            ],
        )
        for state in states
    ]
    rows = [row for row in paired_rows(renamed) if row["quantity"] == "path_loss_db"]
    pairs = [(row["predictor"], row["against"]) for row in rows]
    assert ("twin_true", "twin") in pairs and ("twin", "twin_true") not in pairs
    assert len(pairs) == len(set(pairs)) == 1 + 2 * 2
    of_inh = scored_magnitudes(states[:1], "inh", "path_loss_db")
    of_nearest = scored_magnitudes(states[:1], "nearest", "path_loss_db")
    found = next(row for row in rows if row["predictor"] == "twin_true")
    assert np.sign(found["difference"]) == np.sign(np.median(of_nearest) - np.median(of_inh))


def test_who_learns_from_all_others_is_never_told_what_it_is_asked(
    folder: Path, bag: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[tuple[set[tuple[int, str, str]], set[tuple[int, str, str]]]] = []

    def by_distance(
        self: PointNetOfAllOthers,
        questions: Questions,
        setting: Setting,
        progress: Progress | None = None,
    ) -> Prediction:
        asked, known = (
            set(zip(q.stamp_ns.tolist(), q.tx, q.rx, strict=True))
            for q in (questions, setting.known.questions)
        )
        turns.append((asked, known))
        return Prediction(metrics=SnapshotMetrics(*[questions.distance] * 4), learnt=True)

    monkeypatch.setattr(PointNetOfAllOthers, "predict", by_distance)
    options = Options(predictors=("pointnet_all",))
    state = evaluate(bag, hall(folder / "hall"), options)
    questions = state.truth.measured.questions
    everyone = set(zip(questions.stamp_ns.tolist(), questions.tx, questions.rx, strict=True))
    assert len(turns) == 10 and set.union(*(asked for asked, _ in turns)) == everyone
    assert all(known == everyone - asked for asked, known in turns)
    assert state.results[0].metrics.path_loss_db == pytest.approx(questions.distance)


def test_the_learning_figure_shows_what_each_one_still_misses(
    folder: Path, bag: Path, states: tuple[Evaluation, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pointnet, "STEPS", 60)
    options = Options(predictors=("inh", "pointnet", "pointnet_all"), train_share=0.5)
    state = evaluate(bag, hall(folder / "hall"), options)
    figure = learning_figure(state)
    assert figure is not None
    lines = figure.axes[0].get_lines()
    labels = [str(line.get_label()) for line in lines]
    assert labels[0].startswith("PointNet (random): 60 steps") and len(labels) == 2
    for line in lines:
        missed = np.asarray(line.get_ydata())
        assert missed[0] == 1 and 0 < missed[-1] < 0.9
    assert learning_figure(states[0]) is None
    assert running_mean(np.arange(4.0), 3) == pytest.approx([1.0, 2.0])


def test_two_bags_in_one_call_say_who_was_told_what_and_what_made_them(
    folder: Path, bag: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "out"
    words = ["evaluate", str(bag), str(bag), "--site", str(folder / "hall"), "--out", str(out)]
    assert main([*words, "--predictors", NO_RAYS, "--figures", "none"]) == 0
    said = capsys.readouterr().out
    assert "hall, 2 campaign(s)" in said and "20 % of the drive in stretches" in said
    metrics = json.loads((out / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert (
        metrics["version"] and metrics["command"].startswith("visrftwin") and metrics["seed"] == 1
    )
    assert [entry["seed"] for entry in metrics["campaigns"]] == [2, 2]
    for name in ("errors", "campaigns"):
        assert all(
            row["told"] for row in table(out / f"{name}.csv") if row["predictor"] != "nobody"
        )
    own = out / "campaign_02_bag"
    for name in ("errors", "clusters", "beams"):
        assert all(row["told"] for row in table(own / f"{name}.csv"))
    assert json.loads((own / "metrics.json").read_text())["miss"]["counts_as"]["path_loss_db"] == 30
    assert main([*words, "--site", "elsewhere", "--site", "more"]) == 2
    assert "3 sites for 2 bags" in capsys.readouterr().err


def test_the_papers_figures_name_what_has_no_numbers(
    states: tuple[Evaluation, ...], tmp_path: Path
) -> None:
    lines = draw_paper_figures(Study(states), tmp_path)
    assert [entry.number for entry in PAPER_FIGURES] == list(range(11, 19)) and len(lines) == 8
    for entry, row in zip(PAPER_FIGURES, table(tmp_path / "paper_figures.csv"), strict=True):
        page = (tmp_path / row["file"]).read_bytes()
        assert page.startswith(b"%PDF") and (tmp_path / f"{entry.file}.png").is_file()
        assert set(entry.shown) <= set(all_names())
        assert ("rf3dgs" in entry.shown) == ("RF-3DGS-like (random): no answer" in row["missing"])
        assert ("twin" in entry.shown) == ("twin (nominal): no answer" in row["missing"])


def test_the_latex_table_has_a_row_a_predictor_and_is_escaped(
    states: tuple[Evaluation, ...],
) -> None:
    text = latex_table(Study(states))
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(rows) == 2 + 4 and all(row.count(" & ") == 5 for row in rows[2:])
    assert r"20 \% of the drive in stretches" in text and "nearest_" not in text
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 1


def test_a_campaign_of_power_alone_is_scored_on_path_loss_and_names_the_rest(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def power_alone(paths: Multipath, rng: np.random.Generator) -> MeasuredPaths:
        nothing = np.full(1, np.nan)
        return MeasuredPaths(nothing, 10 * np.log10([paths.power.sum()]), *[nothing] * 5)

    monkeypatch.setattr(sounded_hall, "sounded", power_alone)
    site = hall(folder / "hall")
    bag = record(folder / "power", site, seconds=1.2, truth=False)
    state = evaluate(bag, site, RAYLESS)
    found = metrics_of(state)
    assert found["predictors"]["inh"]["errors"]["path_loss_db"]["all"]["n"] > 3
    assert set(found["not_scored"]) > {"delay_spread_ns", "clusters", "beams"}
    assert not {"clusters", "beams"} & set(found["predictors"]["free_space"])
    said = text_table(state)
    assert "not scored: delay_spread_ns: no record has two paths with a delay" in said
    draw_paper_figures(Study((state,)), tmp_path)
    assert len(list(tmp_path.glob("*.pdf"))) == 8
