"""People as the radio sees them: upright bodies on the ground, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

Values = Float[np.ndarray, " n"]

BODY_WIDTH = 0.45
"""Shoulder breadth of a clothed adult, metres; TR 38.901's human blocker (clause 7.6.4.2) has 0.30."""
BODY_DEPTH = 0.25
BODY_HEIGHT = 1.75


@dataclass(frozen=True)
class Bodies:
    """N upright elliptic cylinders in the world frame.

    ids: N track ids. position: metres, of the foot point. velocity: m/s.
    width, depth, height: metres, width across the shoulders. heading: radians,
    where the person faces, from +x towards +y. material: N names of `materials` entries.
    """

    ids: tuple[str, ...]
    position: Float[np.ndarray, "n 3"]
    velocity: Float[np.ndarray, "n 3"]
    width: Values
    depth: Values
    height: Values
    heading: Values
    material: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def poses(self) -> list[tuple[float, ...]]:
        """What places each body, its size and its stride; equal poses have equal shadows."""
        speed = np.linalg.norm(self.velocity, axis=1)  # walkers' legs are apart
        columns = (self.position, self.width, self.depth, self.height, self.heading, speed)
        return [tuple(row) for row in np.column_stack(columns).tolist()]

    def at(self, position: Float[np.ndarray, "n 3"]) -> Bodies:
        """The same bodies with their feet at `position`."""
        return replace(self, position=position)

    def take(self, rows: Sequence[int] | Int[np.ndarray, " k"]) -> Bodies:
        """The bodies with these indices."""
        index = np.asarray(rows, np.intp)
        return Bodies(
            ids=tuple(self.ids[i] for i in index),
            position=self.position[index],
            velocity=self.velocity[index],
            width=self.width[index],
            depth=self.depth[index],
            height=self.height[index],
            heading=self.heading[index],
            material=tuple(self.material[i] for i in index) if self.material else (),
        )


def nobody() -> Bodies:
    """An empty place."""
    vectors, scalars = np.zeros((0, 3)), np.zeros(0)
    return Bodies((), vectors, vectors, scalars, scalars, scalars, scalars)


def usable(bodies: Bodies) -> tuple[Bodies, tuple[str, ...]]:
    """The bodies that a propagation model can take, and the ids of the others.

    Dropped are poses with NaN or infinity, sizes that are not positive, and every further body
    under an id that already stands for one.
    """
    sizes = np.column_stack([bodies.width, bodies.depth, bodies.height])
    numbers = np.column_stack([bodies.position, sizes, bodies.heading])
    good = np.logical_and(np.isfinite(numbers).all(axis=1), (sizes > 0).all(axis=1))
    kept: dict[str, int] = {}
    for i, name in enumerate(bodies.ids):
        if good[i]:
            kept.setdefault(name, i)
    rows = list(kept.values())
    if len(rows) == len(bodies):
        return bodies, ()
    dropped = tuple(name for i, name in enumerate(bodies.ids) if i not in set(rows))
    return bodies.take(rows), dropped
