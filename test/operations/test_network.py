"""The twin stays on this machine: it looks nobody up, connects nowhere else and reads no code."""

from __future__ import annotations

import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from visrftwin_ros.commands import up
from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab import shipped
from visrftwin_ros.operations.node_table import node_table
from visrftwin_ros.perception.detection.yolo_detector import YoloDetector
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.viewing.rerun_view import TwinView

ELSEWHERE = re.compile(
    r'(?:sin_addr=inet_addr\(|inet_pton\(AF_INET6, )"(?!127\.|::1|0\.0\.0\.0|::")'
)
"""In a trace, an address that is not of this machine; what is sent to a name server has one too."""
RUNNING = 12.0
"""Seconds that a node is traced after it is up."""


CALLS = "connect,sendto,sendmsg,sendmmsg,execve"
LOOKUP = re.compile(r"htons\(53\)")
"""A question to a name server, also to one of this machine that asks others."""
WHOLE = float(os.environ.get("VISRFTWIN_WHOLE_DEMO", "0"))
"""Seconds that all of `visrftwin up` is traced, once it is up; 60 play the lab's recording."""


def traced(
    command: list[str], up_when: str, folder: Path, seconds: float, meanwhile: Any = None
) -> list[str]:
    """The calls of a process, and of all that it starts, until so long after it was up."""
    log, said = folder / "calls", folder / "said"
    trace = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-s",
        "300",
        "-e",
        f"trace={CALLS}",
        "-o",
        str(log),
    ]
    with said.open("w") as file:
        process = subprocess.Popen(
            [*trace, *command], stdout=file, stderr=file, start_new_session=True
        )
        deadline = time.monotonic() + 120.0 + 10 * seconds
        while up_when not in said.read_text():
            assert process.poll() is None and time.monotonic() < deadline, said.read_text()
            time.sleep(0.1)
        time.sleep(seconds)
        if meanwhile:
            meanwhile()
        os.killpg(process.pid, signal.SIGTERM)  # strace itself does not hand it on
        process.wait(timeout=60.0)
    calls = log.read_text(errors="replace").splitlines()
    assert any('inet_addr("127.0.0.1")' in call for call in calls)  # DDS, on this machine
    return calls


def reaching_out(calls: list[str]) -> list[str]:
    """Those by which somebody reached for other machines, or asked for a name."""
    return [call for call in calls if ELSEWHERE.search(call) or LOOKUP.search(call)]


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", ["people_detector", "twin_viewer"])
def test_a_node_looks_nobody_up_and_connects_nowhere_else(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE")  # as a user has it
    given = {
        "people_detector": ("camera:=view1", "detector:=yolo", f"weights:={shipped.WEIGHTS}"),
        "twin_viewer": ("web_port:=39090", "grpc_port:=39876"),
    }
    up_when = {"people_detector": "no image arrives", "twin_viewer": "open http://"}
    command = [sys.executable, "-m", f"visrftwin_ros.nodes.{name}", "--ros-args"]
    for parameter in ("site:=pets_campus", *given[name]):
        command += ["-p", parameter]
    assert reaching_out(traced(command, up_when[name], tmp_path, RUNNING)) == []


@pytest.mark.skipif(not WHOLE, reason="VISRFTWIN_WHOLE_DEMO=60 traces every process of a demo")
@pytest.mark.timeout(600 + 30 * WHOLE)
def test_a_whole_demo_looks_nobody_up_and_has_the_endpoints_of_its_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE")
    visrftwin = [sys.executable, "-m", "visrftwin_ros.cli"]
    demo = ["--site", shipped.SITE, "--bag", str(shipped.BAG)]
    policy = str(tmp_path / "policy.xml")
    subprocess.run([*visrftwin, "security", "policies", *demo, "--out", policy], check=True)
    check = [*visrftwin, "security", "check", policy, "--seconds", "60"]
    checked = []

    def compare() -> None:
        done = subprocess.run(check, capture_output=True, text=True)
        checked.append((done.returncode, done.stdout))

    ports = ["--web-port", "39090", "--grpc-port", "39876"]
    command = [*visrftwin, "up", *demo, *ports, "--loop"]
    calls = traced(command, "open http://", tmp_path, WHOLE, compare)
    table = node_table(load_site(shipped.SITE), shipped.SITE, bag=str(shipped.BAG))
    started = [call for call in calls if "execve(" in call]
    for spec in table:
        assert any(f"visrftwin_ros.nodes.{spec.executable}" in call for call in started)
    assert reaching_out(calls) == []
    assert checked == [(0, f"{len(table)} nodes, 0 differences\n")]


@pytest.mark.parametrize("kept", [False, True])
def test_the_page_and_its_data_are_for_this_machine_only(
    kept: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not kept:  # the first viewer of a machine has the page's files from Rerun
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    web, grpc = free_port(), free_port()
    view = TwinView(load_site("pets_campus"), web_port=web, grpc_port=grpc)
    try:
        assert listening(os.getpid()) >= {("127.0.0.1", web), ("127.0.0.1", grpc)}
        assert {address for address, _ in listening(os.getpid())} == {"127.0.0.1"}
        with urllib.request.urlopen(f"http://127.0.0.1:{web}/re_viewer_bg.wasm") as answer:
            assert answer.headers["Content-Type"] == "application/wasm"
            assert answer.read(4) == b"\0asm"
    finally:
        view.close()
    assert ("127.0.0.1", web) not in listening(os.getpid())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(pid: int) -> set[tuple[str, int]]:
    """Addresses and ports at which a process waits for connections (TCP, IPv4 and IPv6)."""
    own = {os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()}
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            address, _, port = fields[1].partition(":")
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                words = [bytes.fromhex(address[k : k + 8])[::-1] for k in range(0, len(address), 8)]
                found.add((socket.inet_ntop(family, b"".join(words)), int(port, 16)))
    return found


class Runs:
    """What a pickle of it does when it is read."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self._file,)


@pytest.mark.parametrize(
    "name", ["net.pt", "net.torchscript", "net.engine", "yolov8n.pt", "yolo11n"]
)
def test_weights_that_can_run_code_are_refused_before_they_are_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VISRFTWIN_ALLOW_CODE")
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(pickle.dumps(Runs(tmp_path / "ran")))
    with pytest.raises(TwinError, match=r"can run code.*OpenVINO folder.*--allow-code"):
        YoloDetector(name)
    assert not (tmp_path / "ran").exists()


def test_up_opens_what_it_is_told_to_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISRFTWIN_ALLOW_CODE")
    monkeypatch.setattr("visrftwin_ros.operations.graph.run_graph", lambda specs: 0)
    parser = up._parser()
    quiet = ["--site", "pets_campus", "--video", "none"]
    assert up.run(parser.parse_args(quiet)) == 0
    assert os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    assert "VISRFTWIN_ALLOW_CODE" not in os.environ
    # setenv, so that it is put back
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("VISRFTWIN_ALLOW_CODE", "")
    assert up.run(parser.parse_args([*quiet, "--open-network", "--allow-code"])) == 0
    assert os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "SUBNET"
    assert os.environ["VISRFTWIN_ALLOW_CODE"] == "1"
