"""What nodes share that work on one goal of an action at a time."""

from __future__ import annotations

from typing import Any

from visrftwin_ros.nodes.shared.twin_node import WARN, TwinNode


def may_begin(node: TwinNode, action: str, busy: bool) -> bool:
    """Whether another goal is taken; why not, the diagnostics of `action` say."""
    if node.active and not busy:
        return True
    why = "another goal is at work" if node.active else "this node is not active"
    node.report(action, WARN, f"a goal was refused: {why}")
    return False


def end(handle: Any, *, cancelled: bool, success: bool) -> None:
    """Tells the client of a goal how it ended."""
    if cancelled:
        handle.canceled()
    elif success:
        handle.succeed()
    else:
        handle.abort()
