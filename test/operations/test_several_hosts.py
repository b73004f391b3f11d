"""A twin's nodes on several hosts: which of them a command starts, and that they find each other."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from visrftwin_ros.cli import main
from visrftwin_ros.commands.up import command_line, launch_arguments
from visrftwin_ros.errors import TwinError
from visrftwin_ros.operations.node_table import NodeSpec, node_table, only, remapped
from visrftwin_ros.site.loading import load_site


def table(namespace: str = "") -> list[NodeSpec]:
    return node_table(load_site("lobby"), "lobby", namespace=namespace)


@pytest.mark.parametrize("namespace", ["", "hall/east"])
def test_the_hosts_of_a_twin_share_its_nodes_out(namespace: str) -> None:
    whole = table(namespace)
    seeing = only(whole, namespace, ["cctv_*/*"])
    root = f"/{namespace}" if namespace else ""
    assert [spec.full_name for spec in seeing] == [
        f"{root}/cctv_southwest/people_detector",
        f"{root}/cctv_northeast/people_detector",
    ]
    by_executable = only(whole, namespace, ["people_detector", "lidar_people"])
    assert {spec.executable for spec in by_executable} == {"people_detector", "lidar_people"}
    assert len(by_executable) == 4
    rest = only(whole, namespace, ["[!cpl]*", "channel_predictor", "people_tracker"])
    assert len(rest) + len(by_executable) == len(whole)
    assert not {spec.full_name for spec in rest} & {spec.full_name for spec in by_executable}


def test_a_name_that_no_node_has_is_told_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(TwinError, match=r"no node cam1/\*: there are site_frames, .*lidar_top"):
        only(table(), "", ["people_detector", "cam1/*"])
    words = ["up", "--site", "lobby", "--no-viewer", "--only", "people_tracker,detector"]
    assert main(words) == 2
    assert "no node detector: there are site_frames" in capsys.readouterr().err


def test_ros2_launch_has_the_same_argument() -> None:
    values = {name: default for name, (default, _) in launch_arguments().items()}
    words = command_line(values | {"site": "lobby", "only": "view1/*"})
    assert "--only=view1/*" in words


def test_a_topic_that_is_remapped_is_remapped_of_every_node(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    started = list[NodeSpec]()

    def start(table: list[NodeSpec]) -> int:
        started.extend(table)
        return 0

    monkeypatch.setattr("visrftwin_ros.operations.graph.run_graph", start)
    rules = "/view1/image_raw:=/front/color/image_raw,/people:=/crowd/people"
    words = ["up", "--site", "pets_campus", "--video", "none", "--no-viewer", "--remap"]
    assert main([*words, rules]) == 0
    asked = {"/view1/image_raw": "/front/color/image_raw", "/people": "/crowd/people"}
    assert started and all(spec.remapped == asked for spec in started)
    for wrong in ("view1/image_raw:=/front/image_raw", "/a:=", "__ns:=/hall", "/a:=/b /c:=/d"):
        assert main([*words, wrong]) == 2
        assert "expected two names in full" in capsys.readouterr().err


def test_what_the_table_remaps_itself_follows_as_ros_applies_one_rule_alone() -> None:
    whole = node_table(load_site("pets_campus"), "pets_campus", namespace="hall", predictors=2)
    rules = {"/hall/channels": "/radio/channels", "/hall/tf": "/robots/tf"}
    second = next(spec for spec in remapped(whole, rules) if "part_2" in spec.namespace)
    assert second.remapped["channels"] == "/radio/channels"
    assert second.remapped["/tf"] == "/robots/tf"
    assert second.remapped["people"] == "/hall/people"


@pytest.mark.graph
def test_who_is_remapped_hears_and_speaks_there_and_the_doctor_finds_it(
    quiet_domain: None, tmp_path: Path
) -> None:
    rules = "/people:=/crowd/people,/channels:=/radio/channels,/view1/image_raw:=/front/image_raw"
    words = ["--site", "pets_campus", "--remap", rules]
    command = [sys.executable, "-m", "visrftwin_ros.cli"]
    up = [*command, "up", "--video", "none", "--no-viewer", *words]
    doctor = [*command, "doctor", *words, "--seconds", "2"]
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(up, stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + 90.0
        while True:
            found = subprocess.run(doctor, capture_output=True, text=True, timeout=60).stdout
            speaks = re.search(r"topic /radio/channels: [1-9][\d.]* a second from 1 publ", found)
            if speaks and re.search(r"topic /crowd/people: [\d.]+ a second from 1 publ", found):
                break
            assert time.monotonic() < deadline, found
        assert "camera view1: /front/image_raw: " in found and "topic /beams: " in found
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
