"""Multi-person tracking on the ground plane (design 5.1).

Constant-velocity Kalman filter in world metres, gated Hungarian assignment in two rounds by score
(ByteTrack: Zhang et al., ECCV 2022), birth and death by existence probability (Musicki & Evans,
"Joint integrated probabilistic data association", 2004, in its one-hypothesis form).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logit

from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception import walkers
from visrftwin_ros.perception.association import PARTS, PairCosts, assigned, pair_costs
from visrftwin_ros.perception.box_measurements import (
    BoxMeasurements,
    areas,
    body_corners,
    box_measurements,
    covered_share,
    shared_area,
)
from visrftwin_ros.perception.camera import PinholeCamera
from visrftwin_ros.perception.detections import Detections
from visrftwin_ros.perception.people import People
from visrftwin_ros.perception.track_table import TrackTable
from visrftwin_ros.perception.tracker_config import TrackerConfig

NANOSECONDS = 1_000_000_000
TALLEST, SHORTEST = 2.3, 0.9
"""m: boxes that stand for bodies outside this start no track."""
UNUSUAL_HEIGHT_SIGMA = 0.5
"""m: of somebody whose first box fits no standing adult."""
LONGEST_STANDING = 3.0
"""s of standing that are remembered: as long again on the move and it is forgotten."""
DEPTH_DOUBT = 0.05
"""Share of a body's height by which another's feet may show higher and still stand nearer."""
OCCLUDING_SHARE = 0.4
"""Share of a body's box behind nearer ones from which a detector is expected to miss it."""


@dataclass(frozen=True)
class TrackerReport:
    """What the tracker had to refuse since it was made; `resets` with the reason of the last."""

    images: int = 0
    late_images: int = 0
    invalid_boxes: int = 0
    boxes_off_ground: int = 0
    resets: int = 0
    last_reset: str = ""


class PeopleTracker:
    """Follows people in the world frame through the boxes of calibrated cameras."""

    def __init__(self, config: TrackerConfig | None = None) -> None:
        self.config = config or TrackerConfig()
        self.report = TrackerReport()
        self._tracks = TrackTable()
        self._stamp_ns: int | None = None
        self._since_last = 0.0
        self._next_id = 1

    def reset(self, reason: str = "asked to") -> None:
        """Forget everybody; ids go on, so no name is used twice."""
        self._tracks = TrackTable()
        self._stamp_ns = None
        self.report = replace(self.report, resets=self.report.resets + 1, last_reset=reason)

    def update(self, detections: Detections, camera: PinholeCamera) -> People:
        """Take one image's boxes at their own stamp; the people at that time.

        Boxes with NaN or no extent, or that stand nowhere on the ground, are left out and counted
        in `report`; so is an image that comes late. A stamp that jumps back starts over.
        Raises TwinError where the image's size is not the calibration's.
        """
        if detections.image_size != camera.size:
            raise TwinError(
                f"camera {camera.name!r}: an image of {detections.image_size[0]}x"
                f"{detections.image_size[1]} px, but the calibration is for "
                f"{camera.size[0]}x{camera.size[1]}; use the calibration's size or recalibrate"
            )
        seconds = self._seconds_to(detections.stamp_ns)
        if seconds < 0:
            self.report = replace(self.report, late_images=self.report.late_images + 1)
            return self.people()
        clean, dropped = detections.clean()
        clean = clean.where(clean.score >= self.config.low_score)
        boxes = box_measurements(clean, camera)
        self.report = replace(
            self.report,
            images=self.report.images + 1,
            invalid_boxes=self.report.invalid_boxes + dropped,
        )
        self._advance(seconds, detections.stamp_ns)
        matched_tracks, matched_boxes = self._match(boxes, camera)
        self._lose_unseen(matched_tracks, camera, seconds)
        self._start(boxes, matched_boxes, camera)
        self._tracks = self._tracks.where(self._tracks.log_odds > logit(self.config.lost_below))
        self._show_and_hide()
        return self.people()

    def people(self) -> People:
        """The people at the last image's time."""
        return self._tracks.people(self._stamp_ns or 0)

    def predict_to(self, stamp_ns: int) -> People:
        """The people as predicted for another time; the tracker itself stays as it is.

        For a time after the last image, existence fades as it does for people who are not seen.
        """
        if self._stamp_ns is None:
            return self._tracks.people(stamp_ns)
        seconds = (stamp_ns - self._stamp_ns) / NANOSECONDS
        tracks = self._tracks
        ahead = max(seconds, 0.0)
        mean, covariance = walkers.predicted(
            tracks.mean, tracks.covariance, ahead, self.config, self._waiting(tracks)
        )
        if seconds < 0:
            mean = tracks.mean.copy()
            mean[:, :2] += seconds * mean[:, 2:4]
        log_odds = tracks.log_odds - ahead * self.config.miss_rate
        faded = replace(tracks, mean=mean, covariance=covariance, log_odds=log_odds)
        return faded.where(log_odds > logit(self.config.lost_below)).people(stamp_ns)

    def _seconds_to(self, stamp_ns: int) -> float:
        """Time since the state, negative for a late image; a jump starts over."""
        if self._stamp_ns is None:
            self._stamp_ns = stamp_ns
        seconds = (stamp_ns - self._stamp_ns) / NANOSECONDS
        if seconds < -self.config.jump_back:
            self.reset(f"time jumped back by {-seconds:.2f} s")
        elif seconds > self.config.longest_gap:
            self.reset(f"no image for {seconds:.1f} s")
        else:
            return seconds
        self._stamp_ns = stamp_ns
        return 0.0

    def _advance(self, seconds: float, stamp_ns: int) -> None:
        tracks = self._tracks
        tracks.mean, tracks.covariance = walkers.predicted(
            tracks.mean, tracks.covariance, seconds, self.config, self._waiting(tracks)
        )
        self._stamp_ns = stamp_ns
        self._since_last = seconds

    def _match(
        self, boxes: BoxMeasurements, camera: PinholeCamera
    ) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]]:
        """Pair tracks with boxes, sure boxes first, and update the paired tracks."""
        tracks, config = self._tracks, self.config
        if not len(tracks) or not len(boxes):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        rows, jacobian, in_front = walkers.expected_rows(tracks.mean, camera)
        noise = walkers.row_noise(rows, config)
        innovation = jacobian @ tracks.covariance @ jacobian.swapaxes(1, 2)
        innovation += noise[..., None] * np.eye(3)
        pairs = pair_costs(rows, innovation, boxes, config)
        cost = pairs.cost + self._link_cost(boxes, camera) + self._look_cost(boxes)
        cost[~in_front] = np.inf

        sure = boxes.score >= config.high_score
        first = assigned(cost, np.ones(len(tracks), dtype=bool), sure)
        free = tracks.shown.copy()
        free[first[0]] = False
        second = assigned(np.where(pairs.close, cost, np.inf), free, ~sure)
        i = np.concatenate([first[0], second[0]])
        j = np.concatenate([first[1], second[1]])
        self._measure(i, j, boxes, pairs, camera)
        return i, j

    def _link_cost(self, boxes: BoxMeasurements, camera: PinholeCamera) -> Float[np.ndarray, "n m"]:
        """What the detector's own tracker says of each pair: for, against or nothing."""
        links = np.array([f"{camera.name}/{name}" if name else "" for name in boxes.track_id])
        mine = np.array(self._tracks.link)
        same = (mine[:, None] == links[None]) & (links != "")[None]
        others = same.any(axis=0)[None] & ~same
        return self.config.same_box_track * (others.astype(float) - same)

    def _look_cost(self, boxes: BoxMeasurements) -> Float[np.ndarray, "n m"]:
        """-2 log likelihood ratio of one person's embeddings against two people's."""
        config = self.config
        cost = np.zeros((len(self._tracks), len(boxes)))
        known = np.any(boxes.embedding != 0, axis=1)
        size = boxes.embedding.shape[1]
        like = np.array([0 < len(look) == size for look in self._tracks.look], dtype=bool)
        if not like.any() or not known.any():
            return cost
        looks = np.stack(
            [look for look, alike in zip(self._tracks.look, like, strict=True) if alike]
        )
        apart = np.clip(1 - looks @ boxes.embedding[known].T, 0.0, 2.0)
        ratio = apart / config.same_look - apart / config.other_look
        ratio -= np.log(config.other_look / config.same_look)
        cost[np.ix_(np.flatnonzero(like), np.flatnonzero(known))] = np.minimum(
            2 * ratio, config.look_limit
        )
        return cost

    def _measure(
        self,
        i: Int[np.ndarray, " k"],
        j: Int[np.ndarray, " k"],
        boxes: BoxMeasurements,
        pairs: PairCosts,
        camera: PinholeCamera,
    ) -> None:
        """Kalman update, existence evidence and bookkeeping of paired tracks."""
        tracks, config = self._tracks, self.config
        rows, jacobian, _ = walkers.expected_rows(tracks.mean[i], camera)
        tracks.mean[i], tracks.covariance[i] = walkers.updated(
            tracks.mean[i],
            tracks.covariance[i],
            boxes.rows[j] - rows,
            jacobian,
            self._box_noise(rows, boxes, j),
            PARTS[pairs.part[i, j]],
        )
        # Images closer than the evidence time repeat each other.
        fresh = min(1.0, self._since_last / config.evidence_time)
        gain = self._evidence(boxes, j, self._usual_height(i))
        # Seen where they were expected: a weak box speaks against newcomers, not against them.
        gain = np.where(tracks.shown[i], np.maximum(gain, 0.0), gain)
        tracks.log_odds[i] = np.minimum(tracks.log_odds[i] + fresh * gain, logit(config.sure))
        tracks.score[i] = boxes.score[j]
        for track, box in zip(i, j, strict=True):
            tracks.camera[track] = camera.name
            if boxes.track_id[box]:
                tracks.link[track] = f"{camera.name}/{boxes.track_id[box]}"
            if boxes.clear[box]:
                tracks.look[track] = self._blended(tracks.look[track], boxes.embedding[box])
        velocity = tracks.mean[i, 2:4]
        speed = np.hypot(*velocity.T)
        slow = speed < config.waiting_speed
        # Counted down rather than set to zero: one bad box makes a standing person jump.
        stood = tracks.standing[i] + np.where(slow, 1.0, -1.0) * self._since_last
        tracks.standing[i] = np.clip(stood, 0.0, LONGEST_STANDING)
        walking = speed > config.turning_speed
        tracks.heading[i[walking]] = np.arctan2(*velocity[walking].T[::-1])

    def _blended(
        self, look: Float[np.ndarray, " d"], seen: Float[np.ndarray, " e"]
    ) -> Float[np.ndarray, " f"]:
        if not np.any(seen):
            return look
        if look.shape != seen.shape:
            return seen
        mean = (1 - self.config.look_memory) * look + self.config.look_memory * seen
        return np.asarray(mean / np.linalg.norm(mean))

    def _box_noise(
        self, rows: Float[np.ndarray, "k 3"], boxes: BoxMeasurements, j: Int[np.ndarray, " k"]
    ) -> Float[np.ndarray, "k 3"]:
        """Variances [px^2] of boxes' columns and rows, for bodies expected at these rows."""
        noise = walkers.row_noise(rows, self.config)
        noise[~boxes.whole[j], 0] *= self.config.cut_sigma_factor**2
        noise[:, 0] += boxes.slack[j] ** 2 / 12  # uniform over the slack
        return noise

    def _evidence(
        self,
        boxes: BoxMeasurements,
        j: Int[np.ndarray, " k"],
        usual: Bool[np.ndarray, " k"],
    ) -> Float[np.ndarray, " k"]:
        """Log-odds that boxes add to existence: the score against the least that speaks for it.

        A body of unusual height (a sign, a bin, but also a child) needs a better score.
        """
        config = self.config
        least = logit(np.where(usual, config.high_score, config.unusual_score))
        gain = logit(np.clip(boxes.score[j], 0.01, 0.99)) - least
        return np.where(boxes.whole[j], gain, np.minimum(gain, gain * config.cut_evidence))

    def _usual_height(self, i: Int[np.ndarray, " k"]) -> Bool[np.ndarray, " k"]:
        """Whether tracks have a standing adult's height, within three standard deviations."""
        variance = self.config.height_sigma**2 + self._tracks.covariance[i, 4, 4]
        return np.abs(self._tracks.mean[i, 4] - self.config.height) < 3.0 * np.sqrt(variance)

    def _lose_unseen(
        self, seen: Int[np.ndarray, " k"], camera: PinholeCamera, seconds: float
    ) -> None:
        """Take existence from tracks that this camera should have seen and did not."""
        tracks, config = self._tracks, self.config
        here = np.array([name == camera.name for name in tracks.camera], dtype=bool)
        missed = np.ones(len(tracks), dtype=bool)
        missed[seen] = False
        tracks.seen = np.where(here, ~missed, tracks.seen)
        rows, _, in_front = walkers.expected_rows(tracks.mean, camera)
        corners = body_corners(rows)
        width, height = camera.size
        inside = in_front & (rows[:, 0] >= 0) & (rows[:, 0] < width)
        inside &= (corners[:, 3] > 0) & (corners[:, 1] < height)
        # Who stands before whom is not known to better than the feet are.
        nearest = rows[:, 1] + DEPTH_DOUBT * (rows[:, 1] - rows[:, 2])
        hidden = covered_share(corners, rows[:, 1], nearest, tracks.shown) > OCCLUDING_SHARE
        rate = np.where(hidden, config.occluded_miss_rate, config.miss_rate)
        rate = np.where(self._waiting(tracks), np.minimum(rate, config.waiting_miss_rate), rate)
        # Another camera may see what has left this one's image: only its last observer fades it.
        rate = np.where(inside, rate, np.where(here, config.outside_miss_rate, 0.0))
        tracks.log_odds -= np.where(missed, rate * seconds, 0.0)

    def _waiting(self, tracks: TrackTable) -> Bool[np.ndarray, " n"]:
        """Who is shown, was not seen last time and stood still when last seen."""
        return tracks.shown & ~tracks.seen & (tracks.standing > self.config.standing_time)

    def _start(
        self, boxes: BoxMeasurements, matched: Int[np.ndarray, " k"], camera: PinholeCamera
    ) -> None:
        """Start tracks from sure boxes that explain nobody known."""
        config = self.config
        new = boxes.score >= config.high_score
        new[matched] = False
        if len(matched) and new.any():
            shared = shared_area(boxes.corners, boxes.corners[matched])
            size = areas(boxes.corners)
            share = shared / np.minimum(size[:, None], size[matched][None])
            new &= share.max(axis=1) < config.duplicate_overlap
        j = np.flatnonzero(new)
        if not len(j):
            return
        mean, covariance, valid = walkers.newborn(boxes.rows[j], boxes.foot[j], camera, config)
        self.report = replace(
            self.report,
            boxes_off_ground=self.report.boxes_off_ground + int(np.count_nonzero(~valid)),
        )
        j, mean, covariance = j[valid], mean[valid], covariance[valid]
        if not len(j):
            return
        mean, covariance, usual = self._first_update(boxes, j, mean, covariance, camera)
        evidence = self._evidence(boxes, j, usual)
        # A box of unusual height may be a child or somebody who sits, but not one that is cut.
        stature = (mean[:, 4] > SHORTEST) & (mean[:, 4] < TALLEST)
        stature &= usual | boxes.whole[j]
        born = TrackTable(
            mean=mean,
            covariance=covariance,
            log_odds=logit(config.birth) + evidence,
            shown=np.zeros(len(j), dtype=bool),
            heading=np.zeros(len(j)),
            standing=np.zeros(len(j)),
            score=boxes.score[j],
            seen=np.ones(len(j), dtype=bool),
            ids=[""] * len(j),
            camera=[camera.name] * len(j),
            look=[boxes.embedding[k] if boxes.embedding[k].any() else np.zeros(0) for k in j],
            link=[f"{camera.name}/{boxes.track_id[k]}" if boxes.track_id[k] else "" for k in j],
        ).where(stature)
        self._tracks = self._tracks.extended(born)

    def _first_update(
        self,
        boxes: BoxMeasurements,
        j: Int[np.ndarray, " k"],
        mean: Float[np.ndarray, "k 5"],
        covariance: Float[np.ndarray, "k 5 5"],
        camera: PinholeCamera,
    ) -> tuple[Float[np.ndarray, "k 5"], Float[np.ndarray, "k 5 5"], Bool[np.ndarray, " k"]]:
        """Newborn states after their own boxes, and whose height is an adult's."""
        rows, jacobian, _ = walkers.expected_rows(mean, camera)
        used = np.column_stack([np.ones(len(j), dtype=bool), boxes.foot[j], boxes.head[j]])
        noise = self._box_noise(rows, boxes, j)
        residual = boxes.rows[j] - rows
        spread = jacobian[:, 2, 4] ** 2 * self.config.height_sigma**2 + 2 * noise[:, 2]
        usual = np.abs(residual[:, 2]) < 3.0 * np.sqrt(spread)
        # The box of an unusual body is all that is known of its height.
        covariance[~usual, 4, 4] = UNUSUAL_HEIGHT_SIGMA**2
        mean, covariance = walkers.updated(mean, covariance, residual, jacobian, noise, used)
        return mean, covariance, usual

    def _show_and_hide(self) -> None:
        tracks, config = self._tracks, self.config
        tracks.shown = np.where(
            tracks.shown,
            tracks.log_odds > logit(config.hidden_below),
            tracks.log_odds > logit(config.shown_at),
        )
        for k in np.flatnonzero(tracks.shown):
            if not tracks.ids[k]:
                tracks.ids[k] = str(self._next_id)
                self._next_id += 1
