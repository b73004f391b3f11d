"""Who is about to walk between a robot and its access point is warned of on `fade_warnings`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from node_bench import NodeBench
from test_bad_people import SECOND, Predictor, people, person

from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import FadeWarning, TrackedPeople

PACE = 1.2
LINE = -6.0
"""Where the access point and the robot that stands see each other."""


class Warned(Predictor):
    """A predictor whose warnings are heard."""

    def __init__(self, bench: NodeBench, site: Path) -> None:
        super().__init__(bench, site)
        self.warnings: list[Any] = bench.heard(FadeWarning, "fade_warnings")

    def sees(self, message: TrackedPeople) -> float:
        """The loss of the link now, dB; what is warned of has come by then."""
        loss = self.answer(message)["standing"].shadow_loss_db
        self._bench.spin(0.2)
        return float(loss)


def walker(stamp: int, before: float, pace: float = PACE) -> TrackedPeople:
    """Somebody who at a walk is on the link in `before` seconds, and goes at `pace`, m/s."""
    one = person("1", -1.0, LINE + before * PACE)
    one.velocity.y = -pace
    one.covariance = np.diag([0.01, 0.01, 0.02, 0.02]).reshape(-1)
    return people(stamp, one)


def test_a_fade_is_warned_of_once_with_its_link_and_its_time(
    bench: NodeBench, small_site: Path
) -> None:
    predictor = Warned(bench, small_site)
    now = time.time_ns()
    assert predictor.sees(walker(now, 1.6)) < 1
    (warning,) = predictor.warnings
    assert (warning.tx, warning.rx) == ("ap", "standing")
    assert stamp_ns(warning.header.stamp) == now and warning.header.frame_id == "world"
    begins, ends = ((stamp_ns(at) - now) * 1e-9 for at in (warning.begins, warning.ends))
    assert 0.8 < begins < 1.6 < ends < 3.0
    assert 0.67 < warning.probability <= 1 and warning.latency > 0
    predictor.sees(walker(now + SECOND // 5, 1.4))
    assert len(predictor.warnings) == 1


def test_after_a_fade_that_came_the_next_has_a_warning_of_its_own(
    bench: NodeBench, small_site: Path
) -> None:
    predictor = Warned(bench, small_site)
    now = time.time_ns()
    predictor.sees(walker(now, 1.6))
    assert predictor.sees(walker(now + 16 * SECOND // 10, 0.0)) > 6
    predictor.sees(walker(now + 4 * SECOND, 1.6))
    assert [stamp_ns(w.header.stamp) for w in predictor.warnings] == [now, now + 4 * SECOND]


@pytest.mark.parametrize("stale", [False, True])
def test_of_those_who_stand_and_of_stale_people_nothing_is_foretold(
    bench: NodeBench, small_site: Path, stale: bool
) -> None:
    predictor = Warned(bench, small_site)
    now = time.time_ns()
    predictor.sees(walker(now, 1.6, 0.0))
    message = walker(now + SECOND // 5, 1.6, PACE if stale else 0.0)
    message.stale = stale
    predictor._publisher.publish(message)
    bench.spin(0.4)
    assert not predictor.warnings
