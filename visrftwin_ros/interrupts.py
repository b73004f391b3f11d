"""Ctrl-C at a moment when it can be followed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

EVERY = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
"""By which a process may be asked to leave; the last where it has been before."""


@contextmanager
def uninterrupted(numbers: Sequence[int] = (signal.SIGINT,)) -> Iterator[None]:
    """Ctrl-C, or these signals, wait until the end: half a record would make what comes after it
    unreadable, and some native code ends the process where a handler raises in it."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python's signal handlers run in the main thread only
        return
    asked: list[int] = []
    before = {n: signal.signal(n, lambda number, frame: asked.append(number)) for n in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if asked:
        signal.raise_signal(asked[0])
