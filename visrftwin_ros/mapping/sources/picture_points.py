"""Posed pictures as points in the world: of a source that has no depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from visrftwin_ros.mapping.scan import Scan, joined
from visrftwin_ros.vision.posed_pictures import PosedPicture
from visrftwin_ros.vision.stereo.picture_depth import points_of_pictures

MOST_VIEWS = 150
"""Pictures of a camera, from places apart: some 3 s of two cores each."""
_NOISE = 0.03
"""m, of a point along its ray, where others agree: assumed."""


def read_picture_points(
    pictures: Sequence[PosedPicture],
    left_out: Sequence[str],
    source: str,
    has_up: bool,
    progress: Callable[[int, int], None],
) -> Scan:
    """What the pictures agree upon. has_up: whether their world has z up; else up is where most pictures have it.

    Raises TwinError where pictures do not overlap, or show nothing that two agree upon.
    """
    ups: list[Float[np.ndarray, " 3"]] = [-picture.camera.rotation[1] for picture in pictures]
    return joined(
        points_of_pictures(pictures, progress) if pictures else [],
        up=None if has_up or not ups else np.mean(ups, axis=0),
        noise=_NOISE,
        source=f"{len(pictures)} pictures of {source}",
        left_out=left_out,
    )
