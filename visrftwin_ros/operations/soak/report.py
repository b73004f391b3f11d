"""What a soak found, as soak.json, as tables to read and as a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from visrftwin_ros.operations.soak.growth import (
    LONG_WARM_UP,
    WARM_UP,
    Growth,
    Reading,
    growth_of,
)
from visrftwin_ros.operations.soak.judging import (
    AGAIN_WITHIN,
    STALE_WITHIN,
    Done,
    Record,
    Verdict,
    judged,
    quiet_gaps,
)

QUANTITIES = ("rss", "own", "fds", "threads", "blocks")
"""That must not grow; PSS changes with other processes, and is only shown."""
MOST_GROWTH, OF_THE_VIEWER = 0.01, 0.03
"""Of its mean an hour that the upper end of a slope's interval may be."""
JUDGED_FROM = 3600.0
"""s; a shorter soak cannot tell so small a growth, and only reports it."""


@dataclass(frozen=True)
class Soak:
    """All that was done and seen. seconds: how long it ran; load: of the machine, mean and cores.

    calls: look-ups and connections elsewhere, None where they could not be counted.
    """

    about: dict[str, Any]
    began: float
    ended: float
    done: Sequence[Done]
    record: Record
    readings: Sequence[Reading]
    load: float
    cores: int
    restarts: int
    calls: list[str] | None
    left_out: Sequence[str]

    @property
    def seconds(self) -> float:
        return self.ended - self.began

    def verdicts(self) -> list[Verdict]:
        known = self.record.verdicts
        for done in self.done:
            if done not in known:
                known[done] = judged(done, self.record)
        return [known[done] for done in self.done]

    def gaps(self) -> list[tuple[float, float]]:
        """Of freshness that no fault explains: (s from the beginning, s long)."""
        return quiet_gaps(self.record, self.done, self.began, self.ended)

    def growth(self) -> dict[str, dict[str, Growth]]:
        """By node and quantity."""
        nodes = dict.fromkeys(reading.node for reading in self.readings)
        own = {node: [r for r in self.readings if r.node == node] for node in nodes}
        warm_up = LONG_WARM_UP if self.seconds >= JUDGED_FROM else WARM_UP
        return {n: {q: growth_of(own[n], q, warm_up) for q in QUANTITIES} for n in nodes}

    def faulty(self) -> list[str]:
        """What does not hold; nothing where all targets do."""
        found = [
            f"{done.fault.kind} of {done.fault.target}: {'; '.join(verdict.wrong)}"
            for done, verdict in zip(self.done, self.verdicts(), strict=True)
            if verdict.wrong
        ]
        if gaps := self.gaps():
            lost = sum(long for _, long in gaps)
            found.append(f"{len(gaps)} times stale without a fault, {lost:.1f} s in all")
        found += [f"{node} was left out" for node in self.left_out]
        if self.calls:
            found.append(f"{len(self.calls)} look-ups or connections elsewhere")
        if self.seconds >= JUDGED_FROM:
            found += [
                f"{node}: {quantity} may grow by {100 * growth.upper:.1f} % an hour"
                for node, of_node in self.growth().items()
                for quantity, growth in of_node.items()
                if growth.upper > (OF_THE_VIEWER if "viewer" in node else MOST_GROWTH)
            ]
        return found


def write(soak: Soak, out: Path) -> None:
    """soak.json and soak.md, in a folder that is there."""
    faults = [
        {"at_s": round(done.began - soak.began, 2), "kind": done.fault.kind,
         "target": done.fault.target, "lasted_s": round(done.ended - done.began, 2),
         **{k: _finite(v) for k, v in asdict(verdict).items()}}
        for done, verdict in zip(soak.done, soak.verdicts(), strict=True)
    ]  # fmt: skip
    content = {
        **soak.about,
        "seconds": round(soak.seconds, 1),
        "load": round(soak.load, 2),
        "cores": soak.cores,
        "restarts": soak.restarts,
        "calls": soak.calls,
        "faults": faults,
        "stale_without_fault_s": [[round(at, 2), round(long, 2)] for at, long in soak.gaps()],
        "growth": {
            node: {q: {k: _finite(v) for k, v in asdict(g).items()} for q, g in of_node.items()}
            for node, of_node in soak.growth().items()
        },
        "faulty": soak.faulty(),
    }
    (out / "soak.json").write_text(json.dumps(content, indent=1) + "\n")
    (out / "soak.md").write_text(text(soak) + "\n")


def text(soak: Soak) -> str:
    """The tables and what does not hold, in Markdown."""
    faulty = soak.faulty()
    calls = "not counted: no C compiler" if soak.calls is None else str(len(soak.calls))
    lines = [
        f"{soak.seconds / 60:.1f} min of site {soak.about['site']}, seed {soak.about['seed']}: "
        f"{len(soak.done)} faults, {soak.restarts} restarts, look-ups and connections elsewhere: {calls}. "
        f"Load of the machine {soak.load:.1f} on {soak.cores} cores.",
        "",
        *target_table(soak),
        "",
        "Does not hold:" if faulty else "All holds.",
        "",
        *(f"- {line}" for line in faulty),
        "",
        *fault_table(soak),
        "",
        *growth_table(soak),
    ]
    return "\n".join(lines)


def target_table(soak: Soak) -> list[str]:
    """What must be beside what was, the worst of it."""
    pairs = list(zip(soak.done, soak.verdicts(), strict=True))
    kills = [v.again_after for d, v in pairs if d.fault.kind == "kill" and d.fault.stale]
    stale = [v.stale_after for d, v in pairs if d.fault.stale]
    late = sum(v.missed for _, v in pairs)
    untold = sum("nobody told of it" in v.wrong for _, v in pairs)
    named = sum(bool(d.fault.named) for d, _ in pairs)
    gaps = soak.gaps()
    lost = sum(long for _, long in gaps)
    calls = "not counted" if soak.calls is None else str(len(soak.calls))
    rows = [
        (
            "stale after a fault that leaves nothing to know by",
            f"{STALE_WITHIN:.0f} s",
            _worst(stale),
        ),
        ("fresh again after a kill", f"{AGAIN_WITHIN:.0f} s", _worst(kills)),
        ("fresh outputs from what is old", "0", str(late)),
        ("faults of sensors that /diagnostics did not tell of", "0", f"{untold} of {named}"),
        ("times stale without a fault", "0", f"{len(gaps)}, {lost:.1f} s in all"),
        ("look-ups and connections elsewhere", "0", calls),
    ]
    return ["| what | at most | was |", "|---|---|---|", *(f"| {' | '.join(r)} |" for r in rows)]


def fault_table(soak: Soak) -> list[str]:
    """A row for each fault and target; of several the worst. Own work: processor time of the process
    that was started again. ok: that many of so many hold."""
    rows = [
        f"| fault | of | stale after (<= {STALE_WITHIN:.0f} s) | told of after | longest without fresh |"
        f" fresh again after (kill: <= {AGAIN_WITHIN:.0f} s) | of it own work | fresh from old | ok |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    together: dict[tuple[str, str], list[Verdict]] = {}
    for done, verdict in zip(soak.done, soak.verdicts(), strict=True):
        together.setdefault((done.fault.target, done.fault.kind), []).append(verdict)
    for (target, kind), verdicts in sorted(together.items()):
        cells = [
            kind,
            target,
            _worst([v.stale_after for v in verdicts]),
            _worst([v.named_after for v in verdicts]),
            _worst([v.gap for v in verdicts]),
            _worst([v.again_after for v in verdicts]),
            _worst([v.worked for v in verdicts]),
            str(sum(v.missed for v in verdicts)),
            f"{sum(not v.wrong for v in verdicts)} of {len(verdicts)}",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def growth_table(soak: Soak) -> list[str]:
    """A row a node: means, and slopes an hour with their 95 % intervals."""
    rows = [
        "| node | RSS, MB | % an hour | PSS, MB | own memory, MB | % an hour | file descriptors, % an hour |"
        " threads, % an hour | Python blocks, thousands | % an hour |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for node, of in soak.growth().items():
        pss = np.mean([reading.pss for reading in soak.readings if reading.node == node])
        cells = [
            node,
            f"{of['rss'].mean / 1e6:.0f}",
            _slope(of["rss"]),
            f"{pss / 1e6:.0f}",
            f"{of['own'].mean / 1e6:.0f}",
            _slope(of["own"]),
            *(
                f"{of[quantity].mean:.1f}, {_slope(of[quantity])}"
                for quantity in ("fds", "threads")
            ),
            f"{of['blocks'].mean / 1e3:.0f}",
            _slope(of["blocks"]),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def draw(soak: Soak, file: Path) -> None:
    """Memory of each process over time, faults as ticks at the bottom."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    for node in dict.fromkeys(reading.node for reading in soak.readings):
        own = [reading for reading in soak.readings if reading.node == node]
        times = np.array([reading.at - soak.began for reading in own]) / 60.0
        memory = np.array([reading.pss for reading in own]) / 1e6
        begins = np.flatnonzero(np.diff([reading.pid for reading in own])) + 1
        times, memory = (np.insert(v, begins, np.nan) for v in (times, memory))
        axes.plot(times, memory, lw=1.2, label=node)
    at = [(done.began - soak.began) / 60.0 for done in soak.done]
    axes.plot(at, np.zeros(len(at)), "|", color="black", ms=8, label="faults")
    axes.set(xlabel="minutes", ylabel="proportional memory (PSS), MB", ylim=(0, None))
    axes.legend(fontsize=7, ncols=2)
    figure.savefig(file, dpi=110)


def _slope(growth: Growth) -> str:
    if not growth.samples:
        return "-"
    if growth.upper - growth.lower < 1e-9 and abs(growth.slope) < 1e-9:
        return "flat"
    if math.isinf(growth.upper):
        return f"{100 * growth.slope:+.1f}, not to be told"
    return f"{100 * growth.slope:+.1f} [{100 * growth.lower:+.1f}, {100 * growth.upper:+.1f}]"


def _worst(seconds: list[float]) -> str:
    kept = [value for value in seconds if not math.isnan(value)]
    if not kept:
        return "-"
    return f"{max(kept):.1f} s" if math.isfinite(max(kept)) else "never"


def _finite(value: object) -> object:
    """JSON has neither NaN nor infinity."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value
