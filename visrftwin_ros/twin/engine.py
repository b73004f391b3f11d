"""The radio twin of a site: from people and robots to the channels of every link.

The same object serves the ROS node and the off-line command, so equal input gives equal output.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.bodies.people import Bodies, usable
from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.link_metrics import LinkSums, no_sums
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.people.body_paths import BodyPaths, BodyReflections, LinkEnds
from visrftwin_ros.propagation.people.body_reflection import BodyScattering
from visrftwin_ros.propagation.people.body_screens import inside_bodies
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel
from visrftwin_ros.propagation.replay.material_update import revalued
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.background_solver import BackgroundSolver
from visrftwin_ros.propagation.tracing.cached_solver import Discovery
from visrftwin_ros.scene.ray_device import Device, prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import Robot, Site
from visrftwin_ros.twin.channel_state import ChannelState, LinkGroup
from visrftwin_ros.twin.forecast import HORIZONS, Forecaster, ShadowForecast
from visrftwin_ros.twin.link_queries import SolvedLink
from visrftwin_ros.twin.mounts import RobotPose, device_mount
from visrftwin_ros.twin.moving_links import CarriedLinks, Receiver, ScriptedRobot
from visrftwin_ros.twin.on_demand_links import PeopleModel, channels_of
from visrftwin_ros.twin.standing_links import StandingLinks
from visrftwin_ros.twin.tracked_robot import AT_ONCE, TrackedRobot, TrackedRobots


class TwinEngine:
    """Predicts the channels of all AP-robot links of a site.

    cache_dir: keeps solved paths over restarts (None = not). device: where Sionna RT runs.
    blockage: how bodies shadow. threads: bound on the solver's CPU threads, 0 = all.
    body_scattering: paths over people, off their sides or by TR 38.901's cross-section.
    """

    def __init__(
        self,
        site: Site,
        cache_dir: Path | None = None,
        device: Device = "auto",
        blockage: BlockageModel = "fresnel",
        threads: int = 0,
        body_scattering: BodyScattering = "cylinder",
    ) -> None:
        self.site = site
        self.links = tuple((ap.name, r.name) for ap in site.access_points for r in site.robots)
        self._cache_dir = cache_dir
        self._device: Device = device
        self._threads = threads
        self._model: BlockageModel = blockage
        self._wavelength = wavelength_of(site.radio.frequency)
        self._configured = False
        self._standing: StandingLinks | None = None
        self._scripted: dict[str, ScriptedRobot] = {}
        self._tracked: TrackedRobots | None = None
        self._carried: dict[str, CarriedLinks] = {}
        self._background: BackgroundSolver | None = None
        self._scene: ReplayScene | None = None
        self._scattering: BodyScattering = body_scattering
        self._reflections: BodyReflections | None = None
        self._meshes: tuple[SurfaceMesh, ...] = ()
        self._discovery: Discovery | None = None
        self._forecasters: dict[int, tuple[PathSet, Forecaster]] = {}
        self._groups: tuple[LinkGroup, ...] = ()
        self._silent: frozenset[str] = frozenset()
        self._changed = np.zeros(len(self.links), bool)

    def configure(self) -> None:
        """Solves, or loads, every path that can be known beforehand: seconds to minutes.

        Raises TwinError where a mesh, a material or the solver is not to be had.
        """
        site = self.site
        meshes = surface_meshes(site)
        prepare(self._device, self._threads)
        discovery = Discovery(site, meshes, self._cache_dir, self._device)
        self._meshes, self._discovery = meshes, discovery
        self._scene = ReplayScene(meshes, site.radio.frequency, self._device)
        standing = [r for r in site.robots if r.position is not None]
        if standing:
            where = np.array([(*r.position, r.antenna_height) for r in standing if r.position])
            found = discovery.paths_to(Devices(tuple(r.name for r in standing), where))
            self._standing = StandingLinks(
                found, self._numbers(found.links), self._wavelength, self._model
            )
        moving = [r for r in site.robots if r.position is None]
        if moving:
            self._configure_moving(moving, meshes, discovery)
        if self._scattering != "none":
            seeing = self._scene.visibility
            self._reflections = BodyReflections(
                self.links, seeing, self._wavelength, self._model, self._scattering
            )
        self._configured = True

    def update(
        self, stamp_ns: int, bodies: Bodies, robots: Mapping[str, RobotPose] | None = None
    ) -> ChannelState:
        """The channels at `stamp_ns` with these people; `robots` are those placed by TF.

        Never waits for a solver. Bodies with unusable poses are left out and named.
        """
        if not self._configured:
            raise TwinError("the twin's engine has no paths yet: call `configure` before `update`")
        began = time.perf_counter()
        bodies, dropped = usable(bodies)
        count = len(self.links)
        fault = [""] * count
        age = np.zeros(count)
        groups: list[LinkGroup] = []
        ends = {ap.name: np.array(ap.position, float) for ap in self.site.access_points}
        for robot in self.site.robots:
            if robot.position is not None:
                ends[robot.name] = np.array([*robot.position, robot.antenna_height])
        if self._standing is not None:
            groups.append(self._standing.update(bodies))
        for name, scripted in self._scripted.items():
            receiver, _ = scripted.receiver(stamp_ns)
            ends[name] = receiver.position
            known = scripted.known_at(receiver)
            groups.append(self._scripted_group(name, known, receiver, bodies))
        if self._tracked is not None:
            bases = {name: pose.position for name, pose in (robots or {}).items()}
            found = self._tracked.update(stamp_ns, bases, bodies)
            groups.extend([found] if found is not None else [])
            ends.update(self._tracked.positions)
            for i, (_, name) in enumerate(self.links):
                if name in self._tracked:
                    fault[i], age[i] = self._tracked.health(name, stamp_ns)
        self._groups = tuple(groups)
        self._flag_ends_inside(fault, ends, bodies)
        sums, retraced = self._merged_sums(), self._merged_retraced()
        over_bodies = self._over_bodies(ends, sums, bodies)
        if over_bodies is not None:
            sums = sums.plus(np.arange(count), over_bodies.sums)
            retraced |= over_bodies.changed
        silent = np.array([tx in self._silent for tx, _ in self.links])
        if silent.any():
            off = np.flatnonzero(silent)
            sums = sums.replaced(off, no_sums(len(off)))
            fault = [
                f"{tx} is off" if tx in self._silent else why
                for (tx, _), why in zip(self.links, fault, strict=True)
            ]
        retraced = (retraced & ~silent) | self._changed
        self._changed = np.zeros(count, bool)
        return ChannelState(
            stamp_ns=stamp_ns,
            links=self.links,
            metrics=sums.metrics(),
            retraced=retraced,
            fault=tuple(fault),
            paths_age=age,
            retraced_paths=sum(len(group.blockage.evaluated) for group in groups),
            dropped=dropped,
            compute_time=time.perf_counter() - began,
            frequency=self.site.radio.frequency,
            groups=self._groups,
            over_bodies=over_bodies,
            silent=frozenset(np.flatnonzero(silent).tolist()),
        )

    def forecast(
        self, bodies: Bodies, covariance: NDArray[np.float64] | None = None
    ) -> ShadowForecast:
        """Shadow loss ahead for every link, with the robots where the last update had them.

        covariance: (N, 4, 4) of x, y, vx, vy of each body.
        """
        kept, dropped = usable(bodies)
        if dropped and covariance is not None:
            covariance = covariance[[bodies.ids.index(name) for name in kept.ids]]
        mean = np.full((len(self.links), len(HORIZONS)), np.nan)
        upper = mean.copy()
        for group in self._groups:
            ahead = self._forecaster(group).forecast(kept, covariance)
            mean[group.numbers], upper[group.numbers] = ahead.mean_db, ahead.upper_bound_db
        return ShadowForecast(np.array(HORIZONS), mean, upper)

    def mount(
        self, name: str, stamp_ns: int, robots: Mapping[str, RobotPose] | None = None
    ) -> Mount | None:
        """How a device's array stands at that time; None for a robot without a pose."""
        return device_mount(self.site, name, stamp_ns, robots or {})

    @property
    def meshes(self) -> tuple[SurfaceMesh, ...]:
        """The static scene as it is now."""
        return self._meshes

    def material_of(self, surface: str) -> MaterialValues:
        """What that surface is made of now; TwinError where the site has no such surface."""
        return self._meshes[self._surface(surface)].material

    @property
    def people_model(self) -> PeopleModel:
        """How people change channels here."""
        return PeopleModel(self.site.radio.frequency, self._model, self._scattering)

    def channels_of(self, found: SolvedLink, bodies: Bodies, stamp_ns: int) -> ChannelState:
        """The channel of a link between any two places, with these people."""
        assert self._scene is not None
        ends, seeing = (found.transmitter, found.receiver), self._scene.visibility
        return channels_of(found.paths, *ends, bodies, stamp_ns, seeing, self.people_model)

    @property
    def solver_calls(self) -> int:
        """Full solves in this process since it was configured."""
        return self._discovery.solver_calls if self._discovery else 0

    def set_material(self, surface: str, values: MaterialValues) -> None:
        """That surface is of another material from the next update on; no ray is shot.

        Raises TwinError where the site has no such surface.
        """
        index = self._surface(surface)
        meshes = list(self._meshes)
        meshes[index] = replace(meshes[index], material=values)
        self._meshes = tuple(meshes)
        assert self._scene is not None
        old, self._scene = self._scene, self._scene.with_materials(meshes)
        if self._standing is not None:
            paths = revalued(self._standing.paths, old, self._scene)
            numbers = self._numbers(paths.links)
            self._standing = StandingLinks(paths, numbers, self._wavelength, self._model)
        for scripted in self._scripted.values():
            scripted.revalue(old, self._scene)
        if self._tracked is not None:
            self.close()
            self._background = self._new_background()
            self._tracked.revalue(self._scene, self._background)
        self._changed[:] = True

    def move_surface(self, surface: str, center: tuple[float, float, float]) -> None:
        """A piece of furniture stands elsewhere: everything is solved again, seconds to minutes.

        Raises TwinError where the site has no such surface, or one whose place its file gives.
        """
        index = self._surface(surface)
        scene = list(self.site.scene)
        if not hasattr(scene[index], "center"):
            raise TwinError(f"surface {surface!r} is a mesh file: it stands where the file says")
        scene[index] = scene[index].model_copy(update={"center": center})
        self.close()
        self.site = self.site.model_copy(update={"scene": scene})
        self._scripted, self._carried, self._forecasters = {}, {}, {}
        self.configure()
        self._changed[:] = True

    def switch_access_point(self, name: str, on: bool) -> None:
        """Its links have no channel while it is off; nothing is solved, then or later."""
        if name not in [ap.name for ap in self.site.access_points]:
            raise TwinError(f"site {self.site.name!r} has no access point {name!r}")
        self._silent = self._silent - {name} if on else self._silent | {name}
        self._changed |= [tx == name for tx, _ in self.links]

    def close(self) -> None:
        """Ends the background process; the engine can go on without discovery."""
        if self._background is not None:
            self._background.close()
            self._background = None

    def _configure_moving(
        self, robots: list[Robot], meshes: tuple[SurfaceMesh, ...], discovery: Discovery
    ) -> None:
        site = self.site
        assert self._scene is not None
        tracked = []
        for robot in robots:
            links = tuple((ap.name, robot.name) for ap in site.access_points)
            if robot.path is not None:
                self._scripted[robot.name] = ScriptedRobot(robot, discovery, self._scene)
                self._carried[robot.name] = CarriedLinks(self._wavelength, self._model)
            else:
                numbers = self._numbers(links)
                tracked.append(TrackedRobot(robot.name, robot.antenna_height, numbers))
        if tracked:
            self._background = self._new_background()
            self._background.warm_up(min(len(tracked), AT_ONCE))
            carried = CarriedLinks(self._wavelength, self._model)
            self._tracked = TrackedRobots(tracked, self._background, self._scene, carried)

    def _scripted_group(
        self, name: str, known: Replay, receiver: Receiver, bodies: Bodies
    ) -> LinkGroup:
        numbers = self._numbers(known.known.links)
        position, velocity = (
            np.tile(vector, (len(numbers), 1)) for vector in (receiver.position, receiver.velocity)
        )
        return self._carried[name].update(numbers, known, position, velocity, bodies)

    def _new_background(self) -> BackgroundSolver:
        assert self._discovery is not None
        return BackgroundSolver(
            self._meshes,
            self._discovery.transmitters,
            self.site.radio.frequency,
            self.site.propagation,
            self._device,
        )

    def _surface(self, name: str) -> int:
        names = [surface.name for surface in self.site.scene]
        if name not in names:
            raise TwinError(f"no surface {name!r}; the site has {', '.join(names)}")
        return names.index(name)

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

    def _over_bodies(
        self, ends: Mapping[str, NDArray[np.float64]], sums: LinkSums, bodies: Bodies
    ) -> BodyPaths | None:
        if self._reflections is None:
            return None
        nowhere = np.full(3, np.nan)
        velocity = np.zeros((len(self.links), 3))
        for group in self._groups:
            velocity[group.numbers] = group.velocity
        tx, rx = (np.array([ends.get(pair[i], nowhere) for pair in self.links]) for i in (0, 1))
        return self._reflections.update(LinkEnds(tx, rx, velocity), sums.power, bodies)

    def _numbers(self, links: tuple[tuple[str, str], ...]) -> NDArray[np.intp]:
        return np.array([self.links.index(link) for link in links], np.intp)

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

    def _forecaster(self, group: LinkGroup) -> Forecaster:
        key = int(group.numbers[0])
        paths, forecaster = self._forecasters.get(key, (None, None))
        if forecaster is None or paths is not group.paths:
            forecaster = Forecaster(group.paths, self._wavelength, self._model)
            self._forecasters[key] = (group.paths, forecaster)
        return forecaster
