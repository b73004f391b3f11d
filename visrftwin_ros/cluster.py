"""Work that falls into parts, here one by one or by the workers of a Dask cluster."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from visrftwin_ros.errors import TwinError

Part = TypeVar("Part")
Answer = TypeVar("Answer")
_PATIENCE = 10
"""s for a scheduler to answer."""
_WORKER = "DASK_DISTRIBUTED__WORKER__DAEMON=False dask worker"
"""The twin has processes of its own, which Dask's workers as they come may not have."""


def each(
    work: Callable[[Part], Answer], parts: Sequence[Part], cluster: str = ""
) -> Iterator[Answer]:
    """What `work` makes of every part, in their order.

    cluster: address of a Dask scheduler, such as tcp://host:8786, whose workers have this package and see the
    same files by the same paths; '' = here. `work` is a module's function, and parts and answers can be pickled.
    Who stops asking, by an error or Ctrl-C, ends what waits there. Raises TwinError where no scheduler answers, where
    its workers may have no processes of their own, and where they die of a part or the cluster ends.
    """
    if not cluster:
        yield from map(work, parts)
        return
    client = _client(cluster)
    try:
        waiting = [client.submit(work, part, pure=False) for part in parts]
        try:
            for future in waiting:
                yield _answer(future, cluster)
        finally:
            client.cancel(waiting)
    finally:
        client.close()


def _answer(future: Any, cluster: str) -> Any:
    from distributed import CancelledError
    from distributed.scheduler import KilledWorker

    try:
        return future.result()
    except (KilledWorker, CancelledError) as error:
        raise TwinError(
            f"the Dask cluster at {cluster} lost its workers at this part (too little memory?), or ended: {error}"
        ) from error


def _client(cluster: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise TwinError(
            f"{cluster}: Dask is missing: pip install 'visrftwin_ros[cluster]'"
        ) from error
    try:
        client = Client(cluster, timeout=_PATIENCE)
    except (OSError, ValueError, TimeoutError) as error:
        raise TwinError(
            f"no Dask scheduler answers at {cluster!r}: expected an address such as tcp://host:8786, as `dask"
            f" scheduler` prints it ({str(error).strip() or type(error).__name__})"
        ) from error
    if not client.scheduler_info()["workers"]:
        client.close()
        raise TwinError(
            f"the Dask cluster at {cluster!r} has no workers: start {_WORKER} {cluster}"
        )
    if any(client.run(_is_daemon).values()):
        client.close()
        raise TwinError(
            f"the workers of the Dask cluster at {cluster!r} may have no processes of their own: start {_WORKER}"
            f" {cluster}"
        )
    return client


def _is_daemon() -> bool:
    return multiprocessing.current_process().daemon
