"""How large vehicles are, by COCO's class names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class VehicleSize:
    """usual: (3,) m, length, width and height; sigma: (3,) m, their standard deviations."""

    usual: Float[np.ndarray, " 3"]
    sigma: Float[np.ndarray, " 3"]


def _size(usual: tuple[float, ...], sigma: tuple[float, ...]) -> VehicleSize:
    return VehicleSize(np.array(usual), np.array(sigma))


VEHICLE_SIZES: Mapping[str, VehicleSize] = {
    "car": _size((4.3, 1.8, 1.65), (0.5, 0.17, 0.2)),
    "truck": _size((6.9, 2.5, 2.8), (1.8, 0.25, 0.5)),
    "bus": _size((11.0, 2.75, 3.3), (1.5, 0.2, 0.3)),
    "motorcycle": _size((2.1, 0.8, 1.5), (0.25, 0.12, 0.2)),
    "bicycle": _size((1.75, 0.6, 1.5), (0.15, 0.1, 0.25)),
}
"""Means of the boxes of two data sets, as their detectors' anchors have them: KITTI's cars 3.9 x 1.6 x
1.56 m and cyclists 1.76 x 0.6 x 1.73 m (Lang et al., "PointPillars", CVPR 2019, 4.2); nuScenes' cars
4.63 x 1.97 x 1.74 m, trucks 6.93 x 2.51 x 2.84 m, buses 10.5 x 2.94 x 3.47 m, motorcycles 2.11 x 0.77 x
1.47 m and bicycles 1.70 x 0.60 x 1.28 m (Zhu et al., "Class-balanced grouping and sampling for point cloud
3D object detection", 2019): between the two. Buses as regulation allows them: 12 m by 2.55 m and mirrors.
Deviations are our estimates: from a city car of 3.6 m to an estate of 4.9 m lie two and a half."""
UNKNOWN = VEHICLE_SIZES["car"]
"""Of a vehicle of which nobody knows the class: most are cars."""
KNOWN_SIGMA = 0.1
"""m: of a length or width that was seen whole."""


def vehicle_size(kind: str) -> VehicleSize:
    """The sizes of a class; of one that is not known, a car's."""
    return VEHICLE_SIZES.get(kind, UNKNOWN)
