"""Sequences of surfaces and edges, by which paths are known wherever their ends are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from visrftwin_ros.propagation.paths.path_set import (
    DIFFRACTION,
    DIFFUSE,
    PathSet,
    concatenated,
    empty,
)

_SAME_PLACE = 1e-2
"""Metres and unit-vector parts: planes and edges of one surface closer than this are the same."""
_MOST_LENT = 500
"""Sequences kept of each access point, the strongest."""


class SequencePool:
    """Every sequence seen from an access point, by whichever receiver: others may see it next.

    Not those of diffuse reflections, which are random, and with other bounces beside a
    diffraction, which are many and weak.
    """

    def __init__(self, transmitters: tuple[str, ...], depth: int) -> None:
        self._transmitters = transmitters
        self._known = empty(tuple((name, "") for name in transmitters), depth)

    def completed(self, found: PathSet) -> PathSet:
        """`found`, of links (transmitter, receiver) with transmitters first, plus what it lacks.

        The paths added have their vertices at another receiver: they are to be replayed.
        """
        receivers = len(found.links) // max(len(self._transmitters), 1)
        if not receivers:
            return found
        self.learn(found)
        lent = [
            replace(self._known, links=found.links, link=self._known.link * receivers + r)
            for r in range(receivers)
        ]
        everything = concatenated([replace(part, links=()) for part in (found, *lent)])
        everything = replace(everything, links=found.links)
        random = (everything.interactions == DIFFUSE).any(axis=1)
        own = np.arange(len(everything)) < len(found)
        new = new_sequences(everything, np.flatnonzero(own & ~random), np.flatnonzero(~own))
        rows = np.concatenate([np.flatnonzero(own), new])
        return everything.select(rows[np.argsort(everything.link[rows], kind="stable")])

    def learn(self, found: PathSet) -> None:
        """Keeps the sequences of `found`, of links (transmitter, receiver)."""
        receivers = len(found.links) // max(len(self._transmitters), 1)
        found = replace(found, links=self._known.links, link=found.link // max(receivers, 1))
        bent = (found.interactions == DIFFRACTION).any(axis=1)
        fit = ~(found.interactions == DIFFUSE).any(axis=1) & (~bent | (found.n_vertices == 3))
        links = self._known.links
        both = concatenated([replace(self._known, links=()), replace(found.select(fit), links=())])
        both = replace(both, links=links)
        nothing = np.zeros(0, np.intp)
        # The strongest first: it is the one that is kept.
        order = np.argsort(-both.power, kind="stable")
        rows = order[new_sequences(both.select(order), nothing, np.arange(len(both)))]
        rows = rows[np.lexsort((-both.power[rows], both.link[rows]))]
        rank = np.arange(len(rows)) - np.searchsorted(both.link[rows], both.link[rows])
        self._known = both.select(rows[rank < _MOST_LENT])


def each_sequence_once(paths: PathSet) -> PathSet:
    """`paths` with every sequence of planes and edges once; those with a diffuse reflection all stay.

    Between two ends a sequence has one place. The solver now and then finds it several times,
    millimetres apart, which on turned furniture made a link 0.45 dB too strong.
    """
    random = (paths.interactions == DIFFUSE).any(axis=1)
    once = new_sequences(paths, np.zeros(0, np.intp), np.flatnonzero(~random))
    return paths.select(np.sort(np.concatenate([np.flatnonzero(random), once])))


def new_sequences(
    paths: PathSet, own: Int[np.ndarray, " a"], others: Int[np.ndarray, " b"]
) -> Int[np.ndarray, " k"]:
    """Those of the rows `others` with a sequence of surfaces and edges that `own` lacks, once."""
    # Two grids, half a cell apart, as in `without_duplicates`: a path twice has twice the power.
    for shift in (0.0, 0.5):
        key = _sequence_key(paths.select(np.concatenate([own, others])), shift)
        first = np.unique(key, axis=0, return_index=True)[1]
        others = others[np.sort(first[first >= len(own)]) - len(own)]
    return others


def _sequence_key(paths: PathSet, shift: float) -> Int[np.ndarray, "p columns"]:
    """(P, .) whole numbers that are equal for paths over the same planes and edges in order."""
    points, normals = paths.vertices[:, 1:-1], paths.normals
    along = (points * normals).sum(axis=2, keepdims=True)
    edge = (paths.interactions == DIFFRACTION)[..., None]
    active = (paths.interactions > 0)[..., None]
    # A plane is known by its normal and offset, an edge by its direction and its foot point.
    place = np.where(edge, points - along * normals, along * normals)
    numbers = np.concatenate([place, normals], axis=2) * active / _SAME_PLACE + shift
    flat = np.round(numbers).reshape(len(paths), 6 * paths.depth)
    return np.column_stack(
        [paths.link, paths.interactions, paths.objects, flat.astype(np.int64)]
    ).astype(np.int64)
