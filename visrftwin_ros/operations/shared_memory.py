"""What DDS leaves in shared memory when a process is killed: up to 34 MB of the machine's memory each."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FOLDER = Path("/dev/shm")
LOCKS = "fastrtps_*_el"
"""Beside each segment of Fast DDS; whose it is holds a lock on it while it lives (flock(2))."""
OF_PORTS = "fastrtps_port"
"""These are small, and the next process on the same port takes them over."""
SURELY_MADE = 10.0
"""s after which a segment's owner has locked it."""


def left_over(folder: Path = FOLDER) -> int:
    """Bytes in segments whose owners have ended; those of other users are not seen."""
    return sum(_size(segment) for segment, _ in _without_owner(folder))


def remove_left_over(folder: Path = FOLDER) -> int:
    """Removes these segments: bytes that it freed. Who still reads one keeps it until it has done."""
    freed = 0
    for segment, lock in _without_owner(folder):
        size = _size(segment)
        with contextlib.suppress(OSError):
            segment.unlink(missing_ok=True)
            lock.unlink()
            freed += size
    return freed


def _without_owner(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Segments and their locks; each is held until the next is asked for."""
    for lock in folder.glob(LOCKS):
        if not lock.name.startswith(OF_PORTS):
            with _held(lock) as held:
                if held:
                    yield lock.with_name(lock.name.removesuffix("_el")), lock


@contextmanager
def _held(lock: Path) -> Iterator[bool]:
    """Whether nobody else holds it."""
    try:
        file = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:  # it has gone, or is somebody else's
        yield False
        return
    try:
        yield _is_free(file)
    finally:
        os.close(file)


def _is_free(file: int) -> bool:
    if time.time() - os.fstat(file).st_mtime < SURELY_MADE:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _size(segment: Path) -> int:
    """What it takes of the memory, which may be less than its length."""
    try:
        return segment.stat().st_blocks * 512
    except OSError:
        return 0
