"""Few rays a pixel, and yet a clean picture: irradiance smoothed along surfaces.

The edge-avoiding a-trous wavelet filter (Dammertz, Sewtz, Hanika and Lensch, "Edge-avoiding A-Trous
wavelet transform for fast global illumination filtering", HPG 2010), guided by what the first hit
knows without noise: whose surface it is, its plane and its normal. The texture is divided out
before and multiplied on again after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

_LEVELS = 4
_PLANE = 0.03
"""Metres off the plane of a pixel's surface at which a neighbour has a weight of 1/e."""
_STRAY = 99.5
"""Per cent of the pixels that are dimmer than what counts as a stray path."""


@dataclass(frozen=True)
class FirstHits:
    """What pixels' rays meet first, glass passed: owner: (H, W) index of the person, -1 a thing, -2
    nothing. position, normal: (H, W, 3) metres, world. albedo: (H, W, 3) linear, 1 for nothing."""

    owner: Int[np.ndarray, "h w"]
    position: Float[np.ndarray, "h w 3"]
    normal: Float[np.ndarray, "h w 3"]
    albedo: Float[np.ndarray, "h w 3"]

    def cropped(self, rows: slice, columns: slice) -> FirstHits:
        """A part of the picture."""
        part = (rows, columns)
        return FirstHits(
            self.owner[part], self.position[part], self.normal[part], self.albedo[part]
        )


def smoothed(radiance: Float[np.ndarray, "h w 3"], hits: FirstHits) -> Float[np.ndarray, "h w 3"]:
    """(H, W, 3) radiance without its noise; differences of radiance may be negative."""
    light = (radiance / hits.albedo).astype(np.float32)
    shining = hits.owner == -2
    limit = np.percentile(np.abs(light[~shining]), _STRAY) if not shining.all() else np.inf
    light = np.where(shining[..., None], light, np.clip(light, -limit, limit))
    position, normal = hits.position.astype(np.float32), hits.normal.astype(np.float32)
    for level in range(_LEVELS):
        total, weights = np.zeros_like(light), np.zeros(light.shape[:2], np.float32)
        for row in (-1, 0, 1):
            for column in (-1, 0, 1):
                here, there = _overlap(light.shape[:2], row << level, column << level)
                offset = position[there] - position[here]
                off_plane = np.abs(np.einsum("hwi,hwi->hw", offset, normal[here]))
                alike = np.einsum("hwi,hwi->hw", normal[there], normal[here])
                weight = np.exp(-off_plane / _PLANE) * np.clip(alike, 0, 1) ** 16
                weight *= (hits.owner[here] == hits.owner[there]) / (1 + abs(row) + abs(column))
                if row == column == 0:
                    weight = np.ones_like(weight)
                total[here] += weight[..., None] * light[there]
                weights[here] += weight
        light = total / weights[..., None]
    return np.asarray(light * hits.albedo, np.float64)


def _overlap(
    shape: tuple[int, int], rows: int, columns: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where pixels have a neighbour so far off, and where these neighbours are."""

    def one(size: int, step: int) -> tuple[slice, slice]:
        return slice(max(-step, 0), size - max(step, 0)), slice(max(step, 0), size + min(step, 0))

    (here_r, there_r), (here_c, there_c) = one(shape[0], rows), one(shape[1], columns)
    return (here_r, here_c), (there_r, there_c)
