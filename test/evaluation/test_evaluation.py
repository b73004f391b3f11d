"""A made-up campaign from bag to scores."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sounded_hall
from sounded_hall import REFERENCE_DB, hall, record

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.campaign.snapshot import MeasuredPaths, Snapshot
from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.evaluation import evaluate
from visrftwin_ros.evaluation.ground_truth import dynamic_range_db, floors_db
from visrftwin_ros.evaluation.report import metrics_of
from visrftwin_ros.evaluation.results import Evaluation, Options
from visrftwin_ros.evaluation.solves import PLACE_SPACING, Solves, solve_places
from visrftwin_ros.evaluation.tracked_people import tracked_people
from visrftwin_ros.perception.tracking.tracks_file import Tracks
from visrftwin_ros.site.model import Site

QUICK = Options(predictors=("twin_true", "free_space", "inh", "nearest"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("campaign")


@pytest.fixture(scope="module")
def site(folder: Path) -> Site:
    return hall(folder / "hall")


@pytest.fixture(scope="module")
def bag(folder: Path, site: Site) -> Path:
    return record(folder / "bag", site)


@pytest.fixture(scope="module")
def state(bag: Path, site: Site) -> Evaluation:
    return evaluate(bag, site, QUICK)


def test_the_true_materials_and_people_leave_only_the_sounders_noise(state: Evaluation) -> None:
    found = metrics_of(state)
    twin = found["predictors"]["twin_true"]
    # The made sounder errs by 0.2 dB and 50 ps a path.
    assert twin["errors"]["path_loss_db"]["all"]["median"] < 0.3
    assert twin["errors"]["delay_spread_ns"]["all"]["median"] < 0.3
    assert twin["errors"]["path_loss_db"]["all"]["n"] == found["snapshots"]["scored_all"] > 20
    assert found["complete"] and found["power"]["reference"] == "relative"


def test_a_calibration_on_another_campaign_is_scored_and_named(
    folder: Path, bag: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    scored = record(folder / "other", site, seconds=2.0, truth=False, start=0.05)
    names = ("twin", "twin_calibrated")
    options = Options(predictors=names, people="none", fit_bag=bag)
    scene = [
        s.model_copy(update={"material": "marble"} if s.name == "south" else {}) for s in site.scene
    ]
    wrong = site.model_copy(update={"scene": scene})
    found = metrics_of(evaluate(scored, wrong, options))["predictors"]
    plain, after = (found[n]["errors"]["delay_spread_ns"]["all"]["median"] for n in names)
    assert after < 0.8 * plain
    assert found["twin_calibrated"]["told"].endswith("another campaign of the place")
    with pytest.raises(TwinError, match="which is scored: fit on another"):
        evaluate(bag, site, options)
    without = replace(options, predictors=("inh", "twin_calibrated"), fit_bag=None)
    assert "give --fit-bag" in " ".join(evaluate(scored, site, without).problems)


def test_the_unknown_power_reference_is_found(state: Evaluation) -> None:
    twin = state.result("twin_true")
    assert twin is not None and np.median(twin.offset_db) == pytest.approx(-REFERENCE_DB, abs=0.3)


def test_the_fade_of_the_walker_comes_when_and_as_deep_as_it_did(state: Evaluation) -> None:
    found = metrics_of(state)["shadow_loss"]
    assert found["twin_true"]["fades"] >= 1 and found["twin_true"]["missed"] == 0
    assert found["twin_true"]["onset_error"] < 0.01 and found["twin_true"]["depth_error_db"] < 0.1
    assert found["nobody"]["missed"] == 1
    assert found["nobody"]["fade_rmse_db"] > 10 * found["twin_true"]["fade_rmse_db"]


def test_the_papers_loss_is_scored_beside_ours(state: Evaluation) -> None:
    found = metrics_of(state)["shadow_loss_los"]["twin_true"]
    assert found["n"] > 0 and found["median"] < 0.05


def test_the_twin_is_better_than_what_does_not_know_the_place(state: Evaluation) -> None:
    of = metrics_of(state)["predictors"]
    for other in ("free_space", "inh"):
        for name in ("path_loss_db", "delay_spread_ns"):
            mine, theirs = (of[who]["errors"][name]["all"]["p90"] for who in ("twin_true", other))
            assert mine < theirs / 3


def test_clusters_and_beams_of_the_right_prediction_are_the_measured_ones(
    state: Evaluation,
) -> None:
    twin = metrics_of(state)["predictors"]["twin_true"]
    assert twin["clusters"]["all"]["missed_power"] < 0.01
    assert twin["clusters"]["all"]["power_error_db"] < 0.5
    assert twin["beams"]["all"]["top1"] > 0.9
    assert twin["beams"]["all"]["throughput_share"] > 0.98


def test_every_predictor_is_scored_on_the_same_held_out_snapshots(state: Evaluation) -> None:
    found = metrics_of(state)
    counts = found["snapshots"]
    assert counts["learnt_from_at_random"] == round(0.2 * counts["used"])
    for result in found["predictors"].values():
        assert result["errors"]["path_loss_db"]["all"]["n"] == counts["scored_all"]


def test_without_people_the_fade_is_missed(bag: Path, site: Site) -> None:
    options = replace(QUICK, predictors=("twin_true",), people="none")
    found = metrics_of(evaluate(bag, site, options))
    assert found["shadow_loss"]["twin_true"]["missed"] == 1


def test_without_truth_topics_the_shadow_part_is_left_out_and_named(
    folder: Path, site: Site
) -> None:
    bag = record(folder / "no truth", site, seconds=2, truth=False)
    options = replace(QUICK, predictors=("twin", "twin_true"))
    found = metrics_of(evaluate(bag, site, options))
    assert "shadow_loss" not in found and set(found["predictors"]) == {"twin"}
    assert found["predictors"]["twin"]["told"] == "positions, geometry, nominal materials"
    for topic in ("truth/channels", "truth/people", "truth/materials"):
        assert any(topic in problem for problem in found["problems"])


def test_a_single_snapshot_is_scored_and_what_learns_is_named(folder: Path, site: Site) -> None:
    bag = record(folder / "single", site, seconds=0.1)
    options = replace(QUICK, predictors=("twin_true", "pointnet", "nearest"))
    found = metrics_of(evaluate(bag, site, options))
    assert set(found["predictors"]) == {"twin_true"}
    for name in ("pointnet", "nearest"):
        assert any(f"{name} left out" in problem for problem in found["problems"])


def test_a_site_that_does_not_fit_is_refused(bag: Path, folder: Path) -> None:
    other = hall(folder / "other").model_copy(update={"robots": [], "name": "elsewhere"})
    with pytest.raises(TwinError, match="robot"):
        evaluate(bag, other, QUICK)


def test_a_campaign_in_another_place_is_refused(bag: Path, site: Site) -> None:
    moved = [
        surface.model_copy(update={"center": (500 + surface.center[0], *surface.center[1:])})
        for surface in site.scene
    ]
    with pytest.raises(TwinError, match="outside the site"):
        evaluate(bag, site.model_copy(update={"scene": moved}), QUICK)


def test_a_campaign_of_another_site_or_carrier_is_refused(bag: Path, site: Site) -> None:
    with pytest.raises(TwinError, match=r"recorded in site 'hall'.*'atrium'"):
        evaluate(bag, site.model_copy(update={"name": "atrium"}), QUICK)
    slow = site.radio.model_copy(update={"frequency": 6e9})
    with pytest.raises(TwinError, match=r"60\.48 GHz, the site's radio is at 6 GHz"):
        evaluate(bag, site.model_copy(update={"radio": slow}), QUICK)


def test_an_unknown_predictor_or_share_is_refused(bag: Path, site: Site) -> None:
    with pytest.raises(TwinError, match=r"oracle.*twin"):
        evaluate(bag, site, replace(QUICK, predictors=("oracle",)))
    with pytest.raises(TwinError, match=r"1\.5"):
        evaluate(bag, site, replace(QUICK, train_share=1.5))


def test_the_command_writes_tables_and_figures_and_keeps_what_is_there(
    bag: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder / "out"
    command = ["evaluate", str(bag), "--site", str(folder / "hall"), "--out", str(out)]
    command += ["--predictors", "twin,inh"]
    assert main(command) == 0
    written = {file.name for file in out.iterdir()}
    assert {"metrics.json", "errors.csv", "snapshots.csv", "shadow_loss.csv"} <= written
    for name in ("error_cdf", "traces", "shadow_loss", "power_angle", "delay_spread_map", "beams"):
        assert {f"{name}.png", f"{name}.svg"} <= written
    json.loads((out / "metrics.json").read_text(), parse_constant=pytest.fail)
    assert "twin" in capsys.readouterr().out
    before = (out / "metrics.json").stat().st_mtime_ns
    assert main(command) == 2
    assert "--force" in capsys.readouterr().err
    assert (out / "metrics.json").stat().st_mtime_ns == before


def test_a_failing_step_leaves_what_was_done_marked_as_incomplete(
    bag: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Evaluation] = []

    def broken(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("visrftwin_ros.evaluation.baselines.umi.UrbanMicro.predict", broken)
    options = replace(QUICK, predictors=("inh", "umi"))
    with pytest.raises(KeyboardInterrupt):
        evaluate(bag, site, options, kept.append)
    assert not metrics_of(kept[-1])["complete"]
    assert [result.name for result in kept[-1].results] == ["inh"]


def test_an_empty_or_missing_bag_is_named(tmp_path: Path, site: Site) -> None:
    (tmp_path / "empty").mkdir()
    for bag in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(TwinError, match=bag.name):
            evaluate(bag, site, QUICK)


def test_paths_that_are_not_numbers_do_not_spoil_a_snapshot(
    folder: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sounded_hall.sounded

    def torn(paths: Multipath, rng: np.random.Generator):  # type: ignore[no-untyped-def]
        seen = whole(paths, rng)
        seen.gain_db[-1] = np.nan
        seen.delay[-2] = np.nan
        return seen

    monkeypatch.setattr(sounded_hall, "sounded", torn)
    bag = record(folder / "torn", site, seconds=1.5)
    found = metrics_of(evaluate(bag, site, replace(QUICK, predictors=("twin_true",))))
    assert found["predictors"]["twin_true"]["errors"]["path_loss_db"]["all"]["median"] < 0.5


def stated(floor_dbm: float, weakest_db: float) -> Snapshot:
    unknown = np.full(50, np.nan)
    paths = MeasuredPaths(unknown, np.linspace(weakest_db, -80, 50), *[unknown] * 5)
    return Snapshot(0, "ap_west", "robot", 60e9, 2e9, paths, floor_dbm)


def test_a_stated_noise_floor_counts_where_gains_are_absolute_and_no_path_contradicts_it(
    site: Site,
) -> None:
    # The access points send 10 dBm.
    assert floors_db([stated(-110, -118)], site, relative=False)[0] == pytest.approx([-120])
    for relative, floor_dbm in ((True, -110), (False, -90), (False, np.nan)):
        floor = floors_db([stated(floor_dbm, -118)], site, relative)[0]
        assert -118 <= floor[0] < -116


def test_the_dynamic_range_is_that_of_the_records_not_of_the_campaign() -> None:
    unknown = np.full(100, np.nan)
    records = [
        Snapshot(
            0,
            "a",
            "b",
            6e10,
            2e9,
            MeasuredPaths(unknown, np.linspace(top - 40, top, 100), *[unknown] * 5),
        )
        for top in (-60.0, -90.0)
    ]
    assert dynamic_range_db(records) == pytest.approx(39.2, abs=0.3)


def test_solved_places_lie_within_reach_of_every_place() -> None:
    line = np.column_stack([np.linspace(0, 1, 101), np.zeros(101), np.ones(101)])
    places = solve_places(line)
    away = np.linalg.norm(line[:, None] - places, axis=2).min(axis=1)
    assert away.max() <= PLACE_SPACING and len(places) < 12


def test_passes_over_a_campaign_share_solves_and_answer_as_without(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = np.array([0.0, 0.02, 1.0])
    apart = sounded_hall.channels(site, times)[1]
    places = solve_places(np.array([sounded_hall.place(t) + [0, 0, 1.2] for t in (*times, 3.0)]))
    solves = Solves(places, tmp_path)
    first = sounded_hall.channels(site, times, solves)[1]

    def refuse(*_: object) -> None:
        raise AssertionError("solved again")

    monkeypatch.setattr("visrftwin_ros.propagation.tracing.cached_solver.solve", refuse)
    again = sounded_hall.channels(site, times, solves)[1]
    assert np.array_equal(first.metrics.path_loss_db, again.metrics.path_loss_db)
    assert np.allclose(first.metrics.path_loss_db, apart.metrics.path_loss_db, atol=0.2)


def test_a_bag_without_cameras_and_lidars_cannot_be_tracked(bag: Path, site: Site) -> None:
    with pytest.raises(TwinError, match="no measurement could be used"):
        evaluate(bag, site, replace(QUICK, predictors=("twin_true",), people="tracked"))


def test_tracks_become_people_who_face_where_they_walk(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracks = Tracks(
        frame=np.array([1, 3]),
        ids=("a", "a"),
        position=np.array([[1.0, 2.0], [1.0, 2.1]]),
        velocity=np.array([[0.0, 1.0], [0.0, 1.0]]),
        height=np.array([1.8, 1.8]),
        score=np.ones(2),
    )
    monkeypatch.setattr(
        "visrftwin_ros.evaluation.tracked_people.track_bag",
        lambda *_, **__: (tracks, 5_000_000_000),
    )
    people = tracked_people(site, Path("bag"))
    half_way = people.at(5_000_000_000 + 125_000_000)
    # Frames are 50 ms apart; 25 ms after the third the person is 25 mm on.
    assert half_way.position[0] == pytest.approx([1.0, 2.125, 0.0])
    assert half_way.heading[0] == pytest.approx(np.pi / 2)
    assert len(people.at(5_000_000_000 + 75_000_000)) == 0


def test_people_are_carried_on_by_their_velocity_and_forgotten_when_old() -> None:
    people = PeopleTimeline([(0, sounded_hall.walker(0.0))])
    assert people.at(100_000_000).position[0, 1] == pytest.approx(1.12)
    assert len(people.at(2_000_000_000)) == 0
