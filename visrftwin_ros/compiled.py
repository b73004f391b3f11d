"""Loops over arrays as machine code, compiled once for a machine and kept outside the checkout."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar, cast

import numba
import numpy as np

from visrftwin_ros.cache import cache_folder
from visrftwin_ros.interrupts import uninterrupted

F = TypeVar("F", bound=Callable[..., object])
Part = TypeVar("Part")

FEW = 1000
"""Rows that one core works off alone: some 1.5 ms, against a hand-over of a tenth of one."""
_BESIDE = ThreadPoolExecutor(1, "compiled loops")

_USER = b"visrftwin_ros.compiled import"


def sources_digest(package: Path) -> str:
    """Of the files of `package` that are compiled from.

    What is kept of a function goes by its own file alone, and would stay in use after a change to
    one of another file that it calls.
    """
    digest = hashlib.sha256()
    for file in sorted(package.rglob("*.py")):
        text = file.read_bytes()
        if _USER in text:
            digest.update(text)
    return digest.hexdigest()[:16]


numba.config.CACHE_DIR = str(cache_folder("numba") / sources_digest(Path(__file__).parent))


def compiled(function: F) -> F:
    """`function` of numbers and arrays as machine code of one thread, which lets others run.

    Compiled at the first call with each set of types, after which Ctrl-C is followed: in the middle
    of it the compiler would swallow one. IEEE arithmetic is kept, so that equal input gives equal
    output. Where the cache cannot be written it is kept beside the
    source, as Python's own, else compiled in every process.
    """
    plain = inspect.unwrap(function)
    try:
        made = numba.njit(plain, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:
        made = numba.njit(plain, nogil=True, error_model="numpy")
    made.compile = uninterrupted()(made.compile)
    return cast(F, made)


def in_halves(loop: Callable[[slice], Part], count: int, few: int = FEW) -> list[Part]:
    """`loop` over each half of `count` rows that know nothing of each other, at once; over `few`
    rows in one piece. `loop` is to spend its time in `compiled` code."""
    if count <= few:
        return [loop(slice(0, count))]
    other = _BESIDE.submit(loop, slice(count // 2, count))
    return [loop(slice(0, count // 2)), other.result()]


def on_two_cores(loop: Callable[[slice], np.ndarray], count: int, few: int = FEW) -> np.ndarray:
    """The arrays of `in_halves` joined: the same bits as of one pass."""
    parts = in_halves(loop, count, few)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
