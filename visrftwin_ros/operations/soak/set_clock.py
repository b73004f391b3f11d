"""The system's clock as the nodes of a soak see it, to be set without being root, and their calls out.

A library, compiled where there is a C compiler, stands before theirs: the fake is in `set_clock.c`.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

SOURCE = Path(__file__).with_name("set_clock.c")


class ClockSteps:
    """What was set of a clock, and what its readings mean by one that nobody sets, ns."""

    def __init__(self) -> None:
        self._since = [
            (0, 0)
        ]  # from when on, by the clock that nobody sets, and how far it is ahead

    @property
    def ahead_ns(self) -> int:
        """Now."""
        return self._since[-1][1]

    def step(self, ahead_ns: int, now_ns: int) -> None:
        """It is set forward at `now_ns`, or back."""
        self._since.append((now_ns, self.ahead_ns + ahead_ns))

    def true_ns(self, reading_ns: int, now_ns: int) -> int:
        """When it showed this: the last time until now; of what it never showed by how far it is ahead
        now."""
        until = now_ns
        for since, ahead in reversed(self._since):
            if since <= reading_ns - ahead <= until:
                return reading_ns - ahead
            until = since
        return reading_ns - self.ahead_ns


class SetClock:
    """There is one only where `can_be_set`. folder: of the library, the clock and the calls.

    `environment`: of processes that shall have this clock.
    """

    def __init__(self, folder: Path) -> None:
        library, clock, self._calls = (folder / n for n in ("set_clock.so", "clock", "calls"))
        command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"]
        self.can_be_set = bool(shutil.which("cc")) and not subprocess.run(command).returncode
        self.environment: dict[str, str] = {}
        self.steps = ClockSteps()
        if not self.can_be_set:
            return
        clock.write_bytes(bytes(8))
        with clock.open("r+b") as file:
            self._clock = mmap.mmap(file.fileno(), 8)
        before = os.environ.get("LD_PRELOAD", "")
        self.environment = {
            "LD_PRELOAD": f"{library} {before}".strip(),
            "VISRFTWIN_CLOCK": str(clock),
            "VISRFTWIN_CALLS": str(self._calls),
        }

    def step(self, seconds: float) -> None:
        """Sets it forward, or back."""
        self.steps.step(round(seconds * 1e9), time.time_ns())
        self._clock[:] = struct.pack("=q", self.steps.ahead_ns)

    def calls(self) -> list[str] | None:
        """Look-ups and connections to elsewhere; None where they could not be counted."""
        if not self.can_be_set:
            return None
        return self._calls.read_text().splitlines() if self._calls.exists() else []
