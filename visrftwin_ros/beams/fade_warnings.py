"""Warnings that a link is about to fade, from sampled futures of its shadow loss."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

WARN_DB = 6.0
"""A link is called faded from this loss on."""
_LEAST_PROBABILITY = 2 / 3
_FRINGE = 0.15
"""s that a loss may dip within one fade."""
_SOONEST, _LATEST = 0.1, 0.9
"""Quantiles of the futures between which a fade is said to begin and end."""


@dataclass(frozen=True)
class FadeWarning:
    """Of one link: issued at `at`, the fade begins from `begins` and is over by `ends`, all in s of
    the same clock; probability: share of the futures with a fade."""

    link: int
    at: float
    begins: float
    ends: float
    probability: float


@dataclass(frozen=True)
class FadeWarnings:
    """The warnings that stand, by link, each link has one at a time; faded: when each link was last
    seen to be [s]."""

    standing: Mapping[int, FadeWarning] = field(default_factory=dict)
    faded: Mapping[int, float] = field(default_factory=dict)

    def ahead(
        self,
        now: float,
        times: Float[np.ndarray, " h"],
        loss_db: Float[np.ndarray, "l m h"],
        now_db: Float[np.ndarray, " l"],
    ) -> tuple[FadeWarnings, tuple[FadeWarning, ...]]:
        """With a new forecast, and what it warns of anew.

        times: (H,) s ahead, above 0. loss_db: (L, M, H) of M futures, NaN where a link has no path.
        now_db: (L,) loss now; a link that is faded is not warned of.
        """
        standing, faded, new = dict(self.standing), dict(self.faded), []
        over = np.nan_to_num(loss_db, nan=-np.inf) > WARN_DB
        probability = over.any(axis=2).mean(axis=1)
        for link in range(len(loss_db)):
            if now_db[link] > WARN_DB:
                standing.pop(link, None)  # it came: what comes after it needs a warning of its own
                faded[link] = now
                continue
            if now - faded.get(link, -np.inf) <= _FRINGE:
                continue
            last = standing.get(link)
            if last is not None and now <= last.ends:
                continue
            standing.pop(link, None)
            if probability[link] >= _LEAST_PROBABILITY:
                begins, ends = _interval(times, over[link])
                warning = FadeWarning(link, now, now + begins, now + ends, float(probability[link]))
                standing[link] = warning
                new.append(warning)
        return FadeWarnings(standing, faded), tuple(new)


def _interval(times: Float[np.ndarray, " h"], over: np.ndarray) -> tuple[float, float]:
    """When the fade begins and is over [s ahead], over the futures that have one."""
    some = over[over.any(axis=1)]
    first = times[some.argmax(axis=1)]
    last = times[len(times) - 1 - some[:, ::-1].argmax(axis=1)]
    return float(np.quantile(first, _SOONEST)), float(np.quantile(last, _LATEST))
