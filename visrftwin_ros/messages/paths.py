"""The paths of a link as RadioPath messages, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from visrftwin_ros.messages.factory import Make

NUMBERS = (
    "delay",
    "gain_db",
    "phase",
    "aod_azimuth",
    "aod_elevation",
    "aoa_azimuth",
    "aoa_elevation",
    "doppler",
    "shadow_loss_db",
)
"""The numbers of RadioPath.msg."""


def path_messages(
    make: Make,
    numbers: Mapping[str, Float[np.ndarray, " p"]],
    interactions: Sequence[UInt8[np.ndarray, " i"]] = (),
    blocked_by: Sequence[Sequence[str]] = (),
    vertices: Sequence[Float[np.ndarray, "v 3"]] = (),
) -> list[Any]:
    """P paths. numbers: (P,) of NUMBERS by name; those that are not there become NaN.

    interactions, blocked_by, vertices: one entry a path as in RadioPath.msg, or nothing at all.
    """
    count = len(numbers["delay"])
    columns = (
        numbers[name].tolist() if name in numbers else repeat(np.nan, count) for name in NUMBERS
    )
    rows = zip(*columns, strict=True)
    kinds = interactions or repeat(np.zeros(0, np.uint8), count)
    names, corners = blocked_by or repeat((), count), vertices or repeat(np.zeros((0, 3)), count)
    return [
        make(
            "visrftwin_ros/RadioPath",
            **dict(zip(NUMBERS, row, strict=True)),
            interactions=kind,
            blocked_by=list(name),
            vertices=[make("geometry_msgs/Point", x=x, y=y, z=z) for x, y, z in corner.tolist()],
        )
        for row, kind, name, corner in zip(rows, kinds, names, corners, strict=True)
    ]


def numbers_from_paths(
    messages: Sequence[Any], names: Sequence[str] = NUMBERS
) -> dict[str, Float[np.ndarray, " p"]]:
    """By name, (P,) numbers of RadioPath messages."""
    return {name: np.array([getattr(m, name) for m in messages], np.float64) for name in names}
