"""Messages that nobody should send: every field is now and then the worst of its type."""

from __future__ import annotations

import array
import importlib
import math
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

Valid = Callable[[], Any]

_FLOATS = (math.nan, math.inf, -math.inf, 0.0, -0.0, -1.0, 1e-300, 1e9, -1e9, 1e30, 0.5, 3.0)
_NAMES = ("", "ap", "standing", "roving", "world", "odom", "view1", "mast", "7", "x" * 5000, "é\n")
_LENGTHS = (0, 1, 2, 3, 5, 40)


class Hostile:
    """Seeded messages of any type; of a type with a `valid` maker mostly such with a few bad fields."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def message(self, kind: type, valid: Valid | None = None) -> Any:
        """One of these: wild in every field, or valid but for some."""
        if valid is None or self._random.random() < 0.3:
            return self._wild(kind, depth=0)
        made = valid()
        for _ in range(self._random.integers(1, 4)):
            self._spoil(made)
        return made

    def _wild(self, kind: type, depth: int) -> Any:
        made = kind()
        for name, text in _fields(kind).items():
            if self._random.random() < 0.8:
                setattr(made, name, self._value(text, depth))
        if hasattr(made, "header") and self._random.random() < 0.7:
            self._stamp(made.header.stamp)
        return made

    def _spoil(self, message: Any) -> None:
        """Sets one field, at any depth, to a bad value."""
        fields = _fields(type(message))
        if not fields:
            return
        name = str(self._random.choice(list(fields)))
        value = getattr(message, name)
        if hasattr(value, "get_fields_and_field_types") and self._random.random() < 0.8:
            self._spoil(value)
        elif isinstance(value, list) and value and hasattr(value[0], "_fields_and_field_types"):
            if self._random.random() < 0.8:
                self._spoil(value[self._random.integers(len(value))])
            else:
                setattr(message, name, value * int(self._random.choice(_LENGTHS)))
        else:
            setattr(message, name, self._value(fields[name], 0))

    def _stamp(self, stamp: Any) -> None:
        """About now: what is refused for its time is seen by nobody."""
        now = time.time_ns() - int(self._random.integers(0, 10**8))
        stamp.sec, stamp.nanosec = divmod(now, 10**9)

    def _value(self, text: str, depth: int) -> Any:
        if text.startswith("sequence<"):
            inner = text.removeprefix("sequence<").removesuffix(">").partition(",")[0]
            count = int(self._random.choice(_LENGTHS[: 6 - depth])) if depth < 4 else 0
            return self._sequence(inner, count, depth)
        if text.endswith("]"):
            inner, _, count = text.removesuffix("]").partition("[")
            return self._sequence(inner, int(count), depth, fixed=True)
        if "/" in text:
            return self._wild(_class(text), depth + 1)
        return self._scalar(text)

    def _sequence(self, inner: str, count: int, depth: int, fixed: bool = False) -> Any:
        values = [self._value(inner, depth + 1) for _ in range(count)]
        if inner in ("octet", "byte") and values:
            return values
        if inner in ("float", "double"):
            kind = {"float": "f", "double": "d"}[inner]
            return np.array(values, kind) if fixed else array.array(kind, values)
        return values

    def _scalar(self, text: str) -> Any:
        random = self._random
        if text in ("float", "double"):
            value = float(random.choice(_FLOATS))
            return (
                min(max(value, -3e38), 3e38) if math.isfinite(value) and text == "float" else value
            )
        if text == "boolean":
            return bool(random.integers(2))
        if text in ("string", "wstring"):
            return str(random.choice(_NAMES))
        if text == "octet":
            return bytes([int(random.integers(256))])
        bits = int("".join(filter(str.isdigit, text)) or 8)
        low, high = (
            (0, 2**bits - 1) if text.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        )
        return (
            (low, high, 0, 1, 2, 7)[int(random.integers(6))]
            if random.random() < 0.8
            else int(random.integers(0, 100))
        )


@cache
def _class(text: str) -> type:
    package, _, name = text.partition("/")
    found: type = getattr(importlib.import_module(f"{package}.msg"), name.rpartition("/")[2])
    return found


def _fields(kind: Any) -> dict[str, str]:
    fields: dict[str, str] = kind.get_fields_and_field_types()
    return fields
