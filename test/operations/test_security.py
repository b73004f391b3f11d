"""SROS2 policies come from the nodes themselves and permit what a running graph has, and no more."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.operations.graph import Graph
from visrftwin_ros.operations.node_table import node_table
from visrftwin_ros.operations.security import Endpoints, differences, permitted, policy_xml
from visrftwin_ros.operations.views.graph_topics import graph_topics
from visrftwin_ros.site.loading import load_site

SITE = "pets_campus"
OF_EVERY_NODE = ("/parameter_events", "/rosout", "/transition_event")
SENSORS_ALONE = {"/hall/view1/camera_info", "/hall/clock"}
"""Of cameras and simulators; nodes hear them only where they have to."""
LIGHT = ("site_frames", "beam_selector", "material_calibrator")
"""Nodes that start in a moment."""

CHILDREN = {
    "policy": {"enclaves"},
    "enclaves": {"enclave"},
    "enclave": {"profiles"},
    "profiles": {"profile"},
    "profile": {"topics", "services", "actions"},
    "topics": {"topic"},
    "services": {"service"},
    "actions": {"action"},
}
NEEDED = {"policy": {"version"}, "enclave": {"path"}, "profile": {"ns", "node"}}
RULED = {
    "topics": {"publish", "subscribe"},
    "services": {"reply", "request"},
    "actions": {"call", "execute"},
}
"""What sros2's policy.xsd says: elements within elements, at least one of each, and attributes."""


def schema_faults(element: ElementTree.Element) -> list[str]:
    tag, inner = element.tag, [child.tag for child in element]
    found = []
    if not set(inner) <= CHILDREN.get(tag, set()):
        found.append(f"{tag} holds {inner}")
    if tag in CHILDREN and not inner:
        found.append(f"{tag} is empty")
    given = set(element.attrib)
    if not NEEDED.get(tag, set()) <= given <= NEEDED.get(tag, set()) | RULED.get(tag, set()):
        found.append(f"{tag} has {given}")
    if tag in RULED and not (given and set(element.attrib.values()) <= {"ALLOW", "DENY"}):
        found.append(f"{tag} rules {element.attrib}")
    if tag not in CHILDREN and not (element.text or "").startswith("/"):
        found.append(f"{tag} is {element.text!r}")
    return found + [fault for child in element for fault in schema_faults(child)]


def visrftwin(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "visrftwin_ros.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.timeout(300)
def test_a_policy_permits_what_the_running_graph_has_and_no_more(
    quiet_domain: None, tmp_path: Path
) -> None:
    file = tmp_path / "policy.xml"
    given = ["--site", SITE, "--video", "none", "--namespace", "hall", "--no-viewer"]
    given += ["--calibrate", "--map", "--remap", "/hall/view1/image_raw:=/front/image_raw"]
    code, said = visrftwin("security", "policies", *given, "--out", str(file))
    assert code == 0, said
    site = load_site(SITE)
    table = node_table(site, SITE, viewer=False, calibrate=True, map_scene=True, namespace="hall")
    policy = permitted(file)
    assert set(policy) == {spec.full_name for spec in table}
    assert schema_faults(ElementTree.parse(file).getroot()) == []
    detector, predictor = policy["/hall/view1/people_detector"], policy["/hall/channel_predictor"]
    assert "/hall/view1/detections" in detector.publishes
    assert detector.hears == {"/front/image_raw"}
    assert "/hall/predict_link" in predictor.serves and "/hall/tf" in predictor.hears
    assert "/hall/calibrate/_action/send_goal" in policy["/hall/material_calibrator"].serves
    assert "/hall/build_map/_action/send_goal" in policy["/hall/scene_mapper"].serves
    assert not any(own.asks for own in policy.values())
    told = {name for own in policy.values() for name in own.publishes | own.hears}
    told = {name for name in told if not name.endswith(OF_EVERY_NODE) and "/_action/" not in name}
    known = {t.name for t in graph_topics(load_site(SITE), "hall")} - {"/hall/view1/image_raw"}
    if find_spec("vision_msgs") is None:
        known.remove("/hall/view1/detections_2d")
    assert known | {"/front/image_raw"} == told | SENSORS_ALONE

    graph = Graph([spec for spec in table if spec.executable in LIGHT])
    graph.start()
    try:
        for _ in range(10):  # until they are configured
            assert graph.poll() is None
            code, said = visrftwin("security", "check", str(file), "--seconds", "3")
            if "3 nodes, 0 differences" in said:
                break
        assert (code, "3 nodes, 0 differences" in said) == (0, True), said
    finally:
        graph.stop()


def test_what_a_policy_lacks_and_what_it_has_beyond_are_named(tmp_path: Path) -> None:
    own = Endpoints(*map(frozenset, (["/people"], ["/tf"], ["/tracker/ask"], [])))
    file = tmp_path / "policy.xml"
    file.write_text(policy_xml({"/tracker": own}))
    policy = permitted(file)
    assert policy == {"/tracker": own} and differences(policy, policy) == []
    other = replace(own, publishes=frozenset({"/cmd_vel"}))
    assert differences(policy, {"/tracker": other, "/hall/tracker": own}) == [
        ("/tracker", "publishes /cmd_vel: not permitted"),
        ("/tracker", "publishes /people: permitted, not used"),
        ("/hall/tracker", "the policy has no such node"),
    ]


@pytest.mark.parametrize(
    ("text", "said"), [("<policy", "no XML"), ("<policy version='0.1.0'/>", "version 0.2.0")]
)
def test_what_is_no_policy_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "policy.xml").write_text(text)
    with pytest.raises(TwinError, match=said):
        permitted(tmp_path / "policy.xml")
