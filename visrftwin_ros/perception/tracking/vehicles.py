"""The vehicles that the tracker believes in, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.bodies.people import BOX, Bodies


@dataclass(frozen=True)
class Vehicles:
    """N tracked vehicles at one time, world frame.

    stamp_ns: ROS time of the states. ids: N names that stay with a vehicle and are never reused. kind:
    class names of COCO, '' where nobody knows. position: (N, 2) m, of the middle of the box. velocity:
    (N, 2) m/s, 0 of those that stand. covariance: (N, 4, 4) of x y vx vy in m and m/s. size: (N, 3) m,
    length, width and height. heading: (N,) rad from +x towards +y and heading_sigma: (N,) rad; of one
    that never drove, front and rear are not told apart. existence: (N,) probability. seen_by: the
    sensors whose last measurement showed it; () while coasting.
    """

    stamp_ns: int
    ids: tuple[str, ...]
    kind: tuple[str, ...]
    position: Float[np.ndarray, "n 2"]
    velocity: Float[np.ndarray, "n 2"]
    covariance: Float[np.ndarray, "n 4 4"]
    size: Float[np.ndarray, "n 3"]
    heading: Float[np.ndarray, " n"]
    heading_sigma: Float[np.ndarray, " n"]
    existence: Float[np.ndarray, " n"]
    seen_by: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.ids)

    def doubts(self) -> dict[str, Any]:
        """What is not certain of them, as a message of boxes takes it."""
        return {
            "covariance": self.covariance,
            "heading_sigma": self.heading_sigma,
            "existence": self.existence,
            "seen_by": self.seen_by,
        }

    def bodies(self) -> Bodies:
        """As the radio sees them, without a material: that of their kind."""
        flat = np.zeros(len(self))
        return Bodies(
            ids=self.ids,
            position=np.column_stack([self.position, flat]),
            velocity=np.column_stack([self.velocity, flat]),
            width=self.size[:, 1],
            depth=self.size[:, 0],
            height=self.size[:, 2],
            heading=self.heading,
            shape=(BOX,) * len(self),
        )
