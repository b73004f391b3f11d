"""Multi-person tracking on the ground plane from any number of sensors.

Constant-velocity Kalman filter in world metres. Every measurement counts at its own stamp: one that
comes late is put where it belongs, and what came after it is taken again (Bar-Shalom, Li &
Kirubarajan 2001, 7.3.6: out-of-sequence measurements, by replay, which is exact). Those of one
stamp are taken in the order of their sensors' names, so that arrival decides nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logit

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.measurements.box_measurements import box_measurements
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.measurements.ground_measurements import GroundMeasurements
from visrftwin_ros.perception.tracking import walker_filter as walkers
from visrftwin_ros.perception.tracking.camera_sighting import CameraSighting
from visrftwin_ros.perception.tracking.ground_sighting import GroundSighting
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.reidentification import LostPeople, LostPerson
from visrftwin_ros.perception.tracking.sensor_clocks import SensorClocks
from visrftwin_ros.perception.tracking.sighting import Sighting, waiting
from visrftwin_ros.perception.tracking.track_table import TrackTable
from visrftwin_ros.perception.tracking.tracker_config import TrackerConfig

NANOSECONDS = 1_000_000_000
MOST_REPLAYED = 150
"""Measurements that are kept for a replay: one second of five cameras at 30 Hz."""
UNSEEN_NS = 300_000_000
"""After this long without a sight of them, people may be found elsewhere."""
SAME_PLACE = 1.0
"""m: within this of where a replay removed somebody, somebody new is that person."""


@dataclass(frozen=True)
class TrackerReport:
    """What the tracker took and refused since it was made; `resets`, `refused` with the last
    reason."""

    measurements: int = 0
    replayed: int = 0
    late: int = 0
    repeated: int = 0
    refused: int = 0
    last_refused: str = ""
    invalid_boxes: int = 0
    boxes_off_ground: int = 0
    resets: int = 0
    last_reset: str = ""
    recognised: int = 0


def refusal(before: TrackerReport, after: TrackerReport) -> str:
    """Why a measurement between two reports was not used: '' if it was, or only repeated another."""
    if after.refused > before.refused:
        return f"not used: {after.last_refused}"
    if after.late > before.late:
        return "not used: measurements come more than a second late"
    return ""


@dataclass(frozen=True)
class _Step:
    """A measurement, and the state that it met; no stamp: it was the first.

    spoken_before: ROS time [ns] at which each sensor had measured last.
    """

    sighting: Sighting
    tracks_before: TrackTable
    stamp_before: int | None
    spoken_before: dict[str, int]


class PeopleTracker:
    """Follows people in the world frame through calibrated cameras and ground sensors."""

    def __init__(self, config: TrackerConfig | None = None) -> None:
        self.config = config or TrackerConfig()
        self.report = TrackerReport()
        self._next_id = 1
        self._forget()

    def _forget(self) -> None:
        self._tracks = TrackTable()
        self._stamp_ns: int | None = None
        self._spoken: dict[str, int] = {}
        self._steps: deque[_Step] = deque(maxlen=MOST_REPLAYED)
        self._clocks = SensorClocks(self.config)
        self._lost = LostPeople(self.config)
        self._names: dict[str, str] = {}
        self._ended: set[str] = set()

    def reset(self, reason: str = "asked to") -> None:
        """Forget everybody; ids go on, so no name is used twice."""
        self._forget()
        self.report = replace(self.report, resets=self.report.resets + 1, last_reset=reason)

    def update(
        self,
        detections: Detections,
        camera: CameraModel,
        config: TrackerConfig | None = None,
        now_ns: int | None = None,
    ) -> People:
        """Take one image's people at their own stamp; the people at the newest measurement's time.

        config: this camera's noise and scores, where they are not the tracker's. now_ns: ROS time at
        which they came, None where nobody knows. Boxes with NaN or no extent, or that stand nowhere
        on the ground, are left out and counted in `report`.
        Raises TwinError where the image's size is not the calibration's.
        """
        if detections.image_size != camera.size:
            raise TwinError(
                f"camera {camera.name!r}: an image of {detections.image_size[0]}x"
                f"{detections.image_size[1]} px, but the calibration is for "
                f"{camera.size[0]}x{camera.size[1]}; use the calibration's size or recalibrate"
            )
        own = config or self.config
        clean, dropped = detections.people().clean()
        clean = clean.where(clean.score >= own.low_score)
        boxes = box_measurements(clean, camera)
        return self._take(CameraSighting(detections.stamp_ns, boxes, camera, own), dropped, now_ns)

    def update_ground(self, measurements: GroundMeasurements, now_ns: int | None = None) -> People:
        """Take one measurement of a ground sensor, as `update`."""
        clean, dropped = measurements.clean()
        return self._take(GroundSighting(clean, self.config), dropped, now_ns)

    def people(self) -> People:
        """The people at the newest measurement's time."""
        return self._tracks.people(self._stamp_ns or 0)

    def predict_to(self, stamp_ns: int) -> People:
        """The people as predicted for another time; the tracker itself stays as it is.

        Existence fades as it does for the unseen from when a sensor could see them last.
        """
        if self._stamp_ns is None:
            return self._tracks.people(stamp_ns)
        seconds = (stamp_ns - self._stamp_ns) / NANOSECONDS
        tracks = self._tracks
        mean, covariance = walkers.predicted(
            tracks.mean,
            tracks.covariance,
            max(seconds, 0.0),
            self.config,
            waiting(tracks, self.config),
        )
        if seconds < 0:
            mean = tracks.mean.copy()
            mean[:, :2] += seconds * mean[:, 2:4]
        unlooked = np.maximum((stamp_ns - tracks.looked) / NANOSECONDS, 0.0)
        log_odds = tracks.log_odds - unlooked * self.config.miss_rate
        faded = replace(tracks, mean=mean, covariance=covariance, log_odds=log_odds)
        return faded.where(log_odds > logit(self.config.lost_below)).people(stamp_ns)

    def _take(self, sighting: Sighting, dropped: int, now_ns: int | None) -> People:
        """Judge a measurement's time, then take it where it belongs."""
        verdict = self._clocks.judged(sighting.sensor, sighting.stamp_ns, self._stamp_ns, now_ns)
        count = self.report
        if verdict.kind == "restart":
            clocks = self._clocks
            self.reset(verdict.reason)
            self._clocks = clocks
        elif verdict.kind == "repeat":
            self.report = replace(count, repeated=count.repeated + 1)
            return self.people()
        elif verdict.kind == "refuse":
            self.report = replace(count, refused=count.refused + 1, last_refused=verdict.reason)
            return self.people()
        if self._steps and _order(sighting) < _order(self._steps[-1].sighting):
            refusal = self._replay(sighting)
            if refusal:
                count = self.report
                self.report = replace(count, **{refusal: getattr(count, refusal) + 1})
                return self.people()
        else:
            before = self._tracks
            self._count_off_ground(self._advance(sighting))
            self._name(before)
        count = self.report
        self.report = replace(
            count,
            measurements=count.measurements + 1,
            invalid_boxes=count.invalid_boxes + dropped,
        )
        return self.people()

    def _replay(self, late: Sighting) -> str:
        """Go back to before a late measurement, take it and then all later ones again.

        '' where that was done; 'repeated' for one that is known, 'late' for one from before all
        that is kept.
        """
        known = {(step.sighting.sensor, step.sighting.stamp_ns) for step in self._steps}
        if (late.sensor, late.stamp_ns) in known:
            return "repeated"
        oldest = self._steps[0]
        if oldest.stamp_before is not None and late.stamp_ns < oldest.stamp_before:
            return "late"
        published = self._tracks
        later: list[Sighting] = []
        while self._steps and _order(self._steps[-1].sighting) > _order(late):
            step = self._steps.pop()
            later.append(step.sighting)
            self._tracks, self._stamp_ns = step.tracks_before, step.stamp_before
            self._spoken = step.spoken_before
        self._count_off_ground(self._advance(late))
        for sighting in reversed(later):
            self._advance(sighting)
        self._name(published)
        self.report = replace(self.report, replayed=self.report.replayed + 1)
        return ""

    def _advance(self, sighting: Sighting) -> int:
        """Predict to a measurement's time and take it; how much of it stood nowhere.

        The state before stays as it was.
        """
        config = self.config
        stamp_ns, stamp_before, spoken = sighting.stamp_ns, self._stamp_ns, self._spoken
        self._steps.append(_Step(sighting, self._tracks, stamp_before, spoken))
        since = stamp_ns - (stamp_ns if stamp_before is None else stamp_before)
        tracks = self._tracks.copied()
        tracks.mean, tracks.covariance = walkers.predicted(
            tracks.mean,
            tracks.covariance,
            since / NANOSECONDS,
            config,
            waiting(tracks, config),
        )
        before = spoken.get(sighting.sensor)
        own = np.inf if before is None else (stamp_ns - before) / NANOSECONDS
        tracks, off_ground = sighting.applied(tracks, own)
        tracks = self._without_doubles(tracks)
        alive = tracks.log_odds > logit(config.lost_below)
        # The last who could see them fell silent: other sensors' measurements keep nobody alive.
        alive &= tracks.looked >= stamp_ns - round(config.longest_gap * NANOSECONDS)
        if self._ended:
            alive &= np.array([born not in self._ended for born in tracks.born], dtype=bool)
        tracks = tracks.where(alive)
        tracks.shown = np.where(
            tracks.shown,
            tracks.log_odds > logit(config.hidden_below),
            tracks.log_odds > logit(config.shown_at),
        )
        self._tracks, self._stamp_ns = tracks, stamp_ns
        self._spoken = {**spoken, sighting.sensor: stamp_ns}
        return off_ground

    def _count_off_ground(self, boxes: int) -> None:
        count = self.report
        self.report = replace(count, boxes_off_ground=count.boxes_off_ground + boxes)

    def _without_doubles(self, tracks: TrackTable) -> TrackTable:
        """The tracks without the younger of two in one place that different sensors follow."""
        if len({name for seen in tracks.sightings for name in seen}) < 2 or len(tracks) < 2:
            return tracks
        apart = tracks.mean[:, None, :2] - tracks.mean[None, :, :2]
        near = np.hypot(apart[..., 0], apart[..., 1]) < self.config.split_distance
        np.fill_diagonal(near, False)
        if not near.any():
            return tracks
        kept = np.ones(len(tracks), dtype=bool)
        for older, younger in np.argwhere(np.triu(near, 1)):
            first, second = tracks.sightings[older], tracks.sightings[younger]
            if kept[older] and first and second and not set(first) & set(second):
                kept[younger] = False
                tracks.sightings[older] = {**first, **second}
                tracks.shown[older] |= tracks.shown[younger]
                tracks.placed[older] = max(tracks.placed[older], tracks.placed[younger])
                tracks.looked[older] = max(tracks.looked[older], tracks.looked[younger])
                best = max(tracks.log_odds[older], tracks.log_odds[younger])
                tracks.log_odds[older] = best
                if not len(tracks.look[older]):
                    tracks.look[older] = tracks.look[younger]
        return tracks if kept.all() else tracks.where(kept)

    def _name(self, before: TrackTable) -> None:
        """Name who is shown for the first time; `before`: the tracks that others know."""
        tracks, stamp_ns = self._tracks, self._stamp_ns or 0
        for k, born in enumerate(tracks.born):
            tracks.ids[k] = self._names.get(born, "")
        present = set(tracks.ids)
        gone = [k for k, name in enumerate(before.ids) if name and name not in present]
        for k in np.flatnonzero(tracks.shown).tolist():
            if tracks.ids[k]:
                continue
            near = [
                g for g in gone if np.hypot(*(before.mean[g] - tracks.mean[k])[:2]) < SAME_PLACE
            ]
            name = ""
            if near:
                name = before.ids[near[0]]
                gone.remove(near[0])
            elif len(tracks.look[k]):
                name = self._recognised(k, stamp_ns)
            if not name:
                name = str(self._next_id)
                self._next_id += 1
            self._lost.forget(name)
            self._names[tracks.born[k]] = tracks.ids[k] = name
        for g in gone:
            self._lost.remember(_lost_person(before, g, stamp_ns))
        if len(self._names) > 10 * MOST_REPLAYED:
            kept = {born for step in self._steps for born in step.tracks_before.born}
            kept |= set(tracks.born)
            self._names = {born: name for born, name in self._names.items() if born in kept}
            self._ended &= kept

    def _recognised(self, newcomer: int, stamp_ns: int) -> str:
        """Whose name a newcomer gets; a track that coasts elsewhere under it ends."""
        tracks = self._tracks
        # Of its own coasting tracks a sensor has just judged that this is none of them.
        sensor = tracks.sensor[newcomer]
        coasting = [
            k
            for k, seen in enumerate(tracks.sightings)
            if tracks.ids[k] and tracks.sensor[k] != sensor
            if max(seen.values(), default=0) < stamp_ns - UNSEEN_NS
        ]
        unseen = [_lost_person(tracks, k, stamp_ns) for k in coasting]
        name = self._lost.recognised(
            stamp_ns, tracks.mean[newcomer, :2], tracks.look[newcomer], unseen
        )
        if name:
            self.report = replace(self.report, recognised=self.report.recognised + 1)
        for k in coasting:
            if tracks.ids[k] == name:
                tracks.shown[k], tracks.ids[k] = False, ""
                self._ended.add(tracks.born[k])
                self._names.pop(tracks.born[k], None)
        return name


def _order(sighting: Sighting) -> tuple[int, str]:
    """What measurements are taken in the order of."""
    return sighting.stamp_ns, sighting.sensor


def _lost_person(tracks: TrackTable, k: int, stamp_ns: int) -> LostPerson:
    mean, covariance = tracks.mean[k], tracks.covariance[k]
    variance = float(covariance[0, 0] + covariance[1, 1]) / 2
    position, velocity = mean[:2].copy(), mean[2:4].copy()
    return LostPerson(tracks.ids[k], stamp_ns, position, velocity, variance, tracks.look[k])
