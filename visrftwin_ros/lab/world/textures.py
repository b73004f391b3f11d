"""Textures made from noise: what a surface's pattern looks like, as arrays."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.ndimage import gaussian_filter

from visrftwin_ros.lab.world.surface_looks import Appearance

SIZE = 256
"""Pixels a side; a texture comes again without a seam."""

_Field = Float[np.ndarray, "s s"]


def texture(look: Appearance, seed: int) -> Float[np.ndarray, "s s 3"]:
    """(SIZE, SIZE, 3) linear RGB of a look; equal seeds, equal textures."""
    rng = np.random.default_rng(seed)
    ground = linear(np.array(look.colours[0]))
    second = linear(np.array(look.colours[-1]))
    share = _share(look.pattern, rng)[..., None]
    colours = (1 - share) * ground + share * second
    uneven = 1 + 0.06 * _cloud(rng, 24.0)[..., None] + 0.03 * _cloud(rng, 1.0)[..., None]
    return np.asarray(np.clip(colours * uneven, 0.001, 0.98))


def linear(srgb: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Linear values of sRGB ones, both 0 to 1 (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _cloud(rng: np.random.Generator, blur: float, *, along: float = 1.0) -> _Field:
    """Seamless noise of unit spread; `along` times longer in the second direction."""
    field = gaussian_filter(rng.normal(size=(SIZE, SIZE)), (blur, blur * along), mode="wrap")
    return np.asarray((field - field.mean()) / max(field.std(), 1e-9))


def _share(pattern: str, rng: np.random.Generator) -> _Field:
    """How much of the second colour there is, 0 to 1."""
    row, column = np.mgrid[0:SIZE, 0:SIZE] / SIZE
    if pattern == "speckle":
        return np.clip(0.4 + 0.25 * _cloud(rng, 1.5) + 0.15 * _cloud(rng, 8.0), 0, 1)
    if pattern == "veins":
        vein = np.abs(np.sin(2 * np.pi * (2 * row + column) + 1.6 * _cloud(rng, 18.0)))
        return np.asarray(np.exp(-5 * vein) + 0.15 * np.clip(_cloud(rng, 10.0), 0, 1))
    if pattern == "planks":
        grain = np.clip(0.35 + 0.2 * _cloud(rng, 0.8, along=14.0), 0, 1)
        tone = 0.25 * (rng.uniform(size=8)[(row * 8).astype(int)] - 0.5)
        return np.where(np.mod(row * 8, 1) < 0.06, 1.0, np.clip(grain + tone, 0, 1))
    if pattern == "bricks":
        course = np.floor(row * 12)
        along = np.mod(column * 4 + 0.5 * np.mod(course, 2), 1)
        mortar = (np.mod(row * 12, 1) < 0.13) | (along < 0.045)
        tone = 0.15 * rng.uniform(size=(12, 4))[course.astype(int), (column * 4).astype(int)]
        return np.where(mortar, 1.0, np.clip(tone + 0.05 * _cloud(rng, 1.5), 0, 1))
    if pattern in ("tiles", "panels"):
        width = 0.02 if pattern == "tiles" else 0.03
        seam = (row < width) | (column < width)
        return np.where(seam, 1.0, np.clip(0.08 + 0.08 * _cloud(rng, 3.0), 0, 1))
    if pattern == "weave":
        threads = 0.5 + 0.25 * np.sin(40 * np.pi * row) * np.sin(40 * np.pi * column)
        return np.clip(threads + 0.2 * _cloud(rng, 1.0), 0, 1)
    if pattern == "slats":
        return np.where(np.mod(row * 16, 1) < 0.2, 1.0, 0.1)
    return np.zeros((SIZE, SIZE))
