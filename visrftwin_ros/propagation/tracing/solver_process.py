"""A child process for what takes long: one job at a time, never waited for."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

_RESTART_PAUSE = 5.0
"""Seconds before a process that died is started again: it may die at once each time."""
_GIVES_WAY = 5
"""By how much nicer it is than who waits for nothing of it: its start alone takes seconds of work."""


@dataclass(frozen=True)
class Ended:
    """In place of an answer: the process ended, and why."""

    reason: str


class SolverProcess:
    """Runs `serve(pipe, *arguments)`, which answers each job that comes through the pipe.

    It starts at the first job, if not before, and ends when `close` is called, when this process
    exits, and, since its pipe then breaks, when this one is killed.
    """

    def __init__(self, serve: Callable[..., None], arguments: tuple[Any, ...], name: str) -> None:
        self._serve = serve
        self._arguments = arguments
        self._name = name
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._busy = False
        self._died_at = -_RESTART_PAUSE

    @property
    def idle(self) -> bool:
        """A job would be taken now."""
        return not self._busy and time.monotonic() - self._died_at >= _RESTART_PAUSE

    @property
    def pid(self) -> int | None:
        """Of the running child."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Ahead of its first job; does nothing where it runs."""
        if self._process is not None:
            return
        # spawn: a forked child would share the parent's Dr.Jit and ROS threads, half alive.
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=self._serve, args=(theirs, *self._arguments), name=self._name, daemon=True
        )
        self._process.start()
        assert self._process.pid is not None
        with contextlib.suppress(ProcessLookupError):
            own = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, self._process.pid, own + _GIVES_WAY)
        theirs.close()

    def send(self, job: object) -> None:
        """Gives it a job; only when idle."""
        if not self.idle:
            raise RuntimeError(f"the process for {self._name} is busy")
        self.start()
        assert self._pipe is not None
        self._busy = True
        with contextlib.suppress(OSError):  # The next poll finds the broken pipe and reports it.
            self._pipe.send(job)

    def poll(self) -> Any | None:
        """The answer to the last job, or Ended, once; never waits."""
        if not self._busy or self._pipe is None:
            return None
        try:
            if not self._pipe.poll():
                return None
            answer = self._pipe.recv()
        except (EOFError, OSError):
            code = self._process.exitcode if self._process else None
            reason = f"the solver process ended (exit code {code}); it will be started again"
            answer = Ended(reason)
            self.close()
            self._died_at = time.monotonic()
        self._busy = False
        return answer

    def close(self) -> None:
        """Ends the process; a later job starts a new one."""
        if self._pipe is not None:
            self._pipe.close()
        if self._process is not None:
            self._process.terminate()
            self._process.join(timeout=5.0)
        self._process = self._pipe = None
        self._busy = False
