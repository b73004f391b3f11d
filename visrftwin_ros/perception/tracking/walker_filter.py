"""Extended Kalman filter of upright walkers on the ground, many at once.

State of one: x, y [m], vx, vy [m/s], h [m]. Measurement: the body's column, foot row and head row
in undistorted pixels. Bar-Shalom, Li & Kirubarajan, "Estimation with Applications to Tracking and
Navigation" (2001): white-noise acceleration 6.2.2, extended filter 10.3, Joseph form 5.4.3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import gammaincinv

from visrftwin_ros.cameras.pinhole import NEAREST_DEPTH, CameraModel
from visrftwin_ros.perception.tracking.tracker_config import TrackerConfig

Means = Float[np.ndarray, "n 5"]
Covariances = Float[np.ndarray, "n 5 5"]
TRUSTED = 0.95
"""Share of good boxes that keep their full weight in an update."""


def chi_square_quantile(share: float, freedom: Any) -> Any:
    """What a share of squared distances stays under; `scipy.stats` takes 30 times as long."""
    return 2.0 * gammaincinv(np.asarray(freedom) / 2.0, share)


def wrapped(residual: Float[np.ndarray, "*n"], period: float) -> Float[np.ndarray, "*n"]:
    """Differences of columns that come again after a period [px], the short way round."""
    if not np.isfinite(period):
        return residual
    return np.asarray((residual + period / 2) % period - period / 2)


def predicted(
    mean: Means,
    covariance: Covariances,
    seconds: float,
    config: TrackerConfig,
    waiting: Bool[np.ndarray, " n"] | None = None,
) -> tuple[Means, Covariances]:
    """States some time later: constant velocity, white-noise acceleration; height returns
    to the usual (Ornstein-Uhlenbeck).

    waiting: (N,) who stands unseen. Had they walked off they would have been seen, so they come to
    rest and stay.
    """
    still = np.zeros(len(mean), dtype=bool) if waiting is None else waiting
    kept = np.where(still, np.exp(-seconds / config.rest_time), 1.0)
    transition = np.tile(np.eye(5), (len(mean), 1, 1))
    transition[:, 0, 2] = transition[:, 1, 3] = seconds * kept
    transition[:, 2, 2] = transition[:, 3, 3] = kept
    density = config.acceleration**2
    noise = np.zeros((len(mean), 5, 5))
    for place, speed in ((0, 2), (1, 3)):
        noise[:, place, place] = density * seconds**3 / 3
        noise[:, place, speed] = noise[:, speed, place] = density * seconds**2 / 2
        noise[:, speed, speed] = density * seconds
    fade = np.exp(-seconds / config.height_memory)
    transition[:, 4, 4] = fade
    noise[:, 4, 4] = config.height_sigma**2 * (1 - fade**2)
    after = (transition @ mean[..., None])[..., 0]
    after[:, 4] += (1 - fade) * config.height
    return after, transition @ covariance @ transition.swapaxes(1, 2) + noise


def expected_rows(
    mean: Means, camera: CameraModel
) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 3 5"], Bool[np.ndarray, " n"]]:
    """Column, foot row and head row [px] of walkers, their Jacobian, and who is before the camera.

    The column is the foot's: a person is where the box's bottom centre meets the ground.
    """
    ends = np.zeros((len(mean), 2, 3))
    ends[..., :2] = mean[:, None, :2]
    ends[:, 1, 2] = mean[:, 4]
    pixels, depth = camera.undistorted_projection(ends)
    slope = camera.projection_jacobian(ends)
    rows = np.column_stack([pixels[:, 0, 0], pixels[:, 0, 1], pixels[:, 1, 1]])
    jacobian = np.zeros((len(mean), 3, 5))
    jacobian[:, 0, :2] = slope[:, 0, 0, :2]
    jacobian[:, 1, :2] = slope[:, 0, 1, :2]
    jacobian[:, 2, :2] = slope[:, 1, 1, :2]
    jacobian[:, 2, 4] = slope[:, 1, 1, 2]
    return rows, jacobian, np.all(depth > NEAREST_DEPTH, axis=1)


def row_noise(rows: Float[np.ndarray, "n 3"], config: TrackerConfig) -> Float[np.ndarray, "n 3"]:
    """Variances [px^2] of column, foot row and head row: edges are as sharp as boxes are large."""
    height = np.maximum(np.abs(rows[:, 1] - rows[:, 2]), 1.0)
    shares = np.array([config.column_sigma, config.row_sigma, config.row_sigma])
    return np.asarray((height[:, None] * shares) ** 2 + config.pixel_sigma**2)


def updated(
    mean: Means,
    covariance: Covariances,
    residual: Float[np.ndarray, "n 3"],
    jacobian: Float[np.ndarray, "n 3 5"],
    noise: Float[np.ndarray, "n 3 3"],
    used: Bool[np.ndarray, "n 3"],
) -> tuple[Means, Covariances]:
    """States after a measurement each; components not `used` have no say."""
    jacobian = np.where(used[..., None], jacobian, 0.0)
    residual = np.where(used, residual, 0.0)
    noise = np.where(used[..., None] & used[:, None], noise, np.eye(3))
    innovation = jacobian @ covariance @ jacobian.swapaxes(1, 2) + noise
    distance = np.einsum("ni,nij,nj->n", residual, np.linalg.inv(innovation), residual)
    # A box far from where it was expected is likelier a bad box than a good one (Huber's weight).
    distrust = np.maximum(distance / chi_square_quantile(TRUSTED, used.sum(axis=1)), 1.0)
    noise = noise * distrust[:, None, None]
    innovation = jacobian @ covariance @ jacobian.swapaxes(1, 2) + noise
    gain = np.linalg.solve(innovation, jacobian @ covariance).swapaxes(1, 2)
    rest = np.eye(5) - gain @ jacobian
    after = rest @ covariance @ rest.swapaxes(1, 2) + gain @ noise @ gain.swapaxes(1, 2)
    return mean + (gain @ residual[..., None])[..., 0], after


def newborn(
    rows: Float[np.ndarray, "n 3"],
    foot: Bool[np.ndarray, " n"],
    camera: CameraModel,
    config: TrackerConfig,
) -> tuple[Means, Covariances, Bool[np.ndarray, " n"]]:
    """First guesses from boxes alone, before their own update, and which boxes touch the ground.

    Place from the feet, or where the image cuts them from a head at the usual height. Wide in
    position, so that the update that follows does not count the box twice.
    """
    pixels = np.column_stack([rows[:, 0], np.where(foot, rows[:, 1], rows[:, 2])])
    place, valid = camera.plane_points(pixels, np.where(foot, 0.0, config.height))
    mean = np.zeros((len(rows), 5))
    mean[:, :2] = np.where(valid[:, None], place, 0.0)
    mean[:, 4] = config.height
    start = np.hstack([place, np.zeros((len(rows), 1))])
    jacobian = camera.projection_jacobian(np.where(valid[:, None], start, 0.0))[..., :2]
    spread = np.maximum(np.abs(rows[:, 1] - rows[:, 2]), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        metres = spread / np.sqrt(np.abs(np.linalg.det(jacobian)))
    valid &= np.isfinite(metres)
    covariance = np.zeros((len(rows), 5, 5))
    wide = np.where(valid, metres, 1.0) ** 2
    covariance[:, 0, 0] = covariance[:, 1, 1] = wide
    covariance[:, 2, 2] = covariance[:, 3, 3] = config.initial_speed**2
    covariance[:, 4, 4] = config.height_sigma**2
    return mean, covariance, valid
