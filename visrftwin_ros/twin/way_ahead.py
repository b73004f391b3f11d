"""Where robots will be by their own plans or scripts, and what their links lose on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.bodies.walks_ahead import walks_ahead
from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.site.motion import pose_at
from visrftwin_ros.twin.forecast import HORIZONS, Forecaster, Mounts
from visrftwin_ros.twin.known_links import link_numbers
from visrftwin_ros.twin.moving_links import ScriptedRobot

MOST_APART = 1.0
"""m that a robot may be off its plan."""
_FASTEST = 5.0
"""m/s that a plan with times may ask for."""
_SETS_OUT = 0.5
"""m/s at which a robot that stands is taken to follow a plan without times."""
_MOST_SEQUENCES = 12
"""Of a link, the strongest, that are looked at along the way."""


@dataclass(frozen=True)
class RobotPlan:
    """Where a robot means to go.

    places: (K, 2) m, world frame, at least two. times: (K,) s, ascending, of the clock that `ahead`
    is told; None where the plan has none.
    """

    places: Float[np.ndarray, "k 2"]
    times: Float[np.ndarray, " k"] | None

    def __post_init__(self) -> None:
        """Raises TwinError where nothing can drive like that."""
        if len(self.places) < 2:
            raise TwinError("a plan of one place: give two or more, or none to withdraw the plan")
        if not np.isfinite(self.places).all():
            raise TwinError("a plan with a place that is no number")
        if self.times is not None:
            speed = np.linalg.norm(np.diff(self.places, axis=0), axis=1) / np.diff(self.times)
            if speed.max() > _FASTEST:
                raise TwinError(
                    f"the plan jumps: {speed.max():.1f} m/s between two of its places, over"
                    f" {_FASTEST:g} m/s"
                )

    def ahead(
        self, now: float, place: Float[np.ndarray, " 2"], speed: float, yaw: float
    ) -> tuple[Float[np.ndarray, "h 2"], Float[np.ndarray, " h"]]:
        """Where a robot that is at `place` [m], `speed` m/s fast and heads to `yaw`, will be at HORIZONS
        [m], and its headings.

        Without times it goes on as fast as it is, or sets out. It keeps the distance that it has from
        its plan, and stands at the plan's end. Raises TwinError where it is not near its plan.
        """
        step = np.linalg.norm(np.diff(self.places, axis=0), axis=1)
        along = np.concatenate([[0.0], np.cumsum(step)])
        start, off = self._nearest(place, along)
        if off > MOST_APART:
            raise TwinError(
                f"the plan is {off:.1f} m from the robot, over {MOST_APART:g} m: plan anew from"
                " where it is"
            )
        times = np.array(HORIZONS)
        if self.times is None:
            reached = start + max(speed, _SETS_OUT) * times
        else:
            told = np.interp(now + times, self.times, along)
            reached = start + told - told[0]
        reached = np.minimum(reached, along[-1])
        x, y = (np.interp(reached, along, self.places[:, i]) for i in (0, 1))
        here = np.array([x[0], y[0]])
        leg = np.clip(np.searchsorted(along, reached, "right") - 1, 0, len(step) - 1)
        headed = np.diff(self.places, axis=0)[leg]
        heading = np.arctan2(headed[:, 1], headed[:, 0])
        moves = (reached > start) & (step[leg] > 0)
        return place + np.column_stack([x, y]) - here, np.where(moves, heading, yaw)

    def _nearest(
        self, place: Float[np.ndarray, " 2"], along: Float[np.ndarray, " k"]
    ) -> tuple[float, float]:
        """How far along the plan it comes nearest to `place`, and how near [m]."""
        leg = np.diff(self.places, axis=0)
        square = np.maximum((leg**2).sum(axis=1), 1e-12)
        share = np.clip(((place - self.places[:-1]) * leg).sum(axis=1) / square, 0.0, 1.0)
        apart = np.linalg.norm(self.places[:-1] + share[:, None] * leg - place, axis=1)
        best = int(apart.argmin())
        return float(along[best] + share[best] * np.sqrt(square[best])), float(apart[best])


@dataclass(frozen=True)
class WayAhead:
    """A robot's links (A) on its way.

    numbers: (A,) in the site. known: H times, what is replayed there. antenna: (H, 3) m at HORIZONS.
    mounts: H times A.
    """

    numbers: Int[np.ndarray, " a"]
    known: tuple[Replay, ...]
    antenna: Float[np.ndarray, "h 3"]
    mounts: tuple[tuple[Mounts, ...], ...]


Motion = tuple[Float[np.ndarray, "3"], float, Replay]
"""Of a robot on TF: where its antenna is [m], how fast it is over the ground [m/s], its paths."""


def ways_ahead(
    links: tuple[tuple[str, str], ...],
    scripted: Sequence[ScriptedRobot],
    motions: Mapping[str, Motion],
    plans: Mapping[str, RobotPlan],
    stamp_ns: int,
    mount: Callable[[str], Mount | None],
) -> tuple[list[WayAhead], dict[str, str]]:
    """Of the robots that move and of which it is known where to, and why a plan was not used, by robot.

    links: of the site. motions: of robots on TF, at `stamp_ns`. mount: how a device's array stands then.
    """

    def way(
        robot: str, known: Sequence[Replay], antenna: np.ndarray, yaw: Sequence[float]
    ) -> WayAhead:
        mine = tuple(link for link in links if link[1] == robot)
        there = mount(robot)
        arrays = [None if there is None else replace(there, yaw=float(turn)) for turn in yaw]
        mounts = tuple(tuple((mount(tx), array) for tx, _ in mine) for array in arrays)
        return WayAhead(link_numbers(mine, links), tuple(known), antenna, mounts)

    ways, refused = [], {}
    stamps = [stamp_ns + round(t * 1e9) for t in HORIZONS]
    for robot in scripted:
        ends = [robot.receiver(stamp) for stamp in stamps]
        known = [robot.known_at(end) for end in ends]
        yaw = [pose_at(robot.path, stamp)[1] for stamp in stamps]
        ways.append(way(robot.name, known, np.array([end.position for end in ends]), yaw))
    for name, (place, speed, replay) in motions.items():
        there = mount(name)
        if name not in plans or there is None:
            continue
        try:
            places, headed = plans[name].ahead(stamp_ns * 1e-9, place[:2], speed, there.yaw)
        except TwinError as error:
            refused[name] = str(error)
            continue
        antenna = np.column_stack([places, np.full(len(places), place[2])])
        ways.append(way(name, [replay] * len(headed), antenna, headed.tolist()))
    return ways, refused


def strongest_sequences(known: Replay) -> Replay:
    """Those _MOST_SEQUENCES of each link that were strongest where they were found."""
    paths = known.known
    order = np.lexsort((-paths.power, paths.link))
    rank = np.arange(len(order)) - paths.offsets[paths.link[order]]
    return Replay.of(paths.select(np.sort(order[rank < _MOST_SEQUENCES])), known.scene)


def _of_links(paths: PathSet, first: int, count: int) -> PathSet:
    """Those of `count` links from `first` on."""
    rows = np.arange(paths.offsets[first], paths.offsets[first + count])
    mine = paths.select(rows)
    links = paths.links[first : first + count]
    return replace(mine, links=links, link=(mine.link - first).astype(np.int32))


class WayForecaster:
    """Looks ahead along the links of robots that move: at each moment by the paths to where they
    are then."""

    def __init__(self, wavelength: float, model: BlockageModel) -> None:
        self._wavelength, self._model = wavelength, model
        # By the id of what it is made of, which is kept so that no other takes that id.
        self._strongest: dict[int, tuple[Replay, Replay]] = {}

    def forecast(
        self,
        ways: Sequence[WayAhead],
        bodies: Bodies,
        covariance: Float[np.ndarray, "n 4 4"] | None,
        standing: Bodies,
    ) -> tuple[Float[np.ndarray, "l m h"], Float[np.ndarray, "l m h"]]:
        """Loss and gain as a ShadowForecast has them, of the links of all `ways`, in their order.

        The loss is over the same paths without people, at the same place.
        """
        used = {id(known): known for way in ways for known in way.known}
        self._strongest = {
            key: self._strongest.get(key) or (known, strongest_sequences(known))
            for key, known in used.items()
        }
        walks = walks_ahead(bodies, covariance, np.array(HORIZONS))
        parts, times = [], range(len(HORIZONS))
        known = Replay.joined([self._strongest[id(way.known[h])][1] for h in times for way in ways])
        places = [np.tile(way.antenna[h], (len(way.numbers), 1)) for h in times for way in ways]
        # Of one moment after the other: a replay of all at once takes half the time of thirteen.
        paths = known.at(np.concatenate(places))
        count = len(paths.links) // len(times)
        for h in times:
            mounts = [mount for way in ways for mount in way.mounts[h]]
            ahead = Forecaster(_of_links(paths, h * count, count), self._wavelength, self._model)
            parts.append(ahead.at_moments(bodies, walks.position[:, h : h + 1], standing, mounts))
        loss, gain = (np.concatenate([part[i] for part in parts], axis=2) for i in (0, 1))
        return loss, gain
