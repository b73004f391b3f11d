"""One node as a process: how it is started, listened to and ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import yaml

from visrftwin_ros.nodes.shared.heartbeat import HEARTBEAT_VARIABLE
from visrftwin_ros.operations.node_table import NodeSpec
from visrftwin_ros.site.loading import config_path

PR_SET_PDEATHSIG = 1
"""prctl option (linux/prctl.h): the signal that a child gets when its parent dies."""


class NodeProcess:
    """A node of the table, started. folder: where its parameters are written; now: s, monotonic."""

    def __init__(self, spec: NodeSpec, folder: Path, now: float) -> None:
        self._beats, theirs = os.pipe()
        for end in (self._beats, theirs):
            os.set_blocking(end, False)
        # A session of its own: Ctrl-C in the terminal reaches only us, and we tell every node once.
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"visrftwin_ros.nodes.{spec.executable}", *words(spec, folder)],
            start_new_session=True,
            preexec_fn=partial(die_with, os.getpid()),
            pass_fds=(theirs,),
            env={**os.environ, HEARTBEAT_VARIABLE: str(theirs)},
        )
        os.close(theirs)
        self.has_beaten = False
        self._heard = now
        self.pid = self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs; negative where a signal ended it."""
        return self._process.poll()

    def silence(self, now: float) -> float:
        """Seconds since it last showed that its callbacks run.

        While it configures it shows nothing, however long that takes; then only a stop counts.
        """
        beats = b""
        with contextlib.suppress(BlockingIOError):
            beats = os.read(self._beats, 65536)
        self.has_beaten = self.has_beaten or bool(beats)
        if beats or not (self.has_beaten or self._is_stopped()):
            self._heard = now
        return now - self._heard

    def excuse(self, seconds: float) -> None:
        """Silence that is the listener's own does not count."""
        self._heard += seconds

    def _is_stopped(self) -> bool:
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return False
        return stat.rsplit(")", 1)[1].split()[0] == "T"

    def ask_to_leave(self) -> None:
        # Not SIGINT: a node that is still importing would print a traceback.
        if self.exit_code() is None:
            self._process.send_signal(signal.SIGTERM)

    def end(self) -> int:
        """Ends it and all that it started, at once; its exit code."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        os.close(self._beats)
        return self._process.wait()


def words(spec: NodeSpec, folder: Path) -> list[str]:
    """The command line of a node; its parameters are written into `folder`."""
    parameters = folder / (spec.full_name.strip("/").replace("/", ".") + ".yaml")
    parameters.write_text(yaml.safe_dump({"/**": {"ros__parameters": spec.parameters}}))
    # Of SROS2; without security it is a name.
    command = ["--ros-args", "--enclave", spec.full_name]
    if spec.namespace:
        command += ["-r", f"__ns:={spec.namespace}"]
    for topic, name in spec.remapped.items():
        command += ["-r", f"{topic}:={name}"]
    for file in (config_path("nodes.yaml"), parameters):
        command += ["--params-file", str(file)]
    return [*command, *spec.ros_arguments]


def die_with(parent: int) -> None:
    """Between fork and exec: the process gets SIGTERM when its parent dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)
