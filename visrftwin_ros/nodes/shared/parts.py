"""Several predictors share a site by its access points: their messages of one stamp, as one."""

from __future__ import annotations

import copy
from typing import Any

from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.nodes.shared.node_parameter import NodeParameter

PREDICTORS_PARAMETER = NodeParameter(
    "predictors",
    1,
    "Channel predictors that share the site (parameter access_points there)",
    (1, 64),
)
MOST_WAITING = 5
"""Stamps whose other parts may still come."""
_SUMMED = ("links", "affected_links", "retraced_paths")


class Parts:
    """count: predictors. lists: the field in which a message has a part of the links.
    order: names of the access points as the whole site has them."""

    def __init__(self, count: int, lists: str, order: tuple[str, ...]) -> None:
        self._count = count
        self._lists = lists
        self._order = {name: number for number, name in enumerate(order)}
        self._waiting: dict[int, list[Any]] = {}

    def clear(self) -> None:
        self._waiting.clear()

    def whole(self, message: Any) -> Any | None:
        """All parts of the message's stamp as one message, once the last has come."""
        if self._count == 1:
            return message
        stamp = stamp_ns(message.header.stamp)
        parts = self._waiting.setdefault(stamp, [])
        parts.append(message)
        if len(parts) < self._count:
            if len(self._waiting) > MOST_WAITING:
                del self._waiting[min(self._waiting)]
            return None
        for old in [s for s in self._waiting if s <= stamp]:
            del self._waiting[old]
        return self._merged(parts)

    def _merged(self, parts: list[Any]) -> Any:
        whole = copy.copy(parts[0])
        links = [link for part in parts for link in getattr(part, self._lists)]
        links.sort(key=lambda link: self._order.get(link.tx, len(self._order)))
        setattr(whole, self._lists, links)
        for name in _SUMMED:
            # Of ChannelPaths, `links` are the paths' lists themselves.
            if name != self._lists and hasattr(whole, name):
                setattr(whole, name, sum(getattr(part, name) for part in parts))
        for name in ("latency", "compute_time"):
            if hasattr(whole, name):
                setattr(whole, name, max(getattr(part, name) for part in parts))
        if hasattr(whole, "stale"):
            whole.stale = any(part.stale for part in parts)
        return whole
