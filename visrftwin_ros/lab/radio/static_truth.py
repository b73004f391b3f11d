"""The true paths of a world without people: the tracer says where they go, the lab what they carry."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.lab.radio.rough_patches import Patches, Scatterers
from visrftwin_ros.lab.radio.true_fields import with_true_fields
from visrftwin_ros.lab.radio.wall_law import WallLaw
from visrftwin_ros.lab.world.material_prior import Wall
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet, empty
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.cached_solver import Discovery
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import Box, Propagation, Site

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Fineness:
    """max_depth: interactions of a path. samples: rays an access point for mirrors, walls passed
    and edges.

    Ways over two mirrors, or over an edge and one, are searched for without rays. From 1e5 to 1e6
    samples the power without scattering of links in the lobby changes by 0.004 dB; a million take
    9 GB while they are solved.
    """

    max_depth: int = 5
    samples: int = 100_000


_BATCH = 8
"""Receivers of one solve: what they find must fit into memory, and one size compiles once."""
_HOUSE = 0.8
"""Metres: a box whose every side is longer is no wall but has one at each face."""


class StaticTruth:
    """The paths of all links of `site` (the true one) with nobody there.

    walls: of its surfaces, by name. found: the `solved_paths` of its standing robots, and of the driving
    robot at each of `places` (K, 3), metres, of its antenna; elsewhere the paths of the nearest place are
    carried along by the image method, exact but for what only begins to be seen there, and what the
    surfaces do to them, and scatter, is computed anew.
    """

    def __init__(
        self,
        site: Site,
        walls: Mapping[str, Wall],
        robot: str,
        places: Array,
        found: Sequence[PathSet],
    ) -> None:
        self.meshes: tuple[SurfaceMesh, ...] = surface_meshes(site)
        self.scene = ReplayScene(self.meshes, site.radio.frequency, "llvm")
        self.robot = robot
        self._places = places
        self._aps = tuple(ap.name for ap in site.access_points)
        self._law = WallLaw([walls[mesh.name] for mesh in self.meshes], self.scene.wavelength)
        self._hollow = np.array([isinstance(s, Box) and min(s.size) > _HOUSE for s in site.scene])
        self._scatterers = Scatterers(
            Patches.of(self.meshes, self._law),
            self._law,
            {ap.name: np.array(ap.position, float) for ap in site.access_points},
            self.scene.visibility,
            self.scene.decay,
        )
        standing = _standing(site)
        self.standing = self._true(_of_receivers(found, tuple(standing), self._aps), standing)
        self._traced = [
            replace(
                _of_receivers(found, (f"{robot}@{k}",), self._aps),
                links=tuple((ap, robot) for ap in self._aps),
            )
            for k in range(len(places))
        ]
        self._replay: tuple[int, Replay] | None = None

    def driven_to(self, receiver: Array) -> PathSet:
        """The links of the driving robot with its antenna at `receiver` (3,)."""
        nearest = int(np.linalg.norm(self._places - receiver, axis=1).argmin())
        paths = self._traced[nearest]
        if not np.array_equal(self._places[nearest], receiver):
            if self._replay is None or self._replay[0] != nearest:
                self._replay = nearest, Replay.of(paths, self.scene)
            paths = self._replay[1].at(np.tile(receiver, (len(self._aps), 1)))
        return self._true(paths, {self.robot: receiver})

    def _true(self, traced: PathSet, receivers: dict[str, Array]) -> PathSet:
        """What the lab's walls make of them, and what they scatter besides."""
        exact = with_true_fields(traced, self._law, self.scene, self._hollow)
        scattered = self._scatterers.paths(traced.links, receivers, traced.depth)
        return merged([exact, scattered], traced.links)


def solved_paths(
    site: Site,
    robot: str,
    places: Array,
    fineness: Fineness,
    cache: Path | None,
    progress: Callable[[int], None],
) -> list[PathSet]:
    """Where mirrors, walls passed and edges of `site` lead, to each standing robot and to `robot` at each of
    `places` (K, 3) metres; one PathSet a batch of receivers.

    Raises TwinError where the solver fails. progress: called with the receivers just solved.
    """
    standing = _standing(site)
    stops = Devices(
        (*standing, *(f"{robot}@{k}" for k in range(len(places)))),
        np.concatenate([np.array(list(standing.values())).reshape(-1, 3), places]),
    )
    settings = Propagation.model_validate(
        site.propagation.model_dump()
        | {
            "max_depth": fineness.max_depth,
            "samples": fineness.samples,
            "diffuse": False,
            "refraction": True,
            "diffraction": True,
        }
    )
    asked = site.model_copy(update={"propagation": settings})
    exact = Discovery(asked, surface_meshes(site), cache, "llvm")
    batches = []
    for first in range(0, len(stops.names), _BATCH):
        some = Devices(stops.names[first : first + _BATCH], stops.positions[first : first + _BATCH])
        batches.append(exact.paths_to(some))
        _give_memory_back()
        progress(len(some.names))
    return batches


def _standing(site: Site) -> dict[str, Array]:
    """The antennas of robots that stand somewhere."""
    return {
        r.name: np.array([*r.position, r.antenna_height])
        for r in site.robots
        if r.position is not None
    }


def _give_memory_back() -> None:
    """Many rays leave gigabytes with Dr.Jit, which keeps them for the next solve."""
    import drjit as dr

    gc.collect()
    dr.flush_malloc_cache()


def merged(parts: list[PathSet], links: tuple[tuple[str, str], ...]) -> PathSet:
    """The paths of all parts, whose links are among `links`; all of one depth."""
    number = {link: i for i, link in enumerate(links)}
    of_part = [np.array([number[link] for link in part.links], np.int32) for part in parts]
    link = np.concatenate([of[part.link] for of, part in zip(of_part, parts, strict=True)])
    order = np.argsort(link, kind="stable")
    columns: dict[str, Any] = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts])[order]
        for f in fields(PathSet)
        if f.name not in ("links", "link")
    }
    return PathSet(links=links, link=link[order], **columns)


def _of_receivers(
    batches: Sequence[PathSet], names: tuple[str, ...], aps: tuple[str, ...]
) -> PathSet:
    """The links of these receivers, access point first."""
    links = tuple((ap, name) for ap in aps for name in names)
    if not links:
        return empty((), batches[0].depth if batches else 0)
    parts = []
    for batch in batches:
        wanted = [i for i, (_, name) in enumerate(batch.links) if name in names]
        if wanted:
            rows = np.isin(batch.link, wanted)
            taken = batch.select(rows)
            kept = np.full(len(batch.links), -1, np.int32)
            kept[wanted] = np.arange(len(wanted))
            parts.append(
                replace(taken, links=tuple(batch.links[i] for i in wanted), link=kept[taken.link])
            )
    return merged(parts, links)
