"""Holds the package to the array shapes in its signatures while the tests run."""

from __future__ import annotations

from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray, install_import_hook

ROOMS = ("bodies", "cameras", "campaign", "perception", "propagation", "scene")
"""Those whose signatures have shapes."""


def arrays_checked(function: Any) -> Any:
    """`function`, which then raises where an array is not of the shape and type in its signature.

    All else is mypy's to check: beartype would ask tests' stand-ins for their classes, and what is
    imported for mypy alone.
    """
    hints = function.__annotations__
    function.__annotations__ = {name: hint for name, hint in hints.items() if _has_shape(hint)}
    return beartype(function)


def check_shapes() -> None:
    """From here on, in whatever of ROOMS has not been imported yet."""
    install_import_hook([f"visrftwin_ros.{room}" for room in ROOMS], "shape_checks.arrays_checked")


def _has_shape(hint: Any) -> bool:
    if isinstance(hint, type):
        return issubclass(hint, AbstractArray)
    return any(_has_shape(part) for part in get_args(hint))
