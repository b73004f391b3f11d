"""Parameters that nodes declare, and the limits that all of them have."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

from visrftwin_ros.messages.limits import Limits


@dataclass(frozen=True)
class NodeParameter:
    """A declared parameter; `bounds` are inclusive and enforced by ROS.

    live: a change counts at once; else it is refused while the node is configured.
    """

    name: str
    default: Any
    description: str
    bounds: tuple[float, float] | None = None
    live: bool = False

    def descriptor(self) -> ParameterDescriptor:
        text = ParameterDescriptor(description=self.description)
        if self.bounds and isinstance(self.default, float):
            low, high = self.bounds
            text.floating_point_range = [FloatingPointRange(from_value=low, to_value=high)]
        elif self.bounds:
            low, high = self.bounds
            text.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=1)]
        return text


_SECONDS = {
    "ahead": "Seconds that a stamp may lie before the clock; read when configured",
    "behind": "Seconds that a stamp may lie behind the clock and be fresh; read when configured",
    "extrapolation": "Seconds that TF of a robot may be from a stamp; read when configured",
}
LIMIT_PARAMETERS = tuple(
    NodeParameter(
        f"limits.{limit.name}",
        limit.default,
        _SECONDS.get(limit.name) or f"Most {limit.name} in one message; read when configured",
        (0.0, 3600.0) if limit.name in _SECONDS else (1, 1_000_000_000),
    )
    for limit in fields(Limits)
)
"""Of every node: those of the messages that it hears count."""
