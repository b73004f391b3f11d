"""Which box belongs to which walker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.optimize import linear_sum_assignment

from visrftwin_ros.perception.measurements.box_measurements import BoxMeasurements
from visrftwin_ros.perception.tracking.tracker_config import TrackerConfig
from visrftwin_ros.perception.tracking.walker_filter import chi_square_quantile, wrapped

PARTS = np.array([[True, True, True], [True, False, True], [True, True, False]])
"""What of a box may be true of the body: all of it; not the feet row; not the head row."""


@dataclass(frozen=True)
class PairCosts:
    """-2 log likelihood of every pair of N walkers and M boxes; infinite outside the gate.

    part: (N, M) the row of PARTS that explains the pair best. close: (N, M) inside the tighter gate
    for weak boxes.
    """

    cost: Float[np.ndarray, "n m"]
    part: Int[np.ndarray, "n m"]
    close: Bool[np.ndarray, "n m"]


def pair_costs(
    expected: Float[np.ndarray, "n 3"],
    innovation: Float[np.ndarray, "n 3 3"],
    boxes: BoxMeasurements,
    config: TrackerConfig,
    column_period: float = np.inf,
) -> PairCosts:
    """Costs of pairing walkers (expected rows and innovation covariance, px) with boxes.

    A row that something hides is anywhere along the body: uniform over its height, which makes the
    three explanations of a box comparable likelihoods. column_period: px after which a panorama's
    columns come again.
    """
    residual = boxes.rows[None] - expected[:, None]
    residual[..., 0] = wrapped(residual[..., 0], column_period)
    height = np.maximum(np.abs(expected[:, 1] - expected[:, 2]), 1.0)
    priors = np.array([1 - 2 * config.hidden_part, config.hidden_part, config.hidden_part])
    costs = np.empty((len(PARTS), len(expected), len(boxes)))
    close = np.empty(costs.shape, dtype=bool)
    for k, part in enumerate(PARTS):
        block = innovation[:, part][:, :, part]
        r = residual[..., part]
        distance = np.einsum("nmi,nij,nmj->nm", r, np.linalg.inv(block), r)
        cost = distance + np.linalg.slogdet(2 * np.pi * block)[1][:, None] - 2 * np.log(priors[k])
        cost += 2 * np.count_nonzero(~part) * np.log(height)[:, None]
        costs[k] = np.where(
            distance <= chi_square_quantile(config.gate, int(part.sum())), cost, np.inf
        )
        close[k] = distance <= chi_square_quantile(config.weak_gate, int(part.sum()))
    costs[0][:, ~(boxes.head & boxes.foot)] = np.inf
    # Something hidden makes a box shorter. Longer ones merge with another person's: rarer.
    slack = np.sqrt(innovation[:, [1, 2], [1, 2]])
    merged = -2 * np.log(config.merged_part / config.hidden_part)
    costs[1] += np.where(residual[..., 1] > slack[:, :1], merged, 0.0)
    costs[2] += np.where(residual[..., 2] < -slack[:, 1:], merged, 0.0)
    costs[1][:, ~boxes.head] = np.inf
    costs[2][:, ~boxes.foot] = np.inf
    best = np.argmin(costs, axis=0)[None]
    return PairCosts(
        cost=np.take_along_axis(costs, best, axis=0)[0],
        part=best[0],
        close=np.take_along_axis(close, best, axis=0)[0],
    )


def assigned(
    cost: Float[np.ndarray, "n m"],
    walkers: Bool[np.ndarray, " n"],
    boxes: Bool[np.ndarray, " m"],
) -> tuple[Int[np.ndarray, " k"], Int[np.ndarray, " k"]]:
    """The K pairs of least total cost among the walkers and boxes that take part.

    As many pairs as the gate allows; then the likeliest (Kuhn-Munkres, `scipy.optimize`).
    """
    rows, columns = np.flatnonzero(walkers), np.flatnonzero(boxes)
    part = cost[np.ix_(rows, columns)]
    if not np.isfinite(part).any():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    finite = part[np.isfinite(part)]
    barred = finite.max() + (np.ptp(finite) + 1.0) * (min(part.shape) + 1)
    i, j = linear_sum_assignment(np.where(np.isfinite(part), part, barred))
    good = np.isfinite(part[i, j])
    return rows[i[good]], columns[j[good]]
