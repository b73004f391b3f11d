"""Warnings that a link is about to fade, from sampled futures of its shadow loss."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from visrftwin_ros.beams.warnings_ahead import StandingWarnings

WARN_DB = 6.0
"""A link is called faded from this loss on."""


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
    """The warnings that stand, each link has one at a time."""

    known: StandingWarnings[int] = field(default_factory=StandingWarnings)

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
        over = np.nan_to_num(loss_db, nan=-np.inf) > WARN_DB
        faded = frozenset(np.flatnonzero(now_db > WARN_DB).tolist())
        known, new = self.known.ahead(now, times, dict(enumerate(over)), faded)
        told = tuple(FadeWarning(w.key, w.at, w.begins, w.ends, w.probability) for w in new)
        return FadeWarnings(known), told
