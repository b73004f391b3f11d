"""Full solves for a thread that can wait, in a process of their own: the ticks go on beside them."""

from __future__ import annotations

import time
from multiprocessing.connection import Connection

from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.propagation.tracing.solver_process import Ended, SolverProcess
from visrftwin_ros.scene.ray_device import prepare

_POLL_PERIOD = 0.05


class SolverAside:
    """`solve`, with its arguments, errors and result; `close` ends what is under way."""

    def __init__(self) -> None:
        self._closed = False

    def __call__(self, *arguments: object) -> PathSet:
        # Changes that take a solve are rare: between them it would only hold memory.
        process = SolverProcess(_serve, (), "a changed scene")
        process.send(arguments)
        try:
            while not self._closed:
                answer = process.poll()
                if isinstance(answer, PathSet):
                    return answer
                if answer is not None:
                    raise TwinError(answer.reason if isinstance(answer, Ended) else str(answer))
                time.sleep(_POLL_PERIOD)
        finally:
            process.close()
        raise TwinError("the twin was closed before its new paths were found")

    def close(self) -> None:
        """A solve under way, in another thread, ends with TwinError."""
        self._closed = True


def _serve(pipe: Connection) -> None:
    """The child: one solve."""
    try:
        arguments = pipe.recv()
        prepare(arguments[-1], threads=1)  # The other cores belong to the ticks.
        pipe.send(solve(*arguments))
    except TwinError as error:
        pipe.send(str(error))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
