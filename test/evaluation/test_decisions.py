"""Policies on courses whose future is known, and the report of what they were worth."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from visrftwin_ros.beams.hand_over_plan import LinksAhead, Service
from visrftwin_ros.beams.mcs_table import noise_dbm
from visrftwin_ros.campaign.snapshot import Campaign, MeasuredPaths, TrueChannel
from visrftwin_ros.commands.decide import NAME
from visrftwin_ros.evaluation.decision_report import service_reliability, table, write_report
from visrftwin_ros.evaluation.decision_summary import summary
from visrftwin_ros.evaluation.decisions import (
    AHEAD,
    DRIVING,
    MEANWHILE,
    STANDING,
    TOLD,
    Decisions,
    Outcome,
    Warned,
    true_snrs_db,
)
from visrftwin_ros.evaluation.drives import Drive
from visrftwin_ros.evaluation.observed_people import RATE
from visrftwin_ros.evaluation.policies import advised, service_told, two_windows
from visrftwin_ros.evaluation.scores.service import (
    Course,
    ServiceScore,
    oracle,
    play,
    react,
    service_score,
)
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import AntennaArray, Radio, Robot

RADIO, SERVICE = Radio(), Service()
STEP, SECONDS = 0.05, 10.0
TIME = STEP * np.arange(round(SECONDS / STEP))
FADE = slice(round(5 / STEP), round(7 / STEP))
SHIPPED = "two minutes: VISRFTWIN_DECIDE=1 asks for it"


def course() -> Course:
    """`a` fades from 5 to 7 s, `b` never."""
    snr = np.full((2, len(TIME)), 25.0)
    snr[1] -= 2.0
    snr[0, FADE] = -10.0
    return Course("r", ("a", "b"), TIME, snr)


def foreseen(made: Course) -> list[LinksAhead | None]:
    """The truth, as a forecast of two futures."""
    ahead = STEP * np.arange(61)
    found: list[LinksAhead | None] = []
    for k in range(round(SECONDS * RATE)):
        rows = np.minimum(round(k / RATE / STEP) + np.arange(61), len(TIME) - 1)
        found.append(LinksAhead(("b", "a"), ahead, np.repeat(made.snr_db[::-1, None, rows], 2, 1)))
    return found


def out(policy) -> float:
    made = course()
    return service_score(made, play(made, 0, policy, RADIO, SERVICE), RADIO, SERVICE).out


@pytest.mark.parametrize("policy", [two_windows, advised])
def test_policies_that_know_the_fade_are_as_good_as_the_oracle(policy) -> None:
    made = course()
    best = service_score(made, oracle(made, 0, RADIO, SERVICE), RADIO, SERVICE).out
    found = out(policy(made, foreseen(made), made.snr_db, RADIO, SERVICE))
    assert best == pytest.approx(0.3) and found == pytest.approx(best)
    assert out(react(made.snr_db, SERVICE)) >= best


@pytest.mark.parametrize("policy", [two_windows, advised])
def test_without_a_forecast_they_stay(policy) -> None:
    made = course()
    nothing: list[LinksAhead | None] = [None] * round(SECONDS * RATE)
    assert out(policy(made, nothing, made.snr_db, RADIO, SERVICE)) == pytest.approx(2.0)


def test_service_that_is_foreseen_exactly_is_told_as_it_comes() -> None:
    made = course()
    told, came = service_told(made, foreseen(made), made.snr_db, 1.0, RADIO, SERVICE)
    assert len(told) == len(came) == 2 * 18
    assert (told == came).all() and 0 < came.mean() < 1


def test_recoveries_are_told_with_doubt_where_the_old_link_serves() -> None:
    made, seamless = course(), Service(old_serves=True)
    told, came = service_told(made, foreseen(made), made.snr_db, 1.0, RADIO, seamless)
    doubted = told != came
    assert came[doubted].all() and 0 < doubted.sum() < 4


def test_a_robots_plan_is_where_it_will_be() -> None:
    def channel(k: int) -> TrueChannel:
        at = np.array([1.0 + 0.05 * k, 2.0, 1.2])
        return TrueChannel(
            k * 50_000_000, "a", "r", 90, 0, 0, 0, 0, True, rx_position=at, rx_yaw=0.1
        )

    campaign = Campaign(Path("bag"), {}, (), truth_channels=tuple(map(channel, range(101))))
    drive = Drive.of(campaign, Robot(name="r", antenna_height=1.2))
    assert drive is not None and Drive.of(campaign, Robot(name="other")) is None
    pose = drive.pose(1_025_000_000)
    np.testing.assert_allclose(pose.position, [2.025, 2, 0], atol=1e-9)
    assert pose.yaw == pytest.approx(0.1)
    plan = drive.plan(1_000_000_000)
    assert plan is not None
    places, _ = plan.ahead(1.0, np.array([2.0, 2.0]), 0.0, 0.0)
    np.testing.assert_allclose(places[4], [3.0, 2.0], atol=1e-6)  # a second later, at 1 m/s
    assert drive.plan(6_000_000_000) is None


def played(react_out: float, twin_out: float) -> Decisions:
    """Of one bag; the oracle is out for 1 s."""
    outs = {"react at 3 dB": react_out, "oracle": 1.0, "twin": twin_out}
    outcomes = tuple(
        Outcome(
            "r", policy, ServiceScore(60.0, outs.get(policy, 5.0) - less, 2e9, 3, 1, 1), meanwhile
        )
        for less, meanwhile in zip((0.0, 0.5, 1.0), MEANWHILE, strict=True)
        for policy in TOLD
    )
    served = {a: (np.array([0.2, 0.9]), np.array([False, True])) for a in AHEAD}
    return Decisions(
        Path("bag"),
        SERVICE,
        TOLD,
        outcomes,
        served,
        Warned(360, 4, (3, 2), 9, 6),
        {STANDING: Warned(60, 2, (1, 0), 3, 1, (0.7,)), DRIVING: Warned()},
        ("left out",),
    )


def test_the_report_sums_over_bags_with_intervals(tmp_path: Path) -> None:
    bags = [played(3.0, 1.5), played(5.0, 2.0), played(4.0, 4.5)]
    lines = {line.policy: line for line in summary(bags, "nobody serves")}
    assert lines["twin"].out == 8.0 and lines["twin"].closed == pytest.approx(4 / 9)
    assert lines["twin"].regret == 5.0 and lines["twin"].worse == 1
    low, high = lines["twin"].regret_interval
    assert 1.5 <= low < 5.0 < high <= 10.5
    assert lines["oracle"].regret_interval == (0.0, 0.0)
    seamless = {line.policy: line for line in summary(bags, "the old link serves")}
    assert seamless["twin"].out == 6.5 and seamless["twin"].seconds == lines["twin"].seconds
    write_report(bags, 3, tmp_path, f"visrftwin {NAME} bag")
    text = (tmp_path / "report.md").read_text()
    assert all(table(bags, meanwhile) in text for meanwhile in MEANWHILE)
    assert "- bag: left out" in text and f"visrftwin {NAME} bag" in text
    assert "announced 0.5 / 1 s before their onset: 9 of 12 / 6 of 12" in text
    assert "27 warnings went out, 6.00 false ones a minute over 6 links" in text
    kept = json.loads((tmp_path / "decisions.json").read_text())
    assert (
        f"- {STANDING}: announced 0.5 / 1 s before their onset: 3 of 6 / 0 of 6, 0.7 s before in the"
        " median." in text
    )
    assert f"- {DRIVING}: announced 0.5 / 1 s before their onset: 0 of 0" in text
    assert len(kept["robots"]) == 9 * len(TOLD) and len(kept["policies"]) == 3 * len(TOLD)
    assert (tmp_path / "reliability.png").stat().st_size > 5000
    assert (tmp_path / "policies.png").stat().st_size > 5000
    assert service_reliability(bags)["1 s ahead"].error == pytest.approx(0.15)


def test_ctrl_c_keeps_the_bags_that_were_played_and_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from visrftwin_ros import cluster
    from visrftwin_ros.cli import main

    def stopped(*_: object) -> Iterator[Decisions]:
        yield played(3.0, 1.5)
        raise KeyboardInterrupt

    monkeypatch.setattr(cluster, "each", stopped)
    out = tmp_path / "decided"
    assert main(["decide", "one", "two", "--site", "lobby", "--out", str(out)]) == 130
    assert f"stopped; {out} holds the first 1 of 2 bags" in capsys.readouterr().err
    assert json.loads((out / "decisions.json").read_text())["complete"] is False
    assert "Campaigns: 1 of 2, then it was stopped" in (out / "report.md").read_text()


@pytest.mark.skipif(not os.environ.get("VISRFTWIN_DECIDE"), reason=SHIPPED)
def test_the_shipped_bag_is_decided_whole(tmp_path: Path) -> None:
    from visrftwin_ros.cli import main
    from visrftwin_ros.lab import shipped

    folder = tmp_path / "decided"
    assert main(["decide", str(shipped.BAG), "--site", shipped.SITE, "--out", str(folder)]) == 0
    kept = json.loads((folder / "decisions.json").read_text())
    assert {row["robot"] for row in kept["robots"]} == {
        "sounder_robot",
        "robot_guide",
        "robot_cleaner",
    }
    outs = {line["policy"]: line["out"] for line in kept["policies"]}
    assert outs["oracle"] == min(outs.values())


def test_radios_of_the_truth_keep_their_pair_until_they_sweep_again() -> None:
    """A path leaves on the axis of one of eight columns' beams, then of another, at a zero of the first:
    cosines 0.125 and 0.625 of eight elements half a wavelength apart."""
    site = load_site("lobby")
    ap, robot = site.access_points[0], site.robots[0]
    row, single = (AntennaArray(rows=1, columns=n) for n in (8, 1))
    ap = ap.model_copy(update={"yaw": 0.0, "pitch": 0.0, "array": row})
    robot = robot.model_copy(update={"array": single})

    def channel(k: int) -> TrueChannel:
        one, nothing = np.ones(1), np.zeros(1)
        out = np.arcsin((0.125, 0.625)[k % 2]) * one
        found = MeasuredPaths(
            delay=1e-8 * one,
            gain_db=-80.0 * one,
            phase=np.nan * one,
            aod_azimuth=out,
            aod_elevation=nothing,
            aoa_azimuth=nothing,
            aoa_elevation=nothing,
        )
        return TrueChannel(
            k * 50_000_000, ap.name, robot.name, 80, 0, 0, 0, 0, True,
            rx_position=np.array([1.0, 1.0, 1.0]), rx_yaw=0.0, paths=found,
        )  # fmt: skip

    def snrs(period: float) -> list[float]:
        radio = site.radio.model_copy(update={"beam_sweep_period": period})
        there = site.model_copy(update={"access_points": [ap], "robots": [robot], "radio": radio})
        return true_snrs_db([channel(k) for k in range(4)], ap.name, there)

    best = ap.tx_power_dbm - 80.0 + 10 * np.log10(8) - noise_dbm(site.radio)
    assert snrs(0.0) == pytest.approx([best] * 4)
    held = snrs(0.11)  # swept at the first and the fourth of 0, 50, 100 and 150 ms
    assert [held[0], held[2], held[3]] == pytest.approx([best] * 3)
    assert held[1] < best - 100
