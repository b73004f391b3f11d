"""What is assumed of the places where fades were measured, none of which published its geometry.

Written down before any model was compared with any fade. A *scene* is one draw of what stood still
during a measurement; each of its crossings draws anew what changed from passer to passer. All draws
are uniform between bounds and seeded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.bodies.surface import CLOTHING

Array = NDArray[np.float64]
Bounds = tuple[float, float]

WALKERS = {"width": (0.40, 0.52), "depth": (0.20, 0.30), "height": (1.55, 1.90)}
"""Metres. Shoulders, chest and stature from the 5th percentile of women to the 95th of men (ANSUR II:
bideltoid breadth, chest depth, stature), 2 cm of clothes on the chest included, arms inside."""
SPEED = (1.0, 1.6)
"""m/s: mean and one standard deviation of walkers, 1.34 +- 0.26 (Weidmann 1993)."""
BELOW_SHOULDERS = 1.45
"""Metres: highest ray at the crossing of who set out to measure blockage by people; shoulders of a
person of 1.75 m stand at 1.43 m."""


@dataclass(frozen=True)
class Prior:
    """Bounds of one measurement.

    A scene: carrier Hz; length of the link m; near, far: antennas over the ground m; share: where on
    the link the walkers' line crosses it; slant: radians of that line off square; lowest, highest:
    the ray's height at the crossing m. A crossing: step: further share, for who walks beside the
    line; turn: further slant; speed m/s; sizes m. links: at once, of one scene's setting.
    vertical: share of scenes with vertical polarisation, the others are horizontal.
    """

    carrier: Bounds
    length: Bounds
    near: Bounds
    far: Bounds
    share: Bounds
    slant: Bounds
    links: int
    crossings: int
    vertical: float
    highest: float = BELOW_SHOULDERS
    lowest: float = 0.0
    step: Bounds = (-0.03, 0.03)
    turn: Bounds = (-0.15, 0.15)
    speed: Bounds = SPEED
    width: Bounds = WALKERS["width"]
    depth: Bounds = WALKERS["depth"]
    height: Bounds = WALKERS["height"]


IMMERSE = Prior(
    # The band of German campus networks; the data do not name their carrier.
    carrier=(24.3e9, 27.5e9),
    # A hall or a test field with three receivers round one track.
    length=(5.0, 15.0),
    # A radio unit on a stand, a wall or a mast; receivers on tables, tripods or vehicles.
    near=(1.0, 2.5),
    far=(0.8, 1.6),
    share=(0.15, 0.85),
    slant=(-0.5, 0.5),
    links=3,
    crossings=91,
    # Base stations of that band send either of two crossed polarisations.
    vertical=0.5,
)
"""One track past three receivers, 91 runs: each receiver has a geometry, the walkers share it."""

CROWD = Prior(
    carrier=(73.5e9, 73.5e9),
    # From one peer to another over an open square.
    length=(5.0, 15.0),
    near=(1.3, 1.7),
    far=(1.3, 1.7),
    # Passers cross anywhere and come from anywhere: what is fixed on a track varies here.
    share=(0.5, 0.5),
    slant=(0.0, 0.0),
    step=(-0.4, 0.4),
    turn=(-1.0, 1.0),
    links=1,
    crossings=90,
    vertical=1.0,
    highest=1.7,
)
"""Antennas of a peer are carried or stand on tripods, between chest and eyes; horns stand upright."""

WALK = Prior(
    # The channel sounder of the paper's authors.
    carrier=(60e9, 60e9),
    length=(4.0, 4.0),
    near=(1.0, 1.7),
    far=(1.0, 1.7),
    # The figure has the walk near the middle.
    share=(0.3, 0.7),
    slant=(-0.2, 0.2),
    links=1,
    crossings=1,
    vertical=1.0,
    speed=(1.2, 1.2),
)
"""One person, one walk: 4 m and 1.2 m/s are printed, nothing else is."""

VEHICLES = Prior(
    carrier=(60e9, 60e9),
    # Across a street of two or three lanes, from kerb to kerb.
    length=(10.0, 20.0),
    near=(1.0, 1.6),
    far=(1.0, 1.6),
    share=(0.3, 0.7),
    slant=(-0.1, 0.1),
    step=(-0.1, 0.1),
    turn=(0.0, 0.0),
    links=1,
    crossings=90,
    vertical=1.0,
    speed=(5.0, 14.0),
    # Small cars to vans, seen from the side: `depth` is along the way, `width` across it.
    width=(1.65, 2.0),
    depth=(3.8, 5.2),
    height=(1.4, 2.0),
    highest=1.6,
)
"""Antennas on tripods, cars and vans at 18 to 50 km/h."""

PRIORS = {"IMMERSE": IMMERSE, "crowd": CROWD, "walk": WALK, "vehicles": VEHICLES}


@dataclass(frozen=True)
class Link:
    """A link along +x from the origin. ends: (2, 1, 3) m. crossing, slant: of the walkers' line."""

    carrier: float
    ends: Array
    share: float
    slant: float
    vertical: bool

    @property
    def length(self) -> float:
        return float(self.ends[1, 0, 0])


@dataclass(frozen=True)
class Crossing:
    """Who crosses, at K places of the way: metres `along` it from the ray."""

    bodies: Bodies
    along: Array


def scene(prior: Prior, seed: int) -> tuple[Link, ...]:
    """The links of one draw."""
    random = np.random.default_rng([seed, 1])
    vertical = bool(random.uniform() < prior.vertical)
    carrier = random.uniform(*prior.carrier)
    found: list[Link] = []
    while len(found) < prior.links:
        length, near, far, share, slant = (
            random.uniform(*bounds)
            for bounds in (prior.length, prior.near, prior.far, prior.share, prior.slant)
        )
        level = near + share * (far - near)
        if prior.lowest <= level <= prior.highest:
            ends = np.array([[[0.0, 0.0, near]], [[length, 0.0, far]]])
            found.append(Link(carrier, ends, share, slant, vertical))
    return tuple(found)


def crossings(prior: Prior, link: Link, seed: int, interval: float, reach: float) -> list[Crossing]:
    """Those of one link: a body every `interval` s from -`reach` to `reach` m beside the ray, facing
    the way it goes, dressed in one of the cloths that the product knows."""
    random = np.random.default_rng([seed, 2])
    found = []
    for _ in range(prior.crossings):
        step, turn, speed, width, depth, height = (
            random.uniform(*bounds)
            for bounds in (
                prior.step, prior.turn, prior.speed, prior.width, prior.depth, prior.height
            )
        )  # fmt: skip
        cloth = str(random.choice(sorted(CLOTHING)))
        # The first place is random within a step: nulls are hit by chance.
        spacing = speed * interval
        along = np.arange(-reach, reach, spacing) + random.uniform(0, spacing)
        course = np.pi / 2 + link.slant + turn
        place = np.clip(link.share + step, 0.05, 0.95) * link.length
        size = (width, depth, height)
        found.append(Crossing(_bodies(place, course, along, speed, size, cloth), along))
    return found


def _bodies(
    place: float,
    course: float,
    along: Array,
    speed: float,
    size: tuple[float, float, float],
    cloth: str,
) -> Bodies:
    count = len(along)
    way = np.array([np.cos(course), np.sin(course), 0.0])
    width, depth, height = (np.full(count, metres) for metres in size)
    return Bodies(
        ids=tuple(f"step{i}" for i in range(count)),
        position=np.array([place, 0.0, 0.0]) + along[:, None] * way,
        velocity=np.tile(speed * way, (count, 1)),
        width=width,
        depth=depth,
        height=height,
        heading=np.full(count, course),
        material=(cloth,) * count,
    )
