"""What hangs or dies is started again, and who only looks stops nobody: with real processes."""

from __future__ import annotations

import os
import runpy
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import rclpy
import yaml
from rclpy.executors import SingleThreadedExecutor

from visrftwin_ros.cli import main
from visrftwin_ros.commands.up import command_line, launch_arguments
from visrftwin_ros.errors import TwinError
from visrftwin_ros.msg import LinkChannels
from visrftwin_ros.nodes.shared.exit_codes import EXIT_CANNOT_START
from visrftwin_ros.nodes.shared.twin_node import RESULT_QOS
from visrftwin_ros.operations import graph as graph_module
from visrftwin_ros.operations import node_process as node_process_module
from visrftwin_ros.operations.graph import Graph
from visrftwin_ros.operations.node_process import (
    HUNG_AFTER,
    STARVED_AFTER,
    STOPPED_AFTER,
    NodeProcess,
)
from visrftwin_ros.operations.node_table import NodeSpec, node_table
from visrftwin_ros.site.loading import load_site

PREDICTOR = "/channel_predictor"
RECOVERY = 6.0
"""Seconds from the end of a predictor to channels again, of a site whose paths are kept; here of the
new process's own time, which is no shorter, so that the machine's other work does not count."""
LOOKS_EVERY = 0.05


@pytest.fixture
def small_site(tmp_path: Path) -> str:
    array = {"rows": 1, "columns": 2}
    content = {
        "name": "small",
        "propagation": {
            **dict.fromkeys(("diffuse", "refraction", "diffraction"), False),
            **{"max_depth": 1, "samples": 3000},
        },
        "scene": [{"name": "floor", "kind": "ground", "size": [60, 60], "material": "concrete"}],
        "access_points": [{"name": "ap", "position": [-8, -6, 3], "array": array}],
        "robots": [{"name": "standing", "position": [2, 1], "array": array}],
    }
    file = tmp_path / "site.yaml"
    file.write_text(yaml.safe_dump(content))
    return str(file)


class Watched:
    """A graph and one who hears its channels."""

    def __init__(self, specs: list[NodeSpec]) -> None:
        self.heard = 0
        self._node = rclpy.create_node("hears_channels")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._node.create_subscription(LinkChannels, "/channels", self._on_channels, RESULT_QOS)
        self.graph = Graph(specs)
        self.graph.start()

    def _on_channels(self, message: LinkChannels) -> None:
        self.heard += 1

    def until(self, condition: Callable[[], object], seconds: float) -> float:
        """How long it took."""
        since = time.monotonic()
        while not condition():
            assert time.monotonic() - since < seconds, f"not within {seconds} s"
            self._executor.spin_once(timeout_sec=LOOKS_EVERY)
            assert self.graph.poll() is None
        return time.monotonic() - since

    def next_channels(self, seconds: float) -> float:
        before = self.heard
        return self.until(lambda: self.heard > before, seconds)

    def close(self) -> None:
        self.graph.stop()
        self._executor.shutdown()
        self._node.destroy_node()


@pytest.fixture
def watched(ros: None, small_site: str) -> Iterator[Watched]:
    running = Watched([NodeSpec("channel_predictor", "", {"site": small_site})])
    running.next_channels(120.0)
    yield running
    running.close()


def test_a_killed_predictor_gives_channels_again_within_seconds(watched: Watched) -> None:
    pid = watched.graph.pid(PREDICTOR)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    watched.until(lambda: watched.graph.pid(PREDICTOR) not in (None, pid), 2.0)
    watched.next_channels(60.0)
    assert _processor_time(watched.graph.pid(PREDICTOR)) < RECOVERY
    assert watched.graph.restarted == [PREDICTOR]


def test_a_predictor_that_is_stopped_is_noticed_ended_and_started_again(
    watched: Watched, capfd: pytest.CaptureFixture[str]
) -> None:
    pid = watched.graph.pid(PREDICTOR)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    noticed = watched.until(lambda: watched.graph.restarted, STOPPED_AFTER + 2.0)
    assert noticed > STOPPED_AFTER - 1.0
    watched.next_channels(60.0)
    assert _processor_time(watched.graph.pid(PREDICTOR)) < RECOVERY
    assert not Path(f"/proc/{pid}").exists()
    assert "/channel_predictor has been stopped for 1 s: ending it" in capfd.readouterr().err


def test_a_node_that_beats_no_more_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(node_process_module, "STOPPED_AFTER", 1e9)  # as if it waited in a callback
    graph = Graph([NodeSpec("site_frames", "", {"site": "pets_campus"})])
    graph.start()
    try:
        pid, process = graph.pid("/site_frames"), graph._running["/site_frames"]
        assert pid is not None
        since = time.monotonic()
        while not process.has_beaten and time.monotonic() - since < 60.0:
            assert graph.poll() is None
            time.sleep(LOOKS_EVERY)
        os.kill(pid, signal.SIGSTOP)
        since = time.monotonic()
        while not graph.restarted and time.monotonic() - since < HUNG_AFTER + 2.0:
            assert graph.poll() is None
            time.sleep(LOOKS_EVERY)
        assert time.monotonic() - since > HUNG_AFTER - 1.0
        assert "/site_frames has not answered for 4 s: ending it" in capfd.readouterr().err
    finally:
        graph.stop()


@pytest.mark.parametrize(
    ("state", "worked", "silence", "hangs"),
    [
        ("S", 0.0, HUNG_AFTER, True),  # waits for what does not come
        ("R", HUNG_AFTER, HUNG_AFTER, True),  # goes round in a circle
        ("S", 0.5, HUNG_AFTER, False),  # has a share of a busy machine
        ("R", 0.0, HUNG_AFTER, False),  # has none yet
        ("R", 0.5, STARVED_AFTER, True),
    ],
)
def test_who_starves_is_let_be_and_who_hangs_is_not(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    state: str,
    worked: float,
    silence: float,
    hangs: bool,
) -> None:
    process = NodeProcess(NodeSpec("site_frames", "", {"site": "pets_campus"}), tmp_path, 0.0)
    try:
        process.has_beaten = True
        monkeypatch.setattr(process, "_look", lambda: (state, worked))
        assert process.fault(silence - 0.1) == ""
        assert bool(process.fault(silence + 0.1)) is hangs
    finally:
        process.end()


@pytest.mark.parametrize(
    ("executable", "niceness"),
    [("channel_predictor", 0), ("people_detector", 5), ("twin_viewer", 5), ("scene_mapper", 10)],
)
def test_what_looks_gives_way_to_what_sees_and_that_to_what_decides(
    executable: str, niceness: int, tmp_path: Path
) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    process = NodeProcess(NodeSpec(executable, "", {"site": "pets_campus"}), tmp_path, 0.0)
    try:
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == min(own + niceness, 19)
        if node_process_module.AUTOGROUP.exists():
            group, mine = (
                Path(f"/proc/{pid}/autogroup").read_text() for pid in (process.pid, "self")
            )
            # the test's own reads empty where it runs in no session's group
            assert group.endswith(f"nice {niceness}\n") and group.split()[:1] != mine.split()[:1]
    finally:
        process.end()


def test_a_supervisor_that_stood_still_blames_no_node(watched: Watched) -> None:
    pid = watched.graph.pid(PREDICTOR)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    time.sleep(HUNG_AFTER + 1.0)  # nobody polls: as after Ctrl-Z of all of them
    os.kill(pid, signal.SIGCONT)
    watched.next_channels(10.0)
    watched.until(lambda: watched.heard > 5, 10.0)
    assert watched.graph.restarted == []


def test_a_node_that_is_stopped_while_it_starts_is_noticed_too() -> None:
    graph = Graph([NodeSpec("site_frames", "", {"site": "pets_campus"})])
    graph.start()
    try:
        pid = graph.pid("/site_frames")
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        since = time.monotonic()
        while not graph.restarted and time.monotonic() - since < STOPPED_AFTER + 2.0:
            assert graph.poll() is None
            time.sleep(LOOKS_EVERY)
        assert graph.restarted == ["/site_frames"]
    finally:
        graph.stop()


def test_a_viewer_without_a_port_stops_nobody(
    small_site: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        page = {"web_port": taken.getsockname()[1]}
        table = node_table(load_site(small_site), small_site, page=page)
        assert [s.executable for s in table if s.only_looks] == ["twin_viewer"]
        running = Graph(
            [spec for spec in table if spec.executable in ("twin_viewer", "site_frames")]
        )
        running.start()
        try:
            since = time.monotonic()
            while not running.left_out and time.monotonic() - since < 60.0:
                assert running.poll() is None
                time.sleep(LOOKS_EVERY)
            assert running.left_out == {"/twin_viewer"}
            assert running.poll() is None
            assert running.pid("/site_frames") is not None
        finally:
            running.stop()
    said = capfd.readouterr().err
    assert "cannot use web_port" in said
    assert "the others go on without it" in said


@pytest.mark.parametrize(("executable", "ends_with"), [("twin_viewer", None), ("beam_selector", 1)])
def test_what_dies_again_and_again_ends_the_graph_unless_it_only_looks(
    executable: str, ends_with: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph_module, "RESTART_DELAY", 0.0)
    tidied: list[int] = []
    monkeypatch.setattr(graph_module, "remove_left_over", lambda: tidied.append(1))
    graph = Graph([NodeSpec(executable, "", {"site": "pets_campus"})])
    graph.start()
    try:
        for death in range(graph_module.MAX_RESTARTS + 1):
            pid = graph.pid(f"/{executable}")
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            code = None
            while len(graph.restarted) == death and not graph.left_out and code is None:
                code = graph.poll()
                time.sleep(0.01)
        assert code == ends_with
        assert bool(graph.left_out) is (ends_with is None)
        assert (
            len(tidied) == 1 + graph_module.MAX_RESTARTS + 1
        )  # at the start, and after each death
    finally:
        graph.stop()


def test_launch_runs_up_with_all_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    launched = _launch_description(
        monkeypatch, site="lobby", viewer="false", loop="True", web_port="8080"
    )
    command = launched["cmd"]
    assert command[:4] == [sys.executable, "-m", "visrftwin_ros.cli", "up"]
    assert {"--site=lobby", "--no-viewer", "--loop", "--web-port=8080"} <= set(command[4:])
    assert launched["on_exit"] == ["shut down"]
    assert "respawn" not in launched


def test_launch_arguments_are_the_options_of_up() -> None:
    values = {name: default for name, (default, _) in launch_arguments().items()}
    assert {"namespace", "params_file", "loop", "web_port", "grpc_port", "log_level"} <= set(values)
    assert not {"--no-viewer", "--loop"} & set(command_line(values))
    with pytest.raises(TwinError, match="viewer:=maybe: expected true or false"):
        command_line(values | {"viewer": "maybe"})


def test_up_that_cannot_start_says_so_once_and_ends(capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ["up", "--site", "pets_campus", "--video", "none", "--no-viewer"]
    assert main([*arguments, "--weights", "/nowhere/n.onnx"]) == EXIT_CANNOT_START
    assert capfd.readouterr().err.count("cannot start (its reason is above)") == 1
    assert main([*arguments, "--params-file", "/nowhere/p.yaml"]) == 2
    assert "no parameter file at '/nowhere/p.yaml'" in capfd.readouterr().err
    assert main([*arguments[:-1], "--web-port", "9876"]) == 2
    assert "--web-port and --grpc-port are both 9876" in capfd.readouterr().err


def test_a_parameter_out_of_its_bounds_is_told_once_and_tried_no_more(
    capfd: pytest.CaptureFixture[str],
) -> None:
    graph = Graph([NodeSpec("beam_selector", "", {"site": "pets_campus", "stale_after": 99.0})])
    graph.start()
    code, since = None, time.monotonic()
    while code is None and time.monotonic() - since < 60.0:
        code = graph.poll()
        time.sleep(LOOKS_EVERY)
    graph.stop()
    assert code == EXIT_CANNOT_START and graph.restarted == []
    assert "stale_after out of range" in capfd.readouterr().err


def _processor_time(pid: int | None) -> float:
    """Seconds, of all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _launch_description(monkeypatch: pytest.MonkeyPatch, **given: str) -> dict[str, Any]:
    """What the launch file starts, by a `launch` (no wheel of it is to be had) that only records."""
    launch, actions, substitutions = (
        ModuleType(f"launch{part}") for part in ("", ".actions", ".substitutions")
    )
    defaults: dict[str, str] = {}

    class Configuration:
        def __init__(self, name: str) -> None:
            self._name = name

        def perform(self, context: None) -> str:
            return given.get(self._name, defaults[self._name])

    def declare(name: str, *, default_value: str, description: str) -> None:
        defaults[name] = default_value

    launch.LaunchDescription = list  # type: ignore[attr-defined]
    actions.DeclareLaunchArgument = declare  # type: ignore[attr-defined]
    actions.ExecuteProcess = dict  # type: ignore[attr-defined]
    actions.Shutdown = lambda reason: "shut down"  # type: ignore[attr-defined]
    actions.OpaqueFunction = lambda function: function(None)  # type: ignore[attr-defined]
    substitutions.LaunchConfiguration = Configuration  # type: ignore[attr-defined]
    for module in (launch, actions, substitutions):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    file = Path(__file__).parents[2] / "launch" / "twin.launch.py"
    described = runpy.run_path(str(file))["generate_launch_description"]()
    (started,) = described[-1]
    return dict(started)


@pytest.mark.timeout(120)
def test_what_only_looks_starts_when_the_rest_is_at_work() -> None:
    site = load_site("pets_campus")
    table = node_table(site, "pets_campus", page={"web_port": 0})
    specs = [spec for spec in table if spec.executable in ("site_frames", "twin_viewer")]
    graph = Graph(specs)
    graph.start()
    try:
        assert graph.pid("/site_frames") and graph.pid("/twin_viewer") is None and graph.alive
        deadline = time.monotonic() + 60
        while graph.pid("/twin_viewer") is None:
            assert time.monotonic() < deadline
            assert graph.poll() is None
            time.sleep(0.05)
        assert graph._running["/site_frames"].has_beaten
    finally:
        graph.stop()
