"""What a sensor that measures on the ground (a LiDAR) says, against the tracks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logit

from visrftwin_ros.perception.measurements.ground_measurements import GroundMeasurements
from visrftwin_ros.perception.tracking import walker_filter as walkers
from visrftwin_ros.perception.tracking.association import assigned
from visrftwin_ros.perception.tracking.sighting import believe, fade, missed, spoken_for, waiting
from visrftwin_ros.perception.tracking.track_table import TrackTable
from visrftwin_ros.perception.tracking.tracker_config import TrackerConfig

SHADOW_HALF_WIDTH = 0.3
"""m: half of what one body hides behind it."""
ROWS = np.array([[1.0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0], [0, 0, 0, 0, 1.0]])
"""x, y and height of a state."""


@dataclass(frozen=True)
class GroundSighting:
    """People that one sensor places on the ground at one time."""

    measurements: GroundMeasurements
    config: TrackerConfig

    @property
    def stamp_ns(self) -> int:
        return self.measurements.stamp_ns

    @property
    def sensor(self) -> str:
        return self.measurements.sensor

    def applied(self, tracks: TrackTable, seconds: float) -> tuple[TrackTable, int]:
        """As `Sighting.applied`."""
        spoken = spoken_for(tracks, self.stamp_ns, seconds, self.config)
        i, j = self._matched(tracks)
        if len(i):
            self._measure(tracks, i, j, spoken[i])
        unseen = missed(tracks, i, self.sensor)
        fade(tracks, unseen, self._miss_rate(tracks), self.stamp_ns, spoken)
        return self._with_newcomers(tracks, i, j), 0

    @property
    def _noise(self) -> Float[np.ndarray, "m 3 3"]:
        """Covariance of x, y and height; the heights that are unknown are not used."""
        measured = self.measurements
        noise = np.zeros((len(measured), 3, 3))
        noise[:, :2, :2] = measured.covariance + self.config.frame_sigma**2 * np.eye(2)
        noise[:, 2, 2] = np.where(self._tall, measured.height_sigma, 1.0) ** 2
        return noise

    @property
    def _tall(self) -> Bool[np.ndarray, " m"]:
        """Whose height is known."""
        measured = self.measurements
        known = np.isfinite(measured.height) & np.isfinite(measured.height_sigma)
        return known & (measured.height_sigma > 0)

    def _matched(self, tracks: TrackTable) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]]:
        """Gated assignment on the ground; Mahalanobis distance and its normalisation."""
        measured, config = self.measurements, self.config
        if not len(tracks) or not len(measured):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        noise = self._noise[None, :, :2, :2]
        spread = tracks.covariance[:, None, :2, :2] + noise
        then = tracks.mean[:, None, :2] + measured.after[:, None] * tracks.mean[:, None, 2:4]
        r = measured.position[None] - then
        xx, yy, xy = spread[..., 0, 0], spread[..., 1, 1], spread[..., 0, 1]
        determinant = xx * yy - xy**2
        distance = yy * r[..., 0] ** 2 + xx * r[..., 1] ** 2 - 2 * xy * r[..., 0] * r[..., 1]
        distance /= determinant
        cost = distance + np.log(determinant)
        cost[distance > walkers.chi_square_quantile(config.gate, 2)] = np.inf
        everybody = np.ones(len(tracks), dtype=bool)
        sure = measured.score >= config.ground_score
        first = assigned(cost, everybody, sure)
        free = tracks.shown.copy()
        free[first[0]] = False
        second = assigned(cost, free, ~sure)
        return np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])

    def _measure(
        self,
        tracks: TrackTable,
        i: Int[np.ndarray, " k"],
        j: Int[np.ndarray, " k"],
        seconds: Float[np.ndarray, " k"],
    ) -> None:
        measured = self.measurements
        seen = np.column_stack([measured.position, np.where(self._tall, measured.height, 0.0)])[j]
        # Each was measured at a time of its own, a part of a sweep from the stamp.
        jacobian = np.tile(ROWS, (len(i), 1, 1))
        jacobian[:, 0, 2] = jacobian[:, 1, 3] = measured.after[j]
        residual = seen - (jacobian @ tracks.mean[i][..., None])[..., 0]
        used = np.column_stack([np.ones((len(j), 2), dtype=bool), self._tall[j]])
        tracks.mean[i], tracks.covariance[i] = walkers.updated(
            tracks.mean[i], tracks.covariance[i], residual, jacobian, self._noise[j], used
        )
        tracks.placed[i] = self.stamp_ns
        score = measured.score[j]
        gain = self._evidence(j)
        believe(tracks, i, gain, score, self.sensor, self.stamp_ns, seconds, self.config)

    def _evidence(self, j: Int[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
        score = np.clip(self.measurements.score[j], 0.01, 0.99)
        return np.asarray(logit(score) - logit(self.config.ground_score))

    def _miss_rate(self, tracks: TrackTable) -> Float[np.ndarray, " n"]:
        """1/s of existence that tracks lose within reach and behind nobody that was measured."""
        measured, config = self.measurements, self.config
        here = np.array([name == self.sensor for name in tracks.sensor], dtype=bool)
        away = tracks.mean[:, :2] - measured.origin
        distance = np.hypot(*away.T)
        others = measured.position - measured.origin
        nearer = np.hypot(*others.T)
        # The body before is measured from the line of sight to the one behind.
        along = (away @ others.T) / np.maximum(distance[:, None], 1e-9)
        off = np.sqrt(np.maximum(nearer[None] ** 2 - along**2, 0.0))
        shaded = (along > 0) & (along < distance[:, None] - SHADOW_HALF_WIDTH)
        hidden = np.any(shaded & (off < SHADOW_HALF_WIDTH), axis=1)
        rate = np.where(hidden, config.occluded_miss_rate, config.miss_rate)
        rate = np.where(waiting(tracks, config), np.minimum(rate, config.waiting_miss_rate), rate)
        beyond = np.where(here, config.outside_miss_rate, 0.0)
        return np.where(distance < measured.reach, rate, beyond)

    def _with_newcomers(
        self, tracks: TrackTable, i: Int[np.ndarray, " k"], j: Int[np.ndarray, " k"]
    ) -> TrackTable:
        """Start tracks from sure measurements that are no part of anybody just placed."""
        measured, config = self.measurements, self.config
        new = measured.score >= config.ground_score
        new[j] = False
        placed = measured.position[j]
        for row in np.flatnonzero(new):
            gap = np.hypot(*(placed - measured.position[row]).T)
            new[row] = not np.any(gap < config.split_distance)
            if new[row]:
                placed = np.vstack([placed, measured.position[row]])
        k = np.flatnonzero(new)
        if not len(k):
            return tracks
        covariance = np.zeros((len(k), 5, 5))
        moved = (config.initial_speed * measured.after[k]) ** 2
        covariance[:, :2, :2] = self._noise[k, :2, :2] + moved[:, None, None] * np.eye(2)
        covariance[:, 2, 2] = covariance[:, 3, 3] = config.initial_speed**2
        usual = config.height_sigma**2
        known = self._tall[k]
        height = np.where(known, measured.height[k], config.height)
        doubt = np.where(known, self._noise[k, 2, 2], usual)
        covariance[:, 4, 4] = doubt * usual / (doubt + usual)
        prior = (usual * height + doubt * config.height) / (usual + doubt)
        mean = np.column_stack([measured.position[k], np.zeros((len(k), 2)), prior])
        return tracks.extended(
            TrackTable(
                mean=mean,
                covariance=covariance,
                log_odds=logit(config.birth) + self._evidence(k),
                shown=np.zeros(len(k), dtype=bool),
                heading=np.zeros(len(k)),
                standing=np.zeros(len(k)),
                placed=np.full(len(k), self.stamp_ns, dtype=np.int64),
                looked=np.full(len(k), self.stamp_ns, dtype=np.int64),
                score=measured.score[k],
                seen=np.ones(len(k), dtype=bool),
                ids=[""] * len(k),
                born=[f"{self.stamp_ns}/{self.sensor}/{n}" for n in k],
                sensor=[self.sensor] * len(k),
                look=[np.zeros(0)] * len(k),
                link=[""] * len(k),
                sightings=[{self.sensor: self.stamp_ns} for _ in k],
            )
        )
