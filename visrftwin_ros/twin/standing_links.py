"""Links whose two ends stand: solved once, then only people change them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.paths.link_metrics import link_sums, shadowed_sums
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.people.people_update import PeopleUpdate, unblocked
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel
from visrftwin_ros.twin.channel_state import LinkGroup


class StandingLinks:
    """A LinkGroup that each update carries forward, touching affected links only."""

    def __init__(
        self,
        paths: PathSet,
        numbers: NDArray[np.intp],
        wavelength: float,
        model: BlockageModel,
    ) -> None:
        self._people = PeopleUpdate(paths, wavelength, model)
        nobody = unblocked(paths)
        self._free = link_sums(paths, nobody.field)
        self._group = LinkGroup(
            numbers=numbers,
            paths=paths,
            blockage=nobody,
            sums=self._free,
            retraced=np.zeros(len(paths.links), bool),
            velocity=np.zeros((len(paths.links), 3)),
        )

    @property
    def paths(self) -> PathSet:
        """Those of all its links, whoever is near."""
        return self._group.paths

    def update(self, bodies: Bodies) -> LinkGroup:
        """The links with these bodies."""
        old = self._group
        blockage = self._people.update(bodies)
        retraced = np.zeros(len(old.numbers), bool)
        retraced[old.paths.link[blockage.evaluated]] = True
        sums = shadowed_sums(old.paths, self._free, blockage.factor, blockage.touched)
        self._group = LinkGroup(old.numbers, old.paths, blockage, sums, retraced, old.velocity)
        return self._group
