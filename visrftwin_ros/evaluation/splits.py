"""Which snapshots may be learnt from: some at random along the drive, and some whole stretches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

STRETCHES = 10
"""Equal parts, by number of moments, that a drive is cut into."""
FOLDS = 10
"""Parts that take turns at being asked while all others are known."""


@dataclass(frozen=True)
class Split:
    """Of N snapshots, (N,). stretch: number of the part of the drive. at_random, whole: may be
    learnt from by those who learn from snapshots drawn one by one, and by those who learn from
    whole stretches. Scored is what neither holds, so that all are judged on the same.
    """

    stretch: Int[np.ndarray, " n"]
    at_random: Bool[np.ndarray, " n"]
    whole: Bool[np.ndarray, " n"]

    @property
    def scored(self) -> Bool[np.ndarray, " n"]:
        """(N,) held out from everybody."""
        return ~(self.at_random | self.whole)


def split(stamp_ns: Int[np.ndarray, " n"], share: float, seed: int) -> Split:
    """`share` of the snapshots at random, and about that share of the stretches; at least one
    snapshot is left to score."""
    count = len(stamp_ns)
    stretch = stretches(stamp_ns)
    rng = np.random.default_rng(seed)
    at_random = np.zeros(count, bool)
    at_random[rng.permutation(count)[: min(round(share * count), count - 1)]] = True
    there = np.unique(stretch)
    whole = np.zeros(count, bool)
    for name in rng.permutation(there)[: round(share * len(there))]:
        more = whole | (stretch == name)
        if not (at_random | more).all():
            whole = more
    return Split(stretch, at_random, whole)


def folds(count: int, seed: int) -> list[Int[np.ndarray, " k"]]:
    """Rows of each of FOLDS parts drawn at random, none of them empty; together all `count`."""
    order = np.random.default_rng(seed).permutation(count)
    return [np.sort(part) for part in np.array_split(order, min(FOLDS, count))]


def stretches(stamp_ns: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """(N,) which of STRETCHES equal parts of the drive each is in; one moment's links share one."""
    moments, number = np.unique(stamp_ns, return_inverse=True)
    return np.asarray(number * min(STRETCHES, len(moments)) // max(len(moments), 1))
