"""What hand-over policies were worth: a table, a reliability diagram and figures for other programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from visrftwin_ros.evaluation.decision_summary import summary
from visrftwin_ros.evaluation.decisions import (
    AHEAD,
    DRIVING,
    MEANWHILE,
    STANDING,
    Decisions,
    Warned,
)
from visrftwin_ros.evaluation.figures.policies import policy_figure
from visrftwin_ros.evaluation.figures.reliability import reliability_figure
from visrftwin_ros.evaluation.scores.announcements import LEADS
from visrftwin_ros.evaluation.scores.reliability import Reliability, reliability

_LINKS = 6
"""Links or robots over whose warnings false alarms a minute are told."""


def write_report(played: Sequence[Decisions], asked: int, folder: Path, command: str) -> None:
    """Report, pictures and figures of the bags that were played, of so many `asked` for, in a folder that is there."""
    diagrams = service_reliability(played)
    figure = reliability_figure(diagrams, "share that gave the rate")
    figure.savefig(folder / "reliability.png", dpi=120)
    summaries = {meanwhile: summary(played, meanwhile) for meanwhile in MEANWHILE}
    policy_figure(summaries, "twin").savefig(folder / "policies.png", dpi=120)
    (folder / "report.md").write_text(page(played, asked, diagrams, command))
    kept = {
        "command": command,
        "complete": len(played) == asked,
        "policies": [
            {"meanwhile": meanwhile, **vars(line)}
            for meanwhile in MEANWHILE
            for line in summary(played, meanwhile)
        ],
        "warnings": [{"bag": str(one.source), **vars(one.warnings)} for one in played],
        "outages": [
            {"bag": str(one.source), "whose": whose, **vars(told)}
            for one in played
            for whose, told in one.outages.items()
        ],
        "robots": rows(played),
    }
    (folder / "decisions.json").write_text(json.dumps(kept, indent=2) + "\n")


def rows(played: Sequence[Decisions]) -> list[dict[str, object]]:
    """One a bag, robot and policy."""
    return [
        {
            "bag": str(one.source),
            "robot": outcome.robot,
            "policy": outcome.policy,
            "meanwhile": outcome.meanwhile,
            "told": one.told[outcome.policy],
            **vars(outcome.score),
        }
        for one in played
        for outcome in one.outcomes
    ]


def table(played: Sequence[Decisions], meanwhile: str) -> str:
    """Sums over all bags and robots; the share of the gap from reacting to the oracle that each
    policy closes, with the 95 % interval of a bootstrap over bags."""
    lines = [
        "| policy | s out of service | of the gap from react to oracle | regret, s out over the oracle"
        " | mean Gbit/s | hand-overs | useless | missed | bags worse than react |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for line in summary(played, meanwhile):
        low, high = line.closed_interval
        least, most = line.regret_interval
        closed = (
            "no gap" if np.isnan(line.closed) else f"{line.closed:.0%} ({low:.0%} to {high:.0%})"
        )
        lines.append(
            f"| {line.policy} | {line.out:.2f} of {line.seconds:.0f} | {closed} |"
            f" {line.regret:.2f} ({least:.2f} to {most:.2f}) | {line.bits / 1e9:.2f} |"
            f" {line.hand_overs} | {line.useless} | {line.missed} | {line.worse} of {len(played)} |"
        )
    return "\n".join(lines)


def service_reliability(played: Sequence[Decisions]) -> dict[str, Reliability]:
    """Of the forecast that a link gives the needed rate, by how far ahead."""
    made = {}
    for ahead in AHEAD:
        told, came = (np.concatenate([one.served[ahead][i] for one in played]) for i in (0, 1))
        made[f"{ahead:g} s ahead"] = reliability(told, came.astype(bool))
    return made


def page(
    played: Sequence[Decisions], asked: int, diagrams: dict[str, Reliability], command: str
) -> str:
    """The report as Markdown."""
    service = played[0].service
    campaigns = f"{len(played)}" + (
        f" of {asked}, then it was stopped" if len(played) < asked else ""
    )
    robots = len({outcome.robot for one in played for outcome in one.outcomes})
    told = "\n".join(f"- {policy}: {what}" for policy, what in played[0].told.items())
    spread = "\n".join(
        f"| {name} | {one.error:.3f} | {int(one.count.sum())} |" for name, one in diagrams.items()
    )
    tables = "\n\n".join(
        f"## A hand-over takes {service.interruption:g} s in which {meanwhile}\n\n{table(played, meanwhile)}"
        for meanwhile in MEANWHILE
    )
    outages = "\n".join(
        f"- {whose}: {warned_of([one.outages[whose] for one in played], 'robots')}"
        for whose in (STANDING, DRIVING)
    )
    problems = "\n".join(f"- {one.source}: {text}" for one in played for text in one.problems)
    return f"""# What hand-over policies are worth

`{command}`

Campaigns: {campaigns}; robots: {robots}. Out of service is
a robot under {service.rate / 1e9:g} Gbit/s above the MAC. Intervals are 95 %, by a bootstrap over campaigns.

![Policies](policies.png)

{tables}

Useless: a hand-over whose old link would have served for the next 3 s. Missed: an outage that began while
another link would have served. What each policy knows:

{told}

## Warnings of fades

Fades over 10 dB {warned_of([one.warnings for one in played], "links")}

Outages of {service.interruption:g} s and more, in which no access point gives the rate:

{outages}

## Is service as frequent as it is foretold?

Links that are foreseen to give the rate in a share of the futures, measured SNRs blended in, twice a second.

![Reliability](reliability.png)

| | mean distance of what came from what was told | forecasts |
|---|---|---|
{spread}
{f"{chr(10)}## Left out{chr(10)}{chr(10)}{problems}{chr(10)}" if problems else ""}"""


def warned_of(told: Sequence[Warned], whose: str) -> str:
    """How many were announced."""
    events, issued = sum(one.events for one in told), sum(one.warnings for one in told)
    minutes = sum(one.seconds for one in told) / 60
    false = sum(one.false for one in told)
    shares = " / ".join(
        f"{sum(one.announced[i] for one in told)} of {events}" for i in range(len(LEADS))
    )
    leads = " / ".join(f"{lead:g}" for lead in LEADS)
    rate = f"{false / minutes * _LINKS:.2f}" if minutes else "an unknown number of"
    median = [lead for one in told for lead in one.leads]
    before = f", {np.median(median):.1f} s before in the median" if median else ""
    return (
        f"announced {leads} s before their onset: {shares}{before}. {issued} warnings went out,"
        f" {rate} false ones a minute over {_LINKS} {whose}."
    )
