"""Channels, paths and forecasts as messages."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Point

from visrftwin_ros.msg import LinkChannel, LinkChannels, RadioPath, ShadowForecast, ShadowForecasts
from visrftwin_ros.nodes.messages.conversions import stamp_message
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
        self._paths: dict[tuple[str, str], list[RadioPath]] = {}

    def message(self, state: ChannelState, stale: bool, age: float) -> LinkChannels:
        message = LinkChannels(
            links=len(state.links),
            affected_links=state.affected_links,
            retraced_paths=state.retraced_paths,
            compute_time=state.compute_time,
        )
        message.header.stamp = stamp_message(state.stamp_ns)
        message.header.frame_id = self._world
        for i, link in enumerate(state.links):
            message.channels.append(self._link(state, i, link, stale, age))
        return message

    def _link(
        self, state: ChannelState, i: int, link: tuple[str, str], stale: bool, age: float
    ) -> LinkChannel:
        metrics = state.metrics
        if state.retraced[i] or link not in self._paths:
            found = state.paths(i, self._most)
            self._paths[link] = [] if found is None else path_messages(found)
        return LinkChannel(
            tx=link[0],
            rx=link[1],
            frequency=self._radio.frequency,
            bandwidth=self._radio.bandwidth,
            path_loss_db=float(metrics.path_loss_db[i]),
            rms_delay_spread=float(metrics.delay_spread[i]),
            azimuth_spread=float(metrics.azimuth_spread[i]),
            k_factor_db=float(metrics.k_factor_db[i]),
            shadow_loss_db=float(metrics.shadow_loss_db[i]),
            line_of_sight=bool(metrics.line_of_sight[i]),
            retraced=bool(state.retraced[i]),
            stale=stale,
            age=age,
            reason=state.fault[i],
            path_count=state.path_count(i),
            paths=self._paths[link],
        )


def path_messages(paths: LinkPaths) -> list[RadioPath]:
    with np.errstate(divide="ignore"):  # a path may lose all its power in a body's null
        gain_db = 10 * np.log10(paths.power)
    messages = []
    for k in range(len(paths)):
        corners = paths.vertices[k, : paths.n_vertices[k]]
        messages.append(
            RadioPath(
                delay=float(paths.delay[k]),
                gain_db=float(gain_db[k]),
                phase=float(paths.phase[k]),
                aod_azimuth=float(paths.departure[k, 0]),
                aod_elevation=float(paths.departure[k, 1]),
                aoa_azimuth=float(paths.arrival[k, 0]),
                aoa_elevation=float(paths.arrival[k, 1]),
                doppler=float(paths.doppler[k]),
                interactions=paths.interactions[k, : len(corners) - 2],
                shadow_loss_db=float(paths.shadow_loss_db[k]),
                blocked_by=list(paths.blocked_by[k]),
                vertices=[Point(x=x, y=y, z=z) for x, y, z in corners.tolist()],
            )
        )
    return messages


def forecast_message(
    state: ChannelState, forecast: ahead.ShadowForecast, world_frame: str, stale: bool
) -> ShadowForecasts:
    message = ShadowForecasts(stale=stale)
    message.header.stamp = stamp_message(state.stamp_ns)
    message.header.frame_id = world_frame
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
