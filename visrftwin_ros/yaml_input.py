"""YAML from outside: its size, depth and what its aliases expand to are known before it is built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from visrftwin_ros.errors import TwinError

MOST_BYTES = 4_000_000
MOST_NODES = 200_000
"""Values and keys, each as often as aliases repeat it."""
DEEPEST = 50
"""Lists and mappings within each other."""

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def yaml_file(file: Path) -> Any:
    """The content of a YAML file; TwinError naming it where it is none, or out of the limits."""
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise TwinError(f"{file}: {size} bytes of YAML: at most {MOST_BYTES} are read")
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise TwinError(f"{file}: not valid YAML: {error}") from error
    return yaml_text(text, str(file))


def yaml_text(text: str, whose: str) -> Any:
    """What YAML text says; TwinError where it is none, or out of the limits. whose: where it is from."""
    if len(text) > MOST_BYTES:
        raise TwinError(f"{whose}: {len(text)} characters of YAML: at most {MOST_BYTES} are read")
    try:
        _check_structure(yaml.parse(text, Loader=_Loader), whose)
        return yaml.load(text, Loader=_Loader)
    # ValueError: numbers of thousands of digits, dates that are none.
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise TwinError(f"{whose}: not valid YAML: {error}") from error


def _check_structure(events: Iterator[Any], whose: str) -> None:
    """Counts nodes as they will be once every alias stands for what its anchor names."""
    counts = [0]  # of the open collections, the document outermost
    names: list[str | None] = [None]
    anchored: dict[str, int] = {}
    for event in events:
        if isinstance(event, yaml.CollectionStartEvent):
            counts.append(1)
            names.append(event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            count, name = counts.pop(), names.pop()
            counts[-1] += count
            if name:
                anchored[name] = count
        elif isinstance(event, yaml.ScalarEvent):
            counts[-1] += 1
            if event.anchor:
                anchored[event.anchor] = 1
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor in names:
                raise TwinError(f"{whose}: alias *{event.anchor} is within what it stands for")
            counts[-1] += anchored.get(str(event.anchor), 1)
        if len(counts) > DEEPEST + 1:
            raise TwinError(f"{whose}: YAML nested more than {DEEPEST} deep")
        if counts[-1] > MOST_NODES:
            raise TwinError(
                f"{whose}: YAML of over {MOST_NODES} values, its aliases replaced by what they stand"
                " for"
            )
