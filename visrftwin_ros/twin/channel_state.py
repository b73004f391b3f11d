"""The channels of every link of a site at one instant."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.paths.link_metrics import LinkMetrics, LinkSums
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.people.body_paths import BodyPaths
from visrftwin_ros.propagation.people.people_update import Blockage
from visrftwin_ros.twin.link_paths import LinkPaths, link_paths

MOST_PATHS = 32
"""Paths of a link that messages carry and beams are chosen on."""


@dataclass(frozen=True)
class LinkGroup:
    """Links whose paths lie in one PathSet: all standing ones, or those of moving robots.

    numbers: (l,) the site's link number of each of `paths.links`. velocity: (l, 3) m/s of the
    receivers. sums: of `paths.links`. retraced: (l,) as in ChannelState.
    """

    numbers: NDArray[np.intp]
    paths: PathSet
    blockage: Blockage
    sums: LinkSums
    retraced: NDArray[np.bool_]
    velocity: NDArray[np.float64]


@dataclass(frozen=True)
class ChannelState:
    """L links (tx, rx), access point first: every AP of the site with every robot.

    stamp_ns: of the input. metrics: arrays (L,). retraced: (L,) evaluated again at this update,
    because people near it or its end moved; False means the same bits as before.
    fault: (L,) why a link cannot be trusted, empty where all is well (a link with a fault and
    no paths has path loss inf). paths_age: (L,) seconds since the link's paths were discovered
    by a full solve, 0 for standing ends, whose paths stay valid, nan where there was none yet.
    retraced_paths: paths evaluated at this update. dropped: ids of bodies with unusable poses.
    compute_time: seconds. over_bodies: the paths over people, which metrics and `paths` include.
    silent: numbers of the links whose access point is off. residual_db, residual_sd_db: (L,) what
    soundings made near add to the power, which metrics and `paths` include, and the standard deviation
    of a measurement around it, NaN without any sounding; None: nobody asked.
    """

    stamp_ns: int
    links: tuple[tuple[str, str], ...]
    metrics: LinkMetrics
    retraced: NDArray[np.bool_]
    fault: tuple[str, ...]
    paths_age: NDArray[np.float64]
    retraced_paths: int
    dropped: tuple[str, ...]
    compute_time: float
    frequency: float
    groups: tuple[LinkGroup, ...]
    over_bodies: BodyPaths | None = None
    silent: frozenset[int] = frozenset()
    residual_db: NDArray[np.float64] | None = None
    residual_sd_db: NDArray[np.float64] | None = None

    @property
    def affected_links(self) -> int:
        return int(self.retraced.sum())

    def path_count(self, link: int) -> int:
        """All static paths known on link number `link`, blocked or not."""
        for group in self.groups:
            for i in np.flatnonzero(group.numbers == link):
                return int(group.paths.offsets[i + 1] - group.paths.offsets[i])
        return 0

    def paths(self, link: int, most: int = MOST_PATHS) -> LinkPaths | None:
        """The strongest paths of link number `link`; None where unknown or silent."""
        for group in self.groups if link not in self.silent else ():
            found = np.flatnonzero(group.numbers == link)
            if len(found):
                paths = link_paths(
                    group.paths,
                    group.blockage,
                    int(found[0]),
                    self.frequency,
                    wavelength_of(self.frequency),
                    group.velocity[found[0]],
                    most,
                    (self.over_bodies, link) if self.over_bodies else None,
                )
                more_db = 0.0 if self.residual_db is None else self.residual_db[link]
                return replace(paths, power=paths.power * 10 ** (more_db / 10))
        return None
