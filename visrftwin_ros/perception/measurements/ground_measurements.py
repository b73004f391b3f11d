"""People as a sensor places them on the ground, without asking how it did."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.point_cloud import LONGEST_SWEEP


@dataclass(frozen=True)
class GroundMeasurements:
    """N people at one time, world frame.

    stamp_ns: ROS time of the data. sensor: its name in the site. after: (N,) s after it at which each
    was measured, 0 by default: a sweep takes its time. position: (N, 2) m, the body's axis on the
    ground. covariance: (N, 2, 2) m^2. height: (N,) m and height_sigma: (N,) m; NaN and
    inf where the sensor does not tell. score: (N,) 0..1, how surely each is a person. extent:
    (N, 2) m, length of the longer and the shorter side of what was seen of the body. origin: (2,) m
    where the sensor stands and reach: m up to where it finds people: somebody further away, or
    behind one of the N, is not missed.
    """

    stamp_ns: int
    sensor: str
    position: Float[np.ndarray, "n 2"]
    covariance: Float[np.ndarray, "n 2 2"]
    height: Float[np.ndarray, " n"]
    height_sigma: Float[np.ndarray, " n"]
    score: Float[np.ndarray, " n"]
    extent: Float[np.ndarray, "n 2"]
    origin: Float[np.ndarray, " 2"]
    reach: float
    after: Float[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if not len(self.after):
            object.__setattr__(self, "after", np.zeros(len(self.position)))
        lengths = {name: len(getattr(self, name)) for name in _PER_PERSON}
        if len(set(lengths.values())) > 1:
            text = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise TwinError(f"{self.sensor!r}: columns of different lengths: {text}")

    def __len__(self) -> int:
        return len(self.position)

    def where(self, mask: Bool[np.ndarray, " n"]) -> GroundMeasurements:
        """The people that a mask picks."""
        picked = {column.name: getattr(self, column.name) for column in fields(self)}
        picked.update({name: picked[name][mask] for name in _PER_PERSON})
        return GroundMeasurements(**picked)

    def clean(self) -> tuple[GroundMeasurements, int]:
        """Without those that hold NaN or a covariance that is none; and how many were dropped."""
        finite = np.all(np.isfinite(self.position), axis=1)
        finite &= np.all(np.isfinite(self.covariance), axis=(1, 2)) & np.isfinite(self.score)
        finite &= np.abs(self.after) < LONGEST_SWEEP  # not of NaN either
        trace = np.trace(self.covariance, axis1=1, axis2=2)
        finite &= (np.linalg.det(self.covariance) > 0) & (trace > 0)
        return self.where(finite), int(np.sum(~finite))


_PER_PERSON = ("position", "covariance", "height", "height_sigma", "score", "extent", "after")
