"""One node as a process: how it is started, listened to and ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import yaml

from visrftwin_ros.nodes.shared.heartbeat import HEARTBEAT_VARIABLE
from visrftwin_ros.operations.node_table import NodeSpec
from visrftwin_ros.site.loading import config_path

PR_SET_PDEATHSIG = 1
"""prctl option (linux/prctl.h): the signal that a child gets when its parent dies."""
AUTOGROUP = Path("/proc/self/autogroup")
"""Where the kernel shares the processor among sessions first (sched(7), as desktops do), their niceness."""
AUTOGROUP_TRIES, AUTOGROUP_PAUSE = 3, 0.11
"""Who is not root may change one every 0.1 s on the whole machine."""
HUNG_AFTER, STARVED_AFTER = 4.0, 20.0
"""Seconds without a heartbeat after which a node hangs that waits, or that worked so long on one thing;
and one that wants to work, but hardly gets the processor: started again, it would starve all the more."""
IDLE = 0.05
"""Seconds of processor time of the thread of its callbacks, up to which it has waited all along."""
STOPPED_AFTER = 1.0
"""Seconds for which every look finds the process stopped by a signal: it does not go on by itself."""


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
            preexec_fn=partial(_prepared, os.getpid(), spec.niceness),
            pass_fds=(theirs,),
            env={**os.environ, HEARTBEAT_VARIABLE: str(theirs)},
        )
        os.close(theirs)
        self.has_beaten = False
        self._heard = self._going = now  # when it last beat, and was last seen not to be stopped
        self._had_worked = 0.0  # when it last beat
        self.pid = self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs; negative where a signal ended it."""
        return self._process.poll()

    def fault(self, now: float) -> str:
        """What says that it hangs, in words; '' while it shows that its callbacks run.

        While it configures it shows nothing, however long that takes; then only a stop counts.
        """
        beats = b""
        with contextlib.suppress(BlockingIOError):
            beats = os.read(self._beats, 65536)
        self.has_beaten = self.has_beaten or bool(beats)
        state, worked = self._look()
        if beats or state != "T":
            self._going = now
        if beats or not (self.has_beaten or state == "T"):
            self._heard, self._had_worked = now, worked
        if now - self._going > STOPPED_AFTER:
            return f"has been stopped for {STOPPED_AFTER:.0f} s"
        silence, work = now - self._heard, worked - self._had_worked
        starves = state == "R" or work > IDLE
        if silence > (STARVED_AFTER if starves and work < HUNG_AFTER else HUNG_AFTER):
            return f"has not answered for {silence:.0f} s"
        return ""

    def excuse(self, seconds: float) -> None:
        """Silence that is the listener's own does not count."""
        self._heard += seconds
        self._going += seconds

    def _look(self) -> tuple[str, float]:
        """Of the thread of its callbacks: its state (proc(5)), and s of processor time that it had."""
        try:
            stat = Path(f"/proc/{self.pid}/task/{self.pid}/stat").read_text()
        except OSError:
            return "", 0.0
        fields = stat.rsplit(")", 1)[1].split()
        return fields[0], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

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


def _prepared(parent: int, niceness: int) -> None:
    """In the child, which leads a session: it gives way, and ends with its parent."""
    if niceness:
        os.nice(niceness)
        _group_gives_way(niceness)
    die_with(parent)


def _group_gives_way(niceness: int) -> None:
    for _ in range(AUTOGROUP_TRIES):
        try:
            AUTOGROUP.write_text(str(niceness))
            return
        except BlockingIOError:
            time.sleep(AUTOGROUP_PAUSE)
        except OSError:
            return  # a kernel without them


def die_with(parent: int) -> None:
    """Between fork and exec: the process gets SIGTERM when its parent dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)
