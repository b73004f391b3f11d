"""`visrftwin up` looks after real node processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from made_campaign import made_site, write_campaign

from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab import shipped
from visrftwin_ros.nodes.shared.exit_codes import EXIT_CANNOT_START
from visrftwin_ros.operations.graph import Graph, run_graph
from visrftwin_ros.operations.node_table import EXECUTABLES, NodeSpec, node_table
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Lidar

FRAMES = NodeSpec("site_frames", "", {"site": "pets_campus"})


def eventually(condition: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


def test_a_node_that_dies_is_restarted() -> None:
    graph = Graph([FRAMES])
    graph.start()
    try:
        first = graph.pid("/site_frames")
        assert first is not None
        os.kill(first, signal.SIGKILL)

        def restarted() -> bool:
            assert graph.poll() is None
            return graph.pid("/site_frames") not in (None, first)

        assert eventually(restarted)
        assert graph.restarted == ["/site_frames"]
    finally:
        graph.stop()


def test_a_node_that_cannot_start_ends_the_graph() -> None:
    assert run_graph([FRAMES, NodeSpec("site_frames", "/other", {"site": "atlantis"})]) == (
        EXIT_CANNOT_START
    )


def test_ctrl_c_stops_every_process(tmp_path: Path) -> None:
    program = (
        "import sys; from visrftwin_ros.operations.graph import run_graph; "
        "from visrftwin_ros.operations.node_table import NodeSpec; "
        "sys.exit(run_graph([NodeSpec('site_frames', '', {'site': 'pets_campus'}), "
        "NodeSpec('site_frames', '/other', {'site': 'pets_campus'})]))"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    assert eventually(lambda: len(_children(process.pid)) == 2)
    time.sleep(1.0)
    children = _children(process.pid)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 130
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


def test_nodes_do_not_outlive_a_supervisor_that_is_killed() -> None:
    program = (
        "from visrftwin_ros.operations.graph import run_graph; "
        "from visrftwin_ros.operations.node_table import NodeSpec; "
        "run_graph([NodeSpec('site_frames', '', {'site': 'pets_campus'})])"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    assert eventually(lambda: len(_children(process.pid)) == 1)
    child = _children(process.pid)[0]
    process.kill()
    process.wait()
    assert eventually(lambda: _gone(child))


@pytest.mark.parametrize(("viewer", "beside"), [(True, True), (False, False)])
def test_the_table_knows_every_executable(viewer: bool, beside: bool) -> None:
    lidars = [Lidar(name="mast", position=(0.0, 0.0, 3.0)), Lidar(name="rover")]
    site = load_site("pets_campus").model_copy(update={"lidars": lidars})
    options = ("calibrate", "map_scene", "watch_scene", "vehicles")
    extra = dict.fromkeys(options, beside)
    table = node_table(site, "pets_campus", video="v.avi", viewer=viewer, **extra)
    started = [spec.executable for spec in table]
    left_out = {"campaign_replay"} | (set() if viewer else {"twin_viewer"})
    if not beside:
        left_out |= {"material_calibrator", "scene_mapper", "scene_watcher", "vehicle_tracker"}
    assert set(started) == set(EXECUTABLES) - left_out
    assert started[-1] == "camera_replay"
    finders = [spec for spec in table if spec.executable == "lidar_people"]
    assert [spec.full_name for spec in finders] == ["/mast/lidar_people", "/rover/lidar_people"]
    assert [spec.parameters["lidar"] for spec in finders] == ["mast", "rover"]
    seeing = [spec for spec in table if spec.parameters.get("vehicles")]
    assert {spec.executable for spec in seeing} == (
        {"people_detector", "lidar_people"} if beside else set()
    )


def test_on_a_campaign_all_nodes_but_the_replay_are_in_its_time(tmp_path: Path) -> None:
    site = made_site(tmp_path / "site")
    bag = str(write_campaign(tmp_path / "bag", site, seconds=0.2))
    *others, replay = node_table(
        site, "made", video="v.avi", bag=bag, rate=2.0, loop=True, weights="w.onnx"
    )
    assert replay.executable == "campaign_replay"
    assert "camera_replay" not in {spec.executable for spec in others}
    assert all(spec.parameters["use_sim_time"] is True for spec in others)
    assert "use_sim_time" not in replay.parameters
    assert (replay.parameters["rate"], replay.parameters["loop"]) == (2.0, True)
    deciding = [spec.full_name.strip("/") for spec in others if not spec.only_looks]
    assert replay.parameters["wait_for"] == deciding
    (detector,) = (spec for spec in others if spec.executable == "people_detector")
    assert detector.parameters["compressed"] is True  # what the bag has


def test_a_video_waits_for_the_graph_as_a_bag_does() -> None:
    *others, replay = node_table(load_site("pets_campus"), "pets_campus", video="v.avi")
    deciding = [spec.full_name.strip("/") for spec in others if not spec.only_looks]
    assert replay.parameters["wait_for"] == deciding


def test_the_labs_sites_have_the_weights_that_ship() -> None:
    def weights_of(site: str, given: str = "") -> set[str]:
        table = node_table(load_site(site), site, weights=given)
        return {s.parameters["weights"] for s in table if s.executable == "people_detector"}

    assert weights_of("lobby") == weights_of("street") == {str(shipped.WEIGHTS)}
    assert weights_of("pets_campus") == {""}
    assert weights_of("lobby", "mine.onnx") == {"mine.onnx"}


def test_a_moving_camera_without_weights_is_told_before_anything_starts() -> None:
    with pytest.raises(TwinError, match=r"panorama may move.*give detector weights"):
        node_table(load_site("lobby"), "lobby", weights="none")


@pytest.mark.parametrize("content", [None, b""])
def test_up_names_a_bad_bag_before_anything_starts(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = tmp_path / "some.mcap"
    if content is not None:
        bag.write_bytes(content)
    assert main(["up", "--site", "pets_campus", "--bag", str(bag)]) == 2
    assert "some.mcap" in capsys.readouterr().err


def _children(pid: int) -> list[int]:
    answer = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in answer.stdout.split()]


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True
