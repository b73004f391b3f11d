"""Makes a site of what a LiDAR and cameras see while a robot drives, or of a recording."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent import futures
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from rclpy.task import Future

from visrftwin_ros.action import BuildMap
from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.build import MapPlan, build_site
from visrftwin_ros.mapping.drive_folder import DriveFolder
from visrftwin_ros.mapping.map_site import MAPPED_SITE, entries_of
from visrftwin_ros.mapping.map_source import MOST_PICTURES, MapSource
from visrftwin_ros.mapping.place_map import PlaceMap
from visrftwin_ros.mapping.sweeps import FARTHEST
from visrftwin_ros.nodes.shared.drive_heard import DriveHeard, DriveSettings
from visrftwin_ros.nodes.shared.one_goal import end, may_begin
from visrftwin_ros.nodes.shared.transforms import listen
from visrftwin_ros.nodes.shared.twin_node import (
    OK,
    SITE_PARAMETER,
    WARN,
    NodeParameter,
    TwinNode,
    run,
)
from visrftwin_ros.outputs import check_room
from visrftwin_ros.perception.sources.waiting import TF_WAIT
from visrftwin_ros.scene.site_check import describe
from visrftwin_ros.site.model import Lidar, Site
from visrftwin_ros.vision.material_reader import PACKAGED, ReaderChoice

_POLL_PERIOD = 0.1
LONGEST = 3600.0
"""s for which sensors are listened to where a duration is given."""
_BUILDING = 0.5
"""Share of the progress at which what was heard begins to become a site."""


class _StoppedError(Exception):
    """Raised in the worker once nobody wants the site any more."""


_Built = tuple[Site, PlaceMap, int]
"""And on how many pictures it rests."""


@dataclass
class _Goal:
    """The one that is being worked on. drive: where live sensors are kept, until_ns: how long they are heard,
    by `watch_ns`; running: the building, None while they are."""

    handle: Any
    plan: MapPlan | None = None
    drive: DriveFolder | None = None
    until_ns: int = 0
    running: futures.Future[_Built] | None = None
    ended: Future = field(default_factory=Future)
    phase: str = "reading the recording"
    progress: float = 0.0
    stopped: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def listening(self) -> bool:
        return self.drive is not None and self.running is None

    def told(self, phase: str) -> None:
        """Called with each step; raises _StoppedError once the goal is stopped."""
        self.phase = phase
        if self.stopped:
            raise _StoppedError

    def counted(self, low: float, high: float, done: int, of: int) -> None:
        """Of a long step that takes the progress from `low` to `high`; raises as `told`."""
        self.progress = low + (high - low) * done / max(of, 1)
        self.told(self.phase)


class SceneMapper(TwinNode):
    """One goal at a time. A recording is mapped as `visrftwin map` maps it; live sensors are heard first, kept on
    disk beside the site that is to be, and then mapped by the same code. Radio, devices and sensors are those of
    the site that the node has: only scene and materials are new."""

    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter("lidar", "", "Name of the site's LiDAR (may be empty if it has one)"),
        NodeParameter("period", 1.0, "Seconds between sweeps that are taken", (0.05, 60.0)),
        NodeParameter("farthest", FARTHEST, "Metres of a return that is taken", (1.0, 100.0)),
        NodeParameter("poses", "tf", "Of a bag's sweeps: tf, or lidar, by the sweeps themselves"),
        NodeParameter(
            "points",
            5_000_000,
            "Most that are kept; over them every second sweep goes",
            (10_000, 20_000_000),
        ),
        NodeParameter("pictures", MOST_PICTURES, "Most of each camera; 0 = none", (0, 200)),
        NodeParameter(
            "picture_period",
            1.0,
            "Seconds between pictures of a camera that are taken",
            (0.05, 60.0),
        ),
        NodeParameter("compressed", [""], "Cameras whose image_raw/compressed is heard"),
        NodeParameter(
            "embedder",
            PACKAGED,
            "What reads materials off pictures: packaged, open_clip, dinov2, none",
        ),
        NodeParameter("embedder_model", "", "As open_clip names it, as ViT-B-32"),
        NodeParameter("embedder_weights", "", "File of the network's weights"),
        NodeParameter(
            "material_head", "", "File trained for dinov2, or instead of the packaged one"
        ),
        NodeParameter("thickness", 0.1, "Metres of what is of an unknown material", (0.001, 10.0)),
        NodeParameter(
            "tf_wait", TF_WAIT, "Seconds that a sweep or picture waits for its TF", (0.0, 2.0)
        ),
    )

    _goal: _Goal | None = None

    def configure(self) -> None:
        self._site = site = self.site()
        if self.value("poses") not in ("tf", "lidar"):
            raise TwinError(f"parameter 'poses': {self.value('poses')!r}; expected tf or lidar")
        reader = ("embedder", "embedder_model", "embedder_weights", "material_head")
        self._reader = ReaderChoice(*(self.value(name) for name in reader))
        self._looks = self._reader.looks and self.value("pictures") > 0
        self._worker = futures.ThreadPoolExecutor(1, "mapping")
        self._heard = DriveHeard(
            self,
            site,
            self._lidar(site),
            tuple(site.cameras) if self._looks else (),
            listen(self),
            DriveSettings(
                period=self.value("period"),
                picture_period=self.value("picture_period"),
                farthest=self.value("farthest"),
                tf_wait=self.value("tf_wait"),
                compressed=frozenset(self.value("compressed")),
            ),
        )
        self.action(BuildMap, "build_map", self._build_map, self._may_begin)
        self.timer(_POLL_PERIOD, self._poll, always=True)

    def _lidar(self, site: Site) -> Lidar | None:
        """That is heard; None where the site has none and recordings alone can be mapped."""
        if not site.lidars and not self.value("lidar"):
            return None
        try:
            return site.lidar(self.value("lidar"))
        except KeyError as error:
            raise TwinError(f"parameter 'lidar': {error.args[0]}") from error

    def deactivate(self) -> None:
        if self._goal is not None:
            self._stop(self._goal)

    def time_went_back(self) -> None:
        self._heard.forget()

    def cleanup(self) -> None:
        if hasattr(self, "_worker"):
            self.deactivate()
            self._worker.shutdown(wait=False, cancel_futures=True)
            del self._worker

    def _may_begin(self, goal: BuildMap.Goal) -> bool:
        return may_begin(self, "build_map", self._goal is not None)

    async def _build_map(self, handle: Any) -> BuildMap.Result:
        goal = self._goal = _Goal(handle)
        result = BuildMap.Result()
        try:
            self._begin(goal, handle.request)
            await goal.ended
            self._answer(goal, goal.ended.result().result(), result)
        except (TwinError, _StoppedError, futures.CancelledError, OSError) as error:
            result.message = str(error) or "stopped before there was a site"
            if goal.drive is not None and goal.drive.sweeps:
                result.message += (
                    f"; what was seen is in {goal.drive.folder}: resume goes on with it"
                )
            self.report("build_map", WARN, result.message)
        finally:
            self._goal = None
            self._heard.end()
            _remove_if_empty(goal)
        end(handle, cancelled=handle.is_cancel_requested, success=result.success)
        return result

    def _begin(self, goal: _Goal, asked: BuildMap.Goal) -> None:
        plan = goal.plan = self._plan(asked)
        check_room(plan.out, MAPPED_SITE, force=False)
        if asked.source:
            if asked.resume:
                raise TwinError("resume is for live maps: a recording is read anew")
            source = MapSource(Path(asked.source), self._site.world_frame)
            if source.kind == "bag" and self.value("poses") == "lidar":
                source = replace(source, poses="lidar")
            if source.has_pictures:
                source = replace(source, pictures=self.value("pictures"))
            goal.running = self._worker.submit(self._of_recording, goal, source)
            return
        if not self._heard.topic:
            raise TwinError(
                f"site {self._site.name!r} has no LiDARs: add one under `lidars`, or give a source"
            )
        if not 0 <= asked.duration <= LONGEST:
            raise TwinError(
                f"duration {asked.duration:g} s: expected up to {LONGEST:g} s, or 0 for until cancelled"
            )
        most = self.value("points"), self.value("pictures")
        goal.drive = DriveFolder(plan.out, self._site.world_frame, *most, asked.resume)
        goal.phase = "listening to the sensors"
        if asked.duration:
            goal.until_ns = self.watch_ns() + int(asked.duration * 1e9)
        self._heard.begin(goal.drive)

    def _plan(self, asked: BuildMap.Goal) -> MapPlan:
        out = Path(asked.site_out)
        if not out.is_absolute():
            raise TwinError(
                f"site_out {asked.site_out!r}: give the new site's folder as a path from / on, as this node "
                "runs in a folder of its own"
            )
        what = Path(asked.source).name if asked.source else f"what {self._heard.topic} saw"
        return MapPlan(
            out,
            entries_of(self._site, out, f"mapped from {what}"),
            thickness=self.value("thickness"),
            reader=self._reader,
            comment=f"made by the node scene_mapper; devices as in {self._site.folder / 'site.yaml'}",
        )

    def _stop(self, goal: _Goal) -> None:
        """Nobody wants the site any more; what was heard stays to be gone on with."""
        goal.stopped = True
        if goal.listening:
            _remove_if_empty(goal)
            goal.running = futures.Future()
            goal.running.set_exception(_StoppedError())

    def _poll(self) -> None:
        goal = self._goal
        if goal is None:
            return
        self._heard.serve()
        cancelled, asked = goal.handle.is_cancel_requested, goal.handle.request
        over = bool(goal.until_ns) and self.watch_ns() >= goal.until_ns
        until_cancelled = goal.drive is not None and not goal.until_ns
        if goal.listening and (over or (cancelled and until_cancelled)):
            self._heard.end()
            goal.running = self._worker.submit(self._of_drive, goal)
        elif cancelled and not until_cancelled:
            self._stop(goal)
        goal.handle.publish_feedback(self._feedback(goal, asked.duration))
        if goal.running is not None and goal.running.done() and not goal.ended.done():
            goal.ended.set_result(goal.running)

    def _feedback(self, goal: _Goal, duration: float) -> BuildMap.Feedback:
        told = BuildMap.Feedback(phase=goal.phase, progress=goal.progress)
        if goal.drive is not None:
            told.clouds, told.pictures = goal.drive.sweeps, goal.drive.shown
            told.driven, told.seen = goal.drive.driven, goal.drive.seen
        if goal.listening and goal.until_ns:
            left = (goal.until_ns - self.watch_ns()) * 1e-9
            told.progress = _BUILDING * float(np.clip(1 - left / duration, 0, 1))
        elif goal.listening:
            told.progress = float("nan")
        return told

    # In the worker's thread.

    def _of_recording(self, goal: _Goal, source: MapSource) -> _Built:
        assert goal.plan is not None
        poses, without = source.followed(partial(goal.counted, 0.0, 0.2))
        scan = source.read(partial(goal.counted, 0.2, 0.4), poses)
        goal.told("reading pictures")
        pictures, left_out = source.read_pictures(poses) if self._looks else ((), ())
        goal.left_out = (*without, *left_out)
        counted = partial(goal.counted, 0.5, 0.9)
        return *build_site(scan, pictures, goal.plan, goal.told, counted), len(pictures)

    def _of_drive(self, goal: _Goal) -> _Built:
        assert goal.plan is not None and goal.drive is not None
        goal.progress = _BUILDING
        if not goal.drive.sweeps:
            why = self._heard.left_out or "none came"
            raise TwinError(f"no sweep of {self._heard.topic} could be used: {why}")
        scan, pictures = goal.drive.scan(self._heard.topic), goal.drive.pictures()
        counted = partial(goal.counted, 0.7, 0.9)
        return *build_site(scan, pictures, goal.plan, goal.told, counted), len(pictures)

    # In the node's.

    def _answer(self, goal: _Goal, built: _Built, result: BuildMap.Result) -> None:
        site, place, pictures = built
        if goal.drive is not None:
            goal.drive.remove()
        views = place.scan.views
        result.success, result.site = True, str(site.folder)
        result.surfaces, result.frames = len(site.scene), views + pictures
        floor = sum(s.area for s in place.surfaces if s.kind == "floor")
        result.message = (
            f"{len(site.scene)} surfaces of {views} sweeps or frames and {pictures} pictures, {floor:.0f} m^2 "
            f"of floor; {100 * place.unmapped:.0f} % of the cloud is in none of them; see report/report.md"
        )
        if goal.left_out:
            result.message += f"; left out: {goal.left_out[0]}"
            if len(goal.left_out) > 1:
                result.message += f" and {len(goal.left_out) - 1} more"
        try:
            describe(site)
        except TwinError as error:
            result.message += f"; but: {error}"
        self.report("build_map", OK, result.message)


def _remove_if_empty(goal: _Goal) -> None:
    if goal.drive is not None and not goal.drive.sweeps:
        goal.drive.remove()


def main() -> None:
    run(SceneMapper, "scene_mapper")


if __name__ == "__main__":
    main()
