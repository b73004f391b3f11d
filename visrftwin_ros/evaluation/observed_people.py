"""True people of a lab as a modest ground sensor would report them, through the live tracker."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.perception.measurements.ground_measurements import GroundMeasurements
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import PeopleTracker

RATE = 10.0
"""Hz."""
_SIGMA = 0.12
"""m, standard deviation of each coordinate: what a calibrated camera is off by at 10 m."""
_MISSED_FOR = 1.0
"""s, mean of how long somebody stays unseen at a time: behind others, or under the detector's score."""


def observed_people(
    truth: PeopleTimeline, start_ns: int, seconds: float, seed: int, missed: float = 0.0
) -> Iterator[People]:
    """People as tracked, RATE times a second from `start_ns`.

    missed: share of the time for which each is not seen, in stretches of exponential length. This
    stands for cameras where a campaign has no pictures; noise and misses are drawn from `seed`.
    """
    draw = np.random.default_rng([seed, 1611])
    tracker = PeopleTracker()
    unseen: dict[str, bool] = {}
    ends = 1 / (RATE * _MISSED_FOR)
    begins = ends * missed / (1 - missed)
    for k in range(int(seconds * RATE)):
        stamp = start_ns + round(k / RATE * 1e9)
        bodies = truth.at(stamp)
        for name in bodies.ids:
            hidden = unseen.setdefault(name, draw.random() < missed)
            unseen[name] = draw.random() >= ends if hidden else draw.random() < begins
        seen = np.array([not unseen[name] for name in bodies.ids], bool)
        count = int(seen.sum())
        place = bodies.position[seen, :2] + draw.normal(0, _SIGMA, (count, 2))
        yield tracker.update_ground(
            GroundMeasurements(
                stamp_ns=stamp,
                sensor="stand-in for the cameras",
                position=place,
                covariance=np.tile(_SIGMA**2 * np.eye(2), (count, 1, 1)),
                height=bodies.height[seen],
                height_sigma=np.full(count, 0.1),
                score=np.full(count, 0.9),
                extent=np.tile([0.45, 0.25], (count, 1)),
                origin=np.zeros(2),
                reach=np.inf,
            )
        )
