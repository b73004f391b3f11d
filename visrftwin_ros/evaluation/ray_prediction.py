"""Channels at the places and times of a campaign by the propagation engine's own parts.

Static paths are found by full solves beside every place that is asked about and carried to it
exactly, as the live engine does for a moving robot; people change them by the live engine's
people update and paths over bodies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.prediction import Progress
from visrftwin_ros.evaluation.resolved_paths import predicted_multipath, resolved
from visrftwin_ros.evaluation.solves import Solves, nearest_places, solve_places
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.link_metrics import LinkMetrics
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.people.body_paths import BodyReflections, LinkEnds
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.cached_solver import Discovery
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import Site
from visrftwin_ros.site.residual_map import NO_RESIDUALS, ResidualMap
from visrftwin_ros.twin.moving_links import CarriedLinks

_PLACES_A_SOLVE = 8
"""Bounds the memory of one solve: some thousand paths a link of 400 bytes each."""


@dataclass(frozen=True)
class RayAnswers:
    """Of N questions. metrics: (N,) over every path, without an instrument's limits. paths: what a
    sounder of the question's bandwidth tells apart, one channel a question; None: not asked for.
    """

    metrics: LinkMetrics
    paths: Multipath | None


class RayPredictor:
    """Ray tracing of one static scene with people in it.

    meshes: the scene; `site` gives devices, frequency and solver settings. residuals: what soundings
    found the twin to be off. solves: where full solves are made and kept; without, beside the places
    of each question, and nothing is kept.
    """

    def __init__(
        self,
        site: Site,
        meshes: tuple[SurfaceMesh, ...],
        blockage: BlockageModel = "thick",
        residuals: ResidualMap = NO_RESIDUALS,
        solves: Solves | None = None,
    ) -> None:
        self._residuals = residuals
        self._solves = solves
        self._discovery = Discovery(site, meshes, None if solves is None else solves.folder)
        self._scene = ReplayScene(meshes, site.radio.frequency)
        self._wavelength = wavelength_of(site.radio.frequency)
        self._model: BlockageModel = blockage
        self._materials = site.materials
        self._aps = {name: i for i, name in enumerate(self._discovery.transmitters.names)}

    def answers(
        self,
        questions: Questions,
        people: PeopleTimeline,
        with_paths: bool = True,
        progress: Progress | None = None,
    ) -> RayAnswers:
        """The channels of `questions`, whose transmitters are the site's access points."""
        places = (
            solve_places(questions.rx_position) if self._solves is None else self._solves.places
        )
        nearest = nearest_places(questions.rx_position, places)
        metrics: dict[int, LinkMetrics] = {}
        paths: dict[int, Multipath] = {}
        done = 0
        for first in range(0, len(places), _PLACES_A_SOLVE):
            batch = places[first : first + _PLACES_A_SOLVE]
            if not ((nearest >= first) & (nearest < first + len(batch))).any():
                continue
            names = tuple(f"place {first + k}" for k in range(len(batch)))
            found = self._discovery.paths_to(Devices(names, batch))
            for k in range(len(batch)):
                rows = np.flatnonzero(nearest == first + k)
                known = Replay.of(_of_place(found, k, len(batch)), self._scene)
                self._answer_place(questions, rows, known, people, metrics, paths, with_paths)
                done += len(rows)
                if progress is not None:
                    progress(done, len(questions))
        lists = [paths[i] for i in range(len(questions))] if with_paths else None
        return RayAnswers(
            metrics=_stacked([metrics[i] for i in range(len(questions))]),
            paths=Multipath.joined(lists) if lists is not None else None,
        )

    def _answer_place(
        self,
        questions: Questions,
        rows: np.ndarray,
        known: Replay,
        people: PeopleTimeline,
        metrics: dict[int, LinkMetrics],
        paths: dict[int, Multipath],
        with_paths: bool,
    ) -> None:
        """Fills in the answers of `rows`, which share the solved place of `known`."""
        carried = CarriedLinks(self._wavelength, self._model)
        bounced = BodyReflections(
            known.known.links,
            self._scene.visibility,
            self._wavelength,
            self._model,
            materials=self._materials,
        )
        moments: dict[tuple[object, ...], list[int]] = {}
        for i in rows:
            key = (int(questions.stamp_ns[i]), *questions.rx_position[i].tolist())
            moments.setdefault(key, []).append(int(i))
        for moment in moments.values():
            bodies = people.at(int(questions.stamp_ns[moment[0]]))
            here = np.tile(questions.rx_position[moment[0]], (len(self._aps), 1))
            still = np.zeros_like(here)
            numbers = np.arange(len(self._aps))
            group = carried.update(numbers, known, here, still, bodies)
            ends = LinkEnds(self._discovery.transmitters.positions, here, still)
            over = bounced.update(ends, group.sums.power, bodies)
            more_db, _ = self._residuals.at(tuple(self._aps), here)
            sums = group.sums.plus(numbers, over.sums).stronger_by(more_db)
            found = sums.metrics(self._wavelength)
            for i in moment:
                link = self._aps[questions.tx[i]]
                metrics[i] = _entry(found, link)
                if with_paths:
                    own = predicted_multipath(group, over).of(link)
                    own = own.stronger_by(more_db[link : link + 1])
                    paths[i] = resolved(own, questions.bandwidth[i : i + 1])


def site_meshes(
    site: Site, truth: Mapping[str, MaterialValues] | None = None
) -> tuple[tuple[SurfaceMesh, ...], tuple[str, ...]]:
    """The site's surfaces, of the materials `truth` gives by surface where it does, and the names of
    the surfaces that it leaves out."""
    meshes = surface_meshes(site)
    if truth is None:
        return meshes, ()
    changed = tuple(replace(m, material=truth[m.name]) if m.name in truth else m for m in meshes)
    return changed, tuple(m.name for m in meshes if m.name not in truth)


def _of_place(found: PathSet, place: int, places: int) -> PathSet:
    """The links of all transmitters to one of the receivers."""
    rows = np.flatnonzero(found.link % places == place)
    own = found.select(rows)
    return replace(own, links=found.links[place::places], link=found.link[rows] // places)


def _entry(metrics: LinkMetrics, link: int) -> LinkMetrics:
    rows = slice(link, link + 1)
    return LinkMetrics(**{name: values[rows] for name, values in vars(metrics).items()})


def _stacked(parts: Sequence[LinkMetrics]) -> LinkMetrics:
    names = LinkMetrics.__dataclass_fields__
    return LinkMetrics(**{n: np.concatenate([getattr(p, n) for p in parts]) for n in names})
