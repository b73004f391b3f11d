"""What radios measure, blended into what the twin predicts."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

Link = tuple[str, str]

_LASTING = 3.0
"""s of measurements whose median is the lasting difference: site, materials, gains, and the place that a
robot has come to. A fade that the twin did not see is over before it is half of that."""
_FEWEST = 3
"""Measurements that the median goes over at least, and _MOST at most."""
_MOST = 64
_NOISE_DB = 2.0
"""What a single measurement says beyond the lasting difference is taken off by this much (soft threshold,
Donoho, IEEE Trans. Inf. Theory 41 (1995) 613): two standard deviations of a reported SNR, which
we assume to be 1 dB."""
_PASSING = 0.5
"""s after which what differs now, such as a person whom no camera sees, is taken to have passed."""
_OLD = 1.0
"""s after which a measurement says nothing of now."""
_FORGOTTEN = 60.0
"""s after which the lasting difference is forgotten too."""


@dataclass(frozen=True)
class _Difference:
    """Measured less predicted SNR of a link: recent: (s, dB) of its measurements, the newest last; lasting_db:
    their median."""

    recent: tuple[tuple[float, float], ...]
    lasting_db: float

    @property
    def at(self) -> float:
        """s, of the newest."""
        return self.recent[-1][0]

    @property
    def passing_db(self) -> float:
        """What the newest says beyond the lasting one, its noise taken off."""
        beyond = self.recent[-1][1] - self.lasting_db
        return math.copysign(max(abs(beyond) - _NOISE_DB, 0.0), beyond)

    def with_one_more(self, at: float, difference_db: float) -> _Difference:
        fewest = len(self.recent) + 1 - _FEWEST
        kept = [one for k, one in enumerate(self.recent) if k >= fewest or at - one[0] <= _LASTING]
        return _Difference.of((*kept[1 - _MOST :], (at, difference_db)))

    @classmethod
    def of(cls, recent: tuple[tuple[float, float], ...]) -> _Difference:
        return cls(recent, statistics.median(db for _, db in recent))


@dataclass(frozen=True)
class SnrCorrection:
    """By how much measured SNRs differ from predicted ones, by link (tx, rx)."""

    differences: Mapping[Link, _Difference] = field(default_factory=dict)

    def measured(
        self, link: Link, at: float, measured_db: float, predicted_db: float
    ) -> SnrCorrection:
        """With one more measurement, at `at` s, of what was predicted as `predicted_db`.

        One that is not finite, or older than the last, changes nothing.
        """
        difference = measured_db - predicted_db
        if not math.isfinite(difference):
            return self
        last = self.differences.get(link)
        if last is None or at - last.at > _FORGOTTEN:
            new = _Difference.of(((at, difference),))
        elif at <= last.at:
            return self
        else:
            new = last.with_one_more(at, difference)
        return replace(self, differences={**self.differences, link: new})

    def ahead(
        self, link: Link, now: float, times: Float[np.ndarray, " h"]
    ) -> Float[np.ndarray, " h"]:
        """(H,) dB to add to a predicted SNR `times` s after `now` s; 0 for a link that was never measured,
        or _FORGOTTEN s ago."""
        known = self.differences.get(link)
        if known is None or now - known.at > _FORGOTTEN:
            return np.zeros(len(times))
        age = max(now - known.at, 0.0)
        passing = known.passing_db * np.exp(-(age + times) / _PASSING)
        return known.lasting_db + passing * (age <= _OLD)
