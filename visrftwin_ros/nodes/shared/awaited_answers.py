"""Answers of the process that solves for questions, for coroutines that await them."""

from __future__ import annotations

from typing import Any

from rclpy.task import Future

from visrftwin_ros.errors import TwinError
from visrftwin_ros.nodes.shared.twin_node import TwinNode
from visrftwin_ros.twin.link_queries import Answer, Enquiries

_POLL_PERIOD = 0.05


class AwaitedAnswers:
    """`enquiries`, looked at by a timer of `node`."""

    def __init__(self, node: TwinNode, enquiries: Enquiries) -> None:
        self.enquiries = enquiries
        self._pending: dict[int, Future] = {}
        node.timer(_POLL_PERIOD, self._poll)

    async def of(self, number: int) -> Any:
        """The result of that enquiry; TwinError where there is none."""
        self._pending[number] = Future()
        answer: Answer = await self._pending[number]
        if answer.result is None:
            raise TwinError(answer.failure)
        return answer.result

    def give_up(self, number: int, reason: str) -> None:
        """No more of that map is worked out; who awaits it is told why."""
        self.enquiries.give_up(number)
        if number in self._pending:
            self._pending.pop(number).set_result(Answer(number, None, reason))

    def close(self) -> None:
        """Ends the process; who still waits is told."""
        self.enquiries.close()
        for number in list(self._pending):
            self.give_up(number, "the channel predictor was shut down")

    def _poll(self) -> None:
        answer = self.enquiries.poll()
        if answer is not None and answer.number in self._pending:
            self._pending.pop(answer.number).set_result(answer)
