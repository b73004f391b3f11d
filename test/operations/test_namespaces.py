"""A namespace holds a whole twin: two on one graph do not hear each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
import yaml
from rclpy.executors import SingleThreadedExecutor
from scipy.spatial.transform import Rotation
from tf2_msgs.msg import TFMessage

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.messages.stamps import header
from visrftwin_ros.msg import BeamDecisions, LinkChannels, TrackedPeople
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.transforms import MOVING_QOS, Pose
from visrftwin_ros.nodes.shared.twin_node import RESULT_QOS
from visrftwin_ros.operations.graph import Graph
from visrftwin_ros.operations.node_table import FROM_THE_TOP, node_table
from visrftwin_ros.site.loading import load_site

LISTENERS = ("site_frames", "channel_predictor", "beam_selector")


def test_every_node_of_a_table_lies_below_its_namespace() -> None:
    site = load_site("pets_campus")
    plain = node_table(site, "pets_campus", video="v.avi")
    below = node_table(site, "pets_campus", video="v.avi", namespace="hall/east/")
    assert [s.full_name for s in below] == [f"/hall/east{s.full_name}" for s in plain]
    assert all(s.remapped == {t: f"/hall/east{t}" for t in FROM_THE_TOP} for s in below)
    assert not any(s.remapped for s in plain)


@pytest.mark.parametrize("wrong", ["7th", "a b", "a-b", "a/3"])
def test_a_namespace_that_is_no_ros_name_is_an_error(wrong: str) -> None:
    with pytest.raises(TwinError, match="is no ROS name"):
        node_table(load_site("pets_campus"), "pets_campus", namespace=wrong)


class Two:
    """The twins `a` and `b` of two sites as processes, and one who speaks and listens to both."""

    def __init__(self, sites: dict[str, Path]) -> None:
        self.heard: dict[str, list[Any]] = {}
        self._node = rclpy.create_node("between")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        for name in sites:
            for topic, kind in (("channels", LinkChannels), ("beams", BeamDecisions)):
                full = f"/{name}/{topic}"
                kept = self.heard.setdefault(full, [])
                self._node.create_subscription(kind, full, kept.append, RESULT_QOS)
        self._graph = Graph(
            [
                spec
                for name, file in sites.items()
                for spec in node_table(
                    load_site(str(file)), str(file), namespace=name, viewer=False
                )
                if spec.executable in LISTENERS
            ]
        )
        self._graph.start()

    def close(self) -> None:
        self._graph.stop()
        self._executor.shutdown()
        self._node.destroy_node()

    def publisher(self, kind: type, topic: str, qos: Any) -> Any:
        return self._node.create_publisher(kind, topic, qos)

    def until(self, condition: Callable[[], object], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            self._executor.spin_once(timeout_sec=0.05)
            assert self._graph.poll() is None
        return bool(condition())


@pytest.fixture
def two(ros: None, two_sites: dict[str, Path]) -> Iterator[Two]:
    graph = Two(two_sites)
    yield graph
    graph.close()


@pytest.fixture
def two_sites(tmp_path: Path) -> dict[str, Path]:
    """With one access point each, of another name, and a robot that TF places."""
    sites = {}
    for name in ("a", "b"):
        array = {"rows": 1, "columns": 2}
        content = {
            "name": name,
            "propagation": {
                **dict.fromkeys(("diffuse", "refraction", "diffraction"), False),
                **{"max_depth": 1, "samples": 3000},
            },
            "scene": [
                {"name": "floor", "kind": "ground", "size": [60, 60], "material": "concrete"}
            ],
            "access_points": [{"name": f"ap_{name}", "position": [-8, -6, 3], "array": array}],
            "robots": [{"name": "roving", "array": array}],
        }
        file = tmp_path / name / "site.yaml"
        file.parent.mkdir()
        file.write_text(yaml.safe_dump(content))
        sites[name] = file
    return sites


@pytest.mark.timeout(300)
def test_people_and_robots_of_one_twin_are_not_those_of_the_other(two: Two) -> None:
    people = two.publisher(TrackedPeople, "/a/people", RESULT_QOS)
    transforms = two.publisher(TFMessage, "/a/tf", MOVING_QOS)
    pose = Pose(np.array([2.0, -2.0, 0.0]), Rotation.identity())

    def a_is_fresh() -> bool:
        stamp = time.time_ns()
        frame = transform_message(made, "world", "roving/base_link", stamp, pose)
        transforms.publish(TFMessage(transforms=[frame]))
        message = TrackedPeople()
        message.header = header(made, stamp, "world")
        people.publish(message)
        return any(
            not (m.channels[0].stale or m.channels[0].reason) for m in two.heard["/a/channels"]
        )

    assert two.until(a_is_fresh, 120.0)
    assert two.until(lambda: two.heard["/b/channels"], 60.0)
    assert two.until(lambda: a_is_fresh() and two.heard["/a/beams"], 20.0)
    links = {
        name: {c.tx for m in two.heard[f"/{name}/channels"] for c in m.channels} for name in "ab"
    }
    assert links == {"a": {"ap_a"}, "b": {"ap_b"}}
    for message in two.heard["/b/channels"]:
        (link,) = message.channels
        assert link.stale
        assert link.reason == "no pose of roving"
    assert {d.tx for m in two.heard["/b/beams"] for d in m.decisions} == set()
