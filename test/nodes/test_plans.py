"""Robots' plans as they come on `<robot>/plan`: used, or refused with the reason."""

from __future__ import annotations

import time
from pathlib import Path as File
from typing import Any

import pytest
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Path
from node_bench import OK, WARN, NodeBench

from visrftwin_ros.messages.stamps import header
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.messages.message_types import made

SECOND = 10**9


def plan(
    *places: tuple[float, float], frame: str = "world", age: float = 0.0, each: int = 0
) -> Path:
    """each: ns from one place's stamp to the next."""
    now = time.time_ns() - round(age * SECOND)
    message = Path(header=header(made, now, frame))
    for k, (x, y) in enumerate(places):
        pose = PoseStamped(header=header(made, now + k * each, frame))
        pose.pose.position.x, pose.pose.position.y = x, y
        message.poses.append(pose)
    return message


@pytest.fixture
def says(bench: NodeBench, small_site: File) -> Any:
    """What /diagnostics says of the roving robot's plan."""
    cache = str(small_site.parent / "cache")
    values = {"site": str(small_site), "cache": cache, "plan_lasts": 2.0}
    bench.active(ChannelPredictor, "predictor", **values)
    publisher = bench.publisher(Path, "roving/plan")

    def said(level: int, text: str, message: Path | None = None) -> bool:
        if message is not None:
            publisher.publish(message)
        return bench.says("predictor: plan roving", level, text, 30.0)

    return said


def test_plans_are_taken_refused_with_the_reason_withdrawn_and_forgotten(says: Any) -> None:
    way = ((0.0, 0.0), (3.0, 0.0), (3.0, 2.0))
    assert says(OK, "of 3 places", plan(*way))
    assert says(WARN, "TF has no frame 'odom'", plan(*way, frame="odom"))
    assert says(WARN, "jumps: 30.0 m/s", plan(*way, each=SECOND // 10))
    assert says(WARN, "no number", plan((0.0, 0.0), (float("nan"), 0.0)))
    assert says(WARN, "one place", plan((0.0, 0.0)))
    assert says(WARN, "7200.", plan(*way, age=7200.0))
    assert says(OK, "withdrawn", plan())
    assert says(OK, "of 3 places", plan(*way, each=SECOND))
    assert says(WARN, "no newer plan for 2 s")
