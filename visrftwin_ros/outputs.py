"""What results may be written over, and how those that are not whole are told from those that are.

A result stays unless `--force` says otherwise, and then only one of the same kind goes: a table of
tracks makes room for a table of tracks, a bag for a bag, nothing else is touched. A file grows
under a name with `.partial` in it and gets its own once it is whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import TextIO

from visrftwin_ros.errors import TwinError


@dataclass(frozen=True)
class Kind:
    """A sort of result. name: "table of tracks". fault: why what lies at a path is none, or ""."""

    name: str
    fault: Callable[[Path], str]


def file_kind(name: str, *begins: str) -> Kind:
    """A file that begins in one of these ways; an empty one counts as well."""
    starts = tuple(text.encode("latin-1") for text in begins)

    def fault(path: Path) -> str:
        if not path.is_file():
            return "no file"
        with path.open("rb") as file:
            head = file.read(max(map(len, starts)))
        return "" if not head or head.startswith(starts) else "it begins otherwise"

    return Kind(name, fault)


def folder_kind(name: str, *patterns: str) -> Kind:
    """A folder in which every name matches one of these; an empty one is room already."""

    def fault(path: Path) -> str:
        if path.is_symlink() or not path.is_dir():
            return "no folder"
        names = sorted(entry.name for entry in path.iterdir())
        strange = (name for name in names if not any(fnmatch(name, p) for p in patterns))
        return next((f"it holds {name}" for name in strange), "")

    return Kind(name, fault)


FIGURES_IN_JSON = file_kind("JSON file", "[", "{")
PICTURE = file_kind("picture", "\x89PNG", "\xff\xd8\xff")


OWN_ALONE = 0o077
"""The mask of what is written: recordings, tracks and embeddings of people, and caches that are
trusted, are for nobody but who runs the command. Who shares one changes its mode."""


@contextmanager
def written_for_oneself() -> Iterator[None]:
    """Files that are made inside are 0600, folders 0700."""
    before = os.umask(OWN_ALONE)
    try:
        yield
    finally:
        os.umask(before)


def check_room(path: Path, kind: Kind, force: bool) -> None:
    """Raises TwinError unless nothing is at `path`, or a result of this kind that may go."""
    if not path.exists() and not path.is_symlink():
        return
    if fault := kind.fault(path):
        raise TwinError(f"{path} is no {kind.name} ({fault}): nothing there was touched")
    if not force and not (path.is_dir() and not any(path.iterdir())):
        raise TwinError(f"{path} exists: give another path, or --force to replace that {kind.name}")


def make_room(path: Path, kind: Kind, force: bool) -> None:
    """Removes what `check_room` lets go."""
    check_room(path, kind, force)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def growing_file(path: Path, kind: Kind, force: bool) -> Iterator[TextIO]:
    """A text file to write line by line, in a folder that is made where there is none.

    A block that is stopped, by Ctrl-C or an error, leaves what was written under its header as
    `NAME.partial.EXT` and a note of that on the exception; what was at `path` stays till the end.
    """
    check_room(path, kind, force)
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    check_room(partial, kind, force=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with partial.open("w", newline="", buffering=1) as file:
            yield file
    except BaseException as stopped:
        if len(partial.read_bytes().splitlines()) > 1:
            stopped.add_note(f"what was done until then is in {partial}")
        else:
            partial.unlink()
        raise
    partial.replace(path)
