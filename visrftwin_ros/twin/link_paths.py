"""The paths of one link as its users see them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.propagation.paths.path_set import PathSet, angles, side_by_side
from visrftwin_ros.propagation.people.body_paths import BodyPaths
from visrftwin_ros.propagation.people.people_update import Blockage
from visrftwin_ros.propagation.people.screen_diffraction import loss_db

Array = NDArray[np.float64]


@dataclass(frozen=True)
class LinkPaths:
    """N paths of one link, strongest without people first.

    power: (N,) power gain between vertical isotropic antennas, people included. phase: (N,)
    radians at the carrier. delay: (N,) seconds. departure, arrival: (N, 2) azimuth from +x and
    elevation above the horizontal, radians, world frame, both pointing away from the device.
    doppler: (N,) hertz from the motion of
    the receiver and, over a body, of that body. shadow_loss_db: (N,) what people take off the
    path. blocked_by: N tuples of body ids. interactions: (N, D); vertices: (N, V, 3) metres,
    n_vertices: (N,), as in PathSet. share: of the link's power without people that the
    static ones among these carried, before paths over bodies took any place.
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
    def multipath(self) -> Multipath:
        """What beam selection needs."""
        return Multipath.of_link(self.power, self.delay, self.departure, self.arrival)


def link_paths(
    paths: PathSet,
    blockage: Blockage,
    link: int,
    frequency: float,
    wavelength: float,
    velocity: Array,
    most: int,
    over_bodies: tuple[BodyPaths, int] | None = None,
) -> LinkPaths:
    """The `most` strongest paths of `link`, ranked without people so that the choice holds still.

    velocity: (3,) m/s of the receiver. over_bodies: the paths over bodies and the link's number
    among them; they rank by what they have without the other people.
    """
    first = paths.of_link(link).start
    free = paths.power[paths.of_link(link)]
    rows = first + np.argsort(-free, kind="stable")[:most]
    chosen, field = paths.select(rows), blockage.field[rows]
    doppler = chosen.arrival @ velocity / wavelength
    blocked_by = [blockage.blocked_by(int(row)) for row in rows]
    share = float(chosen.power.sum() / free.sum()) if free.sum() > 0 else 0.0
    if over_bodies is not None:
        bounced, number = over_bodies
        own = np.arange(len(bounced.paths))[bounced.paths.of_link(number)]
        chosen = side_by_side(chosen, bounced.paths.select(own))
        field = np.concatenate([field, bounced.blockage.field[own]])
        doppler = np.concatenate([doppler, bounced.doppler[own]])
        blocked_by += [bounced.blockage.blocked_by(int(row)) for row in own]
        ranked = np.argsort(-chosen.power, kind="stable")[:most]
        chosen, field, doppler = chosen.select(ranked), field[ranked], doppler[ranked]
        blocked_by = [blocked_by[row] for row in ranked]
    amplitude = chosen.transfer[:, 0, 0] * field
    # Turns of the carrier first: in radians the fraction would drown in the whole turns.
    turns = np.mod(frequency * chosen.delay, 1.0)
    return LinkPaths(
        power=np.abs(amplitude) ** 2,
        phase=np.angle(amplitude * np.exp(-2j * np.pi * turns)),
        delay=chosen.delay,
        departure=np.stack(angles(chosen.departure), axis=-1),
        arrival=np.stack(angles(chosen.arrival), axis=-1),
        doppler=doppler,
        shadow_loss_db=loss_db(field),
        blocked_by=tuple(blocked_by),
        interactions=chosen.interactions,
        vertices=chosen.vertices,
        n_vertices=chosen.n_vertices,
        share=share,
    )
