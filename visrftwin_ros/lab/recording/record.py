"""One recording of a lab world: everything that its sensors and its sounder see, and the truth."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from visrftwin_ros.campaign.campaign_writer import CampaignWriter
from visrftwin_ros.campaign.data_sets import set_of_drive
from visrftwin_ros.lab.radio.crowd import Crowd
from visrftwin_ros.lab.radio.static_truth import solved_paths
from visrftwin_ros.lab.recording.frames import write_moving_frames, write_static_frames
from visrftwin_ros.lab.recording.lidar import LidarSimulator
from visrftwin_ros.lab.recording.links import Links, TickStream
from visrftwin_ros.lab.recording.mast import lidar_pose
from visrftwin_ros.lab.recording.picture_stream import PictureStream, Shot
from visrftwin_ros.lab.recording.request import START_NS, Cast, Request, cast, stamp_of
from visrftwin_ros.lab.recording.robot_drive import TICK
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.site.loading import write_site
from visrftwin_ros.site.model import Camera

_SOLVED = 2
"""Static paths are solved at every one of so many soundings, and carried along to those between."""


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


def record(
    request: Request, out: Path, force: bool, cache: Path | None, progress: Progress
) -> Report:
    """Writes the bag `out`; a recording that is stopped is kept and marked.

    cache: keeps solved static paths over runs (None = not). Raises TwinError on bad input, where a
    bag is there and `force` is not set, and where the solver, the renderer or one of `processes` fails.
    """
    prepare("llvm", request.threads)
    made = cast(request)
    with ExitStack() as stack:
        writer = stack.enter_context(CampaignWriter(out, _facts(request, made), force=force))
        write_site(made.world.site, out)
        ticks = stack.enter_context(TickStream(request.processes, request.threads))
        return _Recording(request, made, writer, progress).run(stack, ticks, cache)


def _facts(request: Request, made: Cast) -> dict[str, object]:
    site = made.world.site
    return {
        "site": site.name,
        "description": f"Lab: {site.description}; {request.people} people, {request.seconds:g} s",
        "gain_reference": "relative",
        "antenna": "isotropic, vertically polarised; the horns' pattern is taken out",
        "made_by": request.command,
        "seed": request.seed,
        "drive": request.drive,
        "set": set_of_drive(made.world.family.set, request.drive),
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
        rows = made.drive.soundings[::_SOLVED]
        height = next(r.antenna_height for r in self._site.robots if r.name == made.drive.robot)
        self._places = np.column_stack([made.drive.position[rows], np.full(len(rows), height)])
        self._progress = progress
        self._done = 0
        solves = len(rows) + sum(r.position is not None for r in self._site.robots)
        self._all = solves + len(made.drive) + len(self._shots) + len(self._sweeps)

    def run(self, stack: ExitStack, ticks: TickStream, cache: Path | None) -> Report:
        made, request, report = self._made, self._request, self._report
        pictures = self._pictures(stack)
        with report.spent_on("static paths"):
            solved = solved_paths(
                self._site, made.drive.robot, self._places, request.fineness, cache, self._step
            )
        links = Links(request, made, self._places, solved)
        ticks.begin(links)  # before anything of them is made, which could not be sent
        meshes = links.static.meshes
        lidar = None
        if self._sweeps:
            lidar = LidarSimulator(request.lidar, meshes, links.crowd.scene, request.drive_seed)
        write_static_frames(self._writer, START_NS, made.world.site, made.drive.robot)
        self._writer.truth_materials({mesh.name: mesh.material for mesh in meshes})
        for _, kind, index in self._timeline():
            if kind == 0:
                self._tick(index, ticks)
            elif kind == 1 and lidar is not None:
                self._sweep(index, lidar, links.crowd)
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

    def _tick(self, row: int, ticks: TickStream) -> None:
        seconds, made, writer = row * TICK, self._made, self._writer
        with self._report.spent_on("people on paths"):
            now = ticks.next()
        with self._report.spent_on("writing"):
            write_moving_frames(writer, stamp_of(seconds), self._frame, made.drive, row)
            writer.truth_people(stamp_of(seconds), self._frame, made.walks.at(seconds))
            writer.truth_channels(stamp_of(seconds), self._frame, now.channels)
            for snapshot in now.snapshots:
                writer.snapshot(snapshot, self._frame)
        self._report.counts["snapshots"] += len(now.snapshots)

    def _sweep(self, number: int, lidar: LidarSimulator, crowd: Crowd) -> None:
        seconds, device = self._sweeps[number], self._made.world.site.lidars[0]
        with self._report.spent_on("LiDAR"):
            cloud = lidar.sweep(
                number, seconds, lambda t: lidar_pose(self._made.drive, t), crowd.vertices
            )
        with self._report.spent_on("writing"):
            self._writer.cloud(device.name, device.topic, stamp_of(seconds), device.tf_frame, cloud)
        self._report.counts["clouds"] += 1

    def _picture(self, number: int, pictures: PictureStream) -> None:
        shot = self._shots[number]
        with self._report.spent_on("waiting for pictures"):
            found = pictures.next()
        stamp, quality = stamp_of(shot.seconds), self._request.jpeg_quality
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
