"""The links whose paths are known beforehand, carried from tick to tick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.twin.channel_state import LinkGroup
from visrftwin_ros.twin.moving_links import CarriedLinks
from visrftwin_ros.twin.on_demand_links import PeopleModel
from visrftwin_ros.twin.standing_links import StandingLinks
from visrftwin_ros.twin.static_twin import StaticTwin


class KnownLinks:
    """Of one StaticTwin: what its paths are indexed by, and the people of the last tick.

    links: every link of the site, by whose numbers the groups go.
    """

    def __init__(
        self, twin: StaticTwin, links: tuple[tuple[str, str], ...], model: PeopleModel
    ) -> None:
        wavelength = wavelength_of(model.frequency)
        self._standing: list[StandingLinks] = []
        if twin.standing.links:
            numbers = link_numbers(twin.standing.links, links)
            standing = StandingLinks(twin.standing, numbers, wavelength, model.blockage)
            self._standing.append(standing)
        self._scripted = [
            (
                robot,
                link_numbers(robot.known[0].known.links, links),
                CarriedLinks(wavelength, model.blockage),
            )
            for robot in twin.scripted
        ]

    def update(
        self, stamp_ns: int, bodies: Bodies
    ) -> tuple[list[LinkGroup], dict[str, NDArray[np.float64]]]:
        """The links with these bodies, and where the scripted robots' antennas (3,) are."""
        groups = [standing.update(bodies) for standing in self._standing]
        places: dict[str, NDArray[np.float64]] = {}
        for robot, numbers, carried in self._scripted:
            receiver = robot.receiver(stamp_ns)
            places[robot.name] = receiver.position
            position, velocity = (
                np.tile(vector, (len(numbers), 1))
                for vector in (receiver.position, receiver.velocity)
            )
            known = robot.known_at(receiver)
            groups.append(carried.update(numbers, known, position, velocity, bodies))
        return groups, places


def link_numbers(
    some: tuple[tuple[str, str], ...], links: tuple[tuple[str, str], ...]
) -> NDArray[np.intp]:
    """(l,) where each of `some` stands among `links`."""
    return np.array([links.index(link) for link in some], np.intp)
