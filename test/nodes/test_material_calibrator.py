"""Materials learnt on request over ROS, and taken over by the twin that is running."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from node_bench import OK, WARN, NodeBench
from rclpy.action import ActionClient
from scipy.constants import speed_of_light
from scipy.spatial.transform import Rotation
from sounded_yard import AP, HEIGHT, campaign, places, recorded, yard
from tf2_msgs.msg import TFMessage

from visrftwin_ros.action import Calibrate
from visrftwin_ros.beams.mcs_table import noise_dbm
from visrftwin_ros.beams.selection import sweep
from visrftwin_ros.calibration.calibration import Calibration
from visrftwin_ros.campaign.campaign_messages import PATH_FIELDS
from visrftwin_ros.messages.calibration import residuals_from_message
from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.messages.paths import path_messages
from visrftwin_ros.messages.stamps import header
from visrftwin_ros.msg import (
    ChannelPaths,
    ChannelSnapshot,
    LinkChannel,
    LinkChannels,
    LinkPaths,
    LinkTelemetry,
    MaterialEstimates,
    PathLossResiduals,
    RadioPath,
    TrackedPeople,
)
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.material_calibrator import MaterialCalibrator
from visrftwin_ros.nodes.messages.conversions import multipath_from_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.transforms import MOVING_QOS, Pose
from visrftwin_ros.nodes.shared.twin_node import LATCHED_QOS
from visrftwin_ros.site.residual_map import NO_RESIDUALS
from visrftwin_ros.twin.mounts import RobotPose, device_mount


class Asking:
    """An active calibrator of the yard, and who asks it."""

    def __init__(self, bench: NodeBench, folder: Path) -> None:
        self.bench, self.site = bench, yard(folder / "yard")
        self.cache = str(folder / "cache")
        self.node = bench.active(
            MaterialCalibrator, "calibrator", site=str(self.site.folder), cache=self.cache
        )
        self.client = ActionClient(bench._probe, Calibrate, "calibrate")
        assert bench.until(self.client.server_is_ready)
        self.feedback: list[Any] = []

    def begin(self, **goal: Any) -> Any:
        """The handle of a goal, accepted or not."""
        sent = self.client.send_goal_async(
            Calibrate.Goal(**goal), lambda m: self.feedback.append(m.feedback)
        )
        assert self.bench.until(sent.done)
        return sent.result()

    def ended(self, handle: Any) -> tuple[int, Any]:
        """Status and result of a goal."""
        result = handle.get_result_async()
        assert self.bench.until(result.done, 120)
        return result.result().status, result.result().result


@pytest.fixture
def asking(bench: NodeBench, tmp_path: Path) -> Any:
    found = Asking(bench, tmp_path)
    yield found
    found.client.destroy()


def test_a_bag_is_learnt_from_and_the_running_twin_takes_it_over(
    asking: Asking, bench: NodeBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.active(ChannelPredictor, "predictor", site=str(asking.site.folder), cache=asking.cache)
    channels = bench.heard(LinkChannels, "channels")
    people = bench.publisher(TrackedPeople, "people")
    bag, out = recorded(tmp_path / "bag", 8), tmp_path / "out"
    handle = asking.begin(bag=str(bag), site_out=str(out))
    assert handle.accepted
    assert not asking.begin(bag=str(bag)).accepted
    status, result = asking.ended(handle)
    assert (status, result.success, result.soundings) == (GoalStatus.STATUS_SUCCEEDED, True, 8)
    assert result.power_offset_db == pytest.approx(37, abs=6)
    assert asking.feedback[-1].progress > 0
    latched = bench.heard(MaterialEstimates, "material_estimates", LATCHED_QOS)
    residuals = bench.heard(PathLossResiduals, "path_loss_residuals", LATCHED_QOS)
    assert bench.until(lambda: latched and residuals)
    learnt = {one.surface: one for one in latched[0].materials}
    assert learnt["shed"].soundings == 0
    if learnt["floor"].soundings:
        assert learnt["floor"].covariance[0] > 0
    assert (out / "site.yaml").exists()
    predictor_status = "predictor: calibration"
    assert bench.until(lambda: bench.statuses.get(predictor_status, (9,))[0] == OK, 30)
    people.publish(TrackedPeople(header=header(made, time.time_ns(), "world")))
    assert bench.until(lambda: any(not c.stale for m in channels for c in m.channels))
    # What helps nothing afterwards takes nothing of it away.
    before = {name: one.soundings for name, one in learnt.items()}
    monkeypatch.setattr(Calibration, "adopted", False)
    monkeypatch.setattr(Calibration, "residuals", NO_RESIDUALS)
    count = len(residuals[0].access_points)
    _, result = asking.ended(asking.begin(bag=str(bag)))
    assert {one.surface: one.soundings for one in result.estimates.materials} == before
    assert bench.until(lambda: len(residuals) > 1)
    assert len(residuals[1].access_points) == count


def test_live_soundings_are_learnt_from_where_the_robot_was(
    asking: Asking, bench: NodeBench
) -> None:
    sounder = bench.publisher(ChannelSnapshot, "sounder/snapshots")
    transforms = bench.publisher(TFMessage, "/tf", MOVING_QOS)
    handle = asking.begin(duration=3600.0, surfaces=["south", "north"])
    for i, one in enumerate(campaign(places(10)).snapshots):
        stamp = time.time_ns() + i
        pose = Pose(one.rx_position - [0, 0, HEIGHT], Rotation.identity())
        transforms.publish(
            TFMessage(transforms=[transform_message(made, "world", "robot/base_link", stamp, pose)])
        )
        bench.spin(0.02)
        paths = {name: getattr(one.paths, name) for name in PATH_FIELDS}
        sounder.publish(
            ChannelSnapshot(
                header=header(made, stamp, "world"),
                tx=one.tx,
                rx=one.rx,
                frequency=one.frequency,
                bandwidth=one.bandwidth,
                paths=path_messages(made, paths),
            )
        )
    heard = "calibrator: soundings"
    assert bench.until(lambda: bench.statuses.get(heard, (9, "", {}))[2].get("soundings") == "10")
    handle.cancel_goal_async()
    status, result = asking.ended(handle)
    # Cancelled while it listens: what was heard until then is looked at no more.
    assert status == GoalStatus.STATUS_CANCELED
    assert not result.success and "cancelled" in result.message
    short = asking.begin(duration=0.3)
    status, result = asking.ended(short)
    assert status == GoalStatus.STATUS_ABORTED
    assert "0 sounding(s) that can be used" in result.message


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        ({}, "give a bag, or over 0 to 3600 s"),
        ({"duration": float("nan")}, "give a bag"),
        ({"bag": "/nowhere"}, "/nowhere"),
        ({"bag": "BAG", "surfaces": ["sofa"]}, "no surface sofa; it has floor"),
    ],
)
def test_a_goal_that_means_nothing_is_aborted_with_the_reason(
    asking: Asking, tmp_path: Path, goal: dict[str, Any], said: str
) -> None:
    if goal.get("bag") == "BAG":
        goal = {**goal, "bag": str(recorded(tmp_path / "bag", 6))}
    status, result = asking.ended(asking.begin(**goal))
    assert status == GoalStatus.STATUS_ABORTED
    assert said in result.message


def test_estimates_of_another_site_or_band_are_left_out_with_the_reason(
    bench: NodeBench, small_site: Path
) -> None:
    bench.active(ChannelPredictor, "predictor", site=str(small_site))
    estimates = bench.publisher(MaterialEstimates, "material_estimates", LATCHED_QOS)
    message = MaterialEstimates(header=header(made, 1, "world"), frequency=3.4e9)
    estimates.publish(message)
    heard = "predictor: calibration"
    assert bench.until(lambda: "3.4 GHz" in bench.statuses.get(heard, (9, ""))[1])
    residuals = bench.publisher(PathLossResiduals, "path_loss_residuals", LATCHED_QOS)
    bad = PathLossResiduals(header=header(made, 1, "world"), access_points=["ap"])
    residuals.publish(bad)
    entry = "predictor: input path_loss_residuals"
    assert bench.until(lambda: bench.statuses.get(entry, (9, ""))[0] == WARN)
    assert "expected the same number" in bench.statuses[entry][1]


def test_what_radios_report_at_work_corrects_the_path_loss(
    bench: NodeBench, tmp_path: Path
) -> None:
    site = yard(tmp_path / "yard")
    folder, cache = str(site.folder), str(tmp_path / "cache")
    node = bench.active(
        MaterialCalibrator, "calibrator", site=folder, cache=cache, telemetry_period=3600.0
    )
    residuals = bench.heard(PathLossResiduals, "path_loss_residuals", LATCHED_QOS)
    transforms = bench.publisher(TFMessage, "/tf", MOVING_QOS)
    channels = bench.publisher(LinkChannels, "channels")
    paths = bench.publisher(ChannelPaths, "channel_paths")
    telemetry = bench.publisher(LinkTelemetry, "telemetry")
    carrier, noise = site.radio.frequency, noise_dbm(site.radio)
    heard = "calibrator: telemetry"
    for i, place in enumerate(places(24)):
        stamp = time.time_ns()
        head = header(made, stamp, "world")
        pose = Pose(place - [0, 0, HEIGHT], Rotation.identity())
        moved = transform_message(made, "world", "robot/base_link", stamp, pose)
        transforms.publish(TFMessage(transforms=[moved]))
        step = place - AP
        gain = 20 * np.log10(speed_of_light / carrier / (4 * np.pi * np.linalg.norm(step)))
        azimuth = float(np.arctan2(step[1], step[0]))
        one = RadioPath(gain_db=gain, aod_azimuth=azimuth, aoa_azimuth=azimuth + np.pi)
        channel = LinkChannel(tx="mast", rx="robot", path_loss_db=-gain, shadow_loss_db=0.0)
        channels.publish(LinkChannels(header=head, channels=[channel]))
        link = LinkPaths(tx="mast", rx="robot", paths=[one])
        paths.publish(ChannelPaths(header=head, links=[link]))
        bench.spin(0.03)
        ends = [
            device_mount(site, name, stamp, {"robot": RobotPose(place, 0.0)})
            for name in ("mast", "robot")
        ]
        best = 10 * np.log10(sweep(multipath_from_message(link), *ends).max())
        off = 6.0 if place[0] > 11 else 0.0
        report = LinkTelemetry(header=head, tx="mast", rx="robot", frequency=carrier)
        report.rssi_dbm = float("nan")
        report.snr_db = site.access_points[0].tx_power_dbm + best - noise + off
        telemetry.publish(report)
        assert bench.until(lambda n=i + 1: len(node._waiting) == n)
    assert bench.until(lambda: bench.statuses.get(heard, (9, "", {}))[2].get("reports") == "24")
    node._learn_on()  # as every `telemetry_period`
    assert bench.until(lambda: residuals and "calibrator: learning" in bench.statuses, 90)
    learnt = bench.statuses["calibrator: learning"]
    assert learnt[0] == OK, learnt
    found = residuals_from_message(residuals[-1])
    near, far = found.position[:, 0] < 9, found.position[:, 0] > 12
    assert found.residual_db[far].mean() - found.residual_db[near].mean() > 2.0
    refused, whose = node._telemetry.heard.refused, "calibrator: telemetry of mast-robot"
    refused["mast-robot"] = "it cannot be"
    node._learn_on()
    assert bench.until(lambda: bench.statuses.get(whose, (9,))[0] == WARN)
    refused.clear()
    node._learn_on()
    assert bench.until(lambda: bench.statuses[whose][0] == OK)
    beyond = LinkTelemetry(header=head, tx="mast", rx="robot", frequency=3.4e9)
    telemetry.publish(beyond)
    assert bench.until(lambda: "3.4 GHz" in bench.statuses[heard][1])
