"""One recording of a lab world: everything that its sensors and its sounder see, and the truth."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.campaign.campaign_writer import CampaignWriter
from visrftwin_ros.campaign.snapshot import Snapshot
from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.people.avatars import Avatars, make_avatars
from visrftwin_ros.lab.people.walks import Walks, plan_walks
from visrftwin_ros.lab.radio.channel_truth import ChannelTruth, Instant
from visrftwin_ros.lab.radio.crowd import Crowd
from visrftwin_ros.lab.radio.sounder import Askew, Sounder, SounderLimits, SounderOffsets
from visrftwin_ros.lab.radio.static_truth import Fineness, StaticTruth
from visrftwin_ros.lab.recording.frames import write_moving_frames, write_static_frames
from visrftwin_ros.lab.recording.lidar import LidarModel, LidarSimulator
from visrftwin_ros.lab.recording.mast import lidar_pose
from visrftwin_ros.lab.recording.picture_stream import PictureStream, Shot
from visrftwin_ros.lab.recording.robot_drive import TICK, Drive, plan_drive
from visrftwin_ros.lab.world.floor_plan import CELL, floor_plan
from visrftwin_ros.lab.world.sight import hidden_share
from visrftwin_ros.lab.world.world import World, load_world
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.site.loading import write_site
from visrftwin_ros.site.model import Camera

START_NS = 1_750_000_000_000_000_000
"""ROS time at which every recording begins: equal seeds give equal bags."""
_SOLVED = 2
"""Static paths are solved at every one of so many soundings, and carried along to those between."""
_ROOM = 3.0
"""Square metres of free floor a person, at least."""


@dataclass(frozen=True)
class Request:
    """What to record.

    camera_rate: pictures a second of each fixed camera, 0 for none; panorama_rate: of the robot's;
    lidar_rate: of sweeps kept, 0 for none. access_points: how many, default the site's. threads: of
    each of the two processes. command: how to make it again, for the bag's facts.
    """

    world: str
    people: int
    seconds: float
    seed: int
    camera_rate: float = 10.0
    panorama_rate: float = 2.0
    lidar_rate: float = 10.0
    lidar: LidarModel = field(default_factory=LidarModel)
    jpeg_quality: int = 85
    fineness: Fineness = field(default_factory=Fineness)
    access_points: int | None = None
    limits: SounderLimits = field(default_factory=SounderLimits)
    offsets: SounderOffsets = field(default_factory=SounderOffsets)
    threads: int = 2
    command: str = ""


@dataclass(frozen=True)
class Cast:
    """A world and everybody who moves in it."""

    world: World
    drive: Drive
    walks: Walks
    people: Avatars

    @property
    def hidden_share(self) -> float:
        """Of the soundings, those without a line of sight in the empty place."""
        robot = next(r for r in self.world.site.robots if r.name == self.drive.robot)
        places = self.drive.position[self.drive.soundings]
        return float(hidden_share(self.world, places, robot.antenna_height).mean())


@dataclass
class Report:
    """seconds: of work, by what it went into. counts: of what was written."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @contextmanager
    def spent_on(self, what: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[what] += time.perf_counter() - began


Progress = Callable[[int, int], None]
"""Called with how much of the work is done, and how much there is."""


def cast(request: Request) -> Cast:
    """The world, the robot's way and the people's, drawn from the seed; TwinError on bad input."""
    if not 0 < request.seconds <= 3600:
        raise TwinError(f"{request.seconds:g} s of recording: give more than 0 and up to 3600")
    if request.people < 1:
        raise TwinError(f"{request.people} people: give at least 1; the lab is about people")
    world = load_world(request.world, request.seed, request.access_points)
    room = float((floor_plan(world).clearance > 0.4).sum()) * CELL**2
    most = int(room / _ROOM)
    if request.people > most:
        raise TwinError(
            f"{request.people} people do not fit into {request.world}: its {room:.0f} m^2 of free "
            f"floor take {most}"
        )
    drive = plan_drive(world, request.seconds, request.seed)
    walks = plan_walks(world, request.people, request.seconds, request.seed, drive.path)
    return Cast(world, drive, walks, make_avatars(walks, request.seed))


def record(
    request: Request, out: Path, force: bool, cache: Path | None, progress: Progress
) -> Report:
    """Writes the bag `out`; a recording that is stopped is kept and marked.

    cache: keeps solved static paths over runs (None = not). Raises TwinError on bad input, where a
    bag is there and `force` is not set, and where the solver or the renderer fails.
    """
    prepare("llvm", request.threads)
    made = cast(request)
    with ExitStack() as stack:
        writer = stack.enter_context(CampaignWriter(out, _facts(request, made), force=force))
        write_site(made.world.site, out)
        return _Recording(request, made, writer, progress).run(stack, cache)


def _facts(request: Request, made: Cast) -> dict[str, object]:
    site = made.world.site
    return {
        "site": site.name,
        "description": f"Lab: {site.description}; {request.people} people, {request.seconds:g} s",
        "gain_reference": "relative",
        "antenna": "isotropic, vertically polarised; the horns' pattern is taken out",
        "made_by": request.command,
        "seed": request.seed,
        "set": made.world.family.set,
        "layout": made.world.family.layout,
        "textures": made.world.family.textures,
        "assignment": made.world.family.assignment,
        "hidden_share": round(float(made.hidden_share), 3),
    }


class _Recording:
    """The work of one recording, in the order of time."""

    def __init__(
        self, request: Request, made: Cast, writer: CampaignWriter, progress: Progress
    ) -> None:
        self._request, self._made, self._writer = request, made, writer
        self._site = made.world.true_site
        self._frame = made.world.site.world_frame
        self._report = Report()
        self._shots = _shots(request, made.world.site.cameras)
        self._sweeps = _times(request.lidar_rate, request.seconds, bool(made.world.site.lidars))
        self._soundings = set(made.drive.soundings.tolist())
        standing = [r for r in self._site.robots if r.position is not None]
        self._ends = {
            r.name: np.array([*r.position, r.antenna_height]) for r in standing if r.position
        }
        robot = next(r for r in self._site.robots if r.name == made.drive.robot)
        self._antenna_height = robot.antenna_height
        self._progress = progress
        self._done = 0
        solves = len(standing) + len(made.drive.soundings[::_SOLVED])
        self._all = solves + len(made.drive) + len(self._shots) + len(self._sweeps)

    def run(self, stack: ExitStack, cache: Path | None) -> Report:
        made, report = self._made, self._report
        pictures = self._pictures(stack)
        with report.spent_on("static paths"):
            static = self._static(cache)
        crowd = Crowd(made.people)
        aps = {ap.name: np.array(ap.position, float) for ap in self._site.access_points}
        truth = ChannelTruth(static, aps, self._site.radio)
        sounder = Sounder(
            self._site.radio.bandwidth,
            self._request.seconds,
            self._request.seed,
            self._request.limits,
            self._request.offsets,
        )
        lidar = None
        if self._sweeps:
            lidar = LidarSimulator(
                self._request.lidar, static.meshes, crowd.scene, self._request.seed
            )
        write_static_frames(self._writer, START_NS, made.world.site, made.drive.robot)
        self._writer.truth_materials({mesh.name: mesh.material for mesh in static.meshes})
        for _, kind, index in self._timeline():
            if kind == 0:
                self._tick(index, truth, sounder, crowd)
            elif kind == 1 and lidar is not None:
                self._sweep(index, lidar, crowd)
            elif kind == 2 and pictures is not None:
                self._picture(index, pictures)
            self._step(1)
        return report

    def _timeline(self) -> list[tuple[float, int, int]]:
        """(time, 0 tick | 1 sweep | 2 picture, its number), in order."""
        ticks = [(row * TICK, 0, row) for row in range(len(self._made.drive))]
        sweeps = [(t, 1, i) for i, t in enumerate(self._sweeps)]
        shots = [(shot.seconds, 2, i) for i, shot in enumerate(self._shots)]
        return sorted(ticks + sweeps + shots)

    def _pictures(self, stack: ExitStack) -> PictureStream | None:
        if not self._shots:
            return None
        from visrftwin_ros.lab.pictures.picture import Quality
        from visrftwin_ros.lab.pictures.renderer import Renderer

        made, threads = self._made, self._request.threads
        cameras = tuple(made.world.site.cameras)
        moving = frozenset(c.name for c in cameras if c.pose is None)

        def renderer() -> Renderer:
            return Renderer(made.world, made.people, cameras, Quality(threads=threads))

        return stack.enter_context(PictureStream(renderer, self._shots, made.drive, moving))

    def _static(self, cache: Path | None) -> StaticTruth:
        drive = self._made.drive
        rows = drive.soundings[::_SOLVED]
        places = np.column_stack([drive.position[rows], np.full(len(rows), self._antenna_height)])
        return StaticTruth(
            self._site,
            self._made.world.walls,
            drive.robot,
            places,
            self._request.fineness,
            cache,
            self._step,
        )

    def _tick(self, row: int, truth: ChannelTruth, sounder: Sounder, crowd: Crowd) -> None:
        seconds, drive, writer = row * TICK, self._made.drive, self._writer
        stamp = _stamp(seconds)
        bodies = self._made.walks.at(seconds)
        receiver = np.append(drive.position[row], self._antenna_height)
        ends = {**self._ends, drive.robot: receiver}
        with self._report.spent_on("people on paths"):
            persons = crowd.at(seconds)
            now = truth.at(ends, persons, crowd.scene)
        with self._report.spent_on("writing"):
            write_moving_frames(writer, stamp, self._frame, drive, row)
            writer.truth_people(stamp, self._frame, bodies)
            writer.truth_channels(stamp, self._frame, now.channels(stamp, self._site.radio, ends))
        if row in self._soundings:
            with self._report.spent_on("sounder"):
                self._sound(row, now, sounder, receiver)

    def _sound(
        self, row: int, now: Instant, sounder: Sounder, receiver: NDArray[np.float64]
    ) -> None:
        radio, drive = self._site.radio, self._made.drive
        surveyed = self._made.world.site.access_points
        for number, (ap, known) in enumerate(zip(self._site.access_points, surveyed, strict=True)):
            paths = sounder.measure(
                now.of_link((ap.name, drive.robot)),
                row * TICK,
                number,
                ap.yaw,
                float(drive.yaw[row]),
                Askew(known.yaw - ap.yaw, known.pitch - ap.pitch),
            )
            snapshot = Snapshot(
                stamp_ns=_stamp(row * TICK),
                tx=ap.name,
                rx=drive.robot,
                frequency=radio.frequency,
                bandwidth=radio.bandwidth,
                paths=paths,
                noise_floor_dbm=sounder.noise_floor_dbm,
                tx_position=np.array(known.position, float),
                rx_position=receiver,
                rx_yaw=float(drive.yaw[row]),
            )
            self._writer.snapshot(snapshot, self._frame)
            self._report.counts["snapshots"] += 1

    def _sweep(self, number: int, lidar: LidarSimulator, crowd: Crowd) -> None:
        seconds, device = self._sweeps[number], self._made.world.site.lidars[0]
        with self._report.spent_on("LiDAR"):
            cloud = lidar.sweep(
                number, seconds, lambda t: lidar_pose(self._made.drive, t), crowd.vertices
            )
        with self._report.spent_on("writing"):
            self._writer.cloud(device.name, device.topic, _stamp(seconds), device.tf_frame, cloud)
        self._report.counts["clouds"] += 1

    def _picture(self, number: int, pictures: PictureStream) -> None:
        shot = self._shots[number]
        with self._report.spent_on("waiting for pictures"):
            found = pictures.next()
        stamp, quality = _stamp(shot.seconds), self._request.jpeg_quality
        with self._report.spent_on("writing"):
            for camera in self._made.world.site.cameras:
                if camera.name in found:
                    frame = camera.optical_frame
                    self._writer.image(camera.name, stamp, frame, found[camera.name], quality)
                    self._writer.camera_info(camera, stamp, frame)
                    self._report.counts["pictures"] += 1

    def _step(self, count: int) -> None:
        self._done += count
        self._progress(self._done, self._all)


def _times(rate: float, seconds: float, there: bool = True) -> list[float]:
    return [k / rate for k in range(int(np.ceil(seconds * rate - 1e-9)))] if rate and there else []


def _shots(request: Request, cameras: list[Camera]) -> list[Shot]:
    """Every time at which some camera takes a picture, with those that do."""
    by_time: dict[float, list[str]] = defaultdict(list)
    for camera in cameras:
        rate = request.camera_rate if camera.pose is not None else request.panorama_rate
        for t in _times(rate, request.seconds):
            by_time[round(t, 6)].append(camera.name)
    return [Shot(t, tuple(names)) for t, names in sorted(by_time.items())]


def _stamp(seconds: float) -> int:
    return START_NS + round(seconds * 1e9)
