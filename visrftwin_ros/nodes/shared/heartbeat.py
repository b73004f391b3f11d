"""How a node's process shows its supervisor that it still works: a byte on a pipe, from its executor."""

from __future__ import annotations

import os

HEARTBEAT_VARIABLE = "VISRFTWIN_HEARTBEAT"
"""Environment variable: the file descriptor on which a supervisor waits for beats."""
BEAT_PERIOD = 0.5
"""Seconds."""


class Heartbeat:
    """The writing end; of a node without a supervisor it does nothing."""

    def __init__(self) -> None:
        given = os.environ.pop(HEARTBEAT_VARIABLE, "")  # not for processes that the node starts
        self._pipe = int(given) if given else None
        if self._pipe is not None:
            os.set_inheritable(self._pipe, False)

    def beat(self) -> None:
        if self._pipe is None:
            return
        try:
            os.write(self._pipe, b".")
        except BlockingIOError:
            pass  # the supervisor stands still: it has plenty to read
        except OSError:
            self._pipe = None  # it is gone
