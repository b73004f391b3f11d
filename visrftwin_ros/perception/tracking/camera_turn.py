"""By how much the pose of a camera that moves is off just now, as told by the people whom it sees.

A turn of the camera shifts all people of its pictures together, the near as much as the far. Who is known where, and
how tall, thus tells the turn: least squares with a prior (Bar-Shalom, Li & Kirubarajan, 2001, 3.4), which is forgotten
as a first-order Gauss-Markov process (8.2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.transform import Rotation

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.perception.tracking.walker_filter import TRUSTED, Means, chi_square_quantile

LEAST_TURN = 1e-6
"""rad of doubt about a pose from which it matters; less has no inverse in the end."""
KEPT = 3.0
"""s over which the error of a pose changes: our assumption."""
SHARED = 4.0
"""How many times the doubt about where people are counts: the turns of before are in it, in all alike."""


@dataclass(frozen=True)
class CameraTurn:
    """At `stamp_ns` the camera is turned about its place by `angle` (3,) rad about the world's axes, against
    what its pose says; covariance: (3, 3) rad^2."""

    stamp_ns: int
    angle: Float[np.ndarray, " 3"]
    covariance: Float[np.ndarray, "3 3"]

    @classmethod
    def unknown(cls, camera: CameraModel, stamp_ns: int) -> CameraTurn:
        """As its pose says, give or take what it says of itself."""
        return cls(stamp_ns, np.zeros(3), camera.turn_sigma**2 * np.eye(3))

    def at(self, stamp_ns: int, camera: CameraModel) -> CameraTurn:
        """What is left of it at another time."""
        kept = float(np.exp(-abs(stamp_ns - self.stamp_ns) * 1e-9 / KEPT))
        usual = camera.turn_sigma**2 * np.eye(3)
        covariance = kept**2 * self.covariance + (1 - kept**2) * usual
        return CameraTurn(stamp_ns, kept * self.angle, covariance)

    def of(self, camera: CameraModel) -> CameraModel:
        """The camera as it then stands."""
        rotation = camera.rotation @ Rotation.from_rotvec(self.angle).as_matrix()
        return replace(camera, rotation=rotation, translation=-rotation @ camera.center)  # type: ignore[type-var]

    def noise(self, mean: Means, camera: CameraModel) -> Float[np.ndarray, "n 3 3"]:
        """Covariance [px^2] of the column, foot row and head row of walkers that comes of its own."""
        slope = turn_slope(mean, camera)
        return slope @ self.covariance @ slope.swapaxes(1, 2)

    def told_by(
        self,
        residual: Float[np.ndarray, "k 3"],
        slope: Float[np.ndarray, "k 3 3"],
        doubt: Float[np.ndarray, "k 3 3"],
        used: Bool[np.ndarray, "k 3"],
    ) -> CameraTurn:
        """With the boxes of K walkers. residual: px by which they are off what the camera, turned by `angle`, was
        to see; slope: of these by a turn; doubt: their covariance without one; used: which count."""
        information = np.linalg.inv(self.covariance)
        more = np.zeros(3)
        for r, a, s, part in zip(residual, slope, doubt, used, strict=True):
            r, a, s = r[part], a[part], s[np.ix_(part, part)]
            far = r @ np.linalg.solve(s + a @ self.covariance @ a.T, r)
            # As in the filter: a box far from where it was expected is likelier a bad one.
            weight = 1.0 / max(float(far / chi_square_quantile(TRUSTED, int(part.sum()))), 1.0)
            information = information + weight * a.T @ np.linalg.solve(s, a)
            more = more + weight * a.T @ np.linalg.solve(s, r)
        covariance = np.linalg.inv(information)
        return CameraTurn(self.stamp_ns, self.angle + covariance @ more, covariance)


def turn_slope(mean: Means, camera: CameraModel) -> Float[np.ndarray, "n 3 3"]:
    """d(column, foot row, head row) of walkers / d(turn): (N, 3, 3) px/rad, the turn as of CameraTurn."""
    ends = np.zeros((len(mean), 2, 3))
    ends[..., :2] = mean[:, None, :2]
    ends[:, 1, 2] = mean[:, 4]
    arm = ends - camera.center
    # Of a point p from the camera, turned by w: w x p = -p x w.
    turned = -np.cross(arm[..., None, :], np.eye(3)).swapaxes(-1, -2)
    slope = camera.projection_jacobian(ends) @ turned
    return np.stack([slope[:, 0, 0], slope[:, 0, 1], slope[:, 1, 1]], axis=1)
