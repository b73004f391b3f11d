"""Names come from outside without end: no node keeps them all."""

from __future__ import annotations

import gc
import sys
import time
from collections import deque
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import pytest
import yaml
from node_bench import NodeBench

from visrftwin_ros.messages.channels import channel_paths_message, channels_message
from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.messages.stamps import header
from visrftwin_ros.msg import (
    Association,
    BeamDecision,
    BeamDecisions,
    Detection,
    Detections,
    LidarPeople,
    LidarPerson,
    LinkChannel,
    LinkPaths,
    LinkTelemetry,
    ShadowForecast,
    ShadowForecasts,
    TrackedBox,
    TrackedBoxes,
    TrackedPeople,
    TrackedPerson,
)
from visrftwin_ros.nodes.beam_selector import BeamSelector
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.people_tracker import PeopleTrackerNode
from visrftwin_ros.nodes.shared import frame_watch
from visrftwin_ros.nodes.site_frames import SiteFrames
from visrftwin_ros.nodes.twin_viewer import TwinViewer
from visrftwin_ros.perception.tracking import reidentification, tracker
from visrftwin_ros.site import frames

ROUNDS = 70
"""Of new names, after which all that is kept on purpose is full; twice."""
FEW = 15
"""Things more or less that are no growth: who is there changes."""
HELD = (list, tuple, set, frozenset, deque)


def boxes_of(k: int) -> Detections:
    """Somebody who steps elsewhere every fourth time, and looks otherwise."""
    chance = np.random.default_rng(k // 4)
    x, y = chance.uniform(100, 650), chance.uniform(250, 500)
    look = chance.normal(size=72)
    look /= np.linalg.norm(look)
    box = {"score": 0.9, "x": x, "y": y, "width": 30.0, "height": 75.0, "embedding": look}
    one = Detection(track_id=f"t{k}", **box)
    size = {"image_width": 768, "image_height": 576}
    return Detections(camera="view1", detector="yolo", detections=[one], **size)


def forecast_of(k: int) -> ShadowForecasts:
    values: dict[str, Any] = {"horizon": [0.0, 1.0], "quantiles": [0.25, 0.75]}
    values |= {name: [0.0, 1.0] for name in ("shadow_loss_db", "shadow_loss_upper_db")}
    values |= {"shadow_loss_quantiles_db": [0.0] * 4, "snr_quantiles_db": [20.0, 20.0, 9.0, 9.0]}
    return ShadowForecasts(forecasts=[ShadowForecast(tx="ap", rx=f"r{k}", **values)])


def messages(k: int, stamp: int) -> dict[str, Any]:
    """By topic; every name in them is new."""
    covariance = np.diag([0.01, 0.01, 0.1, 0.1]).reshape(-1)
    person = TrackedPerson(id=f"p{k}", height=1.75, width=0.5, depth=0.3, covariance=covariance)
    person.position.x, person.position.y, person.material = -3.0, -6.0, f"m{k}"
    box = TrackedBox(id=f"b{k}", kind=f"k{k}", material=f"m{k}", existence=1.0)
    box.covariance, box.position.x = covariance, 4.0
    box.size.x, box.size.y, box.size.z = 4.5, 1.8, 1.5
    seen = LidarPerson(covariance=np.eye(3).reshape(-1) * 0.01, height=1.7, score=0.9)
    seen.centroid.x = -8.0 + k % 7
    pose = frames.Pose(np.zeros(3), frames.Rotation.identity())
    transforms = [transform_message(made, "world", f"f{k}", stamp, pose)]
    ends = {"tx": "ap", "rx": f"r{k}"}
    found: dict[str, Any] = {
        "people": TrackedPeople(people=[person]),
        "tracked_boxes": TrackedBoxes(boxes=[box]),
        "view1/detections": boxes_of(k),
        "mast/people": LidarPeople(lidar="mast", reach=30.0, people=[seen]),
        "channels": channels_message(made, stamp, "world", [LinkChannel(**ends)]),
        "channel_paths": channel_paths_message(made, stamp, "world", [LinkPaths(**ends)]),
        "shadow_forecast": forecast_of(k),
        "associations": Association(robot=f"r{k}", ap="ap", reported_by=f"r{k}"),
        "telemetry": LinkTelemetry(snr_db=15.0, **ends),
        "beams": BeamDecisions(decisions=[BeamDecision(**ends)]),
        "tf": made("tf2_msgs/TFMessage", transforms=transforms),
        "tf_static": made("tf2_msgs/TFMessage", transforms=transforms),
    }
    for topic, message in found.items():
        if not topic.startswith("tf"):
            message.header = header(made, stamp, "view1" if "detections" in topic else "world")
    return found


def held_by(node: Any) -> dict[str, int]:
    """Things in all containers that are reached through what is ours, by where."""
    counts: dict[str, int] = {}
    seen: set[int] = set()
    todo = [(name, value) for name, value in vars(node).items()]
    while todo:
        where, thing = todo.pop()
        if id(thing) in seen or isinstance(thing, (type, ModuleType, FunctionType, MethodType)):
            continue
        seen.add(id(thing))
        inner: list[Any] = []
        if isinstance(thing, dict):
            inner = [*thing.keys(), *thing.values()]
            counts[where] = counts.get(where, 0) + len(thing)
        elif isinstance(thing, HELD):
            inner = list(thing)
            counts[where] = counts.get(where, 0) + len(thing)
        elif type(thing).__module__.startswith("visrftwin_ros") and hasattr(thing, "__dict__"):
            todo += [(f"{where}.{name}", value) for name, value in vars(thing).items()]
        todo += [(where, one) for one in inner]
    return counts


def remembered() -> int:
    """Entries of the caches of all our functions."""
    ours = [m for name, m in list(sys.modules.items()) if name.startswith("visrftwin_ros.")]
    cached = {id(f): f for m in ours for f in vars(m).values() if hasattr(f, "cache_info")}
    return sum(f.cache_info().currsize for f in cached.values())


@pytest.fixture
def site(small_site: Path) -> str:
    content = yaml.safe_load(small_site.read_text())
    content["lidars"] = [{"name": "mast", "position": [-8, -6, 2.5], "learning_time": 0.0}]
    small_site.write_text(yaml.safe_dump(content))
    return str(small_site)


def test_tables_by_names_from_outside_stop_growing(
    bench: NodeBench, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, few in (
        (tracker, "MOST_REPLAYED", 4),
        (reidentification, "MOST_REMEMBERED", 8),
        (frames, "MOST_FRAMES", 20),
        (frame_watch, "MOST_FRAMES", 20),
    ):
        monkeypatch.setattr(module, name, few)
    nodes = [
        bench.active(SiteFrames, "site_frames", site=site),
        bench.active(ChannelPredictor, "predictor", site=site, cache=str(tmp_path / "cache")),
        bench.active(BeamSelector, "selector", site=site),
        bench.active(PeopleTrackerNode, "tracker", site=site),
        bench.active(TwinViewer, "viewer", site=site, web_port=0),
    ]
    before = time.time_ns()
    grown: list[dict[str, dict[str, int]]] = []
    kept: list[int] = []
    for k in range(2 * ROUNDS):
        sent = messages(k, before + k * 100_000_000)
        for node in nodes:
            for subscription in list(node.subscriptions):
                message = sent.get(subscription.topic_name.strip("/"))
                if message is not None:
                    subscription.callback(message)
        if (k + 1) % ROUNDS == 0:
            gc.collect()
            grown.append({node.get_name(): held_by(node) for node in nodes})
            kept.append(remembered())
    for name, first in grown[0].items():
        second = grown[1][name]
        more = {w: (first.get(w, 0), n) for w, n in second.items() if n > first.get(w, 0) + FEW}
        assert not more, f"{name} holds more and more: {more}"
    assert kept[1] <= kept[0] + FEW
    assert nodes[3]._tracker._next_id > ROUNDS // 4  # there were new people, too
