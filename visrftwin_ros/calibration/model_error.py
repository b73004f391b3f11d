"""What the twin's powers err by where its materials are right: errors of near places go together.

Furniture that the site does not have, a wall half a metre off: such errors stay over metres. As the
shadowing of neighbouring places (Gudmundson, Electronics Letters 27, 1991) they fall off with the
exponential of the distance, beside a share that every sounding has of its own. A fit that took them
for independent would believe forty soundings along one wall to be forty witnesses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from visrftwin_ros.calibration.soundings import Soundings
from visrftwin_ros.site.residual_map import shared_covariance

_TYPICAL = (1.0, 2.0, 3.0)
"""dB, dB and metres: of `alone_db`, `shared_db`, `reach` where nothing is known."""
_FACTOR = 0.7
"""Standard deviation of the logarithms of these."""
_LOWEST, _HIGHEST = -4.0, 4.0
"""Of the logarithms against the typical ones, in standard deviations."""


@dataclass(frozen=True)
class ModelError:
    """alone_db: standard deviation, dB, of what each sounding errs by itself. shared_db: of what near
    places err alike. reach: metres over which that falls to 1/e. spread_db: of the delay spread, as
    10 log10 of a ratio."""

    alone_db: float = _TYPICAL[0]
    shared_db: float = _TYPICAL[1]
    reach: float = _TYPICAL[2]
    spread_db: float = 2.0

    def between(self, some: Soundings, others: Soundings) -> Float[np.ndarray, "n m"]:
        """dB^2: covariance of the shared errors of the powers."""
        ends = (some.tx, some.position), (others.tx, others.position)
        return shared_covariance(*ends, self.shared_db, self.reach)

    def of_powers(
        self, soundings: Soundings, trust: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, "n n"]:
        """dB^2: covariance of the powers' errors; `trust`: 1, or less of an outlier."""
        return self.between(soundings, soundings) + np.diag(self.alone_db**2 / trust)

    def fitted_to(
        self,
        soundings: Soundings,
        trust: Float[np.ndarray, " n"],
        error_db: Float[np.ndarray, " n"],
        slopes: Float[np.ndarray, "n k"],
    ) -> ModelError:
        """The most likely one for `error_db`, the powers' errors at the prior's mean by a straight
        line, whose K numbers of standard deviation 1 move them by `slopes`."""
        of_numbers = slopes @ slopes.T
        typical = np.array(_TYPICAL)

        def cost(logs: Float[np.ndarray, " 3"]) -> float:
            alone, shared, reach = typical * np.exp(_FACTOR * logs)
            this = ModelError(alone, shared, reach)
            factor = cho_factor(this.of_powers(soundings, trust) + of_numbers, lower=True)
            fit = error_db @ cho_solve(factor, error_db)
            return float(0.5 * fit + np.log(np.diag(factor[0])).sum() + 0.5 * logs @ logs)

        start = np.log(np.array([self.alone_db, self.shared_db, self.reach]) / typical) / _FACTOR
        bounds = [(_LOWEST, _HIGHEST)] * 3
        found = minimize(cost, start, method="L-BFGS-B", bounds=bounds)
        alone, shared, reach = typical * np.exp(_FACTOR * found.x)
        return ModelError(float(alone), float(shared), float(reach), self.spread_db)


def trust_of(
    error_db: Float[np.ndarray, " n"], covariance: Float[np.ndarray, "n n"]
) -> Float[np.ndarray, " n"]:
    """1 where a sounding fits what the others make of its place, less the further it is off: Huber's
    weights of the errors of leaving one out, each in its own standard deviation."""
    inverse = np.linalg.inv(covariance)
    off = np.abs(inverse @ error_db) / np.sqrt(np.diag(inverse))
    far: Bool[np.ndarray, " n"] = off > _OUTLIER
    return np.where(far, _OUTLIER / np.maximum(off, _OUTLIER), 1.0) ** 2


_OUTLIER = 2.5
"""Standard deviations."""
