"""What was heard of a graph while something was done to it, held against what must be."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from visrftwin_ros.operations.soak.faults import EVERY, Fault

OUTPUTS = ("channels", "beams")
STALE_WITHIN = 1.0
"""s from a fault to the last fresh output, and how old fresh outputs may be."""
AGAIN_WITHIN = 6.0
"""s from a kill to fresh outputs, of a site whose paths are cached."""
AT_WORK = 0.3
"""s that a node may take between its look at a stamp and its answer."""
AHEAD = 0.5
"""s that a fresh stamp may lie ahead: limit `ahead` of the nodes."""
HEALTHY = 2.0
"""s of fresh outputs before a fault, and for which one is watched after they came again."""


@dataclass(frozen=True)
class Heard:
    """One output. at: s, monotonic, when it was published. age: s from its stamp to then."""

    at: float
    fresh: bool
    age: float


@dataclass
class Record:
    """All that was heard: outputs by name, and (s, `node: subject`, level) where a level changed.

    verdicts: of faults that are over, once each: hours of them are many.
    """

    outputs: dict[str, list[Heard]] = field(default_factory=lambda: {n: [] for n in OUTPUTS})
    told: list[tuple[float, str, int]] = field(default_factory=list)
    verdicts: dict[Done, Verdict] = field(default_factory=dict)

    def heard(self, output: str, since: float, until: float) -> list[Heard]:
        heard = self.outputs[output]
        first = bisect_left(heard, since, key=lambda h: h.at)
        last = bisect_right(heard, until, key=lambda h: h.at)
        return heard[first:last]

    def fresh_times(self, output: str, since: float, until: float) -> list[float]:
        return [h.at for h in self.heard(output, since, until) if h.fresh]

    def longest_gap(self, output: str, since: float, until: float) -> tuple[float, float]:
        """The longest time without a fresh one: (begin, end), s."""
        times = [since, *self.fresh_times(output, since, until), until]
        begin = max(range(len(times) - 1), key=lambda i: times[i + 1] - times[i])
        return times[begin], times[begin + 1]

    def is_healthy(self, since: float, now: float) -> bool:
        """Whether all outputs have been fresh for HEALTHY s, which lie behind `since`."""
        gaps = [self.longest_gap(output, now - HEALTHY, now) for output in self.outputs]
        return now - HEALTHY >= since and all(end - begin < HEALTHY / 2 for begin, end in gaps)

    def is_told(self, begins: str, at: float) -> bool:
        """Whether somebody whose subject begins so complains already."""
        levels = {n: level for when, n, level in self.told if when < at and n.startswith(begins)}
        return any(levels.values())

    def out_of_time(self, since: float, until: float) -> int:
        """Fresh outputs whose stamps say that they are not."""
        return sum(
            h.fresh and not -AHEAD <= h.age <= STALE_WITHIN + AT_WORK
            for output in self.outputs
            for h in self.heard(output, since, until)
        )


@dataclass(frozen=True)
class Done:
    """A fault that was done: from `began` to `ended`, watched until `settled`, s monotonic. For a node
    that was killed or frozen `ended` is when its supervisor started it again, and `worked` the s of
    processor time that it then needed until outputs were fresh; NaN elsewhere."""

    fault: Fault
    began: float
    ended: float
    settled: float
    worked: float = math.nan


@dataclass(frozen=True)
class Verdict:
    """What became of a fault, times in s; NaN where there is none.

    stale_after: from the fault to the last fresh output of those that must end. again_after: to fresh
    ones, from the kill, or from the end of a fault that lasts. named_after: until /diagnostics told; NaN where it
    complained before.
    gap: the longest time without fresh outputs. missed: fresh outputs where there could be none.
    worked: as of Done. wrong: what does not hold, in words.
    """

    stale_after: float
    again_after: float
    named_after: float
    gap: float
    missed: int
    worked: float
    wrong: tuple[str, ...]


def surely_after(fault: Fault, began: float, ended: float) -> float:
    """s from which fresh outputs are of a graph that came back: those that were on their way when a node
    died come out for as long as they may be fresh."""
    return max(ended, began + STALE_WITHIN) if fault.stale else ended


def judged(done: Done, record: Record) -> Verdict:
    """Whether outputs went stale, came again, and were never fresh from what is old."""
    fault, nan = done.fault, math.nan
    since = done.began if fault.of_node else done.ended
    wrong: list[str] = []
    gaps = {o: record.longest_gap(o, done.began, done.settled) for o in OUTPUTS}
    gap = max(end - begin for begin, end in gaps.values())
    stale_after, again_after, missed = nan, nan, record.out_of_time(done.began, done.settled)
    if missed:
        wrong.append(f"{missed} fresh outputs with stamps that are not")
    if fault.stale:
        must_end = done.began + STALE_WITHIN
        late = {o: record.fresh_times(o, must_end, done.ended) for o in fault.stale}
        stale_after = max(_last_fresh(record, o, done) for o in fault.stale)
        number = sum(map(len, late.values()))
        missed += number
        if number:
            wrong.append(f"{number} fresh outputs after {STALE_WITHIN:g} s")
        again_after = max(_again(record, o, done) for o in fault.stale) - since
        if not again_after <= AGAIN_WITHIN + _unseen(done):
            wrong.append(f"fresh again after {again_after:.1f} s")
    named_after = nan
    if fault.named and not any(record.is_told(begins, done.began) for begins in fault.named):
        times = [_told_after(record, done, begins) for begins in fault.named]
        named_after = max(times) if fault.target == EVERY else min(times)
        if math.isinf(named_after):
            wrong.append("nobody told of it")
    return Verdict(stale_after, again_after, named_after, gap, missed, done.worked, tuple(wrong))


def _unseen(done: Done) -> float:
    """s that a frozen node takes to be noticed, which a killed one does not."""
    return done.ended - done.began if done.fault.of_node and done.fault.kind == "freeze" else 0.0


def _last_fresh(record: Record, output: str, done: Done) -> float:
    """s from the fault to the last fresh output before the longest gap."""
    return record.longest_gap(output, done.began, done.settled)[0] - done.began


def _again(record: Record, output: str, done: Done) -> float:
    """When fresh ones came behind the longest gap; infinite where none did."""
    end = record.longest_gap(output, done.began, done.settled)[1]
    return end if record.fresh_times(output, end, end) else math.inf


def _told_after(record: Record, done: Done, begins: str) -> float:
    times = [
        at - done.began
        for at, name, level in record.told
        if level and name.startswith(begins) and done.began <= at <= done.settled
    ]
    return min(times, default=math.inf)


def quiet_gaps(
    record: Record, done: Sequence[Done], began: float, ended: float
) -> list[tuple[float, float]]:
    """(s from the beginning, s long) of times without fresh outputs that no fault explains."""
    found, since = [], began
    for begin, end in [*((d.began, d.settled) for d in done), (ended, ended)]:
        for output in OUTPUTS:
            times = [since, *record.fresh_times(output, since, begin), begin]
            found += [(a - began, b - a) for a, b in pairwise(times) if b - a > STALE_WITHIN]
        since = max(since, end)
    return found
