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
from visrftwin_ros.perception.detection.yolo_detector import YoloDetector
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.viewing.rerun_view import TwinView

ELSEWHERE = re.compile(
    r'(?:sin_addr=inet_addr\(|inet_pton\(AF_INET6, )"(?!127\.|::1|0\.0\.0\.0|::")'
)
"""In a trace, an address that is not of this machine; what is sent to a name server has one too."""
RUNNING = 12.0
"""Seconds that a node is traced after it is up."""


def traced(name: str, up_when: str, folder: Path, *parameters: str) -> list[str]:
    """The calls by which a node reached for other machines until some time after it was up."""
    log, said = folder / "calls", folder / "said"
    command = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(log)]
    command += [sys.executable, "-m", f"visrftwin_ros.nodes.{name}", "--ros-args"]
    for parameter in ("site:=pets_campus", *parameters):
        command += ["-p", parameter]
    with said.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
        deadline = time.monotonic() + 120.0
        while up_when not in said.read_text():
            assert process.poll() is None and time.monotonic() < deadline, said.read_text()
            time.sleep(0.1)
        time.sleep(RUNNING)
        os.killpg(process.pid, signal.SIGTERM)  # strace itself does not hand it on
        process.wait(timeout=30.0)
    calls = log.read_text().splitlines()
    assert any('inet_addr("127.0.0.1")' in call for call in calls)  # DDS, on this machine
    return [call for call in calls if ELSEWHERE.search(call)]


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
    assert traced(name, up_when[name], tmp_path, *given[name]) == []


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
