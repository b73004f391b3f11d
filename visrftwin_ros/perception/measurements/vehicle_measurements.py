"""Vehicles as a sensor places them on the ground, without asking how it did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float, Int

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.point_cloud import LONGEST_SWEEP


class View(Protocol):
    """What a sensor could have seen at the time of a measurement."""

    def shows(self, position: Float[np.ndarray, " 2"], size: Float[np.ndarray, " 3"]) -> bool:
        """Whether a vehicle of this size [m] at a place [m] would have been seen: it is within reach,
        and nothing stands before it."""


@dataclass(frozen=True)
class VehicleMeasurements:
    """N vehicles at one time, world frame.

    stamp_ns: ROS time of the data. sensor: its name in the site. view: what it could have seen. speaks:
    score from which a measurement speaks for a vehicle, and starts one.
    kind: class names of COCO, '' where the sensor does not tell. score: (N,) 0..1, how surely each is
    a vehicle. after: (N,) s after the stamp at which each was measured. anchor: (N, 2) m, the point of
    the box on the ground that was seen best, and side: (N, 2) where it is on the box, along the heading
    and across: -1 rear or right, 0 middle, 1 front or left. covariance: (N, 2, 2) m^2 of the anchor,
    what is new in each measurement; doubt: (N, 2, 2) m^2 of what repeats from one to the next.
    heading: (N,) rad along the longer side, front and rear not told apart, and heading_sigma: (N,) rad,
    inf where it is not known. size: (N, 3) m that was seen along the heading, across, and up; whole:
    (N, 2) whether the first two are all of it. n_points: (N,) returns, of a LiDAR.
    """

    stamp_ns: int
    sensor: str
    view: View
    speaks: float
    kind: tuple[str, ...]
    score: Float[np.ndarray, " n"]
    after: Float[np.ndarray, " n"]
    anchor: Float[np.ndarray, "n 2"]
    side: Int[np.ndarray, "n 2"]
    covariance: Float[np.ndarray, "n 2 2"]
    doubt: Float[np.ndarray, "n 2 2"]
    heading: Float[np.ndarray, " n"]
    heading_sigma: Float[np.ndarray, " n"]
    size: Float[np.ndarray, "n 3"]
    whole: Bool[np.ndarray, "n 2"]
    n_points: Int[np.ndarray, " n"]

    def __post_init__(self) -> None:
        lengths = {name: len(getattr(self, name)) for name in ("kind", *_COLUMNS)}
        if len(set(lengths.values())) > 1:
            text = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise TwinError(f"{self.sensor!r}: columns of different lengths: {text}")

    def __len__(self) -> int:
        return len(self.kind)

    def where(self, mask: Bool[np.ndarray, " n"] | Sequence[bool]) -> VehicleMeasurements:
        """The vehicles that a mask picks."""
        mask = np.asarray(mask, dtype=bool)
        picked = {column.name: getattr(self, column.name) for column in fields(self)}
        picked.update({name: picked[name][mask] for name in _COLUMNS})
        picked["kind"] = tuple(np.array(self.kind, dtype=object)[mask])
        return VehicleMeasurements(**picked)

    def clean(self) -> tuple[VehicleMeasurements, int]:
        """Without those that hold NaN, a covariance that is none or no size; how many were dropped."""
        good = np.isfinite(self.heading) & np.isfinite(self.score)
        for column in (self.anchor, self.size):
            good &= np.isfinite(column).all(axis=1)
        for matrix in (self.covariance, self.doubt):
            good &= np.isfinite(matrix).all(axis=(1, 2))
        good &= np.abs(self.after) < LONGEST_SWEEP  # not of NaN either
        good &= (self.heading_sigma > 0) & (self.size >= 0).all(axis=1)
        trace = np.trace(self.covariance, axis1=1, axis2=2)
        with np.errstate(invalid="ignore"):
            good &= (np.linalg.det(self.covariance) > 0) & (trace > 0)
        return self.where(good), int(np.sum(~good))


_COLUMNS = (
    *("score", "after", "anchor", "side", "covariance", "doubt"),
    *("heading", "heading_sigma", "size", "whole", "n_points"),
)


def vehicle_rows(
    rows: Sequence[dict[str, object]], stamp_ns: int, sensor: str, view: View, speaks: float
) -> VehicleMeasurements:
    """Measurements of one dictionary a vehicle, by the names of the columns."""
    count = len(rows)
    shapes = {"anchor": (2,), "side": (2,), "covariance": (2, 2), "doubt": (2, 2)}
    shapes |= {"size": (3,), "whole": (2,)}
    types = {"side": np.int64, "whole": bool, "n_points": np.int64}
    columns = {
        name: np.array([row[name] for row in rows], types.get(name, np.float64)).reshape(
            count, *shapes.get(name, ())
        )
        for name in _COLUMNS
    }
    kind = tuple(str(row["kind"]) for row in rows)
    return VehicleMeasurements(stamp_ns, sensor, view, speaks, kind, **columns)
