"""What radios measure, blended into what the twin predicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

Link = tuple[str, str]

_SLOW = 5.0
"""s in which the lasting difference is learnt: site, materials, gains."""
_PASSING = 0.5
"""s after which what differs now, such as a person whom no camera sees, is taken to have passed."""
_OLD = 1.0
"""s after which a measurement says nothing of now."""
_FORGOTTEN = 60.0
"""s after which the lasting difference is forgotten too."""


@dataclass(frozen=True)
class _Difference:
    """Measured less predicted SNR of a link: lasting_db, and now_db at `at` s; weight: s of
    measurements that the lasting one rests on."""

    lasting_db: float
    now_db: float
    at: float
    weight: float


@dataclass(frozen=True)
class SnrCorrection:
    """By how much measured SNRs differ from predicted ones, by link (tx, rx)."""

    differences: Mapping[Link, _Difference] = field(default_factory=dict)

    def measured(
        self, link: Link, at: float, measured_db: float, predicted_db: float
    ) -> SnrCorrection:
        """With one more measurement, at `at` s, of what was predicted as `predicted_db`.

        One that is not finite, or older than the last, changes nothing. The lasting difference
        moves by robust steps: a fade that the twin did not see is soon over and must not stay in.
        """
        difference = measured_db - predicted_db
        if not np.isfinite(difference):
            return self
        last = self.differences.get(link)
        if last is None:
            new = _Difference(difference, difference, at, 0.0)
        elif at <= last.at:
            return self
        else:
            passed = min(at - last.at, _OLD)
            weight = min(last.weight + passed, _SLOW)
            share = passed / max(weight, passed)
            step = np.clip(difference - last.lasting_db, -3.0, 3.0)
            new = _Difference(last.lasting_db + share * float(step), difference, at, weight)
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
        passing = (known.now_db - known.lasting_db) * np.exp(-(age + times) / _PASSING)
        return known.lasting_db + passing * (age <= _OLD)
