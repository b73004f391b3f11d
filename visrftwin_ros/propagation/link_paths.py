"""The paths of one link as its users see them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.beams.selection import PathGains
from visrftwin_ros.propagation.blockage import loss_db
from visrftwin_ros.propagation.path_set import PathSet, angles
from visrftwin_ros.propagation.people_update import Blockage

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LinkPaths:
    """N paths of one link, strongest without people first.

    power: (N,) power gain between vertical isotropic antennas, people included. phase: (N,)
    radians at the carrier. delay: (N,) seconds. departure, arrival: (N, 2) azimuth from +x and
    elevation above the horizontal, radians, world frame, both pointing away from the device.
    doppler: (N,) hertz from the receiver's motion. shadow_loss_db: (N,) what people take off the
    path. blocked_by: N tuples of body ids. interactions: (N, D); vertices: (N, V, 3) metres,
    n_vertices: (N,), as in PathSet. share: of the link's power without people that these carry.
    """

    power: Array
    phase: Array
    delay: Array
    departure: Array
    arrival: Array
    doppler: Array
    shadow_loss_db: Array
    blocked_by: tuple[tuple[str, ...], ...]
    interactions: NDArray[np.uint8]
    vertices: Array
    n_vertices: NDArray[np.int32]
    share: float

    def __len__(self) -> int:
        return len(self.power)

    @property
    def gains(self) -> PathGains:
        """What beam selection needs."""
        return PathGains(self.power, self.departure, self.arrival)


def link_paths(
    paths: PathSet,
    blockage: Blockage,
    link: int,
    frequency: float,
    wavelength: float,
    velocity: Array,
    most: int,
) -> LinkPaths:
    """The `most` strongest paths of `link`, ranked without people so that the choice holds still.

    velocity: (3,) m/s of the receiver.
    """
    rows = np.arange(len(paths))[paths.of_link(link)]
    free = paths.power[rows]
    rows = rows[np.argsort(-free, kind="stable")[:most]]
    field = blockage.field[rows]
    amplitude = paths.transfer[rows, 0, 0] * field
    # Turns of the carrier first: in radians the fraction would drown in the whole turns.
    turns = np.mod(frequency * paths.delay[rows], 1.0)
    return LinkPaths(
        power=np.abs(amplitude) ** 2,
        phase=np.angle(amplitude * np.exp(-2j * np.pi * turns)),
        delay=paths.delay[rows],
        departure=np.stack(angles(paths.departure[rows]), axis=-1),
        arrival=np.stack(angles(paths.arrival[rows]), axis=-1),
        doppler=paths.arrival[rows] @ velocity / wavelength,
        shadow_loss_db=loss_db(field),
        blocked_by=tuple(blockage.blocked_by(int(row)) for row in rows),
        interactions=paths.interactions[rows],
        vertices=paths.vertices[rows],
        n_vertices=paths.n_vertices[rows],
        share=float(paths.power[rows].sum() / free.sum()) if free.sum() > 0 else 0.0,
    )
