"""The robot that carries the sounder: where it drives, what it believes, and when it sounds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.ndimage import gaussian_filter1d
from scipy.signal import lfilter

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.world.floor_plan import Ways, floor_plan
from visrftwin_ros.lab.world.sight import hidden_links
from visrftwin_ros.lab.world.world import World

TICK = 0.05
"""Seconds between the rows of a drive: the rate of odometry, TF and the channel's truth."""
SPEED = (0.2, 0.3)
"""m/s (paper, section 5.1)."""
SOUNDING = (0.10, 0.15)
"""Metres between soundings (paper, section 5.1)."""
_GAP = 0.5
"""Metres from the robot's middle to furniture."""
_ROUNDING = 0.2
"""Metres, standard deviation of the filter that rounds corners."""
_TURNING = 0.8
"""Seconds, standard deviation of the filter that turns it into a new course."""
_TRIES, _SPAN, _MARGIN = 200, 0.15, 0.03
"""Ways that are drawn at most, by how much the hidden share may be over the wanted one, and how far
within these bounds it must be between the soundings, which are still to be drawn."""
_PLACES, _GOALS = 24, 4
"""Places that are drawn for a leg, and how many of them ways are sought to."""
_LEAST, _SHORTEST, _BACK = 0.5, 1.5, 0.3
"""Metres of a leg, at least, and at least where one has them; how far it may lead back: a robot turns in
curves."""
_DISTANCE_ERROR, _GYRO_ERROR, _GYRO_WALK = 0.01, 0.004, 0.0005
"""Odometry: share of the distance, rad/s and rad/s per root second, standard deviations; of wheels
and a cheap gyroscope."""
_FIX_ERROR, _FIX_YAW_ERROR, _FIX_MEMORY = 0.01, 0.003, 2.0
"""Localisation against the LiDAR map: metres, radians, and seconds over which the error stays."""


@dataclass(frozen=True)
class Drive:
    """T poses of one robot, `TICK` apart, from time 0.

    robot: its name. position: (T, 2) metres in the world, of its base; yaw: (T,) rad; yaw_rate:
    (T,) rad/s; speed: m/s. fix_position, fix_yaw: where its localisation, hence TF, has it.
    odometry_position, odometry_yaw: what its wheels say, which drifts. soundings: (K,) rows at
    which the sounder measures.
    """

    robot: str
    speed: float
    position: Float[np.ndarray, "t 2"]
    yaw: Float[np.ndarray, " t"]
    yaw_rate: Float[np.ndarray, " t"]
    fix_position: Float[np.ndarray, "t 2"]
    fix_yaw: Float[np.ndarray, " t"]
    odometry_position: Float[np.ndarray, "t 2"]
    odometry_yaw: Float[np.ndarray, " t"]
    soundings: Int[np.ndarray, " k"]

    def __len__(self) -> int:
        return len(self.position)

    def pose(self, seconds: float) -> tuple[Float[np.ndarray, " 2"], float]:
        """True position and yaw at a time; before and after the drive it stands."""
        place = float(np.clip(seconds / TICK, 0, len(self) - 1))
        low = min(int(place), max(len(self) - 2, 0))
        high, share = min(low + 1, len(self) - 1), place - low
        where = self.position[low] + share * (self.position[high] - self.position[low])
        return where, float(self.yaw[low] + share * (self.yaw[high] - self.yaw[low]))

    def path(self, times: Float[np.ndarray, " t"]) -> Float[np.ndarray, "t 2"]:
        """True positions at many times, for people to keep off."""
        rows = np.arange(len(self)) * TICK
        return np.stack([np.interp(times, rows, self.position[:, k]) for k in (0, 1)], axis=1)


def plan_drive(world: World, seconds: float, seed: int) -> Drive:
    """A smooth way over the free floor at constant speed, from place to far place.

    Where the world asks for soundings that are hidden from access points, legs are chosen and ways drawn
    so that this share of them is, and at most `_SPAN` more; else the nearest to that of `_TRIES` is taken.
    Raises TwinError where the site has no robot that is free to drive.
    """
    free = [robot for robot in world.site.robots if robot.is_on_tf]
    if not free:
        raise TwinError(
            f"site {world.site.name!r} has no robot without `position` and `path`: none can drive"
        )
    if not seconds > 0:
        raise TwinError(f"a drive of {seconds:g} s: give more than 0")
    rng = np.random.default_rng([seed, 0xD21FE])
    speed = float(rng.uniform(*SPEED))
    ways = Ways(floor_plan(world), _GAP)
    ticks = int(np.ceil(seconds / TICK)) + 1
    position = _chosen_way(world, free[0].antenna_height, ways, speed, ticks, rng)
    step = np.gradient(position, axis=0)
    yaw = gaussian_filter1d(
        np.unwrap(np.arctan2(step[:, 1], step[:, 0])), _TURNING / TICK, mode="nearest"
    )
    yaw_rate = np.gradient(yaw, TICK) if ticks > 1 else np.zeros(ticks)
    drifted, drifted_yaw = _odometry(position, yaw, rng)
    return Drive(
        robot=free[0].name,
        speed=speed,
        position=position,
        yaw=yaw,
        yaw_rate=yaw_rate,
        fix_position=position + _FIX_ERROR * _slow_noise(ticks, 2, rng),
        fix_yaw=yaw + _FIX_YAW_ERROR * _slow_noise(ticks, 1, rng)[:, 0],
        odometry_position=drifted,
        odometry_yaw=drifted_yaw,
        soundings=_soundings(ticks, speed, rng),
    )


def _chosen_way(
    world: World,
    antenna_height: float,
    ways: Ways,
    speed: float,
    ticks: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "t 2"]:
    """Where the robot is at each tick, on a way on which the world's share of the soundings is hidden."""
    length = speed * ticks * TICK + 1.0
    if not world.hidden:
        return _driven(_corners(ways, length, rng, _Far()), speed, ticks)
    best, least = np.zeros((ticks, 2)), np.inf
    for _ in range(min(_TRIES, max(8, round(3 * _TRIES / length)))):
        wish = _Hidden(world, antenna_height)
        corners = _corners(ways, length, rng, wish)
        way = _driven(corners, speed, ticks)
        off = abs(wish.share_on(way, np.inf) - wish.wanted) + _turns_back(corners)
        if off < least:
            best, least = way, off
        if least <= _SPAN / 2 - _MARGIN:
            break
    return best


def _driven(
    corners: Float[np.ndarray, "k 2"], speed: float, ticks: int
) -> Float[np.ndarray, "t 2"]:
    """Round the corners at constant speed (m/s)."""
    travelled = np.arange(ticks + 2 * round(4 * _ROUNDING / (speed * TICK))) * speed * TICK
    along = _along(corners)
    course = np.stack([np.interp(travelled, along, corners[:, k]) for k in (0, 1)], axis=1)
    smooth = gaussian_filter1d(course, _ROUNDING / (speed * TICK), axis=0, mode="nearest")
    # The filter slows down in corners and at the start: equal steps again.
    walked = _along(smooth)
    even = np.minimum(np.arange(ticks) * speed * TICK, walked[-1])
    return np.stack([np.interp(even, walked, smooth[:, k]) for k in (0, 1)], axis=1)


class _Far:
    """Wants to go far."""

    def goals(
        self, ways: Ways, here: Float[np.ndarray, " 2"], rng: np.random.Generator
    ) -> list[Float[np.ndarray, " 2"]]:
        """A few places for the next leg."""
        return [ways.place(rng) for _ in range(_GOALS)]

    def off(self, leg: Float[np.ndarray, "k 2"], metres: float) -> float:
        """How far from what is wanted a leg, of these corners, would lead."""
        return -metres

    def went(self, leg: Float[np.ndarray, "k 2"], metres: float) -> None:
        """That leg was taken."""


class _Hidden(_Far):
    """Wants the middle of the hidden shares that are asked for, all legs together."""

    def __init__(self, world: World, antenna_height: float) -> None:
        self._world, self._height = world, antenna_height
        self.wanted = world.hidden + _SPAN / 2
        self._metres = self._hidden = 0.0

    def goals(
        self, ways: Ways, here: Float[np.ndarray, " 2"], rng: np.random.Generator
    ) -> list[Float[np.ndarray, " 2"]]:
        """Hidden ones, the nearest of them first, where too little was; else open ones."""
        places = np.array([ways.place(rng) for _ in range(_PLACES)])
        hidden = hidden_links(self._world, places, self._height).mean(axis=0)
        more = self._hidden <= self.wanted * self._metres
        away = np.linalg.norm(places - here, axis=1)
        order = np.lexsort((away + (away < _SHORTEST) * 1e3, -hidden if more else hidden))
        return list(places[order[:_GOALS]])

    def off(self, leg: Float[np.ndarray, "k 2"], metres: float) -> float:
        hidden = self._hidden + metres * self.share_on(leg, metres)
        return abs(hidden / max(self._metres + metres, 1e-9) - self.wanted)

    def went(self, leg: Float[np.ndarray, "k 2"], metres: float) -> None:
        self._hidden += metres * self.share_on(leg, metres)
        self._metres += metres

    def share_on(self, corners: Float[np.ndarray, "k 2"], end: float) -> float:
        """Of the soundings up to `end` metres, those without a line of sight."""
        along = _along(corners)
        at = np.arange(0.0, min(end, along[-1]), np.mean(SOUNDING))
        if not len(at):
            return 0.0
        places = np.stack([np.interp(at, along, corners[:, k]) for k in (0, 1)], axis=1)
        return float(hidden_links(self._world, places, self._height).mean())


def _along(corners: Float[np.ndarray, "k 2"]) -> Float[np.ndarray, " k"]:
    """Metres to each corner."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])


def _turns_back(corners: Float[np.ndarray, "k 2"]) -> bool:
    """Whether it is sent back sharply somewhere."""
    legs = np.diff(corners, axis=0)
    legs = legs[np.linalg.norm(legs, axis=1) > 1e-9]
    legs /= np.linalg.norm(legs, axis=1, keepdims=True)
    return bool(((legs[1:] * legs[:-1]).sum(axis=1) < -_BACK).any())


def _corners(
    ways: Ways, length: float, rng: np.random.Generator, wish: _Far
) -> Float[np.ndarray, "k 2"]:
    """Corners of a way of at least `length` metres, of legs that each were nearest to what is wished of
    a few."""
    corners = ways.place(rng)[None]
    covered = 0.0
    while covered < length:
        legs = [ways.way(corners[-1], goal) for goal in wish.goals(ways, corners[-1], rng)]
        leg, metres = min(
            ((leg, float(_along(leg)[-1])) for leg in legs),
            key=lambda way: (
                way[1] < _LEAST,
                _turns_back(np.concatenate([corners[-2:], way[0][1:]])),
                way[1] < _SHORTEST,
                wish.off(*way),
            ),
        )
        if metres < _LEAST:
            raise TwinError("the robot finds no way that is longer than half a metre")
        wish.went(leg, metres)
        corners = np.concatenate([corners, leg[1:]])
        covered += metres
    return corners


def _soundings(ticks: int, speed: float, rng: np.random.Generator) -> Int[np.ndarray, " k"]:
    """Rows nearest to places a drawn way apart; the first row is one."""
    spacing = rng.uniform(*SOUNDING, size=ticks)
    at = np.concatenate([[0.0], np.cumsum(spacing)]) / (speed * TICK)
    rows = np.unique(np.round(at).astype(np.int64))
    return rows[rows < ticks]


def _odometry(
    position: Float[np.ndarray, "t 2"], yaw: Float[np.ndarray, " t"], rng: np.random.Generator
) -> tuple[Float[np.ndarray, "t 2"], Float[np.ndarray, " t"]]:
    """Dead reckoning from the true start with a wrong wheel radius and a gyroscope that drifts."""
    ticks = len(position)
    scale = 1 + rng.normal(0, _DISTANCE_ERROR)
    walk = np.cumsum(rng.normal(0, _GYRO_WALK * np.sqrt(TICK), ticks))
    error = np.cumsum(rng.normal(0, _GYRO_ERROR) + walk) * TICK
    believed = yaw + error - error[0]
    step = np.linalg.norm(np.diff(position, axis=0), axis=1) * scale
    course = (believed[1:] + believed[:-1]) / 2
    moved = step[:, None] * np.stack([np.cos(course), np.sin(course)], axis=1)
    return np.concatenate([position[:1], position[0] + np.cumsum(moved, axis=0)]), believed


def _slow_noise(ticks: int, columns: int, rng: np.random.Generator) -> Float[np.ndarray, "t c"]:
    """Gauss-Markov noise of unit variance."""
    keep = np.exp(-TICK / _FIX_MEMORY)
    drawn = rng.normal(0, np.sqrt(1 - keep**2), (ticks, columns))
    drawn[0] /= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], drawn, axis=0))
