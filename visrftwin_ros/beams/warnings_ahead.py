"""Warnings of what most sampled futures agree on: one at a time of each thing that is watched."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from jaxtyping import Bool, Float

Key = TypeVar("Key")

_LEAST_PROBABILITY = 2 / 3
_FRINGE = 0.15
"""s that what is warned of may pause."""
_SOONEST, _LATEST = 0.1, 0.9
"""Quantiles of the futures between which it is said to begin and end."""


@dataclass(frozen=True)
class Foretold(Generic[Key]):
    """It begins from `begins` and is over by `ends`, told at `at`, all in s of the same clock; probability: share of
    the futures that have it."""

    key: Key
    at: float
    begins: float
    ends: float
    probability: float


@dataclass(frozen=True)
class StandingWarnings(Generic[Key]):
    """standing: by what they are of. happened: when each was last seen to be so [s]."""

    standing: Mapping[Key, Foretold[Key]] = field(default_factory=dict)
    happened: Mapping[Key, float] = field(default_factory=dict)

    def ahead(
        self,
        now: float,
        times: Float[np.ndarray, " h"],
        over: Mapping[Key, Bool[np.ndarray, "m h"]],
        over_now: Collection[Key],
    ) -> tuple[StandingWarnings[Key], tuple[Foretold[Key], ...]]:
        """With a new forecast, and what it warns of anew.

        times: (H,) s ahead, above 0. over: whether it is so, in M futures. over_now: of which it is so now; these are
        not warned of.
        """
        standing, happened, new = dict(self.standing), dict(self.happened), []
        for key, futures in over.items():
            if key in over_now:
                standing.pop(key, None)  # it came: what comes after it needs a warning of its own
                happened[key] = now
                continue
            if now - happened.get(key, -np.inf) <= _FRINGE:
                continue
            last = standing.get(key)
            if last is not None and now <= last.ends:
                continue
            standing.pop(key, None)
            some = futures[futures.any(axis=1)]
            probability = len(some) / len(futures)
            if probability >= _LEAST_PROBABILITY:
                first = times[some.argmax(axis=1)]
                last_time = times[len(times) - 1 - some[:, ::-1].argmax(axis=1)]
                begins = now + float(np.quantile(first, _SOONEST))
                ends = now + float(np.quantile(last_time, _LATEST))
                standing[key] = Foretold(key, now, begins, ends, probability)
                new.append(standing[key])
        return StandingWarnings(standing, happened), tuple(new)
