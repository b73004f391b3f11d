"""What embeddings say of who is who."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from visrftwin_ros.perception.appearance.clothing_colours import LENGTH as COLOURS
from visrftwin_ros.perception.tracking.tracker_config import TrackerConfig

Look = Float[np.ndarray, " _"]


def look_log_ratio(
    apart: Float[np.ndarray, "*n"], length: int, config: TrackerConfig
) -> Float[np.ndarray, "*n"]:
    """Log likelihood ratio of one person against two, from 1 - cosine of embeddings this long."""
    if length == COLOURS:
        same, other = config.same_look, config.other_look
        return np.asarray(apart / other - apart / same + np.log(other / same))
    same, other = config.same_learned_look, config.other_learned_look
    return np.asarray(np.log(2.0) - (apart / same) ** 2 / 2 + ((apart - other) / same) ** 2 / 2)


def look_cost(
    looks: list[Look], embedding: Float[np.ndarray, "m d"], config: TrackerConfig
) -> Float[np.ndarray, "n m"]:
    """-2 log likelihood ratio of one person's embeddings against two people's; 0 where unknown."""
    cost = np.zeros((len(looks), len(embedding)))
    known = np.any(embedding != 0, axis=1)
    size = embedding.shape[1]
    like = np.array([0 < len(look) == size for look in looks], dtype=bool)
    if not like.any() or not known.any():
        return cost
    alike = np.stack([look for look, fits in zip(looks, like, strict=True) if fits])
    apart = np.clip(1 - alike @ embedding[known].T, 0.0, 2.0)
    ratio = look_log_ratio(apart, size, config)
    cost[np.ix_(np.flatnonzero(like), np.flatnonzero(known))] = np.minimum(
        -2 * ratio, config.look_limit
    )
    return cost


def blended(look: Look, seen: Look, config: TrackerConfig) -> Look:
    """A track's mean embedding after one more; a zero one says nothing."""
    if not np.any(seen):
        return look
    if look.shape != seen.shape:
        return seen
    mean = (1 - config.look_memory) * look + config.look_memory * seen
    return np.asarray(mean / np.linalg.norm(mean))
