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


class SetClock:
    """There is one only where `can_be_set`. folder: of the library, the clock and the calls.

    `environment`: of processes that shall have this clock.
    """

    def __init__(self, folder: Path) -> None:
        library, clock, self._calls = (folder / n for n in ("set_clock.so", "clock", "calls"))
        command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"]
        self.can_be_set = bool(shutil.which("cc")) and not subprocess.run(command).returncode
        self.environment: dict[str, str] = {}
        self._ahead_ns = 0
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

    def now_ns(self) -> int:
        """As the nodes see it."""
        return time.time_ns() + self._ahead_ns

    def step(self, seconds: float) -> None:
        """Sets it forward, or back."""
        self._ahead_ns += round(seconds * 1e9)
        self._clock[:] = struct.pack("=q", self._ahead_ns)

    def calls(self) -> list[str] | None:
        """Look-ups and connections to elsewhere; None where they could not be counted."""
        if not self.can_be_set:
            return None
        return self._calls.read_text().splitlines() if self._calls.exists() else []
