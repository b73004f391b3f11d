"""One vehicle over time: a box that moves at constant velocity, whose size only grows by what is seen.

The filter is that of Bar-Shalom, Li & Kirubarajan, "Estimation with Applications to Tracking and
Navigation" (2001): white-noise acceleration 6.2.2, Joseph form 5.4.3. What is measured is the point of
the box that was seen best, as a box's middle moves with what shows of it (Kaempchen, Fuerstenberg,
Skibicki & Dietmayer, "Sensor fusion for multiple automotive active safety and comfort applications",
2004, reference points of object boxes).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit

from visrftwin_ros.bodies.vehicle_sizes import KNOWN_SIGMA, vehicle_size
from visrftwin_ros.perception.measurements.vehicle_measurements import VehicleMeasurements
from visrftwin_ros.perception.tracking.walker_filter import TRUSTED, chi_square_quantile

ACCELERATION = 1.5
"""m/s^2 over one second: drivers brake and start at 1 to 3."""
INITIAL_SPEED = 6.0
"""m/s, standard deviation of each velocity component at birth: town traffic."""
FRAME_SIGMA = 0.05
"""m: how far the frames of two sensors disagree."""
GROWTH = 0.4
"""Share of what a measurement shows beyond the known size by which that grows: one that holds something
else beside does little, what shows again and again counts."""
LESS_SHOWS = 0.3
"""m by which the length or width that shows varies from view to view."""
DRIVING = 1.0
"""m/s from which the heading is that of the motion."""
DRIVING_SIGMA = 0.06
"""rad: slip and steering, and what a filter's velocity lags in a bend."""
TURNING = 0.25, 0.02
"""rad/s^0.5 by which the heading of one that moves and of one that stands may wander."""
STANDS_WITHIN, STANDS_AFTER = 0.3, 1.0
"""m and s: one that stayed so near one place for so long stands."""
STANDING_SPEED_SIGMA = 0.1
"""m/s, of one that stands."""
SURER, LESS_SURE = 0.25, 4.0
"""How many times the doubt (m^2) about a place a measurement's must be to replace it, or to say nothing
of it while a better one is recent."""
NEW_DOUBT = 0.25
"""Share of the doubt that is another in each measurement."""
PLACED_NS = 500_000_000
"""For so long a better sensor's place counts before any other's."""
NO_HEADING_SIGMA = np.pi / np.sqrt(12)
"""rad, of any direction."""


@dataclass(frozen=True)
class Placed:
    """One measurement of one vehicle, along the axes of its track's box: columns as of
    `VehicleMeasurements`."""

    kind: str
    score: float
    after: float
    anchor: Float[np.ndarray, " 2"]
    side: Int[np.ndarray, " 2"]
    covariance: Float[np.ndarray, "2 2"]
    doubt: Float[np.ndarray, "2 2"]
    heading: float
    heading_sigma: float
    size: Float[np.ndarray, " 3"]
    whole: Bool[np.ndarray, " 2"]

    @classmethod
    def of(cls, measured: VehicleMeasurements, row: int) -> Placed:
        return cls(**{name: getattr(measured, name)[row] for name in cls.__annotations__})

    def turned(self, quarter_turns: int) -> Placed:
        """The same box, its axes named anew: its heading turned by so many times 90 degrees."""
        one = self
        for _ in range(quarter_turns % 4):
            one = replace(
                one,
                heading=one.heading + np.pi / 2,
                side=np.array([one.side[1], -one.side[0]]),
                size=one.size[[1, 0, 2]],
                whole=one.whole[::-1],
            )
        return one


@dataclass(frozen=True)
class VehicleTrack:
    """One vehicle.

    mean, covariance: of x y vx vy (m, m/s), of the middle of its box. doubt: (2, 2) m^2 of its place
    beside that, which no further measurement of the kind takes away; placed: ROS time [ns] of the last
    that was no worse, and side: the point of the box that it measured. heading, heading_sigma: rad.
    seen, whole: as of `VehicleMeasurements`. votes: for each class. log_odds: of existence. shown:
    published. stand: (2,) m where it was when it began to stand there and standing: s since. looked: ROS
    time [ns] of the last measurement that showed it or could have. sightings: ROS time [ns] at which each
    sensor saw it last, without those that then missed it. born: of which measurement, unlike any other's.
    """

    born: str
    mean: Float[np.ndarray, " 4"]
    covariance: Float[np.ndarray, "4 4"]
    doubt: Float[np.ndarray, "2 2"]
    placed: int
    side: Int[np.ndarray, " 2"]
    heading: float
    heading_sigma: float
    seen: Float[np.ndarray, " 3"]
    whole: Bool[np.ndarray, " 2"]
    stand: Float[np.ndarray, " 2"]
    log_odds: float
    looked: int
    votes: Mapping[str, float] = field(default_factory=dict)
    standing: float = 0.0
    shown: bool = False
    sightings: Mapping[str, int] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return max(self.votes, key=lambda kind: self.votes[kind], default="")

    @property
    def stands(self) -> bool:
        return self.standing >= STANDS_AFTER

    @property
    def existence(self) -> float:
        return float(expit(self.log_odds))

    @property
    def size(self) -> Float[np.ndarray, " 3"]:
        """m: what was seen, and what is usual where that was not all."""
        usual = vehicle_size(self.kind).usual
        known = np.array([*self.whole, self.seen[2] > 0])
        return np.where(known, self.seen, np.maximum(self.seen, usual))

    @property
    def size_sigma(self) -> Float[np.ndarray, " 2"]:
        """m, of length and width."""
        return np.where(self.whole, KNOWN_SIGMA, vehicle_size(self.kind).sigma[:2])

    @property
    def place_covariance(self) -> Float[np.ndarray, "2 2"]:
        """m^2, of its middle."""
        return self.covariance[:2, :2] + self.doubt

    def predicted(self, seconds: float) -> VehicleTrack:
        """The same some time later, or before where that is negative."""
        step = np.eye(4)
        step[0, 2] = step[1, 3] = seconds
        mean = step @ self.mean
        if seconds <= 0:
            return replace(self, mean=mean)
        noise = np.zeros((4, 4))
        for place, speed in ((0, 2), (1, 3)):
            noise[place, place] = seconds**3 / 3
            noise[place, speed] = noise[speed, place] = seconds**2 / 2
            noise[speed, speed] = seconds
        covariance = step @ self.covariance @ step.T + ACCELERATION**2 * noise
        wander = TURNING[1] if self.stands else TURNING[0]
        sigma = min(
            float(np.hypot(self.heading_sigma, wander * np.sqrt(seconds))), NO_HEADING_SIGMA
        )
        return replace(self, mean=mean, covariance=covariance, heading_sigma=sigma)

    def along_its_axes(self, placed: Placed) -> Placed:
        """A measurement with its axes named as this box's are, as nearly as that goes."""
        return placed.turned(round((self.heading - placed.heading) / (np.pi / 2)))

    def middle(self, placed: Placed) -> tuple[Float[np.ndarray, " 2"], Float[np.ndarray, "2 2"]]:
        """Where a measurement along its axes says that its middle is (m), and the doubt about it (m^2)
        that does not lie in the measurement but in what was not seen of it."""
        axes = _axes(placed.heading)
        spread = np.diag((placed.side * self.size_sigma / 2) ** 2)
        if placed.size[0] > 0:  # a part of it: which one is not known
            missing = np.maximum(self.seen[:2] - placed.size[:2] - LESS_SHOWS, 0.0)
            spread += np.diag((missing / 2) ** 2)
        center = placed.anchor - (placed.side * self.size[:2] / 2) @ axes
        return center - placed.after * self.mean[2:], placed.doubt + axes.T @ spread @ axes

    def updated(self, placed: Placed, stamp_ns: int, seconds: float) -> VehicleTrack:
        """After a measurement of a track that is predicted for its time.

        seconds: for which it speaks.
        """
        track = self
        if self._shows_its_length(placed):
            track = replace(
                track._turned(placed.heading), heading_sigma=min(self.heading_sigma, 0.3)
            )
        placed = track.along_its_axes(placed)
        track = track._voted(placed, seconds)._grown(placed)._moved(placed, stamp_ns)
        return track._headed(placed)._stood(seconds)

    def _shows_its_length(self, placed: Placed) -> bool:
        """Whether a measurement knows which side is the longer one, and this track was wrong on it."""
        long = placed.size[0] > 1.3 * max(placed.size[1], vehicle_size(self.kind).usual[1])
        off = abs(_wrapped(placed.heading - self.heading, np.pi))
        return bool(
            long
            and np.isfinite(placed.heading_sigma)
            and off > np.pi / 4
            and self.speed < DRIVING
            and not (self.whole[0] and self.seen[0] > 1.3 * self.seen[1])
        )

    @property
    def speed(self) -> float:
        return float(np.hypot(*self.mean[2:]))

    def _turned(self, heading: float) -> VehicleTrack:
        """With another heading; length and width stay where they are where it turns by over 45 degrees."""
        track = self
        for _ in range(round((heading - self.heading) / (np.pi / 2)) % 4):
            side = np.array([track.side[1], -track.side[0]])
            seen, whole = track.seen[[1, 0, 2]], track.whole[::-1]
            track = replace(track, side=side, seen=seen, whole=whole)
        return replace(track, heading=heading)

    def _voted(self, placed: Placed, seconds: float) -> VehicleTrack:
        if not placed.kind:
            return self
        votes = dict(self.votes)
        votes[placed.kind] = votes.get(placed.kind, 0.0) + placed.score * min(seconds, 1.0)
        return self._resized(replace(self, votes=votes), placed)

    def _grown(self, placed: Placed) -> VehicleTrack:
        more = np.maximum(placed.size - self.seen, 0.0)
        first = self.seen <= 0
        seen = self.seen + np.where(first, 1.0, GROWTH) * more
        return self._resized(replace(self, seen=seen, whole=self.whole | placed.whole), placed)

    def _resized(self, larger: VehicleTrack, placed: Placed) -> VehicleTrack:
        """With its other size, and the side that is measured where it was."""
        change = (larger.size - self.size)[:2]
        shift = (placed.side * change / 2) @ _axes(placed.heading)
        return replace(larger, mean=larger.mean - np.array([*shift, 0.0, 0.0]))

    def _moved(self, placed: Placed, stamp_ns: int) -> VehicleTrack:
        """With the place that a measurement gives, unless a surer one is recent."""
        center, doubt = self.middle(placed)
        fresh, before = float(np.trace(doubt)), float(np.trace(self.doubt))
        floor = FRAME_SIGMA**2
        recent = stamp_ns - self.placed < PLACED_NS
        if recent and fresh + floor > LESS_SURE * (before + floor):
            return self
        noise = placed.covariance + FRAME_SIGMA**2 * np.eye(2) + NEW_DOUBT * doubt
        told: dict[str, Any] = {"doubt": doubt, "placed": stamp_ns, "side": placed.side}
        # Another point of the box: what it is off by what was not seen is no motion.
        other_point = bool((placed.side != self.side).any())
        if other_point or fresh + floor < SURER * (before + floor):
            mean = np.array([*center, *self.mean[2:]])
            covariance = self.covariance.copy()
            covariance[:2, :2] = noise
            covariance[:2, 2:] = covariance[2:, :2] = 0.0
            return replace(self, mean=mean, covariance=covariance, **told)
        row = np.eye(2, 4)
        residual = center - self.mean[:2]
        spread = self.covariance[:2, :2] + noise
        far = float(residual @ np.linalg.solve(spread + self.doubt + doubt, residual))
        # One far from where it was expected is likelier a bad one (Huber's weight).
        noise = noise * max(far / float(chi_square_quantile(TRUSTED, 2)), 1.0)
        gain = np.linalg.solve(self.covariance[:2, :2] + noise, self.covariance[:2]).T
        rest = np.eye(4) - gain @ row
        covariance = rest @ self.covariance @ rest.T + gain @ noise @ gain.T
        mean = self.mean + gain @ residual
        return replace(self, mean=mean, covariance=covariance, **told)

    def _headed(self, placed: Placed) -> VehicleTrack:
        """With the heading of its motion, else of the measurement."""
        speed_sigma = float(np.sqrt(np.trace(self.covariance[2:, 2:]) / 2))
        if self.speed > max(DRIVING, 3 * speed_sigma) and not self.stands:
            heading = float(np.arctan2(self.mean[3], self.mean[2]))
            sigma = float(np.hypot(DRIVING_SIGMA, speed_sigma / self.speed))
            return replace(self._turned(heading), heading_sigma=sigma)
        if not np.isfinite(placed.heading_sigma):
            return self
        variance, noise = self.heading_sigma**2, placed.heading_sigma**2
        gain = variance / (variance + noise)
        off = _wrapped(placed.heading - self.heading, np.pi)
        heading = float(_wrapped(self.heading + gain * off, 2 * np.pi))
        return replace(self, heading=heading, heading_sigma=float(np.sqrt((1 - gain) * variance)))

    def _stood(self, seconds: float) -> VehicleTrack:
        if np.hypot(*(self.mean[:2] - self.stand)) > STANDS_WITHIN:
            return replace(self, stand=self.mean[:2].copy(), standing=0.0)
        return replace(self, standing=self.standing + min(seconds, 1.0))

    def holds(self, place: Float[np.ndarray, " 2"], margin: float = 0.0) -> bool:
        """Whether a place (m) lies in the box, or no further from it than a margin [m]."""
        offset = _axes(self.heading) @ (place - self.mean[:2])
        return bool((np.abs(offset) < self.size[:2] / 2 + margin).all())


def newborn(placed: Placed, born: str, stamp_ns: int, log_odds: float, sensor: str) -> VehicleTrack:
    """The vehicle that a first measurement shows."""
    known = bool(np.isfinite(placed.heading_sigma))
    track = VehicleTrack(
        born=born,
        mean=np.zeros(4),
        covariance=np.zeros((4, 4)),
        doubt=np.zeros((2, 2)),
        placed=stamp_ns,
        side=placed.side,
        heading=placed.heading,
        heading_sigma=placed.heading_sigma if known else NO_HEADING_SIGMA,
        seen=placed.size,
        whole=placed.whole,
        stand=np.zeros(2),
        log_odds=log_odds,
        looked=stamp_ns,
        votes={placed.kind: placed.score} if placed.kind else {},
        sightings={sensor: stamp_ns},
    )
    center, doubt = track.middle(placed)
    covariance = np.diag([0.0, 0.0, INITIAL_SPEED**2, INITIAL_SPEED**2])
    covariance[:2, :2] = placed.covariance + FRAME_SIGMA**2 * np.eye(2)
    covariance[:2, :2] += (INITIAL_SPEED * placed.after) ** 2 * np.eye(2)
    mean = np.array([*center, 0.0, 0.0])
    return replace(track, mean=mean, covariance=covariance, doubt=doubt, stand=center)


def _axes(heading: float) -> Float[np.ndarray, "2 2"]:
    """Unit vectors along a heading and across it, as rows."""
    c, s = np.cos(heading), np.sin(heading)
    return np.array([[c, s], [-s, c]])


def _wrapped(angle: float, period: float) -> float:
    return float((angle + period / 2) % period - period / 2)
