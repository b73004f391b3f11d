"""The channels of links as LinkChannels, their paths as ChannelPaths."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from visrftwin_ros.messages.factory import Make
from visrftwin_ros.messages.stamps import header

_METRICS = {
    "path_loss_db": "path_loss_db",
    "delay_spread": "rms_delay_spread",
    "azimuth_spread": "azimuth_spread",
    "k_factor_db": "k_factor_db",
    "shadow_loss_db": "shadow_loss_db",
    "shadow_loss_los_db": "shadow_loss_los_db",
}
"""Fields of LinkChannel.msg by the names that our arrays have for them."""
METRICS = tuple(_METRICS)
Link = tuple[str, str]


def link_channel(
    make: Make,
    link: Link,
    frequency: float,
    bandwidth: float,
    metrics: Mapping[str, float],
    line_of_sight: bool,
    path_count: int,
    *,
    retraced: bool = False,
    stale: bool = False,
    age: float = 0.0,
    reason: str = "",
) -> Any:
    """A LinkChannel from transmitter to receiver. metrics: the numbers METRICS by name."""
    return make(
        "visrftwin_ros/LinkChannel",
        tx=link[0],
        rx=link[1],
        frequency=float(frequency),
        bandwidth=float(bandwidth),
        **{field: float(metrics[name]) for name, field in _METRICS.items()},
        line_of_sight=bool(line_of_sight),
        retraced=bool(retraced),
        stale=stale,
        age=float(age),
        reason=reason,
        path_count=int(path_count),
    )


def metrics_from_message(message: Any) -> dict[str, float]:
    """METRICS by name, of a LinkChannel; nan where the message is older than the field."""
    return {name: float(getattr(message, field, math.nan)) for name, field in _METRICS.items()}


def channels_message(
    make: Make,
    stamp: int,
    frame_id: str,
    channels: Sequence[Any],
    *,
    affected_links: int = 0,
    retraced_paths: int = 0,
    compute_time: float = 0.0,
) -> Any:
    """LinkChannels of one instant; all but the latency."""
    return make(
        "visrftwin_ros/LinkChannels",
        header=header(make, stamp, frame_id),
        channels=list(channels),
        links=len(channels),
        affected_links=int(affected_links),
        retraced_paths=int(retraced_paths),
        latency=0.0,
        compute_time=float(compute_time),
    )


def link_paths(make: Make, link: Link, paths: Sequence[Any]) -> Any:
    """LinkPaths from transmitter to receiver. paths: RadioPath messages, strongest first."""
    return make("visrftwin_ros/LinkPaths", tx=link[0], rx=link[1], paths=list(paths))


def channel_paths_message(
    make: Make, stamp: int, frame_id: str, links: Sequence[Any], *, stale: bool = False
) -> Any:
    """ChannelPaths of one instant; all but the latency."""
    return make(
        "visrftwin_ros/ChannelPaths",
        header=header(make, stamp, frame_id),
        links=list(links),
        stale=stale,
        latency=0.0,
    )
