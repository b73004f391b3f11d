"""Sums of what policies were worth, over bags and robots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from visrftwin_ros.evaluation.decisions import TOLD, Decisions


@dataclass(frozen=True)
class PolicySummary:
    """Sums over bags and robots: seconds, out: s. bits: bit/s, mean. closed: share of the gap from
    reacting to the oracle, in s out, and closed_interval: 95 % of a bootstrap over bags; nan where
    there is no gap. regret: s out over the oracle, and its interval. worse: bags in which it was out
    for longer than reacting."""

    policy: str
    told: str
    seconds: float
    out: float
    closed: float
    closed_interval: tuple[float, float]
    regret: float
    regret_interval: tuple[float, float]
    bits: float
    hand_overs: int
    useless: int
    missed: int
    worse: int


_DRAWS = 2000


def summary(played: Sequence[Decisions], meanwhile: str) -> list[PolicySummary]:
    """One a policy; meanwhile: as of Outcome."""
    by_bag = [[o for o in one.outcomes if o.meanwhile == meanwhile] for one in played]
    out = {
        policy: np.array([sum(o.score.out for o in bag if o.policy == policy) for bag in by_bag])
        for policy in TOLD
    }
    draws = np.random.default_rng(7).integers(0, len(played), (_DRAWS, len(played)))
    react_out, oracle_out = out["react at 3 dB"], out["oracle"]
    lines = []
    for policy, told in TOLD.items():
        mine = [o.score for bag in by_bag for o in bag if o.policy == policy]
        seconds = sum(score.seconds for score in mine)
        over_draws = _closed(*(x[draws].sum(axis=1) for x in (out[policy], react_out, oracle_out)))
        known = over_draws[np.isfinite(over_draws)]
        regret = np.quantile((out[policy] - oracle_out)[draws].sum(axis=1), (0.025, 0.975))
        interval = np.quantile(known, (0.025, 0.975)) if len(known) else np.full(2, np.nan)
        lines.append(
            PolicySummary(
                policy=policy,
                told=told,
                seconds=seconds,
                out=float(out[policy].sum()),
                closed=float(_closed(*(x.sum() for x in (out[policy], react_out, oracle_out)))),
                closed_interval=(float(interval[0]), float(interval[1])),
                regret=float((out[policy] - oracle_out).sum()),
                regret_interval=(float(regret[0]), float(regret[1])),
                bits=sum(score.bits * score.seconds for score in mine) / seconds,
                hand_overs=sum(score.hand_overs for score in mine),
                useless=sum(score.useless for score in mine),
                missed=sum(score.missed for score in mine),
                worse=int((out[policy] > react_out + 1e-9).sum()),
            )
        )
    return lines


def _closed(mine: np.ndarray, reacting: np.ndarray, best: np.ndarray) -> np.ndarray:
    gap = np.asarray(reacting - best, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(gap > 0, (reacting - mine) / gap, np.nan))
