"""Channels, paths and forecasts as messages."""

from __future__ import annotations

from typing import Any

import numpy as np

from visrftwin_ros.messages.channels import METRICS, channels_message, link_channel
from visrftwin_ros.messages.paths import path_messages
from visrftwin_ros.messages.stamps import header
from visrftwin_ros.msg import LinkChannels, ShadowForecast, ShadowForecasts
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.site.model import Radio
from visrftwin_ros.twin import forecast as ahead
from visrftwin_ros.twin.channel_state import ChannelState
from visrftwin_ros.twin.link_paths import LinkPaths


class ChannelMessages:
    """Builds `channels` messages; a link that was not retraced keeps its message's paths."""

    def __init__(self, world_frame: str, radio: Radio, most_paths: int) -> None:
        self._world = world_frame
        self._radio = radio
        self._most = most_paths
        self._paths: dict[tuple[str, str], list[Any]] = {}

    def message(self, state: ChannelState, stale: bool, age: float) -> LinkChannels:
        channels = [self._link(state, i, stale, age) for i in range(len(state.links))]
        return channels_message(
            made,
            state.stamp_ns,
            self._world,
            channels,
            affected_links=state.affected_links,
            retraced_paths=state.retraced_paths,
            compute_time=state.compute_time,
        )

    def _link(self, state: ChannelState, i: int, stale: bool, age: float) -> Any:
        link, metrics = state.links[i], state.metrics
        if state.retraced[i] or link not in self._paths:
            found = state.paths(i, self._most)
            self._paths[link] = [] if found is None else radio_paths(found)
        return link_channel(
            made,
            link,
            self._radio.frequency,
            self._radio.bandwidth,
            {name: getattr(metrics, name)[i] for name in METRICS},
            metrics.line_of_sight[i],
            state.path_count(i),
            paths=self._paths[link],
            retraced=state.retraced[i],
            stale=stale,
            age=age,
            reason=state.fault[i],
        )


def radio_paths(paths: LinkPaths) -> list[Any]:
    """RadioPath messages, strongest first."""
    with np.errstate(divide="ignore"):  # a path may lose all its power in a body's null
        gain_db = 10 * np.log10(paths.power)
    numbers = {
        "delay": paths.delay,
        "gain_db": gain_db,
        "phase": paths.phase,
        "aod_azimuth": paths.departure[:, 0],
        "aod_elevation": paths.departure[:, 1],
        "aoa_azimuth": paths.arrival[:, 0],
        "aoa_elevation": paths.arrival[:, 1],
        "doppler": paths.doppler,
        "shadow_loss_db": paths.shadow_loss_db,
    }
    ends = paths.n_vertices
    return path_messages(
        made,
        numbers,
        interactions=[row[: n - 2] for row, n in zip(paths.interactions, ends, strict=True)],
        blocked_by=paths.blocked_by,
        vertices=[row[:n] for row, n in zip(paths.vertices, ends, strict=True)],
    )


def forecast_message(
    state: ChannelState, forecast: ahead.ShadowForecast, world_frame: str, stale: bool
) -> ShadowForecasts:
    message = ShadowForecasts(header=header(made, state.stamp_ns, world_frame), stale=stale)
    for (tx, rx), mean, upper in zip(
        state.links, forecast.mean_db, forecast.upper_bound_db, strict=True
    ):
        message.forecasts.append(
            ShadowForecast(
                tx=tx,
                rx=rx,
                horizon=forecast.horizons.tolist(),
                shadow_loss_db=mean.tolist(),
                shadow_loss_upper_db=upper.tolist(),
            )
        )
    return message
