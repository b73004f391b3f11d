"""What one sensor's measurement does to the tracks, and what all kinds of sensors share.

Existence of a track, in log-odds: a detection adds its likelihood ratio, a miss adds log(1 - P_D),
for every sensor with its own P_D of that track, 0 where it cannot see its place (Musicki, Evans &
Stankovic, "Integrated probabilistic data association", IEEE Trans. Automatic Control 39(6), 1994;
sensors in sequence: Bar-Shalom & Li, "Multitarget-Multisensor Tracking", 1995). Images of one
sensor in close sequence are not independent, so P_D = 1 - exp(-rate * seconds).
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import logit

from visrftwin_ros.perception.tracking.track_table import NEVER_NS, TrackTable
from visrftwin_ros.perception.tracking.tracker_config import TrackerConfig

LONGEST_STANDING = 3.0
"""s of standing that are remembered: as long again on the move and it is forgotten."""


class Sighting(Protocol):
    """One measurement of one sensor, ready to be taken more than once."""

    @property
    def stamp_ns(self) -> int:
        """ROS time of the measurement."""

    @property
    def sensor(self) -> str:
        """Its name in the site."""

    def applied(self, tracks: TrackTable, seconds: float) -> tuple[TrackTable, int]:
        """The tracks, predicted for its time, after it; and how much of it stood nowhere.

        seconds: since this sensor's measurement before, infinite for its first. The tracks that
        are given may be written into.
        """


def waiting(tracks: TrackTable, config: TrackerConfig) -> Bool[np.ndarray, " n"]:
    """Who is shown, was not seen last time and stood still when last seen."""
    return tracks.shown & ~tracks.seen & (tracks.standing > config.standing_time)


def spoken_for(
    tracks: TrackTable, stamp_ns: int, seconds: float, config: TrackerConfig
) -> Float[np.ndarray, " n"]:
    """The time [s] of each track for which a sensor's measurement is evidence: (N,).

    seconds: since this sensor's measurement before. A sensor that was away while others could see
    somebody has had one look at them, not one for all that time.
    """
    since_looked = (stamp_ns - tracks.looked) / 1e9
    return np.minimum(seconds, np.maximum(since_looked, config.evidence_time))


def believe(
    tracks: TrackTable,
    i: Int[np.ndarray, " k"],
    gain: Float[np.ndarray, " k"],
    score: Float[np.ndarray, " k"],
    sensor: str,
    stamp_ns: int,
    seconds: Float[np.ndarray, " k"],
    config: TrackerConfig,
) -> None:
    """Existence, standing and heading of tracks that a measurement has just updated.

    seconds: (K,) for which it speaks.
    """
    # Measurements of a sensor that are closer than the evidence time repeat each other.
    fresh = np.minimum(1.0, seconds / config.evidence_time)
    # Seen where they were expected: a weak one speaks against newcomers, not against them.
    gain = np.where(tracks.shown[i], np.maximum(gain, 0.0), gain)
    tracks.log_odds[i] = np.minimum(tracks.log_odds[i] + fresh * gain, logit(config.sure))
    tracks.score[i] = score
    # Time passes once, whoever sees them stand.
    seen_ns = [max(tracks.sightings[track].values(), default=NEVER_NS) for track in i]
    passed = np.minimum(seconds, (stamp_ns - np.array(seen_ns)) / 1e9)
    for track in i:
        tracks.sensor[track] = sensor
        tracks.sightings[track] = {**tracks.sightings[track], sensor: stamp_ns}
    velocity = tracks.mean[i, 2:4]
    speed = np.hypot(*velocity.T)
    slow = speed < config.waiting_speed
    # Counted down rather than set to zero: one bad box makes a standing person jump.
    stood = tracks.standing[i] + np.where(slow, passed, -passed)
    tracks.standing[i] = np.clip(stood, 0.0, LONGEST_STANDING)
    walking = speed > config.turning_speed
    tracks.heading[i[walking]] = np.arctan2(*velocity[walking].T[::-1])


def missed(tracks: TrackTable, seen: Int[np.ndarray, " k"], sensor: str) -> Bool[np.ndarray, " n"]:
    """Notes which tracks a sensor's measurement did not show, and says so: (N,)."""
    here = np.array([name == sensor for name in tracks.sensor], dtype=bool)
    unseen = np.ones(len(tracks), dtype=bool)
    unseen[seen] = False
    tracks.seen = np.where(here, ~unseen, tracks.seen)
    for track in np.flatnonzero(unseen):
        if sensor in tracks.sightings[track]:
            others = {name: at for name, at in tracks.sightings[track].items() if name != sensor}
            tracks.sightings[track] = others
    return unseen


def fade(
    tracks: TrackTable,
    unseen: Bool[np.ndarray, " n"],
    miss_rate: Float[np.ndarray, " n"],
    stamp_ns: int,
    seconds: Float[np.ndarray, " n"],
) -> None:
    """Existence of tracks that a measurement did not show.

    miss_rate: (N,) 1/s, 0 of whom the sensor could not have seen: it says nothing of them.
    seconds: (N,) for which it speaks.
    """
    tracks.log_odds -= np.where(unseen, miss_rate * seconds, 0.0)
    tracks.looked[~unseen | (miss_rate > 0)] = stamp_ns
