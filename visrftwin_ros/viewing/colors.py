"""One set of colours for Rerun, RViz and the pictures: RGB, 0 to 255."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, UInt8

_SURFACES = {
    "brick": (176, 112, 84),
    "concrete": (128, 134, 128),
    "metal": (170, 178, 190),
    "glass": (120, 180, 210),
    "wood": (186, 140, 90),
}
_OTHER_SURFACE = (150, 150, 150)
ACCESS_POINT = (255, 0, 200)
PERSON = (255, 220, 0)
TRAIL = (255, 140, 0)
"""Of where people were, and of tracks on images: detections are drawn as PERSON."""
ROBOT = (0, 200, 220)
ROBOT_IN_TROUBLE = (255, 40, 40)
ROBOT_UNKNOWN = (150, 150, 150)
"""Nobody serves it, or the link is stale."""
PATH_COLORS = {
    "line of sight": (60, 200, 90),
    "specular": (70, 130, 255),
    "diffuse": (150, 150, 190),
    "refraction": (180, 100, 230),
    "diffraction": (255, 180, 40),
    "body": (255, 120, 200),
    "shadowed": (255, 40, 40),
}
LINK_COLORS = (
    (31, 119, 180),
    (255, 127, 14),
    (44, 160, 44),
    (214, 39, 40),
    (148, 103, 189),
    (140, 86, 75),
    (227, 119, 194),
    (127, 127, 127),
    (188, 189, 34),
    (23, 190, 207),
)
"""Of the curves, in the order of the links; reused from the start when there are more."""
SHADOWED_ABOVE_DB = 1.0
"""A path that loses more than this to a body is drawn as shadowed."""


def surface_color(material: str) -> tuple[int, int, int]:
    return _SURFACES.get(material, _OTHER_SURFACE)


MAP_DB = (60.0, 130.0)
"""Path loss at the brightest and the darkest of a radio map's colours: what is beyond is drawn as they are."""


def radio_map_colors(loss_db: Float[np.ndarray, " n"]) -> UInt8[np.ndarray, "n 3"]:
    """RGB of cells: bright where little is lost. Viridis, which those see too who do not tell red from green."""
    share = np.clip((MAP_DB[1] - loss_db) / (MAP_DB[1] - MAP_DB[0]), 0.0, 1.0)
    every = np.arange(256, dtype=np.uint8).reshape(-1, 1)
    colors = cv2.applyColorMap(every, cv2.COLORMAP_VIRIDIS)[:, 0, ::-1]
    return np.asarray(colors[np.round(255 * share).astype(int)])
