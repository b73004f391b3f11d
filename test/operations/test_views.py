"""RViz, Foxglove and rosbag2 are set up for the site and the namespace: what they name is there."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
import yaml

from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.operations.node_table import node_table
from visrftwin_ros.operations.views.foxglove import foxglove_layout
from visrftwin_ros.operations.views.graph_topics import graph_topics
from visrftwin_ros.operations.views.recording import record_overrides, recorded
from visrftwin_ros.operations.views.rviz import rviz_config, rviz_window
from visrftwin_ros.site.loading import load_site


def test_a_recording_has_all_but_what_is_only_looked_at() -> None:
    topics = recorded(graph_topics(load_site("lobby")))
    overrides = record_overrides(topics)
    assert {"/tf_static", "/people", "/channels", "/panorama/image_raw"} <= set(overrides)
    assert not {"/scene", "/paths", "/panorama/debug_image"} & set(overrides)
    assert overrides["/tf_static"]["durability"] == "transient_local"
    assert overrides["/panorama/image_raw"]["reliability"] == "best_effort"


def test_rviz_and_foxglove_show_topics_of_the_namespace() -> None:
    site = load_site("pets_campus")
    names = {topic.name for topic in graph_topics(site, "hall/east")}
    manager = rviz_config(site, "hall/east")["Visualization Manager"]
    shown = {d["Topic"]["Value"] for d in manager["Displays"] if "Topic" in d}
    solid = {"scene", "paths", "people_markers", "links", "radio_map"}
    assert shown == {f"/hall/east/{name}" for name in {*solid, "view1/image_raw"}}
    assert shown <= names
    assert manager["Global Options"]["Fixed Frame"] == site.world_frame
    layout = foxglove_layout(site, "hall/east")
    panels = layout["configById"]
    assert panels["3D!place"]["topics"] == {
        f"/hall/east/{name}": {"visible": name in solid} for name in {*solid, "outage_map"}
    }
    assert panels["Image!camera"]["imageMode"]["imageTopic"] in names
    curve = panels["Plot!loss"]["paths"][0]["value"]
    link = f'{{tx=="{site.access_points[0].name}"}}{{rx=="{site.robots[0].name}"}}'
    assert curve == f"/hall/east/channels.channels[:]{link}.shadow_loss_db"
    assert _leaves(layout["layout"]) == set(panels)


def _leaves(tree: object) -> set[str]:
    if isinstance(tree, dict):
        return _leaves(tree["first"]) | _leaves(tree["second"])
    return {str(tree)}


def test_views_writes_files_that_say_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [
        "views",
        "--site",
        "pets_campus",
        "--namespace",
        "hall",
        "--out",
        str(tmp_path / "v"),
    ]
    assert main([*command, "--compressed"]) == 0
    said = capsys.readouterr().out
    assert f"rviz2 -d {tmp_path}/v/twin.rviz --ros-args -r /tf:=/hall/tf" in said
    topics = (tmp_path / "v" / "record_topics.txt").read_text().split()
    assert set(yaml.safe_load((tmp_path / "v" / "record_qos.yaml").read_text())) == set(topics)
    assert "/hall/view1/image_raw/compressed" in topics
    assert "configById" in json.loads((tmp_path / "v" / "foxglove.json").read_text())
    assert main(command) == 2  # it exists
    assert main([*command, "--force"]) == 0


def test_rviz_runs_beside_the_twin_and_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a program in RViz's place that notes what it was started with."""
    noted, program = tmp_path / "noted", tmp_path / "rviz2"
    program.write_text(f'#!/bin/sh\ncp "$2" {noted}.rviz\necho $$ "$@" > {noted}\nexec sleep 60\n')
    program.chmod(0o755)
    site = load_site("pets_campus")
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(TwinError, match="install ros-jazzy-rviz2"), rviz_window(site):
        pass
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with rviz_window(site, "hall", use_sim_time=True):
        deadline = time.monotonic() + 20
        while not (noted.exists() and noted.read_text()) and time.monotonic() < deadline:
            time.sleep(0.02)
        pid, *words = noted.read_text().split()
    assert words[2:] == [
        *("--ros-args", "-r", "/tf:=/hall/tf", "-r", "/tf_static:=/hall/tf_static"),
        *("-r", "/clock:=/hall/clock", "-p", "use_sim_time:=true"),
    ]
    assert yaml.safe_load(Path(f"{noted}.rviz").read_text()) == rviz_config(site, "hall")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_up_takes_rviz_and_a_simulators_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = load_site("pets_campus")
    table = node_table(site, "pets_campus", use_sim_time=True)
    assert all(spec.parameters["use_sim_time"] is True for spec in table)
    assert main(["up", "--site", "pets_campus", "--use-sim-time"]) == 2
    assert "give --video none" in capsys.readouterr().err
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["up", "--site", "pets_campus", "--rviz"]) == 2
    assert "there is no rviz2" in capsys.readouterr().err
