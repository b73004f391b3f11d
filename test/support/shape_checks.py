"""Holds the package to the array shapes in its signatures while the tests run."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, get_args

import jaxtyping
from beartype import beartype

ROOMS = ("bodies", "cameras", "campaign", "perception", "propagation", "scene")
"""Those whose signatures have shapes."""
MOST = 5
"""Calls of a function that one test has checked: a check costs as much as a small array's work, and
a loop whose time is measured must not pay for it."""

_test = 0


def next_test() -> None:
    """Every function is checked again."""
    global _test
    _test += 1


def check_shapes() -> None:
    """From here on, in whatever of ROOMS has not been imported yet."""
    jaxtyping.jaxtyped = sampled(jaxtyping.jaxtyped)  # what the hook decorates with
    jaxtyping.install_import_hook(
        [f"visrftwin_ros.{room}" for room in ROOMS], "shape_checks.arrays_checked"
    )


def arrays_checked(function: Any) -> Any:
    """`function`, which then raises where an array is not of the shape and type in its signature.

    All else is mypy's to check: beartype would ask tests' stand-ins for their classes, and what is
    imported for mypy alone.
    """
    hints = function.__annotations__.items()
    function.__annotations__ = {name: hint for name, hint in hints if _has_shape(hint)}
    return beartype(function)


def sampled(jaxtyped: Callable[..., Any]) -> Callable[..., Any]:
    """`jaxtyped`, whose checks look at the first calls in each test only."""

    def decorator(*, typechecker: Any) -> Callable[[Any], Any]:
        def decorated(target: Any) -> Any:
            if not isinstance(target, type):
                return _first_calls(jaxtyped(typechecker=typechecker)(target), target)
            plain = target.__init__
            target = jaxtyped(typechecker=typechecker)(target)
            if target.__init__ is not plain:
                target.__init__ = _first_calls(target.__init__, plain)
            return target

        return decorated

    return decorator


def _first_calls(checked: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    """`checked` for the first calls in a test, then `plain`."""
    seen, calls = -1, 0

    @wraps(plain)
    def either(*arguments: Any, **named: Any) -> Any:
        nonlocal seen, calls
        seen, calls = (seen, calls + 1) if seen == _test else (_test, 0)
        return (checked if calls < MOST else plain)(*arguments, **named)

    return either


def _has_shape(hint: Any) -> bool:
    if isinstance(hint, type):
        return issubclass(hint, jaxtyping.AbstractArray)
    return any(_has_shape(part) for part in get_args(hint))
