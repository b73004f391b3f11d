"""Installed message types by their names, and rclpy's messages of them."""

from __future__ import annotations

import array
import importlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from ament_index_python import PackageNotFoundError, get_package_share_directory

from visrftwin_ros.errors import TwinError


def message_class(kind: str, type_hash: str) -> type:
    """The class of a type such as `sensor_msgs/msg/Image`.

    TwinError where it is not installed, or is another one than the RIHS01 hash (REP-2011) says;
    an empty hash says nothing.
    """
    package, _, rest = kind.partition("/")
    name = rest.removeprefix("msg/")
    try:
        found: type = getattr(importlib.import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise TwinError(f"message type {kind} is not installed here") from error
    installed = _installed_hash(package, name)
    if type_hash and installed and installed != type_hash:
        raise TwinError(
            f"message type {kind} was another one when the bag was recorded: install that version"
        )
    return found


def installed_class(kind: str) -> type | None:
    """The class of a type that the package runs without, such as `vision_msgs/Detection2DArray`."""
    try:
        return message_class(kind, "")
    except TwinError:
        return None


def made(kind: str, /, **fields: Any) -> Any:
    """rclpy's message of the type `package/Name`: a `messages.factory.Make`."""
    found, sequences = _class_and_sequences(kind)
    for name in sequences:
        value = fields[name]
        if isinstance(value, np.ndarray):
            # rclpy looks at a list's elements one by one; of an image that would take a second.
            fields[name] = array.array(value.dtype.char, value.tobytes())
    return found(**fields)


@cache
def _class_and_sequences(kind: str) -> tuple[Any, tuple[str, ...]]:
    """A message's class, and its fields of any length."""
    found: Any = message_class(kind, "")
    types = found.get_fields_and_field_types()
    return found, tuple(n for n, text in types.items() if text.startswith("sequence<"))


def _installed_hash(package: str, name: str) -> str:
    """Empty where the installation does not tell."""
    try:
        file = Path(get_package_share_directory(package)) / "msg" / f"{name}.json"
        hashes = json.loads(file.read_text())["type_hashes"]
    except (PackageNotFoundError, OSError, ValueError, KeyError):
        return ""
    return next((h["hash_string"] for h in hashes if h["type_name"] == f"{package}/msg/{name}"), "")
