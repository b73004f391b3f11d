"""People and things as the radio sees them: upright bodies, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

Values = Float[np.ndarray, " n"]

BODY_WIDTH = 0.45
"""Shoulder breadth of a clothed adult, metres; TR 38.901's human blocker (clause 7.6.4.2) has 0.30."""
BODY_DEPTH = 0.25
BODY_HEIGHT = 1.75
PERSON, BOX = "person", "box"


@dataclass(frozen=True)
class Bodies:
    """N upright bodies in the world frame: elliptic cylinders (people) and boxes (things).

    ids: N track ids. position: metres, of the foot point, the middle of a box's underside.
    velocity: m/s. width, depth, height: metres, width across the shoulders or across a box's
    heading, depth along it. heading: radians, where a person faces, from +x towards +y.
    material: N names, of a person's surface or of `materials` entries. shape: N times PERSON
    or BOX; empty = all are people.
    """

    ids: tuple[str, ...]
    position: Float[np.ndarray, "n 3"]
    velocity: Float[np.ndarray, "n 3"]
    width: Values
    depth: Values
    height: Values
    heading: Values
    material: tuple[str, ...] = ()
    shape: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def is_box(self) -> Bool[np.ndarray, " n"]:
        return np.array(self.shape or (PERSON,) * len(self)) == BOX

    @cached_property
    def radius(self) -> Values:
        """Metres on the ground from the axis within which all of a body is."""
        round_about = np.maximum(self.width, self.depth) / 2
        return np.where(self.is_box, np.hypot(self.width, self.depth) / 2, round_about)

    def poses(self) -> list[tuple[float, ...]]:
        """What places each body, its size and its stride; equal poses have equal shadows."""
        speed = np.linalg.norm(self.velocity, axis=1)  # walkers' legs are apart
        sizes = (self.width, self.depth, self.height)
        columns = (self.position, *sizes, self.heading, speed, self.is_box)
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
            shape=tuple(self.shape[i] for i in index) if self.shape else (),
        )


def nobody() -> Bodies:
    """An empty place."""
    vectors, scalars = np.zeros((0, 3)), np.zeros(0)
    return Bodies((), vectors, vectors, scalars, scalars, scalars, scalars)


def together(first: Bodies, second: Bodies) -> Bodies:
    """All of both, `first` first; ids may come twice."""
    if not len(second):
        return first
    columns = ("position", "velocity", "width", "depth", "height", "heading")
    both = (first, second)
    return Bodies(
        ids=first.ids + second.ids,
        **{name: np.concatenate([getattr(one, name) for one in both]) for name in columns},
        material=sum((one.material or ("",) * len(one) for one in both), ()),
        shape=sum((one.shape or (PERSON,) * len(one) for one in both), ()),
    )


def usable(bodies: Bodies) -> tuple[Bodies, tuple[str, ...]]:
    """The bodies that a propagation model can take, and the ids of the others.

    Dropped are poses and velocities with NaN or infinity, sizes that are not positive, and every
    further body under an id that already stands for one.
    """
    sizes = np.column_stack([bodies.width, bodies.depth, bodies.height])
    numbers = np.column_stack([bodies.position, bodies.velocity, sizes, bodies.heading])
    good = np.logical_and(np.isfinite(numbers).all(axis=1), (sizes > 0).all(axis=1))
    kept: dict[str, int] = {}
    for i, name in enumerate(bodies.ids):
        if good[i]:
            kept.setdefault(name, i)
    rows = list(kept.values())
    if len(rows) == len(bodies):
        return bodies, ()
    left = np.ones(len(bodies), bool)
    left[rows] = False
    return bodies.take(rows), tuple(bodies.ids[i] for i in np.flatnonzero(left))
