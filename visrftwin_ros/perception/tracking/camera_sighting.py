"""One image's boxes against the tracks.

Gated Hungarian assignment in two rounds by score (ByteTrack: Zhang et al., ECCV 2022), extended
Kalman update, birth and death by existence probability (Musicki & Evans, "Joint integrated
probabilistic data association", 2004, in its one-hypothesis form).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logit

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.perception.appearance.clothing_colours import LENGTH as COLOURS
from visrftwin_ros.perception.measurements.box_measurements import (
    BoxMeasurements,
    areas,
    body_corners,
    covered_share,
    shared_area,
)
from visrftwin_ros.perception.tracking import walker_filter as walkers
from visrftwin_ros.perception.tracking.association import PARTS, PairCosts, assigned, pair_costs
from visrftwin_ros.perception.tracking.camera_turn import LEAST_TURN, SHARED, CameraTurn, turn_slope
from visrftwin_ros.perception.tracking.look_distance import blended, look_cost
from visrftwin_ros.perception.tracking.sighting import believe, fade, missed, spoken_for, waiting
from visrftwin_ros.perception.tracking.track_table import NEVER_NS, TrackTable
from visrftwin_ros.perception.tracking.tracker_config import TrackerConfig

TALLEST, SHORTEST = 2.3, 0.9
"""m: boxes that stand for bodies outside this start no track."""
UNUSUAL_HEIGHT_SIGMA = 0.5
"""m: of somebody whose first box fits no standing adult."""
DEPTH_DOUBT = 0.05
"""Share of a body's height by which another's feet may show higher and still stand nearer."""
PLACED_NS = 300_000_000
"""For so long a ground sensor's place of somebody is better than any box's."""
OCCLUDING_SHARE = 0.4
"""Share of a body's box behind nearer ones from which a detector is expected to miss it."""


@dataclass(frozen=True)
class CameraSighting:
    """The boxes of one image of a camera; `config` has this camera's noise."""

    stamp_ns: int
    boxes: BoxMeasurements
    camera: CameraModel
    config: TrackerConfig
    turn: CameraTurn | None = None
    """By how much the camera is turned against its pose, where that is in doubt."""

    @property
    def sensor(self) -> str:
        return self.camera.name

    def applied(self, tracks: TrackTable, seconds: float) -> tuple[TrackTable, int]:
        """As `Sighting.applied`: boxes that stand nowhere on the ground are counted."""
        if self.turn is None and self.camera.turn_sigma > LEAST_TURN:
            turn = self._turn(tracks)
            tracks.turns = {**tracks.turns, self.sensor: turn}
            straight = replace(self, camera=turn.of(self.camera), turn=turn)
            return straight.applied(tracks, seconds)
        spoken = spoken_for(tracks, self.stamp_ns, seconds, self.config)
        i, j, pairs = self._matched(tracks)
        if len(i):
            self._measure(tracks, i, j, pairs, spoken[i])
        unseen = missed(tracks, i, self.sensor)
        fade(tracks, unseen, self._miss_rate(tracks), self.stamp_ns, spoken)
        return self._with_newcomers(tracks, j)

    def _turn(self, tracks: TrackTable) -> CameraTurn:
        """Of the camera, as the people tell whom it sees."""
        before = tracks.turns.get(self.sensor)
        turn = CameraTurn.unknown(self.camera, self.stamp_ns)
        if before is not None:
            turn = before.at(self.stamp_ns, self.camera)
        guess = replace(self, camera=turn.of(self.camera), turn=turn)
        i, j, pairs = guess._matched(tracks)
        if len(i):
            assert pairs is not None
            mean = tracks.mean[i]
            rows, jacobian, _ = walkers.expected_rows(mean, guess.camera)
            residual = self.boxes.rows[j] - rows
            residual[:, 0] = walkers.wrapped(residual[:, 0], self.camera.column_period)
            doubt = SHARED * jacobian @ tracks.covariance[i] @ jacobian.swapaxes(1, 2)
            doubt += self._box_noise(rows, j)[..., None] * np.eye(3)
            slope = turn_slope(mean, guess.camera)
            turn = turn.told_by(residual, slope, doubt, PARTS[pairs.part[i, j]])
        return turn

    def _matched(
        self, tracks: TrackTable
    ) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"], PairCosts | None]:
        """Pair tracks with boxes, sure boxes first."""
        boxes, config = self.boxes, self.config
        if not len(tracks) or not len(boxes):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), None
        rows, jacobian, in_front = walkers.expected_rows(tracks.mean, self.camera)
        noise = walkers.row_noise(rows, config)
        innovation = jacobian @ tracks.covariance @ jacobian.swapaxes(1, 2)
        innovation += self._noise(noise, tracks.mean)
        pairs = pair_costs(rows, innovation, boxes, config, self.camera.column_period)
        cost = pairs.cost + self._link_cost(tracks)
        look = look_cost(tracks.look, boxes.embedding, config)
        cost += look
        cost[~in_front] = np.inf
        cost[self._strangers(tracks, look)] = np.inf

        sure = boxes.score >= config.high_score
        first = assigned(cost, np.ones(len(tracks), dtype=bool), sure)
        free = tracks.shown.copy()
        free[first[0]] = False
        second = assigned(np.where(pairs.close, cost, np.inf), free, ~sure)
        i = np.concatenate([first[0], second[0]])
        j = np.concatenate([first[1], second[1]])
        return i, j, pairs

    def _strangers(
        self, tracks: TrackTable, look: Float[np.ndarray, "n m"]
    ) -> Bool[np.ndarray, "n m"]:
        """Pairs of somebody whom no sensor sees and a clear box of somebody who looks different.

        Of a network's embeddings only: colours of clothes change from camera to camera.
        """
        unseen = np.array([not seen for seen in tracks.sightings], dtype=bool)
        if self.boxes.embedding.shape[1] == COLOURS:
            unseen[:] = False
        return unseen[:, None] & self.boxes.clear[None] & (look >= self.config.look_limit)

    def _link_cost(self, tracks: TrackTable) -> Float[np.ndarray, "n m"]:
        """What the detector's own tracker says of each pair: for, against or nothing."""
        links = np.array([self._link(name) for name in self.boxes.track_id])
        mine = np.array(tracks.link)
        same = (mine[:, None] == links[None]) & (links != "")[None]
        others = same.any(axis=0)[None] & ~same
        return self.config.same_box_track * (others.astype(float) - same)

    def _link(self, name: str) -> str:
        return f"{self.sensor}/{name}" if name else ""

    def _measure(
        self,
        tracks: TrackTable,
        i: Int[np.ndarray, " k"],
        j: Int[np.ndarray, " k"],
        pairs: PairCosts | None,
        seconds: Float[np.ndarray, " k"],
    ) -> None:
        """Kalman update, existence evidence and bookkeeping of paired tracks."""
        boxes, config = self.boxes, self.config
        assert pairs is not None
        rows, jacobian, _ = walkers.expected_rows(tracks.mean[i], self.camera)
        residual = boxes.rows[j] - rows
        residual[:, 0] = walkers.wrapped(residual[:, 0], self.camera.column_period)
        noise = self._box_noise(rows, j)
        noise[self.stamp_ns - tracks.placed[i] < PLACED_NS] *= config.placed_sigma_factor**2
        tracks.mean[i], tracks.covariance[i] = walkers.updated(
            tracks.mean[i],
            tracks.covariance[i],
            residual,
            jacobian,
            self._noise(noise, tracks.mean[i]),
            PARTS[pairs.part[i, j]],
        )
        gain = self._evidence(j, self._usual_height(tracks, i))
        believe(tracks, i, gain, boxes.score[j], self.sensor, self.stamp_ns, seconds, config)
        for track, box in zip(i, j, strict=True):
            if boxes.track_id[box]:
                tracks.link[track] = self._link(boxes.track_id[box])
            if boxes.clear[box]:
                tracks.look[track] = blended(tracks.look[track], boxes.embedding[box], config)

    def _box_noise(
        self, rows: Float[np.ndarray, "k 3"], j: Int[np.ndarray, " k"]
    ) -> Float[np.ndarray, "k 3"]:
        """Variances [px^2] of boxes' columns and rows, for bodies expected at these rows."""
        noise = walkers.row_noise(rows, self.config)
        noise[~self.boxes.whole[j], 0] *= self.config.cut_sigma_factor**2
        noise[:, 0] += self.boxes.slack[j] ** 2 / 12  # uniform over the slack
        return noise

    def _noise(
        self, variance: Float[np.ndarray, "k 3"], mean: walkers.Means
    ) -> Float[np.ndarray, "k 3 3"]:
        """Covariances [px^2] of columns and rows of walkers, the camera's turn in it."""
        own = variance[..., None] * np.eye(3)
        return own if self.turn is None else own + self.turn.noise(mean, self.camera)

    def _evidence(
        self, j: Int[np.ndarray, " k"], usual: Bool[np.ndarray, " k"]
    ) -> Float[np.ndarray, " k"]:
        """Log-odds that boxes add to existence: the score against the least that speaks for it.

        A body of unusual height (a sign, a bin, but also a child) needs a better score.
        """
        boxes, config = self.boxes, self.config
        least = logit(np.where(usual, config.high_score, config.unusual_score))
        gain = logit(np.clip(boxes.score[j], 0.01, 0.99)) - least
        return np.where(boxes.whole[j], gain, np.minimum(gain, gain * config.cut_evidence))

    def _usual_height(self, tracks: TrackTable, i: Int[np.ndarray, " k"]) -> Bool[np.ndarray, " k"]:
        """Whether tracks have a standing adult's height, within three standard deviations."""
        variance = self.config.height_sigma**2 + tracks.covariance[i, 4, 4]
        return np.abs(tracks.mean[i, 4] - self.config.height) < 3.0 * np.sqrt(variance)

    def _miss_rate(self, tracks: TrackTable) -> Float[np.ndarray, " n"]:
        """1/s of existence that tracks lose which this camera should have seen and did not; 0 of
        whom it could not have seen."""
        config = self.config
        here = np.array([name == self.sensor for name in tracks.sensor], dtype=bool)
        rows, _, in_front = walkers.expected_rows(tracks.mean, self.camera)
        corners = body_corners(rows)
        width, height = self.camera.size
        inside = in_front & (rows[:, 0] >= 0) & (rows[:, 0] < width)
        inside &= (corners[:, 3] > 0) & (corners[:, 1] < height)
        # Who stands before whom is not known to better than the feet are.
        size = rows[:, 1] - rows[:, 2]
        nearest = rows[:, 1] + DEPTH_DOUBT * size
        hidden = covered_share(corners, rows[:, 1], nearest, tracks.shown) > OCCLUDING_SHARE
        rate = np.where(hidden, config.occluded_miss_rate, config.miss_rate)
        rate = np.where(waiting(tracks, config), np.minimum(rate, config.waiting_miss_rate), rate)
        rate = np.where((size < config.smallest_body) & ~here, 0.0, rate)
        # Another sensor may see what has left this image: only its last observer fades it.
        return np.where(inside, rate, np.where(here, config.outside_miss_rate, 0.0))

    def _with_newcomers(
        self, tracks: TrackTable, matched: Int[np.ndarray, " k"]
    ) -> tuple[TrackTable, int]:
        """Start tracks from sure boxes that explain nobody known."""
        boxes, config = self.boxes, self.config
        new = boxes.score >= config.high_score
        new[matched] = False
        if len(matched) and new.any():
            shared = shared_area(boxes.corners, boxes.corners[matched])
            size = areas(boxes.corners)
            share = shared / np.minimum(size[:, None], size[matched][None])
            new &= share.max(axis=1) < config.duplicate_overlap
        j = np.flatnonzero(new)
        if not len(j):
            return tracks, 0
        mean, covariance, valid = walkers.newborn(boxes.rows[j], boxes.foot[j], self.camera, config)
        off_ground = int(np.count_nonzero(~valid))
        j, mean, covariance = j[valid], mean[valid], covariance[valid]
        if not len(j):
            return tracks, off_ground
        mean, covariance, usual = self._first_update(j, mean, covariance)
        # A box of unusual height may be a child or somebody who sits, but not one that is cut.
        stature = (mean[:, 4] > SHORTEST) & (mean[:, 4] < TALLEST)
        stature &= usual | boxes.whole[j]
        born = TrackTable(
            mean=mean,
            covariance=covariance,
            log_odds=logit(config.birth) + self._evidence(j, usual),
            shown=np.zeros(len(j), dtype=bool),
            heading=np.zeros(len(j)),
            standing=np.zeros(len(j)),
            placed=np.full(len(j), NEVER_NS, dtype=np.int64),
            looked=np.full(len(j), self.stamp_ns, dtype=np.int64),
            score=boxes.score[j],
            seen=np.ones(len(j), dtype=bool),
            ids=[""] * len(j),
            born=[f"{self.stamp_ns}/{self.sensor}/{k}" for k in j],
            sensor=[self.sensor] * len(j),
            look=[boxes.embedding[k] if boxes.embedding[k].any() else np.zeros(0) for k in j],
            link=[self._link(boxes.track_id[k]) for k in j],
            sightings=[{self.sensor: self.stamp_ns} for _ in j],
        ).where(stature)
        return tracks.extended(born), off_ground

    def _first_update(
        self,
        j: Int[np.ndarray, " k"],
        mean: Float[np.ndarray, "k 5"],
        covariance: Float[np.ndarray, "k 5 5"],
    ) -> tuple[Float[np.ndarray, "k 5"], Float[np.ndarray, "k 5 5"], Bool[np.ndarray, " k"]]:
        """Newborn states after their own boxes, and whose height is an adult's."""
        boxes = self.boxes
        rows, jacobian, _ = walkers.expected_rows(mean, self.camera)
        used = np.column_stack([np.ones(len(j), dtype=bool), boxes.foot[j], boxes.head[j]])
        noise = self._box_noise(rows, j)
        residual = boxes.rows[j] - rows
        residual[:, 0] = walkers.wrapped(residual[:, 0], self.camera.column_period)
        spread = jacobian[:, 2, 4] ** 2 * self.config.height_sigma**2 + 2 * noise[:, 2]
        usual = np.abs(residual[:, 2]) < 3.0 * np.sqrt(spread)
        # The box of an unusual body is all that is known of its height.
        covariance[~usual, 4, 4] = UNUSUAL_HEIGHT_SIGMA**2
        mean, covariance = walkers.updated(
            mean, covariance, residual, jacobian, self._noise(noise, mean), used
        )
        return mean, covariance, usual
