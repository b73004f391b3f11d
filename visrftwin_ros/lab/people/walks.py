"""Who walks where: ways over a world's floor, drawn from a seed, for any time.

Speeds and stops are plausible for a public room: free walking speeds of 0.8 to 1.5 m/s (Bohannon,
"Comfortable and maximum walking speed of adults aged 20-79 years", Age and Ageing 1997).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter1d

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.world.floor_plan import Ways, floor_plan
from visrftwin_ros.lab.world.world import World

TICK = 0.02
"""Seconds between the rows of a walk's table; between them it is straight."""
SPEEDS = (0.8, 1.5)
MATERIALS = ("cotton", "denim", "wool", "synthetic")
"""What people wear outermost: entries of `bodies.surface.CLOTHING`."""
_VISIT = (0.75, 1.2)
"""Metres from a robot at which those stand who come up to it."""
_GAP = 0.4
"""Metres from a person's centre to furniture; the rounding of corners takes up to a tenth of it."""
_BESIDE = 0.33
"""Metres from the middle of a pair to each."""
_APART = 0.75
"""Metres between people that their plans keep where they can."""
_BODIES_APART = 0.55
"""Metres at which a walk is good enough not to draw another one."""
_DRAWS = 25
_ROUNDING = 0.25
"""Seconds, standard deviation of the filter that makes turns and starts smooth."""
_WALK_RATIO = 0.0064
"""Metres per (step/min): step length over cadence is nearly the same for all adults and speeds
(Sekiya et al., "The invariant relationship between step length and step rate during free walking",
J. Human Movement Studies 1996)."""

Moving = Callable[[Float[np.ndarray, " t"]], Float[np.ndarray, "t 2"]]


@dataclass(frozen=True)
class Walks:
    """N people's walks.

    ids: names. position: (T, N, 2) metres at multiples of `TICK` from time 0. heading: (T, N) rad,
    unwrapped. phase: (T, N) of the gait, rad, 2 pi a stride. height, width, depth: (N,) m of the
    bodies. material: N clothing entries.
    """

    ids: tuple[str, ...]
    position: Float[np.ndarray, "t n 2"]
    heading: Float[np.ndarray, "t n"]
    phase: Float[np.ndarray, "t n"]
    height: Float[np.ndarray, " n"]
    width: Float[np.ndarray, " n"]
    depth: Float[np.ndarray, " n"]
    material: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """How long they walk; before and after it they stand."""
        return (len(self.position) - 1) * TICK

    def at(self, t: float) -> Bodies:
        """The people at time `t` [s] from the start."""
        flat = np.zeros(len(self.ids))
        ahead, behind = (self._row(self.position, t + s * TICK) for s in (0.5, -0.5))
        return Bodies(
            ids=self.ids,
            position=np.column_stack([self._row(self.position, t), flat]),
            velocity=np.column_stack([(ahead - behind) / TICK, flat]),
            width=self.width,
            depth=self.depth,
            height=self.height,
            heading=np.mod(self._row(self.heading, t) + np.pi, 2 * np.pi) - np.pi,
            material=self.material,
        )

    def stride(self, t: float) -> Float[np.ndarray, " n"]:
        """(N,) gait phases [rad] at time `t`: 0 where the right heel strikes, 2 pi a stride."""
        return self._row(self.phase, t)

    def _row(self, table: np.ndarray, t: float) -> np.ndarray:
        place = float(np.clip(t / TICK, 0, len(table) - 1))
        low = min(int(place), len(table) - 2)
        return np.asarray(table[low] + (place - low) * (table[low + 1] - table[low]))


def stride_length(speed: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Metres of two steps at a walking speed [m/s]: step = sqrt(60 v ratio)."""
    return 2 * np.sqrt(60 * _WALK_RATIO * np.asarray(speed, float))


def plan_walks(
    world: World, people: int, seconds: float, seed: int, robot: Moving | None = None
) -> Walks:
    """`people` walks over the world's floor, the same for the same seed.

    They cross the links between APs and robots, come up to robots that stand, stop now and then,
    and some walk in pairs, side by side. robot: where a driving robot is at times (T,), to keep off it.
    """
    if people < 0 or not seconds > 0:
        raise TwinError(f"walks for {people} people over {seconds:g} s: give at least 0 and over 0")
    rng = np.random.default_rng([seed, people])
    ticks = int(np.ceil(seconds / TICK)) + 1
    plan = floor_plan(world)
    alone, abreast = Ways(plan, _GAP), Ways(plan, _GAP + _BESIDE)
    others = [] if robot is None else [np.asarray(robot(TICK * np.arange(ticks)))]
    courses: list[np.ndarray] = []
    while len(courses) < people:
        pair = people - len(courses) >= 2 and rng.uniform() < 0.25
        speed = rng.uniform(*SPEEDS)
        best, widest = [], -1.0
        for _ in range(_DRAWS):
            middle = _course(world, abreast if pair else alone, ticks, speed, others, rng)
            made = _abreast(middle) if pair else [middle]
            gap = min(_gap(course, 0, others) for course in made)
            if gap > widest:
                best, widest = made, gap
            if widest >= _BODIES_APART:
                break
        courses += best
        others += best
    return _walks(np.stack(courses, axis=1) if courses else np.zeros((ticks, 0, 2)), rng)


def _abreast(middle: Float[np.ndarray, "t 2"]) -> list[Float[np.ndarray, "t 2"]]:
    """Two who walk on either side of a course; where it turns back, each turns on the spot."""
    course = np.unwrap(np.arctan2(*_directions(middle).T[::-1]), period=np.pi)
    smooth = gaussian_filter1d(course, 0.4 / TICK, mode="nearest")
    left = _BESIDE * np.stack([-np.sin(smooth), np.cos(smooth)], axis=1)
    return [middle + left, middle - left]


def _walks(position: Float[np.ndarray, "t n 2"], rng: np.random.Generator) -> Walks:
    count = position.shape[1]
    step = np.linalg.norm(np.diff(position, axis=0, prepend=position[:1]), axis=2)
    walked = step.sum(axis=0) / np.maximum((step > 0.3 * TICK).sum(axis=0) * TICK, TICK)
    stride = stride_length(np.clip(walked, *SPEEDS))
    heading = [np.unwrap(np.arctan2(*_directions(position[:, i]).T[::-1])) for i in range(count)]
    turned = np.stack(heading, axis=1) if count else np.zeros((len(position), 0))
    height = np.clip(rng.normal(1.71, 0.09, count), 1.52, 1.95)
    return Walks(
        ids=tuple(f"person{i}" for i in range(count)),
        position=position,
        heading=gaussian_filter1d(turned, 0.15 / TICK, axis=0, mode="nearest"),
        phase=2 * np.pi * (np.cumsum(step, axis=0) / stride + rng.uniform(0, 1, count)),
        height=height,
        width=np.clip(0.45 * height / 1.75 + rng.normal(0, 0.02, count), 0.38, 0.55),
        depth=np.clip(rng.normal(0.25, 0.02, count), 0.2, 0.32),
        material=tuple(str(name) for name in rng.choice(MATERIALS, count)),
    )


def _directions(course: Float[np.ndarray, "t 2"]) -> Float[np.ndarray, "t 2"]:
    """Unit directions of travel; who stands keeps the last one."""
    velocity = np.gradient(course, TICK, axis=0)
    speed = np.linalg.norm(velocity, axis=1)
    moving = speed > 0.15
    if not moving.any():
        return np.tile([1.0, 0.0], (len(course), 1))
    last = np.maximum.accumulate(np.where(moving, np.arange(len(course)), -1))
    last[last < 0] = np.argmax(moving)
    return np.asarray(velocity[last] / speed[last, None])


def _course(
    world: World,
    ways: Ways,
    ticks: int,
    speed: float,
    others: list[np.ndarray],
    rng: np.random.Generator,
) -> Float[np.ndarray, "t 2"]:
    """One walk, leg by leg, each the best of a few drawn against those planned before."""
    start = max(
        (ways.place(rng) for _ in range(8)),
        key=lambda place: min((np.linalg.norm(o[0] - place) for o in others), default=0.0),
    )
    course = start[None]
    while len(course) < ticks + 3 * round(_ROUNDING / TICK):
        legs, gaps = [], []
        for _ in range(8):
            legs.append(_leg(world, ways, course[-1], speed, rng))
            gaps.append(_gap(legs[-1], len(course), others))
            if gaps[-1] >= _APART:
                break
        course = np.concatenate([course, legs[int(np.argmax(gaps))]])
    return gaussian_filter1d(course, _ROUNDING / TICK, axis=0, mode="nearest")[:ticks]


def _leg(
    world: World, ways: Ways, here: Float[np.ndarray, " 2"], speed: float, rng: np.random.Generator
) -> Float[np.ndarray, "k 2"]:
    """A stop of some seconds, a visit to a robot, or the way to some place, often across a link."""
    if rng.uniform() < 0.3:
        return _stop(here, rng)
    aim, stop = rng.uniform(), np.zeros((0, 2))
    standing = [robot.position for robot in world.site.robots if robot.position is not None]
    if standing and aim < 0.2:
        goals = _up_to_a_robot(world, ways, np.array(standing), rng)
        stop = _stop(goals[-1], rng)
    else:
        goals = _across_a_link(world, ways, here, rng) if aim < 0.65 else [ways.place(rng)]
    corners = [here[None]]
    for goal in goals:
        corners.append(ways.way(ways.nearest(corners[-1][-1]), goal))
    way = np.concatenate(corners)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(way, axis=0), axis=1))])
    if length[-1] < 0.5:
        return np.tile(here, (round(1.0 / TICK), 1))
    travelled = np.arange(speed * TICK, length[-1], speed * TICK)
    walked = np.stack([np.interp(travelled, length, way[:, k]) for k in (0, 1)], axis=1)
    return np.concatenate([walked, stop])


def _stop(here: Float[np.ndarray, " 2"], rng: np.random.Generator) -> Float[np.ndarray, "k 2"]:
    return np.tile(here, (int(rng.uniform(1.0, 5.0) / TICK), 1))


def _up_to_a_robot(
    world: World, ways: Ways, standing: Float[np.ndarray, "r 2"], rng: np.random.Generator
) -> list[Float[np.ndarray, " 2"]]:
    """Places on the way up to a standing robot, from an AP's side: one ends in its deep shade."""
    robot = standing[int(rng.integers(len(standing)))]
    aps = world.site.access_points
    ap = np.array(aps[int(rng.integers(len(aps)))].position[:2])
    toward = (ap - robot) / max(np.linalg.norm(ap - robot), 1e-6)
    near, far = rng.uniform(*_VISIT), rng.uniform(2.5, 4.0)
    return [ways.nearest(robot + distance * toward) for distance in (far, near)]


def _across_a_link(
    world: World, ways: Ways, here: Float[np.ndarray, " 2"], rng: np.random.Generator
) -> list[Float[np.ndarray, " 2"]]:
    """Two places on either side of a link where it is low enough to be blocked."""
    aps = world.site.access_points
    ap = np.array(aps[int(rng.integers(len(aps)))].position[:2])
    standing = [robot.position for robot in world.site.robots if robot.position is not None]
    at_robot = bool(standing) and rng.uniform() < 0.5
    robot = np.array(standing[int(rng.integers(len(standing)))]) if at_robot else ways.place(rng)
    middle = ap + rng.uniform(0.55, 0.85) * (robot - ap)
    across = np.array([[0, -1], [1, 0]]) @ (robot - ap) / max(np.linalg.norm(robot - ap), 1e-6)
    ends = [ways.nearest(middle + side * rng.uniform(1.5, 3.0) * across) for side in (-1, 1)]
    return sorted(ends, key=lambda end: float(np.linalg.norm(end - here)))


def _gap(leg: Float[np.ndarray, "k 2"], start: int, others: list[np.ndarray]) -> float:
    """Metres to the nearest of the others on the leg that begins at tick `start`."""
    gaps = [
        np.linalg.norm(leg[: len(o) - start] - o[start : start + len(leg)], axis=1).min()
        for o in others
        if start < len(o)
    ]
    return float(min(gaps, default=np.inf))
