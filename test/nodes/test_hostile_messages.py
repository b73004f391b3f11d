"""Hostile messages on every topic, service and life cycle of every node: none dies, none hangs, and nothing that is
no number, or of another time, goes out as fresh."""

from __future__ import annotations

import gc
import math
import os
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import yaml
from cloud_messages import xyz_message
from diagnostic_msgs.msg import DiagnosticArray
from hostile_messages import Hostile
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import (
    ChangeState,
    GetAvailableStates,
    GetAvailableTransitions,
    GetState,
)
from made_campaign import made_site, write_campaign
from made_pictures import a_scene
from nav_msgs.msg import OccupancyGrid
from nav_msgs.msg import Path as PlannedPath
from node_bench import SENSOR_QOS, NodeBench
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from rclpy.action import ActionClient
from rosgraph_msgs.msg import Clock
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage
from type_description_interfaces.srv import GetTypeDescription

from visrftwin_ros.action import BuildMap
from visrftwin_ros.messages.channels import channel_paths_message, channels_message
from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.messages.images import image_message
from visrftwin_ros.messages.limits import FARTHEST, LARGEST
from visrftwin_ros.messages.scene_changes import surface_changes_message
from visrftwin_ros.messages.stamps import header
from visrftwin_ros.msg import (
    Association,
    BeamDecision,
    BeamDecisions,
    ChannelPaths,
    ChannelSnapshot,
    Detection,
    Detections,
    HandOver,
    LidarPeople,
    LidarPerson,
    LinkChannel,
    LinkChannels,
    LinkPaths,
    LinkTelemetry,
    MaterialEstimate,
    MaterialEstimates,
    PathLossResiduals,
    RadioPath,
    ShadowForecast,
    ShadowForecasts,
    SurfaceChanges,
    TrackedBox,
    TrackedBoxes,
    TrackedPeople,
    TrackedPerson,
)
from visrftwin_ros.nodes.beam_selector import BeamSelector
from visrftwin_ros.nodes.campaign_replay import CampaignReplay
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.lidar_people import LidarPeopleNode
from visrftwin_ros.nodes.material_calibrator import MaterialCalibrator
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.people_detector import PeopleDetector
from visrftwin_ros.nodes.people_tracker import PeopleTrackerNode
from visrftwin_ros.nodes.scene_mapper import SceneMapper
from visrftwin_ros.nodes.scene_watcher import SceneWatcherNode
from visrftwin_ros.nodes.shared.transforms import MOVING_QOS, STATIC_QOS, Pose
from visrftwin_ros.nodes.shared.twin_node import LATCHED_QOS
from visrftwin_ros.nodes.site_frames import SiteFrames
from visrftwin_ros.nodes.twin_viewer import TwinViewer
from visrftwin_ros.scene.changes import SeenChange
from visrftwin_ros.srv import PredictLink, SetMaterial

MESSAGES = int(os.environ.get("VISRFTWIN_HOSTILE_MESSAGES", "800"))
"""100000 are the long run, of under an hour."""
SEED = int(os.environ.get("VISRFTWIN_HOSTILE_SEED", "1"))
ASKED, LIVED = 0.05, 0.02
"""Share of the requests to services, and to change a node's state."""
RESTORED = 10
"""Messages after which nodes that are not at work are brought back to it."""
LONGEST = 1.0
"""s of one callback, of its own thread's time: others work on this machine too."""
ENDS = np.array([[-8.0, -6.0, 3.0], [0.0, -6.0, 1.0]])


class Topic(NamedTuple):
    """One that some node hears, and how to make a message that it would use."""

    name: str
    kind: type
    valid: Callable[[], Any] | None = None
    qos: Any = SENSOR_QOS


def stamped(message: Any, frame: str = "world") -> Any:
    message.header = header(made, time.time_ns(), frame)
    return message


def a_person() -> TrackedPerson:
    one = TrackedPerson(id="7", height=1.75, width=0.5, depth=0.3)
    one.position.x, one.position.y = -3.0, -6.0
    one.covariance = np.diag([0.01, 0.01, 0.1, 0.1]).reshape(-1)
    return one


def a_path() -> RadioPath:
    points = [made("geometry_msgs/Point", x=x, y=y, z=z) for x, y, z in ENDS.tolist()]
    return RadioPath(delay=3e-8, gain_db=-80.0, vertices=points)


def a_cloud() -> PointCloud2:
    points = np.random.default_rng(0).normal(0, 3, (200, 3)).astype(np.float32)
    return xyz_message(points, time.time_ns(), "mast")


def an_image() -> Image:
    return image_message(made, a_scene((768, 576)), time.time_ns(), "view1")


def a_transform() -> TFMessage:
    pose = Pose(np.array([2.0, -2.0, 0.0]), Rotation.from_euler("Z", 0.5))
    frames = [transform_message(made, "world", "roving/base_link", time.time_ns(), pose)]
    return TFMessage(transforms=frames)


def boxes() -> Detections:
    box = Detection(track_id="1", score=0.9, x=380.0, y=300.0, width=30.0, height=75.0)
    size = {"image_width": 768, "image_height": 576}
    return stamped(Detections(camera="view1", detector="yolo", detections=[box], **size), "view1")


def lidar_people() -> LidarPeople:
    one = LidarPerson(
        covariance=np.eye(3).reshape(-1) * 0.01, height=1.7, height_sigma=0.1, score=0.9
    )
    one.centroid.x, one.centroid.y = -3.0, -4.0
    return stamped(LidarPeople(lidar="mast", reach=30.0, people=[one]))


def link(kind: type, **fields: Any) -> Any:
    return kind(tx="ap", rx="standing", **fields)


def channels() -> LinkChannels:
    return channels_message(made, time.time_ns(), "world", [link(LinkChannel, path_loss_db=80.0)])


def channel_paths() -> ChannelPaths:
    return channel_paths_message(made, time.time_ns(), "world", [link(LinkPaths, paths=[a_path()])])


def forecasts() -> ShadowForecasts:
    """`ap` fades for good, `other` stays."""
    values = {name: [0.0, 1.0] for name in ("horizon", "shadow_loss_db", "shadow_loss_upper_db")}
    values |= {"quantiles": [0.25, 0.75], "shadow_loss_quantiles_db": [0.0, 0.0, 15.0, 15.0]}
    fading = link(ShadowForecast, **values, snr_quantiles_db=[25.0, 25.0, -10.0, -10.0])
    staying = link(ShadowForecast, **values, snr_quantiles_db=[20.0] * 4)
    staying.tx = "other"
    return stamped(ShadowForecasts(forecasts=[fading, staying]))


def a_box() -> TrackedBoxes:
    box = TrackedBox(id="car", kind="car", existence=1.0)
    box.position.x, box.position.y = 4.0, -9.0
    box.size.x, box.size.y, box.size.z = 4.5, 1.8, 1.5
    box.covariance = np.diag([0.01, 0.01, 0.1, 0.1]).reshape(-1)
    return stamped(TrackedBoxes(boxes=[box]))


def a_plan() -> PlannedPath:
    places = [made("geometry_msgs/PoseStamped", header=header(made, time.time_ns(), "world"),
                   pose=made("geometry_msgs/Pose")) for _ in range(3)]  # fmt: skip
    for k, place in enumerate(places):
        place.pose.position.x, place.pose.position.y = 2.0 + k, -2.0
    return stamped(PlannedPath(poses=places))


def a_radio_map() -> OccupancyGrid:
    grid = stamped(OccupancyGrid(data=[20] * 6))
    grid.info.width, grid.info.height, grid.info.resolution = 3, 2, 0.5
    grid.info.origin.orientation.w = 1.0
    return grid


def an_association() -> Association:
    return stamped(Association(robot="standing", ap="ap", reported_by="standing"))


def an_estimate() -> MaterialEstimates:
    values = {"relative_permittivity": 5.0, "conductivity": 0.1, "thickness": 0.2}
    one = MaterialEstimate(surface="wall", soundings=3, **values)
    return stamped(MaterialEstimates(frequency=60.48e9, materials=[one]))


def a_residual() -> PathLossResiduals:
    numbers = {"residuals_db": [2.0], "trust": [1.0], "alone_db": 1.0, "shared_db": 2.0}
    place = [made("geometry_msgs/Point", x=0.0, y=-6.0, z=1.2)]
    return stamped(PathLossResiduals(access_points=["ap"], positions=place, reach=3.0, **numbers))


def a_change() -> SurfaceChanges:
    """The wall is where it was."""
    still = Pose(np.zeros(3), Rotation.identity())
    seen = SeenChange("wall", time.time_ns(), 0.9, ("mast",), motion=still)
    return surface_changes_message(made, time.time_ns(), "world", [seen])


TOPICS = (
    Topic("people", TrackedPeople, lambda: stamped(TrackedPeople(people=[a_person()])), 5),
    Topic("view1/image_raw", Image, an_image),
    Topic("view1/image_raw/compressed", CompressedImage),
    Topic("view1/detections", Detections, boxes),
    Topic("glasses/detections", Detections, boxes),
    Topic("glasses/camera_info", CameraInfo),
    Topic("mast/points", PointCloud2, a_cloud),
    Topic("mast/people", LidarPeople, lidar_people),
    Topic("/tf", TFMessage, a_transform, MOVING_QOS),
    Topic("/tf_static", TFMessage, a_transform, STATIC_QOS),
    Topic("channels", LinkChannels, channels, 5),
    Topic("channel_paths", ChannelPaths, channel_paths, 5),
    Topic("shadow_forecast", ShadowForecasts, forecasts, 5),
    Topic("tracked_boxes", TrackedBoxes, a_box, 5),
    Topic("roving/plan", PlannedPath, a_plan, 5),
    Topic("radio_map", OccupancyGrid, a_radio_map, LATCHED_QOS),
    Topic("roving/radio_map", OccupancyGrid, a_radio_map, 5),
    Topic("associations", Association, an_association, 5),
    Topic("telemetry", LinkTelemetry, lambda: stamped(link(LinkTelemetry, snr_db=15.0)), 5),
    Topic(
        "beams", BeamDecisions, lambda: stamped(BeamDecisions(decisions=[link(BeamDecision)])), 5
    ),
    Topic("/diagnostics", DiagnosticArray, None, 5),
    Topic("sounder/snapshots", ChannelSnapshot, lambda: stamped(link(ChannelSnapshot)), 5),
    Topic("material_estimates", MaterialEstimates, an_estimate, LATCHED_QOS),
    Topic("path_loss_residuals", PathLossResiduals, a_residual, LATCHED_QOS),
    Topic("surface_changes", SurfaceChanges, a_change, LATCHED_QOS),
)
SERVICES = {
    "set_material": SetMaterial,
    "predict_link": PredictLink,
    "campaign_replay/pause": Trigger,
}
CHANGED = ("channel_predictor", "view1/people_detector", "people_tracker", "campaign_replay")
"""Nodes whose parameters are asked for and set."""
PARAMETER_SERVICES: dict[str, Any] = {
    "set_parameters": SetParameters,
    "set_parameters_atomically": SetParametersAtomically,
    "get_parameters": GetParameters,
    "get_parameter_types": GetParameterTypes,
    "describe_parameters": DescribeParameters,
    "list_parameters": ListParameters,
}
LIFECYCLE_SERVICES: dict[str, Any] = {
    "change_state": ChangeState,
    "get_state": GetState,
    "get_available_states": GetAvailableStates,
    "get_available_transitions": GetAvailableTransitions,
    "get_transition_graph": GetAvailableTransitions,
    "get_type_description": GetTypeDescription,
}
MANAGED = ("beam_selector", "view1/people_detector", "people_tracker", "campaign_replay")
"""Nodes that are asked to go through their life; the others take longer to configure."""
ASKED_FOR = ("configure", "cleanup", "activate", "deactivate", "transition_error", "nothing")
STOPS = (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP)
SHUT_DOWN = (5, 6, 7)
"""Transitions to the end, from which ROS knows no way back: who asks for them gets them."""


@pytest.fixture
def site(small_site: Path) -> Path:
    """The small site with glasses that TF places, and a LiDAR."""
    content = yaml.safe_load(small_site.read_text())
    content["cameras"].append({"name": "glasses", "image_width": 768, "image_height": 576})
    (ap,) = content["access_points"]
    content["access_points"].append({**ap, "name": "other", "position": [8, -6, 3]})
    content["lidars"] = [{"name": "mast", "position": [-8, -6, 2.5], "learning_time": 0.0}]
    small_site.write_text(yaml.safe_dump(content))
    return small_site


@pytest.fixture
def graph(bench: NodeBench, site: Path, tmp_path: Path) -> Iterator[NodeBench]:
    """Every node of the site, with its own limits and tolerances."""
    common: dict[str, Any] = {"site": str(site), "limits.ahead": 0.5}
    bag = write_campaign(tmp_path / "bag", made_site(tmp_path / "other"))
    bench.active(SiteFrames, "site_frames", **common)
    bench.active(ChannelPredictor, "channel_predictor", cache=str(tmp_path / "cache"), **common)
    bench.active(BeamSelector, "beam_selector", **common)
    bench.active(MaterialCalibrator, "material_calibrator", cache=str(tmp_path / "cache"), **common)
    bench.active(PeopleTrackerNode, "people_tracker", **common)
    bench.active(TwinViewer, "twin_viewer", web_port=0, **common)
    seen = {"camera": "view1", "detector": "motion", **common}
    bench.active(PeopleDetector, "people_detector", "/view1", **seen)
    bench.active(PeopleDetector, "compressed", "/view1", compressed=True, **seen)
    bench.active(LidarPeopleNode, "lidar_people", "/mast", lidar="mast", **common)
    bench.active(SceneWatcherNode, "scene_watcher", lidar="mast", **common)
    bench.active(CampaignReplay, "campaign_replay", bag=str(bag), wait_for=["nobody"])
    bench.active(SceneMapper, "scene_mapper", period=0.05, picture_period=0.05, **common)
    begin_a_map(bench, tmp_path / "mapped")
    # All nodes in one process: a collection of all that they imported takes a second.
    gc.collect()
    gc.freeze()
    yield bench
    gc.unfreeze()


def begin_a_map(bench: NodeBench, out: Path) -> None:
    """Which goes on until the end of the test: a mapper without a goal takes nothing in."""
    client = ActionClient(bench._probe, BuildMap, "build_map")
    assert bench.until(client.server_is_ready)
    sent = client.send_goal_async(BuildMap.Goal(site_out=str(out)))
    assert bench.until(sent.done) and sent.result().accepted


def wrong(messages: list[Any], faults: Callable[[Any], list[str]]) -> list[str]:
    return [text for message in messages for text in faults(message)]


def people_faults(message: TrackedPeople) -> list[str]:
    if message.stale:
        return []
    rows = [
        [p.position.x, p.position.y, p.velocity.x, p.velocity.y, p.height, p.heading, *p.covariance]
        for p in message.people
    ]
    numbers = np.array(rows).reshape(-1)
    good = np.isfinite(numbers).all() and (np.abs(numbers) <= FARTHEST).all()
    good = good and all(0 < p.height < LARGEST for p in message.people)
    return [] if good else [f"people {rows}"]


def channel_faults(message: LinkChannels) -> list[str]:
    names = ("path_loss_db", "rms_delay_spread", "azimuth_spread", "shadow_loss_db")
    return [
        f"{link.tx}-{link.rx}: {[getattr(link, n) for n in names]}"
        for link in message.channels
        if not (link.stale or link.reason)
        if not all(math.isfinite(getattr(link, n)) for n in names)
    ]


def beam_faults(message: BeamDecisions) -> list[str]:
    return [
        f"{one.tx}-{one.rx}: mcs {one.mcs}, {one.snr_db} dB"
        for one in message.decisions
        if one.mcs >= 0 and not message.stale
        if not all(map(math.isfinite, (one.snr_db, one.rssi_dbm, one.throughput, one.phy_rate)))
    ]


def hand_over_faults(message: HandOver) -> list[str]:
    good = math.isfinite(message.expected_gain) and 0 <= message.confidence <= 1
    good = good and message.duration >= 0 and {message.from_ap, message.to_ap} == {"ap", "other"}
    return [] if good else [f"{message}"]


class Outputs:
    """What the nodes under test say, told from what the test says on the same topics."""

    def __init__(self, bench: NodeBench) -> None:
        self.said: dict[str, list[Any]] = {
            name: [] for name in ("people", "channels", "beams", "hand_overs")
        }
        for node in bench.nodes:
            self.listen_to(node)

    def listen_to(self, node: Any) -> None:
        """Whose publishers are new."""
        for publisher in node.publishers:
            heard = self.said.get(publisher.topic_name.strip("/"))
            if heard is not None:
                publisher.publish = partial(self._publish, publisher.publish, heard)

    @staticmethod
    def _publish(publish: Callable[[Any], None], heard: list[Any], message: Any) -> None:
        heard.append(message)
        publish(message)

    def faults(self) -> list[str]:
        """Since the last time."""
        found = [
            *wrong(self.said["people"], people_faults),
            *wrong(self.said["channels"], channel_faults),
            *wrong(self.said["beams"], beam_faults),
            *wrong(self.said["hand_overs"], hand_over_faults),
        ]
        for heard in self.said.values():
            heard.clear()
        return found


class Lives:
    """Brings nodes back that were asked to stop working."""

    def __init__(self, graph: NodeBench, outputs: Outputs) -> None:
        self._outputs = outputs
        self._own = [
            (node, list(node.get_parameters_by_prefix("").values()))
            for node in graph.nodes
            if node.get_fully_qualified_name().strip("/") in MANAGED
        ]
        self.ended = 0

    def restore(self) -> None:
        for node, parameters in self._own:
            before = state = node._state_machine.current_state[1]
            if state == "unconfigured":
                node.set_parameters(parameters)  # others may have been set meanwhile
                node.trigger_configure()
                state = node._state_machine.current_state[1]
            if state == "inactive":
                node.trigger_activate()
            assert node._state_machine.current_state[1] == "active", node.get_name()
            if before != "active":
                self.ended += 1
            if before == "unconfigured":
                self._outputs.listen_to(node)


class Questions:
    """Requests to the nodes' own services, to those of their parameters and of their lives."""

    def __init__(self, graph: NodeBench, hostile: Hostile) -> None:
        self._hostile = hostile
        self._kinds = dict(SERVICES)
        for node in CHANGED:
            self._kinds |= {f"{node}/{name}": kind for name, kind in PARAMETER_SERVICES.items()}
        for node in MANAGED:
            self._kinds |= {f"{node}/{name}": kind for name, kind in LIFECYCLE_SERVICES.items()}
        self._clients = {name: graph.client(kind, name) for name, kind in self._kinds.items()}
        self._own = [
            parameter.to_parameter_msg()
            for node in graph.nodes
            if node.get_fully_qualified_name().strip("/") in CHANGED
            for parameter in node.get_parameters_by_prefix("").values()
        ]
        self.names = list(self._kinds)

    def ask(self, name: str, order: np.random.Generator) -> None:
        kind = self._kinds[name].Request
        valid = None
        if hasattr(kind(), "parameters"):
            chosen = [self._own[k] for k in order.integers(len(self._own), size=3)]
            valid = partial(kind, parameters=deepcopy(chosen))
        elif hasattr(kind(), "names"):
            valid = partial(kind, names=[self._own[k].name for k in order.integers(9, size=3)])
        elif hasattr(kind(), "transition"):
            wanted = [Transition(id=k) for k in range(1, 5)]
            wanted += [Transition(label=label) for label in ASKED_FOR]
            valid = partial(kind, transition=wanted[order.integers(len(wanted))])
        request = self._hostile.message(kind, valid)
        if hasattr(request, "transition") and order.random() < 0.5:  # one that is to be had
            request.transition = Transition(id=int(order.choice(STOPS)))
        elif hasattr(request, "transition") and request.transition.id in SHUT_DOWN:
            request.transition.id = 0
        self._clients[name].call_async(request)


@pytest.mark.timeout(180 + MESSAGES // 10)
def test_no_message_ends_a_node_holds_it_up_or_comes_out_as_fresh(graph: NodeBench) -> None:
    hostile, outputs = Hostile(SEED), Outputs(graph)
    senders = [(t, graph.publisher(t.kind, t.name, t.qos, seconds=3.0)) for t in TOPICS]
    questions, lives = Questions(graph, hostile), Lives(graph, outputs)
    order = np.random.default_rng(SEED)
    whom = [*senders, *questions.names]
    for k in range(MESSAGES):
        if k < len(whom):  # everybody once, then by chance
            chosen = whom[k]
        elif order.random() < ASKED:
            chosen = str(order.choice(questions.names))
        elif order.random() < LIVED:
            chosen = f"{order.choice(MANAGED)}/change_state"
        else:
            chosen = senders[order.integers(len(senders))]
        if isinstance(chosen, str):
            name = chosen
            questions.ask(name, order)
        else:
            topic, sender = chosen
            name = topic.name
            sender.publish(hostile.message(topic.kind, topic.valid))
        unharmed(graph, outputs, f"message {k}, on {name}")
        if k % RESTORED == 0:
            lives.restore()
    assert len(whom) <= MESSAGES
    assert lives.ended > 0


def unharmed(graph: NodeBench, outputs: Outputs, after: str) -> None:
    """Runs what is ready; nothing of it takes long, fails or says as fresh what cannot be."""
    seconds, whose = graph.longest_callback()
    assert seconds < LONGEST, f"{after}: {whose} took {seconds:.2f} s"
    faults = {node.get_name(): dict(node.faults) for node in graph.nodes if node.faults}
    assert not faults, f"{after}: {faults}"
    invented = outputs.faults()
    assert not invented, f"{after}: {invented}"


def test_no_clock_ends_a_node_and_a_sound_one_makes_people_fresh_again(
    bench: NodeBench, site: Path
) -> None:
    common: dict[str, Any] = {"site": str(site), "use_sim_time": True, "limits.ahead": 0.5}
    bench.active(BeamSelector, "beam_selector", **common)
    tracker = bench.active(PeopleTrackerNode, "people_tracker", **common)
    hostile, outputs = Hostile(SEED), Outputs(bench)
    clock, sent = (
        bench.publisher(Clock, "/clock", SENSOR_QOS),
        bench.publisher(Detections, "view1/detections", SENSOR_QOS),
    )
    order = np.random.default_rng(SEED)
    for k in range(MESSAGES // 10):
        clock.publish(hostile.message(Clock))
        now = tracker.get_clock().now().to_msg()
        found = boxes()
        if order.random() < 0.8:
            found.header.stamp = now
        sent.publish(found)
        unharmed(bench, outputs, f"clock {k}")
    assert "refused" in bench.statuses["people_tracker: input /clock"][1]
    people = bench.heard(TrackedPeople, "people")

    def fresh() -> bool:
        stamp = time.time_ns()
        clock.publish(Clock(clock=header(made, stamp, "").stamp))
        bench.spin(0.05)
        sent.publish(boxes())
        return any(m.people and not m.stale for m in people)

    assert bench.until(fresh, 20.0)
