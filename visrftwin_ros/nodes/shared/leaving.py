"""How a node's process ends on Ctrl-C or SIGTERM: soon, and never by a crash."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

LONGEST = 1.5
"""Seconds from the signal to the end of the process, whatever it is doing."""
AGAIN = 0.1
"""Seconds after which an interrupt is raised again: a compiler, or an import, may have swallowed it."""


class Leaving:
    """Takes the signals in place of rclpy, whose own handlers take ROS down in another thread,
    while the executor still uses it."""

    def __init__(self) -> None:
        self.asked = False
        self._interrupts = False
        self._nowhere = os.open(os.devnull, os.O_WRONLY)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGALRM, self._on_alarm)

    def _on_alarm(self, number: int, frame: FrameType | None) -> None:
        if self._interrupts:
            raise KeyboardInterrupt

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            return  # a terminal's Ctrl-C comes twice where a supervisor hands it on
        self.asked = True
        # A thread of its own without the interpreter: native code may hold that for long.
        faulthandler.dump_traceback_later(LONGEST, exit=True, file=self._nowhere)
        if self._interrupts:
            signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
            raise KeyboardInterrupt

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Where the signal raises KeyboardInterrupt; elsewhere it only sets `asked`."""
        self._interrupts = True
        try:
            if self.asked:
                raise KeyboardInterrupt
            yield
        finally:
            self._interrupts = False
            signal.setitimer(signal.ITIMER_REAL, 0.0)


def leave(code: int) -> NoReturn:
    """Ends the process and those that it started, without the interpreter's end: there torch,
    OpenVINO, Rerun and Fast DDS take their threads apart, which takes seconds, or crashes."""
    for child in multiprocessing.active_children():
        child.kill()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
