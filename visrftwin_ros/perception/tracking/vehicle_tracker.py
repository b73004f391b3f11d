"""Vehicles on the ground plane from any number of cameras and LiDARs.

Every measurement counts at its own stamp; one that comes late is put where it belongs and what came after
it is taken again, as of people (`tracker.py`). Existence in log-odds, by all sensors that could have seen
(`sighting.py`). Two boxes in one place are one vehicle, whoever saw them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from jaxtyping import Float
from scipy.linalg import block_diag
from scipy.special import logit

from visrftwin_ros.perception.measurements.vehicle_measurements import VehicleMeasurements
from visrftwin_ros.perception.tracking.association import assigned
from visrftwin_ros.perception.tracking.sensor_clocks import SensorClocks
from visrftwin_ros.perception.tracking.tracker import MOST_REPLAYED, NANOSECONDS, TrackerReport
from visrftwin_ros.perception.tracking.tracker_config import TrackerConfig
from visrftwin_ros.perception.tracking.vehicle_track import (
    STANDING_SPEED_SIGMA,
    Placed,
    VehicleTrack,
    newborn,
)
from visrftwin_ros.perception.tracking.vehicles import Vehicles
from visrftwin_ros.perception.tracking.walker_filter import chi_square_quantile

CONFIRMS = 0.5
"""Log-odds that a measurement adds at least to a vehicle that another sensor sees."""
MISS_RATE, STANDING_MISS_RATE = 4.0, 0.2
"""1/s, log-odds lost unseen where nothing hides it, and of one that stood: it does not leave unseen."""
STANDING_GAP_NS = 600 * NANOSECONDS
"""For so long one that stands is kept where no sensor could see it; one that drives for `longest_gap`."""
SEEN_WITHIN_NS = 300_000_000
"""A sensor that saw it longer ago does not see it now."""
BESIDE = 0.3
"""m: what shows nearer than this to a vehicle that was just placed is a part of it."""


@dataclass(frozen=True)
class _Step:
    """A measurement, and the state that it met."""

    measured: VehicleMeasurements
    tracks: tuple[VehicleTrack, ...]
    stamp_ns: int | None
    spoken: dict[str, int]


class VehicleTracker:
    """Follows vehicles in the world frame."""

    def __init__(self, config: TrackerConfig | None = None) -> None:
        """config: of times and existence; noise is the vehicles' own."""
        self.config = config or TrackerConfig()
        self.report = TrackerReport()
        self._next_id = 1
        self._forget()

    def _forget(self) -> None:
        self._tracks: tuple[VehicleTrack, ...] = ()
        self._stamp_ns: int | None = None
        self._spoken: dict[str, int] = {}
        self._steps: deque[_Step] = deque(maxlen=MOST_REPLAYED)
        self._clocks = SensorClocks(self.config)
        self._names: dict[str, str] = {}

    def reset(self, reason: str = "asked to") -> None:
        """Forget all; ids go on, so no name is used twice."""
        self._forget()
        self.report = replace(self.report, resets=self.report.resets + 1, last_reset=reason)

    def update(self, measured: VehicleMeasurements, now_ns: int | None = None) -> Vehicles:
        """Take one measurement at its own stamp; the vehicles at the newest measurement's time.

        now_ns: ROS time at which it came, None where nobody knows. Rows that are no numbers are left
        out and counted in `report`.
        """
        measured, dropped = measured.clean()
        count = self.report
        verdict = self._clocks.judged(measured.sensor, measured.stamp_ns, self._stamp_ns, now_ns)
        if verdict.kind == "restart":
            clocks = self._clocks
            self.reset(verdict.reason)
            self._clocks, count = clocks, self.report
        elif verdict.kind == "repeat":
            self.report = replace(count, repeated=count.repeated + 1)
            return self.vehicles()
        elif verdict.kind == "refuse":
            self.report = replace(count, refused=count.refused + 1, last_refused=verdict.reason)
            return self.vehicles()
        if why := self._unusable_late(measured):
            self.report = replace(count, **{why: getattr(count, why) + 1})
            return self.vehicles()
        later: list[VehicleMeasurements] = []
        while self._steps and _order(self._steps[-1].measured) > _order(measured):
            step = self._steps.pop()
            later.append(step.measured)
            self._tracks, self._stamp_ns, self._spoken = step.tracks, step.stamp_ns, step.spoken
        for one in (measured, *reversed(later)):
            self._advance(one)
        self._name()
        self.report = replace(
            count,
            measurements=count.measurements + 1,
            replayed=count.replayed + bool(later),
            invalid_boxes=count.invalid_boxes + dropped,
        )
        return self.vehicles()

    def _unusable_late(self, measured: VehicleMeasurements) -> str:
        """'repeated' of a measurement that is known, 'late' of one from before all that is kept."""
        if not self._steps:
            return ""
        known = {(step.measured.sensor, step.measured.stamp_ns) for step in self._steps}
        oldest = self._steps[0].stamp_ns
        if (measured.sensor, measured.stamp_ns) in known:
            return "repeated"
        return "late" if oldest is not None and measured.stamp_ns < oldest else ""

    def vehicles(self) -> Vehicles:
        """Those at the newest measurement's time."""
        return self.predict_to(self._stamp_ns or 0)

    def predict_to(self, stamp_ns: int) -> Vehicles:
        """Those as predicted for another time; the tracker itself stays as it is.

        Existence fades as it does for the unseen from when a sensor could see them last.
        """
        seconds = (stamp_ns - (self._stamp_ns or stamp_ns)) / NANOSECONDS
        shown = [_faded(t, stamp_ns) for t in self._tracks if t.born in self._names and t.shown]
        shown = [t for t in shown if t.log_odds > logit(self.config.lost_below)]
        shown = [track if track.stands else track.predicted(seconds) for track in shown]
        standing = np.array([track.stands for track in shown], dtype=bool)
        mean = np.array([track.mean for track in shown]).reshape(-1, 4)
        covariance = np.array([_told(track) for track in shown]).reshape(-1, 4, 4)
        return Vehicles(
            stamp_ns=stamp_ns,
            ids=tuple(self._names[track.born] for track in shown),
            kind=tuple(track.kind for track in shown),
            position=mean[:, :2],
            velocity=np.where(standing[:, None], 0.0, mean[:, 2:]),
            covariance=covariance,
            size=np.array([track.size for track in shown]).reshape(-1, 3),
            heading=np.array([track.heading for track in shown]),
            heading_sigma=np.array([track.heading_sigma for track in shown]),
            existence=np.array([track.existence for track in shown]),
            seen_by=tuple(
                tuple(n for n, at in track.sightings.items() if at > stamp_ns - SEEN_WITHIN_NS)
                for track in shown
            ),
        )

    def _advance(self, measured: VehicleMeasurements) -> None:
        """Predict to a measurement's time and take it."""
        stamp, config = measured.stamp_ns, self.config
        self._steps.append(_Step(measured, self._tracks, self._stamp_ns, self._spoken))
        since = (stamp - (self._stamp_ns or stamp)) / NANOSECONDS
        tracks = [track.predicted(since) for track in self._tracks]
        before = self._spoken.get(measured.sensor)
        own = np.inf if before is None else (stamp - before) / NANOSECONDS
        rows = [Placed.of(measured, row) for row in range(len(measured))]
        cost = np.array([[_cost(track, row, config) for row in rows] for track in tracks])
        cost = cost.reshape(len(tracks), len(rows))
        sure = measured.score >= measured.speaks
        i, j = assigned(cost, np.ones(len(tracks), bool), np.ones(len(rows), bool))
        pairs = dict(zip(i.tolist(), j.tolist(), strict=True))
        after = []
        for k, track in enumerate(tracks):
            seconds = min(own, max((stamp - track.looked) / NANOSECONDS, config.evidence_time))
            if k in pairs:
                after.append(self._seen(track, rows[pairs[k]], measured, seconds))
            else:
                after.append(_missed(track, measured, seconds))
        for k in set(range(len(rows))) - set(pairs.values()):
            if sure[k] and not any(_part_of(rows[k], track) for track in after):
                born = f"{stamp}/{measured.sensor}/{k}"
                odds = float(logit(config.birth) + _evidence(rows[k], measured))
                after.append(newborn(rows[k], born, stamp, odds, measured.sensor))
        self._tracks = tuple(self._judged(track, stamp) for track in self._alive(after, stamp))
        self._stamp_ns, self._spoken = stamp, {**self._spoken, measured.sensor: stamp}

    def _seen(
        self,
        track: VehicleTrack,
        row: Placed,
        measured: VehicleMeasurements,
        seconds: float,
    ) -> VehicleTrack:
        stamp, config = measured.stamp_ns, self.config
        others = any(name != measured.sensor for name in track.sightings)
        # A weak one where it was expected speaks against nobody.
        gain = max(_evidence(row, measured), CONFIRMS if others else 0.0)
        fresh = min(1.0, seconds / config.evidence_time)
        track = track.updated(row, stamp, min(seconds, 1.0))
        return replace(
            track,
            log_odds=min(track.log_odds + fresh * gain, float(logit(config.sure))),
            looked=stamp,
            sightings={**track.sightings, measured.sensor: stamp},
        )

    def _alive(self, tracks: list[VehicleTrack], stamp_ns: int) -> list[VehicleTrack]:
        """Without those that are lost, and without the younger of two in one place."""
        longest = round(self.config.longest_gap * NANOSECONDS)
        lost = logit(self.config.lost_below)
        alive = [
            track
            for track in tracks
            if track.log_odds > lost
            and stamp_ns - track.looked <= (STANDING_GAP_NS if track.stands else longest)
        ]
        doubles = set()
        for first, second in combinations(range(len(alive)), 2):
            one, other = alive[first], alive[second]
            if first in doubles or second in doubles:
                continue
            if one.holds(other.mean[:2]) or other.holds(one.mean[:2]):
                doubles.add(second)
                alive[first] = _both(one, other)
        return [track for k, track in enumerate(alive) if k not in doubles]

    def _judged(self, track: VehicleTrack, stamp_ns: int) -> VehicleTrack:
        limit = self.config.hidden_below if track.shown else self.config.shown_at
        return replace(track, shown=track.existence > limit)

    def _name(self) -> None:
        """Name those that are shown for the first time; who was born again by a replay keeps its name."""
        for track in self._tracks:
            if track.shown and track.born not in self._names:
                self._names[track.born] = str(self._next_id)
                self._next_id += 1
        if len(self._names) > 10 * MOST_REPLAYED:
            kept = {t.born for step in self._steps for t in (*step.tracks, *self._tracks)}
            self._names = {born: name for born, name in self._names.items() if born in kept}


def _order(measured: VehicleMeasurements) -> tuple[int, str]:
    return measured.stamp_ns, measured.sensor


def _evidence(row: Placed, measured: VehicleMeasurements) -> float:
    """Log-odds that a measurement's score adds."""
    return float(logit(np.clip(row.score, 0.01, 0.99)) - logit(measured.speaks))


def _cost(track: VehicleTrack, row: Placed, config: TrackerConfig) -> float:
    """-2 log likelihood of a measurement of this vehicle; infinite outside the gate."""
    row = track.along_its_axes(row)
    center, doubt = track.middle(row)
    spread = track.place_covariance + row.covariance + doubt
    residual = center - track.mean[:2]
    distance = float(residual @ np.linalg.solve(spread, residual))
    limit = float(chi_square_quantile(config.gate, 2))
    # Two vehicles are never in one place.
    if distance > limit and not track.holds(center):
        return np.inf
    return min(distance, limit) + float(np.linalg.slogdet(spread)[1])


def _part_of(row: Placed, track: VehicleTrack) -> bool:
    """Whether a measurement shows but a part of a vehicle."""
    row = track.along_its_axes(row)
    return track.holds(row.anchor, BESIDE) or track.holds(track.middle(row)[0], BESIDE)


def _missed(track: VehicleTrack, measured: VehicleMeasurements, seconds: float) -> VehicleTrack:
    """A vehicle that a measurement did not show."""
    sensor = measured.sensor
    others = {name: at for name, at in track.sightings.items() if name != sensor}
    if not measured.view.shows(track.mean[:2], track.size):
        return replace(track, sightings=others)
    rate = STANDING_MISS_RATE if track.stands else MISS_RATE
    odds = track.log_odds - rate * seconds
    return replace(track, sightings=others, log_odds=odds, looked=measured.stamp_ns)


def _faded(track: VehicleTrack, stamp_ns: int) -> VehicleTrack:
    """As nobody has looked since."""
    rate = STANDING_MISS_RATE if track.stands else MISS_RATE
    unlooked = max(stamp_ns - track.looked, 0) / NANOSECONDS
    return replace(track, log_odds=track.log_odds - rate * unlooked)


def _both(first: VehicleTrack, second: VehicleTrack) -> VehicleTrack:
    """One vehicle that was followed as two: the surer place and motion, under the older's name."""
    surer = min((first, second), key=lambda track: float(np.trace(track.place_covariance)))
    moves = min((first, second), key=lambda track: float(np.trace(track.covariance[2:, 2:])))
    mean, covariance = surer.mean, surer.covariance
    if moves is not surer:  # a newborn knows its place, not its speed
        mean = np.concatenate([mean[:2], moves.mean[2:]])
        covariance = block_diag(covariance[:2, :2], moves.covariance[2:, 2:])
    votes = {
        kind: first.votes.get(kind, 0.0) + second.votes.get(kind, 0.0)
        for kind in {**first.votes, **second.votes}
    }
    return replace(
        surer,
        mean=mean,
        covariance=covariance,
        stand=moves.stand,
        standing=moves.standing,
        born=first.born,
        votes=votes,
        shown=first.shown or second.shown,
        log_odds=max(first.log_odds, second.log_odds),
        looked=max(first.looked, second.looked),
        sightings={**first.sightings, **second.sightings},
    )


def _told(track: VehicleTrack) -> Float[np.ndarray, "4 4"]:
    """Covariance as others need it: with what no measurement took away, and of one that stands."""
    covariance = track.covariance.copy()
    covariance[:2, :2] += track.doubt
    if track.stands:
        covariance[:2, 2:] = covariance[2:, :2] = 0.0
        covariance[2:, 2:] = STANDING_SPEED_SIGMA**2 * np.eye(2)
    return covariance
