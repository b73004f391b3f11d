"""Where people may be in the coming seconds: sampled walks that stop, start and turn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float
from scipy.stats import norm, qmc

from visrftwin_ros.bodies.people import Bodies

SAMPLES = 16
_STANDING = 0.3
"""m/s under which a person stands."""
_PACE = 1.2
"""m/s of one who sets out."""
_STOPS = 0.05
"""1/s at which walkers stop and standing people set out: somebody in twenty each second."""
_TURN = np.deg2rad(10.0)
"""rad/s, standard deviation of how fast a walker turns."""
_WIDEST = 1e6
"""m^2 and m^2/s^2 of a covariance that is believed; what is no number is taken as 0."""
_STATES = 4
_PER_BODY = _STATES + 2


@dataclass(frozen=True)
class WalksAhead:
    """M futures of N bodies at H times: position: (M, H, N, 2) m, feet, world frame. times: (H,) s
    from now."""

    times: Float[np.ndarray, " h"]
    position: Float[np.ndarray, "m h n 2"]


def walks_ahead(
    bodies: Bodies,
    covariance: Float[np.ndarray, "n 4 4"] | None,
    times: Float[np.ndarray, " h"],
    samples: int = SAMPLES,
) -> WalksAhead:
    """Futures from where `bodies` are and head to.

    covariance: of x, y, vx, vy, m and m/s; None where all is exactly known and nobody stops or
    turns: one future then. Each future draws a state from its Gaussian, a rate of turn, and when
    the walker stops or the standing person sets out. The same Sobol points every time, so that
    equal input gives equal output. Boxes turn and stop as people do.
    """
    place, velocity = bodies.position[:, :2], bodies.velocity[:, :2]
    if covariance is None or not len(bodies):
        straight = place + times[:, None, None] * velocity
        return WalksAhead(times, straight[None])
    drawn = _drawn(samples, len(bodies))
    sane = np.clip(np.nan_to_num(covariance), -_WIDEST, _WIDEST)
    values, vectors = np.linalg.eigh((sane + sane.transpose(0, 2, 1)) / 2)
    # Eigenvectors rather than Cholesky: a track's covariance may be singular.
    root = vectors * np.sqrt(np.maximum(values, 0.0))[:, None, :]
    state = np.einsum("nij,mnj->mni", root, drawn[..., :_STATES])
    start, speed = place + state[..., :2], velocity + state[..., 2:]
    turn = _TURN * drawn[..., _STATES]
    share = norm.cdf(drawn[..., _STATES + 1])
    event = -np.log(1 - share) / _STOPS  # s until they stop, or set out
    stands = np.linalg.norm(velocity, axis=1) < _STANDING
    # Which way they set out is no more known than when: the turn's sign and size say it.
    away = np.pi * drawn[..., _STATES]
    leaving = _PACE * np.stack([np.cos(away), np.sin(away)], axis=-1)
    time = times[None, :, None]
    walked = np.minimum(time, event[:, None])
    after = np.maximum(time - event[:, None], 0.0)
    along = _arc(speed, turn, walked)
    standing = speed[:, None] * time[..., None] + leaving[:, None] * after[..., None]
    position = start[:, None] + np.where(stands[:, None], standing, along)
    return WalksAhead(times, position)


def _arc(
    speed: Float[np.ndarray, "m n 2"],
    turn: Float[np.ndarray, "m n"],
    time: Float[np.ndarray, "m h n"],
) -> Float[np.ndarray, "m h n 2"]:
    """What a body covers that turns at a steady rate."""
    half = turn[:, None] * time / 2
    chord = time * np.sinc(half / np.pi)
    x, y = speed[:, None, :, 0], speed[:, None, :, 1]
    cos, sin = np.cos(half), np.sin(half)
    return np.stack([chord * (x * cos - y * sin), chord * (x * sin + y * cos)], axis=-1)


@lru_cache(maxsize=8)
def _drawn(samples: int, count: int) -> Float[np.ndarray, "m n 6"]:
    """Standard normal ones."""
    uniform = qmc.Sobol(_PER_BODY * count, scramble=True, rng=7).random(samples)
    return norm.ppf(np.clip(uniform, 1e-3, 1 - 1e-3)).reshape(samples, count, _PER_BODY)
