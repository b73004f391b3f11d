"""What a sounder campaign holds, as arrays: snapshots, and the truth where a lab made the bag.

Angles are azimuth from x towards y and elevation up from the horizontal, both in the world frame
(REP-103); `docs/CAMPAIGN.md` has the bag that it comes from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.materials.table import MaterialValues


def _unknown_position() -> Float[np.ndarray, " 3"]:
    return np.full(3, np.nan)


@dataclass(frozen=True)
class MeasuredPaths:
    """P resolved paths of one link; NaN = not measured.

    delay: (P,) s. gain_db: (P,) dB of power, against an unknown reference where the campaign's
    `gain_reference` is relative. phase: (P,) rad at the carrier. The angles: (P,) rad, of departure
    and of the direction that the wave comes from.
    """

    delay: Float[np.ndarray, " p"]
    gain_db: Float[np.ndarray, " p"]
    phase: Float[np.ndarray, " p"]
    aod_azimuth: Float[np.ndarray, " p"]
    aod_elevation: Float[np.ndarray, " p"]
    aoa_azimuth: Float[np.ndarray, " p"]
    aoa_elevation: Float[np.ndarray, " p"]

    def __len__(self) -> int:
        return len(self.delay)


PATH_FIELDS = tuple(entry.name for entry in fields(MeasuredPaths))
"""Names that MeasuredPaths and RadioPath.msg share."""


def no_paths() -> MeasuredPaths:
    """A link of which nothing was resolved."""
    return MeasuredPaths(**{name: np.zeros(0) for name in PATH_FIELDS})


@dataclass(frozen=True)
class Snapshot:
    """One record of a channel sounder.

    stamp_ns: ROS time. tx, rx: names of the site's access points or robots. frequency, bandwidth:
    Hz. noise_floor_dbm: NaN = not known. tx_position, rx_position: (3,) m of the antennas in the
    world, NaN where neither the site nor TF says. rx_yaw: rad, NaN where unknown. The last three
    come from the site and TF when a bag is read; a bag does not store them beside the snapshot.
    """

    stamp_ns: int
    tx: str
    rx: str
    frequency: float
    bandwidth: float
    paths: MeasuredPaths
    noise_floor_dbm: float = float("nan")
    tx_position: Float[np.ndarray, " 3"] = field(default_factory=_unknown_position)
    rx_position: Float[np.ndarray, " 3"] = field(default_factory=_unknown_position)
    rx_yaw: float = float("nan")


@dataclass(frozen=True)
class TrueChannel:
    """The true channel of one link at one time, without the sounder's limits.

    delay_spread: s, RMS. azimuth_spread: rad, of arrival. shadow_loss_db, shadow_loss_los_db: as in
    `LinkMetrics`, the latter nan in older bags. rx_position: (3,) m and rx_yaw: rad as in Snapshot.
    paths: the strongest. frequency, bandwidth: Hz.
    """

    stamp_ns: int
    tx: str
    rx: str
    path_loss_db: float
    delay_spread: float
    azimuth_spread: float
    k_factor_db: float
    shadow_loss_db: float
    line_of_sight: bool
    shadow_loss_los_db: float = float("nan")
    rx_position: Float[np.ndarray, " 3"] = field(default_factory=_unknown_position)
    rx_yaw: float = float("nan")
    frequency: float = float("nan")
    bandwidth: float = float("nan")
    paths: MeasuredPaths = field(default_factory=no_paths)


@dataclass(frozen=True)
class LidarCloud:
    """N returns of one sweep in the sensor's frame.

    xyz: (N, 3) m. intensity: (N,). ring: (N,) beam number. time: (N,) ns after the cloud's stamp.
    """

    xyz: Float[np.ndarray, "n 3"]
    intensity: Float[np.ndarray, " n"]
    ring: Int[np.ndarray, " n"]
    time: Int[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.xyz)


@dataclass(frozen=True)
class Campaign:
    """A campaign as read from its bag.

    facts: what the `campaign` topic says. snapshots, boxes, truth_people and truth_channels are
    sorted by stamp; boxes are what somebody tracked beside the people; the truth is empty, and
    truth_materials None, where the bag has none. problems: what was left out or looks wrong, and
    why.
    """

    source: Path
    facts: Mapping[str, Any]
    snapshots: tuple[Snapshot, ...]
    boxes: tuple[tuple[int, Bodies], ...] = ()
    truth_people: tuple[tuple[int, Bodies], ...] = ()
    truth_channels: tuple[TrueChannel, ...] = ()
    truth_materials: Mapping[str, MaterialValues] | None = None
    problems: tuple[str, ...] = ()
