"""Costs of depths summed along straight lines through the picture, so that neighbours agree: semi-global matching
(Hirschmueller, IEEE Trans. PAMI 30 (2008) 328, eq. 13)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from visrftwin_ros.compiled import compiled

_STEP, _JUMP = np.float32(0.05), np.float32(0.4)
"""What neighbours pay whose depths are one step apart, and farther; _JUMP is less where the grey changes."""
_EDGE = np.float32(6.0)
"""Change of grey that halves it (P2' / |I_p - I_q| of the paper, without its pole)."""


@compiled
def aggregated(
    costs: Float[np.ndarray, "h w d"],
    grey: Float[np.ndarray, "h w"],
    step: np.float32,
    jump: np.float32,
    edge: np.float32,
) -> Float[np.ndarray, "h w d"]:
    """The mean over eight directions of the cheapest way to each pixel and depth."""
    height, width, depths = costs.shape
    total = np.zeros_like(costs)
    line = np.zeros_like(costs)
    for direction in range(8):
        dy = (0, 0, 1, -1, 1, -1, 1, -1)[direction]
        dx = (1, -1, 0, 0, 1, -1, -1, 1)[direction]
        for row in range(height):
            y = row if dy >= 0 else height - 1 - row
            for column in range(width):
                x = column if dx >= 0 else width - 1 - column
                py, px = y - dy, x - dx
                own, here = line[y, x], costs[y, x]
                if py < 0 or py >= height or px < 0 or px >= width:
                    for d in range(depths):
                        own[d] = here[d]
                else:
                    change = abs(grey[y, x] - grey[py, px])
                    most = max(jump / (np.float32(1.0) + change / edge), np.float32(1.5) * step)
                    before = line[py, px]
                    least = before.min()
                    for d in range(depths):
                        way = before[d]
                        if d > 0:
                            way = min(way, before[d - 1] + step)
                        if d < depths - 1:
                            way = min(way, before[d + 1] + step)
                        own[d] = here[d] + min(way, least + most) - least
        total += line
    return total / np.float32(8.0)


def cheapest(
    costs: Float[np.ndarray, "h w d"],
    grey: Float[np.ndarray, "h w"],
    inverse: Float[np.ndarray, " d"],
) -> tuple[Float[np.ndarray, "h w"], Float[np.ndarray, "h w"]]:
    """m of depth at each pixel, between two steps by a parabola, NaN at the nearest and farthest; and the
    cost there before neighbours were asked."""
    total = aggregated(costs, grey, _STEP, _JUMP, _EDGE)
    best = total.argmin(axis=-1)
    inside = np.clip(best, 1, len(inverse) - 2)
    low, mid, high = (
        np.take_along_axis(total, (inside + k)[..., None], -1)[..., 0] for k in (-1, 0, 1)
    )
    bend = low - 2 * mid + high
    off = np.where(bend > 0, (low - high) / np.maximum(2 * bend, 1e-9), 0.0).clip(-0.5, 0.5)
    depth = 1 / (inverse[0] + (inside + off) * (inverse[1] - inverse[0]))
    ends = (best == 0) | (best == len(inverse) - 1)
    cost = np.take_along_axis(costs, best[..., None], -1)[..., 0]
    return np.where(ends, np.nan, depth), cost
