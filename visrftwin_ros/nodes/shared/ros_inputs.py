"""What rclpy itself hears for a node, /clock and changes of parameters, checked as all else."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from rcl_interfaces.msg import ParameterType, SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.node import Node
from rclpy.time_source import CLOCK_TOPIC
from rosgraph_msgs.msg import Clock

from visrftwin_ros.nodes.shared.intake import Intake

Answer = Callable[[Any, Any], Any]


def check_clock(node: Node, intake: Intake) -> str:
    """Has the node's clock hear only of times that are some; the topic's full name, '' where the
    node runs on the system's clock."""
    source = node._time_source
    for subscription in node.subscriptions:
        if subscription is source._clock_sub:
            subscription.callback = intake.checked(Clock, CLOCK_TOPIC, source.clock_callback)
            return str(subscription.topic_name)
    return ""


def check_parameter_changes(node: Node) -> None:
    """Has parameters of a type that ROS does not know refused, with the reason, where rclpy raises."""
    kinds = (SetParameters, SetParametersAtomically)
    for service in node.services:
        if service.srv_type in kinds:
            service.callback = partial(_answered, service.callback)


def _answered(callback: Answer, request: Any, response: Any) -> Any:
    wrong = [
        p.name for p in request.parameters if p.value.type > ParameterType.PARAMETER_STRING_ARRAY
    ]
    if not wrong:
        return callback(request, response)
    reason = f"of no type that ROS knows: {', '.join(name[:64] for name in wrong[:5])}"
    refused = SetParametersResult(successful=False, reason=reason)
    if isinstance(response, SetParametersAtomically.Response):
        response.result = refused
    else:
        response.results = [refused] * len(request.parameters)
    return response
