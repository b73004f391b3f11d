"""The radio twin of a site: from people and robots to the channels of every link.

The same object serves the ROS node and the off-line command, so equal input gives equal output.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Concatenate, ParamSpec

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.bodies.people import Bodies, nobody, together, usable
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.paths.link_metrics import LinkSums, no_sums
from visrftwin_ros.propagation.paths.path_set import PathSet, differing_links
from visrftwin_ros.propagation.people.body_paths import BodyPaths, BodyReflections, LinkEnds
from visrftwin_ros.propagation.people.body_reflection import BodyScattering
from visrftwin_ros.propagation.people.body_screens import inside_bodies
from visrftwin_ros.propagation.people.people_update import prepare_updates, rehearsal
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.background_solver import BackgroundSolver
from visrftwin_ros.propagation.tracing.solver_aside import SolverAside
from visrftwin_ros.scene.ray_device import Device, prepare
from visrftwin_ros.site.model import Site
from visrftwin_ros.site.residual_map import NO_RESIDUALS
from visrftwin_ros.twin.channel_state import ChannelState, LinkGroup
from visrftwin_ros.twin.chassis import RobotBodies
from visrftwin_ros.twin.forecast import HORIZONS, Forecaster, ShadowForecast
from visrftwin_ros.twin.known_links import KnownLinks, link_numbers
from visrftwin_ros.twin.link_queries import SolvedLink
from visrftwin_ros.twin.mounts import RobotPose, device_mount
from visrftwin_ros.twin.moving_links import CarriedLinks
from visrftwin_ros.twin.on_demand_links import PeopleModel, channels_of
from visrftwin_ros.twin.static_twin import StaticTwin, configured
from visrftwin_ros.twin.tracked_robot import Discovered, TrackedRobot, TrackedRobots
from visrftwin_ros.twin.way_ahead import RobotPlan, WayForecaster, ways_ahead

P = ParamSpec("P")
TURN = 0.0005
"""Seconds."""


@contextmanager
def _short_turns() -> Iterator[None]:
    """Python's threads take turns of TURN meanwhile: a tick asks for the interpreter after each of
    numpy's calls, and would wait out a turn of the default 5 ms every time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(TURN)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@dataclass(frozen=True, eq=False)
class _Version:
    """A twin, ready for ticks: its links, what is known of the robots on TF in its scene, what
    forecasts the links whose ends stand, by the first one's number, and (L,) the links whose ends stand that
    are not as in the version in use before."""

    twin: StaticTwin
    links: KnownLinks
    tracked: Mapping[str, Discovered]
    ahead: Mapping[int, tuple[PathSet, Forecaster]]
    changed: NDArray[np.bool_]


class TwinEngine:
    """Predicts the channels of all AP-robot links of a site; configured as soon as it is there.

    cache_dir: keeps solved paths over restarts (None = not). device: where Sionna RT runs.
    blockage: how bodies shadow. threads: bound on the solver's CPU threads, 0 = all.
    body_scattering: paths over people, off their sides or by TR 38.901's cross-section.
    materials: by surface, over those of the site.
    Takes seconds to minutes. Raises TwinError where a mesh, a material or the solver is not to be
    had: there is no engine without paths.
    """

    def __init__(
        self,
        site: Site,
        cache_dir: Path | None = None,
        device: Device = "auto",
        blockage: BlockageModel = "thick",
        threads: int = 0,
        body_scattering: BodyScattering = "ellipsoid",
        materials: Mapping[str, MaterialValues] | None = None,
    ) -> None:
        self.links = tuple((ap.name, r.name) for ap in site.access_points for r in site.robots)
        self._devices = tuple(dict.fromkeys(name for link in self.links for name in link))
        number = {name: i for i, name in enumerate(self._devices)}
        ends = [(number[tx], number[rx]) for tx, rx in self.links]
        self._ends_of_link = np.array(ends, np.intp).reshape(-1, 2)
        self.people_model = PeopleModel(
            site.radio.frequency, blockage, body_scattering, site.materials
        )
        self._wavelength = wavelength_of(site.radio.frequency)
        self._robot_bodies, self._chassis = RobotBodies(site), nobody()
        self._places: dict[str, NDArray[np.float64]] = {}
        self._way_forecaster = WayForecaster(self._wavelength, blockage)
        self._poses: tuple[int, Mapping[str, RobotPose]] = 0, {}
        prepare(device, threads)
        # What compiles at the first call must not compile in the first tick.
        prepare_updates(self._wavelength)
        twin = configured(site, cache_dir, device, materials or {})
        self._aside = SolverAside()
        twin = replace(twin, discovery=twin.discovery.solving_by(self._aside))
        self._rehearse(twin.scene)
        self._background = BackgroundSolver(
            twin.meshes,
            twin.discovery.transmitters,
            site.radio.frequency,
            site.propagation,
            device,
        )
        self._tracked = self._tracked_robots(twin)
        self._reflections = self._reflections_in(twin)
        self._groups: tuple[LinkGroup, ...] = ()
        self._residual_db = np.zeros(len(self.links))
        self._asked = NO_RESIDUALS, np.zeros((0, 3)), (np.zeros(0), np.zeros(0))
        # The newest version is made in the worker alone and taken into use in `update` alone.
        self._worker = ThreadPoolExecutor(1, "twin changes")
        known = KnownLinks(twin, self.links, self.people_model)
        nothing = np.zeros(len(self.links), bool)
        self._used = self._newest = _Version(twin, known, {}, self._standing_ahead(twin), nothing)
        self._forecasters = dict(self._newest.ahead)

    def _rehearse(self, scene: ReplayScene) -> None:
        """Forecasts and replays once, as `prepare_updates` updates."""
        paths, pair = rehearsal()
        forecaster = Forecaster(paths, self._wavelength, self.people_model.blockage)
        forecaster.forecast(pair, np.tile(0.01 * np.eye(4), (len(pair), 1, 1)))
        Replay.of(paths.select(np.array([0])), scene).at(np.array([[2.1, 0.0, 1.0]]))

    @property
    def twin(self) -> StaticTwin:
        """The static twin with every change that has been made, as the next update has it."""
        return self._newest.twin

    @property
    def site(self) -> Site:
        """The site with its surfaces where they stand now."""
        return self.twin.site

    @property
    def places(self) -> Mapping[str, NDArray[np.float64]]:
        """Antennas (3,) of the access points, and of the robots that had a pose at the last update."""
        return self._places

    @property
    def is_behind(self) -> bool:
        """Paths of robots on TF are still being looked for, for where the last update had them."""
        return self._tracked.is_behind

    def change(
        self,
        make: Callable[Concatenate[StaticTwin, P], StaticTwin],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> Future[StaticTwin]:
        """Goes over to `make(twin, *arguments)` (`with_material`, ...), whole or not at all.

        It is made in a thread beside the updates, which go on with the old twin, one change after
        the other and each of what the one before made, so that none is forgotten. Once the future
        has it, the next update has; where `make` raises, the future does and nothing changed.
        """
        return self._worker.submit(self._go_over, lambda twin: make(twin, *arguments, **named))

    @_short_turns()
    def _go_over(self, make: Callable[[StaticTwin], StaticTwin]) -> StaticTwin:
        before = self._newest
        twin = make(before.twin)
        if twin.scene is before.twin.scene:
            self._newest = replace(before, twin=twin)
            return twin
        tracked = {
            name: known.within(twin.scene, twin.discovery)
            for name, known in self._tracked.known.items()
        }
        links = KnownLinks(twin, self.links, self.people_model)
        ahead = self._standing_ahead(twin)
        changed = self._changed(before.twin, twin)
        if before is not self._used:
            changed |= before.changed
        self._newest = _Version(twin, links, tracked, ahead, changed)
        return twin

    def _changed(self, before: StaticTwin, after: StaticTwin) -> NDArray[np.bool_]:
        """(L,) the links that a change touches, of those whose ends stand; of another material all may be."""
        changed = np.zeros(len(self.links), bool)
        if after.scene.same_places(before.scene):
            return ~changed
        numbers = link_numbers(after.standing.links, self.links)
        changed[numbers] = differing_links(before.standing, after.standing)
        return changed

    def _take_over(self) -> NDArray[np.bool_]:
        """Takes the newest version into use; (L,) the links that this changes."""
        old, new = self._used, self._newest
        if new is old:
            return np.zeros(len(self.links), bool)
        self._used = new
        if new.twin.scene is old.twin.scene:
            if new.twin.residuals is not old.twin.residuals:
                return np.ones(len(self.links), bool)
            switched = new.twin.silent ^ old.twin.silent
            return np.array([tx in switched for tx, _ in self.links], bool)
        self._tracked.go_on(new.twin.scene, new.twin.meshes, new.tracked)
        self._reflections = self._reflections_in(new.twin)
        self._forecasters.update(new.ahead)
        return new.changed

    def update(
        self, stamp_ns: int, bodies: Bodies, robots: Mapping[str, RobotPose] | None = None
    ) -> ChannelState:
        """The channels at `stamp_ns` with these people and boxes; `robots` are those placed by TF.

        Robots that have a chassis are there as boxes. Never waits for a solver. Bodies with
        unusable poses are left out and named.
        """
        began = time.perf_counter()
        changed = self._take_over()
        twin, site = self._used.twin, self._used.twin.site
        bodies, dropped = usable(bodies)
        self._poses = stamp_ns, dict(robots or {})
        self._chassis = self._robot_bodies.at(*self._poses)
        bodies = together(bodies, self._chassis)
        count = len(self.links)
        fault = [""] * count
        age = np.zeros(count)
        ends = {ap.name: np.array(ap.position, float) for ap in site.access_points}
        for robot in site.robots:
            if robot.position is not None:
                ends[robot.name] = np.array([*robot.position, robot.antenna_height])
        groups, places = self._used.links.update(stamp_ns, bodies)
        ends.update(places)
        bases = {name: pose.position for name, pose in (robots or {}).items()}
        groups.extend(self._tracked.update(stamp_ns, bases, bodies))
        ends.update(self._tracked.positions)
        for i, (_, name) in enumerate(self.links):
            if name in self._tracked:
                fault[i], age[i] = self._tracked.health(name, stamp_ns)
        self._groups, self._places = tuple(groups), ends
        self._flag_ends_inside(fault, ends, bodies)
        sums, retraced = self._merged_sums(), self._merged_retraced()
        over_bodies = self._over_bodies(ends, sums, bodies)
        if over_bodies is not None:
            sums = sums.plus(np.arange(count), over_bodies.sums)
            retraced |= over_bodies.changed
        self._residual_db, residual_sd_db = self._residuals(twin, ends)
        sums = sums.stronger_by(self._residual_db)
        silent = np.array([tx in twin.silent for tx, _ in self.links], bool)
        if silent.any():
            off = np.flatnonzero(silent)
            sums = sums.replaced(off, no_sums(len(off)))
            fault = [
                f"{tx} is off" if tx in twin.silent else why
                for (tx, _), why in zip(self.links, fault, strict=True)
            ]
        return ChannelState(
            stamp_ns=stamp_ns,
            links=self.links,
            metrics=sums.metrics(self._wavelength),
            retraced=(retraced & ~silent) | changed,
            fault=tuple(fault),
            paths_age=age,
            retraced_paths=sum(len(group.blockage.evaluated) for group in groups),
            dropped=dropped,
            compute_time=time.perf_counter() - began,
            frequency=site.radio.frequency,
            groups=self._groups,
            over_bodies=over_bodies,
            silent=frozenset(np.flatnonzero(silent).tolist()),
            residual_db=self._residual_db,
            residual_sd_db=residual_sd_db,
        )

    def forecast(
        self,
        bodies: Bodies,
        covariance: NDArray[np.float64] | None = None,
        plans: Mapping[str, RobotPlan] | None = None,
    ) -> ShadowForecast:
        """What is ahead of every link; nan of an access point that is off.

        Robots that follow a script, or one of `plans`, are where they will be; the others where the last
        update had them. covariance: (N, 4, 4) of x, y, vx, vy of each body.
        """
        kept, dropped = usable(bodies)
        if dropped and covariance is not None:
            covariance = covariance[[bodies.ids.index(name) for name in kept.ids]]
        mounts = {
            name: self.mount(name, *self._poses)
            for group in self._groups
            for name in {name for link in group.paths.links for name in link}
        }
        parts = [
            (
                group,
                self._forecaster(group).forecast(
                    kept,
                    covariance,
                    self._chassis,
                    [(mounts[tx], mounts[rx]) for tx, rx in group.paths.links],
                ),
            )
            for group in self._groups
        ]
        futures = max((ahead.loss_db.shape[1] for _, ahead in parts), default=1)
        loss = np.full((len(self.links), futures, len(HORIZONS)), np.nan)
        gain = loss.copy()
        for group, ahead in parts:
            more_db = self._residual_db[group.numbers, None, None]
            loss[group.numbers], gain[group.numbers] = ahead.loss_db, ahead.beam_gain_db + more_db
        ways, refused = ways_ahead(
            self.links,
            self._used.twin.scripted,
            self._tracked.motions,
            plans or {},
            self._poses[0],
            lambda name: self.mount(name, *self._poses),
        )
        if ways:
            numbers = np.concatenate([way.numbers for way in ways])
            loss[numbers], gain[numbers] = self._way_forecaster.forecast(
                ways, kept, covariance, self._chassis
            )
            gain[numbers] += self._residual_db[numbers, None, None]
        off = [tx in self._used.twin.silent for tx, _ in self.links]
        loss[off] = gain[off] = np.nan
        return ShadowForecast(np.array(HORIZONS), loss, gain, refused)

    def mount(
        self, name: str, stamp_ns: int, robots: Mapping[str, RobotPose] | None = None
    ) -> Mount | None:
        """How a device's array stands at that time; None for a robot without a pose."""
        return device_mount(self.site, name, stamp_ns, robots or {})

    def channels_of(self, found: SolvedLink, bodies: Bodies, stamp_ns: int) -> ChannelState:
        """The channel of a link between any two places, with these people, boxes and the robots
        as the last update had them."""
        bodies = together(bodies, self._chassis)
        ends, seeing = (found.transmitter, found.receiver), self.twin.scene.visibility
        return channels_of(found.paths, *ends, bodies, stamp_ns, seeing, self.people_model)

    def close(self) -> None:
        """Ends the processes and what is being changed; the engine can go on without discovery."""
        self._aside.close()
        self._worker.shutdown(cancel_futures=True)
        self._background.close()

    def _tracked_robots(self, twin: StaticTwin) -> TrackedRobots:
        site = twin.site
        tracked = [
            TrackedRobot(
                robot.name,
                robot.antenna_height,
                link_numbers(tuple((ap.name, robot.name) for ap in site.access_points), self.links),
            )
            for robot in site.robots
            if robot.is_on_tf
        ]
        if tracked:
            self._background.start()
        carried = CarriedLinks(self._wavelength, self.people_model.blockage)
        return TrackedRobots(tracked, self._background, twin.scene, carried)

    def _reflections_in(self, twin: StaticTwin) -> BodyReflections | None:
        model, seeing = self.people_model, twin.scene.visibility
        if model.scattering == "none":
            return None
        return BodyReflections(
            self.links,
            seeing,
            self._wavelength,
            model.blockage,
            model.scattering,
            twin.site.materials,
        )

    def _flag_ends_inside(
        self, fault: list[str], ends: Mapping[str, NDArray[np.float64]], bodies: Bodies
    ) -> None:
        if not len(bodies) or not ends:
            return
        names = list(ends)
        inside = inside_bodies(np.array([ends[name] for name in names]), bodies)
        for end, body in zip(*np.nonzero(inside), strict=True):
            for i, link in enumerate(self.links):
                if names[end] in link and not fault[i]:
                    fault[i] = f"{names[end]} is inside body {bodies.ids[body]}"

    def _residuals(
        self, twin: StaticTwin, ends: Mapping[str, NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """dB of every link by the soundings near its robot, and their standard deviation; asked anew
        where a robot moved or the map is another."""
        nowhere = np.full(3, np.nan)
        places = np.array([ends.get(rx, nowhere) for _, rx in self.links]).reshape(-1, 3)
        known, before, found = self._asked
        if known is not twin.residuals or not np.array_equal(before, places, equal_nan=True):
            found = twin.residuals.at([tx for tx, _ in self.links], places)
            self._asked = twin.residuals, places, found
        return found

    def _over_bodies(
        self, ends: Mapping[str, NDArray[np.float64]], sums: LinkSums, bodies: Bodies
    ) -> BodyPaths | None:
        if self._reflections is None:
            return None
        velocity = np.zeros((len(self.links), 3))
        for group in self._groups:
            velocity[group.numbers] = group.velocity
        nowhere = np.full(3, np.nan)
        places = np.array([ends.get(name, nowhere) for name in self._devices]).reshape(-1, 3)
        tx, rx = places[self._ends_of_link].swapaxes(0, 1)
        return self._reflections.update(LinkEnds(tx, rx, velocity), sums.power, bodies)

    def _merged_sums(self) -> LinkSums:
        merged = no_sums(len(self.links))
        for group in self._groups:
            merged = merged.replaced(group.numbers, group.sums)
        return merged

    def _merged_retraced(self) -> NDArray[np.bool_]:
        retraced = np.zeros(len(self.links), bool)
        for group in self._groups:
            retraced[group.numbers] = group.retraced
        return retraced

    def _standing_ahead(self, twin: StaticTwin) -> dict[int, tuple[PathSet, Forecaster]]:
        """What forecasts the links whose ends stand: a tick must not wait for it."""
        paths = twin.standing
        if not paths.links:
            return {}
        forecaster = Forecaster(paths, self._wavelength, self.people_model.blockage)
        return {self.links.index(paths.links[0]): (paths, forecaster)}

    def _forecaster(self, group: LinkGroup) -> Forecaster:
        key = int(group.numbers[0])
        paths, forecaster = self._forecasters.get(key, (None, None))
        if forecaster is None or paths is not group.paths:
            forecaster = Forecaster(group.paths, self._wavelength, self.people_model.blockage)
            self._forecasters[key] = (group.paths, forecaster)
        return forecaster
