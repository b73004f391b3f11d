"""Radio maps, tile by tile.

What the place alone does to a cell is found once and kept; people are new in every map.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.beams.mcs_table import mcs_of_snr, throughput
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import (
    DIFFRACTION,
    DIFFUSE,
    SPECULAR,
    PathSet,
    angles,
    of_same_links,
)
from visrftwin_ros.propagation.people.body_paths import BodyReflections, LinkEnds
from visrftwin_ros.propagation.people.body_screens import inside_bodies
from visrftwin_ros.propagation.replay.material_update import by_our_law
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.cached_solver import Discovery
from visrftwin_ros.propagation.tracing.edge_paths import edge_paths
from visrftwin_ros.propagation.tracing.faint_paths import without_faint
from visrftwin_ros.propagation.tracing.mirror_paths import (
    FEW_MIRRORS,
    MOST_MIRRORS,
    Planes,
    mirror_paths,
)
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.scene.ray_device import Device
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Propagation
from visrftwin_ros.twin.enclosure import enclosing, solids
from visrftwin_ros.twin.forecast import Forecaster, Mounts
from visrftwin_ros.twin.on_demand_links import PeopleModel
from visrftwin_ros.twin.radio_map import MapGrid, MapQuestion, TileMap
from visrftwin_ros.twin.standing_links import StandingLinks

_PLACES = 8
"""Of a map, from which rays are shot. Always as many: a solve of another number compiles anew."""
_KEPT_LINKS = 4096
"""Cells times access points whose paths are kept, each some 20 to 100 KB."""
_MOST_MIRRORS_AND_EDGE = 1
"""Over so many, and over an edge and so many, every path to every cell is found."""


class MapSolver:
    """Answers tiles of maps, and keeps what does not change with people: the paths of the cells.

    folder: where these are kept for the next run too; None: nowhere.
    """

    def __init__(self, device: Device = "auto", folder: Path | None = None) -> None:
        self._device: Device = device
        self._folder = folder
        self._place: _Place | None = None

    def tile(self, question: MapQuestion, number: int) -> TileMap:
        """One of the question's tiles.

        The first of a grid takes a solve of seconds for each access point, others some tenths of
        a second, and a tenth of that once they are known. Raises TwinError where the solver fails.
        """
        place = self._place
        if place is None or place.key != question.place_key:
            self._place = place = _Place(question, self._device, self._folder)
        grid = question.grid
        cells = np.flatnonzero(grid.tile_of == number)
        centres = grid.centres[cells]
        within = inside_bodies(centres, question.bodies).any(axis=1)
        within |= _enclosed(centres, place.walls)
        loss = np.full((len(cells), len(question.aps)), np.nan)
        snr = []
        for a, ap in enumerate(question.aps):
            known = place.cells(grid, number, ap, centres)
            found = known.loss_db(question)
            loss[:, a] = np.where(np.isfinite(found) & ~within, found, np.nan)
            if question.outage_rate:
                snr.append(known.snr_db(question))
        outage = None
        if question.outage_rate:
            best = np.nan_to_num(np.array(snr), nan=-np.inf).max(axis=0)
            radio = question.site.radio
            rate = throughput(mcs_of_snr(best, radio), radio)
            outage = np.where(within, np.nan, (rate < question.outage_rate).mean(axis=(1, 2)))
        return TileMap(cells, loss, outage)


class _Place:
    """The surfaces of a question, and the paths that are known among them."""

    def __init__(self, question: MapQuestion, device: Device, folder: Path | None) -> None:
        self.key = question.place_key
        self._folder = folder
        self._site, self._meshes, self._model = question.site, question.meshes, question.model
        self._device: Device = device
        self.scene = ReplayScene(question.meshes, question.model.frequency, device)
        self._planes = Planes.of(question.meshes)
        self._at = {ap.name: np.array([ap.position], float) for ap in self._site.access_points}
        self.walls = solids(question.meshes, np.concatenate([*self._at.values()]))
        self._traced: dict[object, tuple[Float[np.ndarray, "s 3"], PathSet]] = {}
        self._cells: OrderedDict[object, _Cells] = OrderedDict()

    def cells(self, grid: MapGrid, tile: int, ap: str, centres: Float[np.ndarray, "k 3"]) -> _Cells:
        """Those of a tile, seen from an access point."""
        key = (grid.cell, float(grid.origin[2]), tile, ap)
        if key not in self._cells:
            transmitter = Devices((ap,), self._at[ap])
            paths = self._discovery(grid, ap).paths_to(_receivers(centres))
            self._cells[key] = _Cells(paths, transmitter, centres, self.scene, self._model)
            while sum(len(one.centres) for one in self._cells.values()) > _KEPT_LINKS:
                self._cells.popitem(last=False)
        self._cells.move_to_end(key)
        return self._cells[key]

    def _discovery(self, grid: MapGrid, ap: str) -> Discovery:
        """What finds the paths from an access point to cells of `grid`, or has them on disk."""
        own = [one for one in self._site.access_points if one.name == ap]
        site = self._site.model_copy(update={"access_points": own})

        def solver(
            _meshes: object, transmitter: Devices, receivers: Devices, *_settings: object
        ) -> PathSet:
            return self._paths(grid, transmitter, receivers)

        return Discovery(site, self._meshes, self._folder, self._device).solving_by(solver)

    def _paths(self, grid: MapGrid, transmitter: Devices, receivers: Devices) -> PathSet:
        """All static paths: those over few mirrors and an edge exactly, the rest, which scatter or
        bounce more often, as the nearest place from which rays were shot has them."""
        settings = self._site.propagation
        over_mirrors = mirror_paths(
            self._planes,
            self._meshes,
            transmitter,
            receivers,
            self._model.frequency,
            settings,
            among=FEW_MIRRORS,
        )
        parts = [by_our_law(over_mirrors, self.scene)]
        if settings.diffraction and settings.max_depth:
            bent = self._planes, self.scene, transmitter, receivers, settings.max_depth
            parts.append(edge_paths(*bent, most=_MOST_MIRRORS_AND_EDGE))
        if not _needs_rays(settings):
            return without_faint(of_same_links(parts[0].links, parts))
        places, traced = self._traced_from(grid, transmitter)
        apart = np.linalg.norm(receivers.positions[:, None] - places, axis=2)
        rows = [np.arange(len(traced))[traced.of_link(int(p))] for p in apart.argmin(axis=1)]
        lent = traced.select(np.concatenate(rows))
        link = np.repeat(np.arange(len(rows)), [len(r) for r in rows]).astype(np.int32)
        links = tuple((transmitter.names[0], name) for name in receivers.names)
        lent = replace(lent, links=links, link=link)
        parts.append(Replay.of(lent, self.scene).at(receivers.positions))
        return without_faint(of_same_links(links, parts))

    def _traced_from(
        self, grid: MapGrid, transmitter: Devices
    ) -> tuple[Float[np.ndarray, "s 3"], PathSet]:
        """Places spread over the grid, and what rays find to them and no search does."""
        key = (grid.cell, float(grid.origin[2]), transmitter.names)
        if key not in self._traced:
            places = _spread(grid.centres, self.walls, transmitter.positions[0])
            settings = self._site.propagation
            frequency = self._model.frequency
            found = solve(
                self._meshes, transmitter, _receivers(places), frequency, settings, self._device
            )
            self._traced[key] = places, found.select(~_searched(found))
        return self._traced[key]


def _needs_rays(settings: Propagation) -> bool:
    """Whether there are paths that no search finds."""
    return settings.diffuse or settings.max_depth > MOST_MIRRORS


def _receivers(places: Float[np.ndarray, "k 3"]) -> Devices:
    return Devices(tuple(f"cell{i}" for i in range(len(places))), places)


def _searched(paths: PathSet) -> Bool[np.ndarray, " p"]:
    """The paths that are found to every cell without rays."""
    mirrors = (paths.interactions == SPECULAR).sum(axis=1)
    bends = (paths.interactions == DIFFRACTION).sum(axis=1)
    scattered = (paths.interactions == DIFFUSE).any(axis=1)
    plain = (bends == 0) & (mirrors <= MOST_MIRRORS)
    bent = (bends == 1) & (mirrors <= _MOST_MIRRORS_AND_EDGE)
    bent &= paths.n_vertices == mirrors + bends + 2
    return np.asarray(~scattered & (plain | bent))


def _enclosed(
    places: Float[np.ndarray, "n 3"], walls: Sequence[SurfaceMesh]
) -> Bool[np.ndarray, " n"]:
    if not walls:
        return np.zeros(len(places), bool)
    return np.asarray(enclosing(places, walls).any(axis=1))


def _spread(
    centres: Float[np.ndarray, "n 3"], walls: Sequence[SurfaceMesh], ap: Float[np.ndarray, 3]
) -> Float[np.ndarray, "s 3"]:
    """_PLACES of the centres, the free ones where there are any: that nearest to the access point,
    then always the one farthest from those that are picked (Gonzalez 1985)."""
    free = centres[~_enclosed(centres, walls)]
    free = free if len(free) else centres
    picked = [int(np.linalg.norm(free - ap, axis=1).argmin())]
    apart = np.linalg.norm(free - free[picked[0]], axis=1)
    while len(picked) < _PLACES:
        picked.append(int(apart.argmax()))
        apart = np.minimum(apart, np.linalg.norm(free - free[picked[-1]], axis=1))
    return np.asarray(free[picked])


class _Cells:
    """Links from an access point to cells (K), their static paths and what people do to them."""

    def __init__(
        self,
        paths: PathSet,
        transmitter: Devices,
        centres: Float[np.ndarray, "k 3"],
        scene: ReplayScene,
        model: PeopleModel,
    ) -> None:
        self.centres = centres
        self._wavelength, self._model = wavelength_of(model.frequency), model
        self._ap = transmitter.names[0]
        self._links = StandingLinks(
            paths, np.arange(len(centres)), self._wavelength, model.blockage
        )
        self._over_bodies = None
        if model.scattering != "none":
            self._over_bodies = BodyReflections(
                paths.links,
                scene.visibility,
                self._wavelength,
                model.blockage,
                model.scattering,
                model.materials,
            )
            still = np.zeros((len(centres), 3))
            starts = np.repeat(transmitter.positions, len(centres), axis=0)
            self._ends = LinkEnds(starts, centres, still)

    def _residual_db(self, question: MapQuestion) -> Float[np.ndarray, " k"]:
        return question.residuals.at([self._ap] * len(self.centres), self.centres)[0]

    def loss_db(self, question: MapQuestion) -> Float[np.ndarray, " k"]:
        """With the question's people; inf where nothing arrives."""
        sums = self._links.update(question.bodies).sums
        if self._over_bodies is not None:
            found = self._over_bodies.update(self._ends, sums.power, question.bodies)
            sums = sums.plus(np.arange(len(self.centres)), found.sums)
        sums = sums.stronger_by(self._residual_db(question))
        return sums.metrics(self._wavelength).path_loss_db

    @cached_property
    def _forecaster(self) -> Forecaster:
        return Forecaster(self._links.paths, self._wavelength, self._model.blockage)

    def snr_db(self, question: MapQuestion) -> Float[np.ndarray, "k m h"]:
        """In M futures at H moments, with the best beams: the access point's, and those of the array
        of the site's first robot, turned to where the strongest path comes from."""
        (ap,) = (one for one in question.site.access_points if one.name == self._ap)
        array, paths = question.site.robots[0].array, self._links.paths
        mounts: list[Mounts] = []
        for link in range(len(paths.links)):
            rows = paths.of_link(link)
            mine = paths.power[rows]
            if not len(mine):
                mounts.append((None, None))
                continue
            azimuth, elevation = angles(paths.arrival[rows][[mine.argmax()]])
            # Pitch counts downwards.
            turned = Mount(array, float(azimuth[0]), -float(elevation[0]))
            mounts.append((Mount(ap.array, ap.yaw, ap.pitch), turned))
        ahead = self._forecaster.forecast(question.bodies, question.covariance, None, mounts)
        snr_db = ahead.snr_db(paths.links, question.site)
        return snr_db + self._residual_db(question)[:, None, None]
