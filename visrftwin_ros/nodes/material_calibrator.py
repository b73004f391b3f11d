"""Learns the materials of the site: from soundings on request, and from what radios report at work."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from geometry_msgs.msg import PoseStamped
from rclpy.task import Future

from visrftwin_ros.action import Calibrate
from visrftwin_ros.cache import cache_folder
from visrftwin_ros.calibration.calibrated_site import CALIBRATED_SITE, write_calibrated_site
from visrftwin_ros.calibration.calibration import Calibration, traced_campaign
from visrftwin_ros.calibration.estimate import StoppedError
from visrftwin_ros.calibration.material_parameters import QUANTITIES
from visrftwin_ros.calibration.next_sounding import next_sounding
from visrftwin_ros.calibration.report import report_of
from visrftwin_ros.calibration.sounded_paths import traced_paths_of
from visrftwin_ros.calibration.soundings import Soundings
from visrftwin_ros.calibration.surface_estimates import SurfaceEstimate, surface_estimates
from visrftwin_ros.calibration.telemetry import Step, TelemetryCalibration
from visrftwin_ros.calibration.telemetry_cells import Reading, TelemetryCells
from visrftwin_ros.campaign.campaign_messages import snapshot_from_message
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.data_sets import refuse_judge
from visrftwin_ros.campaign.snapshot import Campaign, Snapshot
from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.messages.calibration import (
    material_estimate,
    material_estimates,
    residuals_message,
)
from visrftwin_ros.messages.geometry import vector
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import ChannelSnapshot, MaterialEstimates, PathLossResiduals
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.one_goal import end, may_begin
from visrftwin_ros.nodes.shared.robot_poses import robot_poses_from_tf
from visrftwin_ros.nodes.shared.telemetry_heard import TelemetryHeard
from visrftwin_ros.nodes.shared.transforms import listen
from visrftwin_ros.nodes.shared.twin_node import (
    LATCHED_QOS,
    OK,
    SITE_PARAMETER,
    WARN,
    NodeParameter,
    TwinNode,
    run,
)
from visrftwin_ros.outputs import check_room
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.residual_map import ResidualMap, site_residuals
from visrftwin_ros.twin.mounts import antenna_place

_POLL_PERIOD = 0.1
_MOST_HEARD = 5000
"""Live soundings that are kept of one goal; the first are."""
LONGEST = 3600.0
"""s for which live soundings are listened to."""


_Learnt = tuple[Calibration, dict[str, Any]]
"""And its report."""


@dataclass
class _Goal:
    """The one that is being worked on. snapshots, until_ns: live soundings, and how long they are
    heard, by `watch_ns`; newest_ns: stamp of the newest; running: the learning, None while it is listened to."""

    handle: Any
    ended: Future = field(default_factory=Future)
    snapshots: list[Snapshot] = field(default_factory=list)
    until_ns: int = 0
    newest_ns: int = 0
    running: futures.Future[_Learnt] | None = None
    phase: str = "reading the bag"
    progress: float = 0.0
    cancelled: bool = False

    def at_work(self, phase: str, share: float) -> None:
        """Called as it goes on; raises StoppedError once it is cancelled."""
        self.phase, self.progress = phase, share
        self.beat()

    def beat(self) -> None:
        if self.cancelled:
            raise StoppedError


class MaterialCalibrator(TwinNode):
    """One goal at a time; what it learnt is latched, for the twin and who comes later."""

    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter("soundings", 200, "Most to learn from, drawn at random of more", (5, 1000)),
        NodeParameter("seed", 1, "Of the draws", (0, 2**31 - 1)),
        NodeParameter("threads", 1, "CPU threads of the solver", (1, 64)),
        NodeParameter(
            "telemetry_period",
            30.0,
            "Seconds between steps of learning from telemetry; 0 = not from it",
            (0.0, 3600.0),
        ),
        NodeParameter("cache", "", "Folder of solved paths; empty = ~/.cache/visrftwin/paths"),
    )

    _goal: _Goal | None = None

    def configure(self) -> None:
        self._site = self.site()
        prepare(threads=self.value("threads"))
        given = self.value("cache")
        self._cache = Path(given) if given else cache_folder("paths")
        self._learnt: dict[str, SurfaceEstimate] = {}  # by surface, what soundings told of
        self._told: tuple[SurfaceEstimate, ...] = ()  # what was published last, like the next
        self._map = site_residuals(self._site)
        self._waiting: deque[Reading] = deque(maxlen=_MOST_HEARD)
        self._worker = futures.ThreadPoolExecutor(1, "calibration")
        self._transforms = listen(self)
        self._estimates = self.publisher(MaterialEstimates, "material_estimates", LATCHED_QOS)
        self._residuals = self.publisher(PathLossResiduals, "path_loss_residuals", LATCHED_QOS)
        self._next = self.publisher(PoseStamped, "next_sounding", LATCHED_QOS)
        self.subscription(ChannelSnapshot, "sounder/snapshots", self._on_snapshot)
        self._telemetry = self._from_telemetry(TelemetryCells())
        self._step: futures.Future[Step | None] | None = None
        self._refused: frozenset[str] = frozenset()  # whose telemetry is not used
        if self.value("telemetry_period"):
            TelemetryHeard(self, self._site, self._transforms, self._on_reading)
            self.timer(self.value("telemetry_period"), self._learn_on)
        self.action(Calibrate, "calibrate", self._calibrate, self._may_begin)
        self.timer(_POLL_PERIOD, self._poll, always=True)

    def deactivate(self) -> None:
        if self._goal is not None:
            self._goal.cancelled = True

    def time_went_back(self) -> None:
        # Readings of before are later than all that come: they would have these refused as old.
        self._waiting.clear()
        self._telemetry = self._from_telemetry(TelemetryCells())
        self._step = None

    def cleanup(self) -> None:
        if hasattr(self, "_worker"):
            self.deactivate()
            self._worker.shutdown(wait=False, cancel_futures=True)
            del self._worker

    def _may_begin(self, goal: Calibrate.Goal) -> bool:
        return may_begin(self, "calibrate", self._goal is not None)

    async def _calibrate(self, handle: Any) -> Calibrate.Result:
        goal = self._goal = _Goal(handle)
        result, asked = Calibrate.Result(), handle.request
        result.rms_before_db = result.rms_after_db = float("nan")
        try:
            self._begin(goal, asked)
            await goal.ended
            found, report = goal.ended.result().result()
            self._take_over(goal, found, report, result)
        except (TwinError, StoppedError) as error:
            result.message = str(error) or "cancelled before anything was learnt"
            self.report("calibrate", WARN, result.message)
        finally:
            self._goal = None
        cancelled = goal.cancelled and handle.is_cancel_requested
        end(handle, cancelled=cancelled, success=result.success)
        return result

    def _begin(self, goal: _Goal, asked: Calibrate.Goal) -> None:
        if asked.site_out:
            check_room(Path(asked.site_out), CALIBRATED_SITE, force=False)
        if asked.bag:
            goal.running = self._worker.submit(self._of_bag, goal, asked)
        elif 0 < asked.duration <= LONGEST:
            goal.phase = "listening to live soundings"
            goal.until_ns = self.watch_ns() + int(asked.duration * 1e9)
        else:
            raise TwinError(
                f"duration {asked.duration:g} s: give a bag, or over 0 to {LONGEST:g} s to listen"
            )

    def _on_snapshot(self, message: ChannelSnapshot) -> None:
        goal = self._goal
        if goal is None or not goal.until_ns or goal.running or len(goal.snapshots) >= _MOST_HEARD:
            return
        stamp = stamp_ns(message.header.stamp)
        tolerance = self.limits.extrapolation
        robots, _ = robot_poses_from_tf(self._site, self._transforms, stamp, tolerance)
        try:
            snapshot = snapshot_from_message(message, self._site.world_frame)
            place = antenna_place(self._site, message.rx, stamp, robots)
        except TwinError as error:
            self.report("soundings", WARN, f"left out: {error}")
            return
        if place is None:
            place = np.full(3, np.nan)
        goal.snapshots.append(replace(snapshot, rx_position=place))
        self.report("soundings", OK, "soundings come", soundings=len(goal.snapshots))

    def _poll(self) -> None:
        if self._step is not None and self._step.done():
            step, self._step = self._step, None
            self._report_refused()
            try:
                self._stepped(step.result())
            except TwinError as error:
                self.report("learning", WARN, f"nothing learnt from telemetry: {error}")
        goal = self._goal
        if goal is None:
            return
        goal.cancelled |= goal.handle.is_cancel_requested
        if goal.until_ns and goal.running is None:
            left = (goal.until_ns - self.watch_ns()) * 1e-9
            goal.progress = 0.5 * float(np.clip(1 - left / goal.handle.request.duration, 0, 1))
            if goal.cancelled or left <= 0:
                goal.running = self._worker.submit(self._of_live, goal)
        feedback = Calibrate.Feedback(phase=goal.phase, progress=goal.progress, rms_db=float("nan"))
        goal.handle.publish_feedback(feedback)
        if goal.running is not None and goal.running.done() and not goal.ended.done():
            goal.ended.set_result(goal.running)

    # From telemetry.

    def _from_telemetry(self, heard: TelemetryCells) -> TelemetryCalibration:
        """That starts with the materials that are known now."""
        meshes = tuple(
            replace(mesh, material=self._learnt[mesh.name].material)
            if mesh.name in self._learnt
            else mesh
            for mesh in surface_meshes(self._site)
        )

        def trace(soundings: Soundings) -> PathSet:
            return traced_paths_of(soundings, self._site, meshes, self._cache)

        return TelemetryCalibration(self._site, meshes, trace, heard, self._map)

    def _on_reading(self, one: Reading) -> None:
        self._waiting.append(one)

    def _learn_on(self) -> None:
        """A step, where the worker is free."""
        if not self.active or self._step is not None or self._goal is not None:
            return
        readings = list(self._waiting)
        self._waiting.clear()
        self._step = self._worker.submit(_stepped_by, self._telemetry, readings)

    def _report_refused(self) -> None:
        refused = self._telemetry.heard.refused
        for whose, why in refused.items():
            self.report(f"telemetry of {whose}", WARN, f"not used: {why}")
        for whose in self._refused - set(refused):
            self.report(f"telemetry of {whose}", OK, "reports are used again")
        self._refused = frozenset(refused)

    def _stepped(self, step: Step | None) -> None:
        if step is None:
            return
        if step.changed:
            self.report("changes", WARN, f"no people explain what is measured of {step.changed}")
        else:
            self.report("changes", OK, "nothing has changed that people do not explain")
        errors = f"{step.before_db:.1f} -> {step.after_db:.1f} dB on the cells kept aside"
        if not step.adopted:
            self.report("learning", WARN, f"rolled back: {errors}")
            return
        self.report("learning", OK, errors, cells=step.cells)
        told = {one.surface: one for one in step.estimates if one.soundings}
        every = tuple(
            told.get(one.surface, self._learnt.get(one.surface, one)) for one in step.estimates
        )
        self._publish(self.now_ns(), every, step.belief.residuals)

    # In the worker's thread.

    def _of_bag(self, goal: _Goal, asked: Calibrate.Goal) -> _Learnt:
        campaign = read_campaign(asked.bag, self._site)
        refuse_judge(Path(asked.bag), campaign)
        return self._of_campaign(goal, campaign)

    def _of_live(self, goal: _Goal) -> _Learnt:
        facts = {"gain_reference": "relative"}
        return self._of_campaign(
            goal, Campaign(Path("live soundings"), facts, tuple(goal.snapshots))
        )

    def _of_campaign(self, goal: _Goal, campaign: Campaign) -> _Learnt:
        goal.newest_ns = max((one.stamp_ns for one in campaign.snapshots), default=0)
        surfaces = list(goal.handle.request.surfaces)
        before: Mapping[str, MaterialValues] = {}
        if surfaces:  # what is known of the others stays
            before = {name: one.material for name, one in self._learnt.items()}
        rng = np.random.default_rng(self.value("seed"))
        traced = traced_campaign(
            campaign,
            self._site,
            self._cache,
            rng,
            self.value("soundings"),
            lambda done, of: goal.at_work("tracing paths", 0.5 + 0.3 * done / of),
            materials=before,
            learnt=surfaces or None,
        )
        found = traced.calibration(
            rng,
            progress=lambda done, of: goal.at_work("fitting", 0.8 + 0.2 * done / of),
            beat=goal.beat,
        )
        return found, report_of(found)  # which fits the map: of many soundings for minutes

    # In the node's.

    def _take_over(
        self,
        goal: _Goal,
        found: Calibration,
        report: dict[str, Any],
        result: Calibrate.Result,
    ) -> None:
        asked = goal.handle.request
        fresh = {one.surface: one for one in surface_estimates(found)}
        every, residuals = self._told or tuple(fresh.values()), self._map
        if found.adopted or len(found.residuals):
            kept = self._learnt if asked.surfaces else {}
            self._learnt = kept | {name: one for name, one in fresh.items() if one.soundings}
            every = tuple(self._learnt.get(name, one) for name, one in fresh.items())
            residuals = found.residuals
        result.estimates = self._publish(goal.newest_ns, every, residuals)
        self._telemetry = self._from_telemetry(self._telemetry.heard)
        result.soundings = len(found.known.soundings) + len(found.aside.soundings)
        first = next(iter(report["access_points"].values()))
        result.power_offset_db = first["offset_db"]
        if report["aside"]:
            result.rms_before_db = report["aside"]["power"]["before"]["rms"]
            result.rms_after_db = report["aside"]["power"]["with_its_residuals"]["rms"]
        if asked.site_out:
            new = found.materials, found.residuals, report
            write_calibrated_site(self._site, *new, Path(asked.site_out), force=False)
        said = [] if found.estimate.complete else ["stopped: these are the best values until then"]
        if not found.adopted:
            said.append("no better on the soundings kept aside: every surface keeps its material")
        result.success, result.message = True, "; ".join([*said, *found.problems])
        self.report("calibrate", OK, result.message or "calibrated", soundings=result.soundings)

    def _publish(
        self, stamp: int, every: tuple[SurfaceEstimate, ...], residuals: ResidualMap
    ) -> MaterialEstimates:
        """What is known now, latched."""
        self._told, self._map = every, residuals
        world, carrier = self._site.world_frame, self._site.radio.frequency
        found = material_estimates(made, stamp, world, carrier, [_message(one) for one in every])
        self._estimates.publish(found)
        self._residuals.publish(residuals_message(made, stamp, world, residuals))
        if len(residuals):
            height = float(np.median(residuals.position[:, 2]))
            following = next_sounding(residuals, surface_meshes(self._site), height)
            pose = PoseStamped(header=found.header)
            pose.pose.position = vector(made, "Point", following.place)
            self._next.publish(pose)
        return found


def _stepped_by(telemetry: TelemetryCalibration, readings: Sequence[Reading]) -> Step | None:
    """In the worker's thread: None where there is too little to learn from."""
    for one in readings:
        telemetry.heard.hear(one)
    return telemetry.step() if telemetry.ready else None


def _message(one: SurfaceEstimate) -> Any:
    pairs = {
        (a, b): float(one.covariance[i, j])
        for i, a in enumerate(QUANTITIES)
        for j, b in enumerate(QUANTITIES)
    }
    return material_estimate(made, one.surface, one.material, pairs, one.soundings)


def main() -> None:
    run(MaterialCalibrator, "material_calibrator")


if __name__ == "__main__":
    main()
