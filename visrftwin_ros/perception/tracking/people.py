"""The people that the tracker believes in, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class People:
    """N tracked people at one time, world frame.

    stamp_ns: ROS time of the states. ids: N names that stay with a person and are never reused.
    position: (N, 2) m on the ground. velocity: (N, 2) m/s. covariance: (N, 4, 4) of x y vx vy in
    m and m/s. height: (N,) m. heading: (N,) rad from +x towards +y, where the person last walked.
    existence: (N,) probability. score: (N,) of the last detection. seen_by: the sensors
    whose last measurement showed the person; () while coasting. look: mean embedding, (0,) where
    there is none.
    """

    stamp_ns: int
    ids: tuple[str, ...]
    position: Float[np.ndarray, "n 2"]
    velocity: Float[np.ndarray, "n 2"]
    covariance: Float[np.ndarray, "n 4 4"]
    height: Float[np.ndarray, " n"]
    heading: Float[np.ndarray, " n"]
    existence: Float[np.ndarray, " n"]
    score: Float[np.ndarray, " n"]
    seen_by: tuple[tuple[str, ...], ...]
    look: tuple[Float[np.ndarray, " _"], ...] = ()

    def __len__(self) -> int:
        return len(self.ids)
