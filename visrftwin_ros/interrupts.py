"""Ctrl-C at a moment when it can be followed, by whom it can."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker

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


@contextmanager
def left_to_us() -> Iterator[None]:
    """A child begun here does not hear Ctrl-C, which goes to a terminal's whole process group; for this
    process one waits until the end.

    A child inherits which signals are held back. The parent ends the child when it ends itself.
    """
    resource_tracker.ensure_running()  # its start would let them through again
    with uninterrupted():  # for other threads of this process still hear it
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
