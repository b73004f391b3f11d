"""What to call a path in a picture."""

from __future__ import annotations

from visrftwin_ros.msg import RadioPath

NAMES = {
    RadioPath.BODY: "body",
    RadioPath.DIFFUSE: "diffuse",
    RadioPath.DIFFRACTION: "diffraction",
    RadioPath.REFRACTION: "refraction",
    RadioPath.SPECULAR: "specular",
}
"""A path with several kinds of interaction is called by the first of these that it has."""


def path_kind(path: RadioPath) -> str:
    kinds = set(path.interactions)
    return next((name for kind, name in NAMES.items() if kind in kinds), "line of sight")
