"""What a surface can look like, and what may then be behind it.

A picture shows a surface's face and no more: paint hides what is under it. So it is classes of looks that
are told apart, and each stands for a mixture of materials of `materials.table`. The shares are our
estimates of what is usual indoors, stated here and fitted to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class VisibleClass:
    """words: as a picture's caption may say it, for text matching. behind: shares of materials. colour: in
    reports. level: of SCATTERING_LEVELS."""

    words: tuple[str, ...]
    behind: Mapping[str, float]
    colour: str
    level: int


@dataclass(frozen=True)
class ScatteringLevel:
    """A row of the paper's table 2: a surface like `example` scatters with S from `low` to `high`."""

    example: str
    low: float
    high: float

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2


SCATTERING_LEVELS = (
    ScatteringLevel("polished", 0.0, 0.07),
    ScatteringLevel("wall plasterboard", 0.07, 0.1),
    ScatteringLevel("chipboard, cardboard", 0.1, 0.2),
    ScatteringLevel("ceiling plasterboard", 0.2, 0.4),
    ScatteringLevel("brick", 0.3, 0.5),
)
"""Smooth to rough; the first, for what is smoother than the table's smoothest, is ours."""

CLASSES: Mapping[str, VisibleClass] = {
    "painted": VisibleClass(
        ("a plain painted wall", "white plaster", "plasterboard", "wallpaper", "stucco"),
        {"plasterboard": 0.6, "concrete": 0.25, "brick": 0.15}, "#d9c9a3", 1,
    ),
    "concrete": VisibleClass(
        ("bare concrete", "cement", "screed"), {"concrete": 1.0}, "#7f7f7f", 2
    ),
    "brick": VisibleClass(("a brick wall", "bricks", "masonry"), {"brick": 1.0}, "#b5452c", 4),
    "wood": VisibleClass(
        ("wood", "wooden planks", "parquet", "plywood", "a wooden door"),
        {"wood": 0.5, "chipboard": 0.3, "plywood": 0.2}, "#8c5a2b", 2,
    ),
    "stone": VisibleClass(
        ("marble", "stone", "ceramic tiles", "granite"),
        {"marble": 0.8, "concrete": 0.2}, "#5b8e9c", 0,
    ),
    "fabric": VisibleClass(
        ("carpet", "fabric", "upholstery", "textile"),
        {"carpet_tile": 0.6, "chipboard": 0.4}, "#7b4fa3", 3,
    ),
    "metal": VisibleClass(
        ("metal", "steel", "sheet metal", "rusty iron", "aluminium"), {"metal": 1.0}, "#2f6fd0", 0
    ),
    "glass": VisibleClass(("glass", "a window pane"), {"glass": 1.0}, "#2fc4c4", 0),
    "ceiling_tile": VisibleClass(
        ("ceiling tiles", "a suspended ceiling"), {"ceiling_board": 1.0}, "#c7e08a", 3
    ),
    "asphalt": VisibleClass(("asphalt", "a road surface"), {"asphalt_concrete": 1.0}, "#3b3b4f", 4),
    "other": VisibleClass(
        ("plants", "a person", "books", "food", "earth and grass"), {}, "#e377c2", 3
    ),
}  # fmt: skip
"""`other` is no building material: it counts as unknown."""
NAMES = tuple(CLASSES)
UNKNOWN = "unknown"
UNKNOWN_COLOUR = "#ff7f0e"
WIDE: Mapping[str, float] = {
    "concrete": 0.3, "plasterboard": 0.3, "brick": 0.1, "wood": 0.15, "chipboard": 0.1, "marble": 0.05,
}  # fmt: skip
"""Behind what is unknown: what buildings and furniture are mostly made of, metal and glass left apart."""

_RARE = 0.1
_UNMAPPED = ("glass",)
"""Rare on every surface of a map: depth cameras see no pane, a LiDAR only head on."""
_UNUSUAL: Mapping[str, tuple[str, ...]] = {
    "floor": ("painted", "ceiling_tile", "brick"),
    "ceiling": ("brick", "stone", "fabric", "asphalt"),
    "wall": ("fabric", "ceiling_tile", "asphalt", "metal"),
    "panel": ("ceiling_tile", "asphalt", "brick"),
    "box": ("ceiling_tile", "asphalt"),
}
"""What is rare on a kind of surface of a map: a tenth as usual as the rest."""


def kind_prior(kind: str) -> Float[np.ndarray, " classes"]:
    """Probability of each class before a look, on a surface of a map's `kind`; equal where none is known."""
    rare = (*_UNUSUAL[kind], *_UNMAPPED) if kind in _UNUSUAL else ()
    share = np.array([_RARE if name in rare else 1.0 for name in NAMES])
    return share / share.sum()
