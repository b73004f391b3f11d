"""Which access points may serve a robot together, and who serves while one of them is changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

NOBODY, NEVER = -1, -2
"""Instead of the number of a group: none serves; that takes more than one change."""
MOST_CONNECTIONS = 2


@dataclass(frozen=True)
class Groups:
    """Of A access points, those that may serve together; the strongest of a group carries.

    members: G groups of rows, ascending. meanwhile: (G, G) the group that serves while one (row) is
    changed for another (column), or NOBODY, or NEVER.
    """

    members: tuple[tuple[int, ...], ...]
    meanwhile: Int[np.ndarray, "g g"]

    def strongest(self, snr_db: NDArray[np.float64]) -> NDArray[np.float64]:
        """(A, ...) SNR of access points -> (G, ...) of each group."""
        return np.stack([snr_db[list(rows)].max(axis=0) for rows in self.members])

    def number(self, rows: Sequence[int]) -> int:
        """Of the group of these access points."""
        return self.members.index(tuple(sorted(rows)))

    def of_strongest(self, snr_db: Float[np.ndarray, " a"]) -> int:
        """The number of the largest group whose members are the strongest; those without a number are the weakest."""
        order = np.argsort(-np.nan_to_num(snr_db, nan=-np.inf), kind="stable")
        return self.number(order[: len(self.members[0])].tolist())

    def change(self, here: int, there: int) -> tuple[int | None, int | None]:
        """Who leaves and who joins between two groups; None for nobody."""
        before, after = set(self.members[here]), set(self.members[there])
        return next(iter(before - after), None), next(iter(after - before), None)


@lru_cache(maxsize=128)
def groups_of(aps: int, connections: int, old_serves: bool) -> Groups:
    """Of that many access points.

    connections: that a robot has at a time, 1 or 2. With two, one is changed while the other serves, and a robot
    that has only one may add another. old_serves: the one that is left serves until the new one does.
    """
    if connections == 1:
        between = np.full((aps, aps), NOBODY)
        if old_serves:
            between[:] = np.arange(aps)[:, None]
        return Groups(tuple((row,) for row in range(aps)), between)
    members = (*combinations(range(aps), 2), *((row,) for row in range(aps)))
    between = np.full((len(members), len(members)), NEVER)
    for here, before in enumerate(members):
        for there, after in enumerate(members):
            kept = set(before) & set(after)
            if here == there or len(after) < 2 or not kept:
                continue
            between[here, there] = here if old_serves else members.index(tuple(kept))
    np.fill_diagonal(between, np.arange(len(members)))
    return Groups(members, between)
