"""What runs a node's callbacks: nothing that comes from outside, nor a fault of ours, ends it."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.task import Task

Execute = Callable[[], Awaitable[None]]

LONGEST_WAIT = 0.2
"""Seconds; a signal's handler runs only between two waits."""


class Faultable(Protocol):
    """A node that is told what its callbacks raised."""

    def fault(self, where: str, error: Exception) -> None: ...


class GuardedExecutor(SingleThreadedExecutor):
    """Tells a node what taking its messages or its callbacks raised, and goes on.

    Taking as well: what raises there leaves, in rclpy, the whole callback group locked. Nodes without
    `fault` are run as rclpy runs them.
    """

    def _make_handler(
        self, entity: Any, node: Any, take_from_wait_list: Callable[[Any], Execute | None]
    ) -> Task:
        # Where rclpy's executors bring together every take and the callback behind it.
        take = take_from_wait_list
        if hasattr(node, "fault"):
            take = partial(_guarded, node, take_from_wait_list)
        return super()._make_handler(entity, node, take)


def spin_until(executor: SingleThreadedExecutor, finished: Callable[[], bool]) -> None:
    """Runs callbacks until `finished`, which is asked at least every LONGEST_WAIT seconds.

    rclpy's own `spin_until_future_complete` adds a done-callback to the future with every callback
    that it runs, and keeps them all.
    """
    while executor.context.ok() and not finished():
        executor.spin_once(timeout_sec=LONGEST_WAIT)


def answering(
    node: Faultable, name: str, callback: Callable[[Any, Any], Any]
) -> Callable[[Any, Any], Awaitable[Any]]:
    """A service's callback that answers with the reason where it failed.

    Its response has `success` and `message`, as all of ours.
    """

    async def answered(request: Any, response: Any) -> Any:
        try:
            answer = callback(request, response)
            return await answer if inspect.isawaitable(answer) else answer
        except Exception as error:
            node.fault(name, error)
            response.success = False
            response.message = f"{name} failed: {type(error).__name__}: {error}"
            return response

    return answered


def refusing(change: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """The callback of a node's `change_state`, which answers also where there is no such transition
    now: rclpy raises there, and who asked would wait for ever."""

    def answered(request: Any, response: Any) -> Any:
        try:
            return change(request, response)
        except rclpy_implementation.RCLError:
            response.success = False
            return response

    return answered


def _guarded(node: Faultable, take: Callable[[Any], Execute | None], entity: Any) -> Execute | None:
    try:
        execute = take(entity)
    except Exception as error:
        node.fault(entity_name(entity), error)
        return None
    if execute is None:
        return None

    async def executed() -> None:
        try:
            await execute()
        except Exception as error:
            node.fault(entity_name(entity), error)

    return executed


def entity_name(entity: Any) -> str:
    """Of the topic or service; of a timer its callback's."""
    for name in ("topic_name", "srv_name"):
        if hasattr(entity, name):
            return str(getattr(entity, name))
    callback = getattr(entity, "callback", entity)
    callback = getattr(callback, "func", callback)
    return str(getattr(callback, "__qualname__", type(callback).__name__))
