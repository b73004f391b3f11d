"""Channels, paths and forecasts as messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.beams.fade_warnings import FadeWarning as Warned
from visrftwin_ros.messages.channels import (
    METRICS,
    channel_paths_message,
    channels_message,
    link_channel,
    link_paths,
)
from visrftwin_ros.messages.paths import path_messages
from visrftwin_ros.messages.stamps import header, stamp_message
from visrftwin_ros.msg import (
    ChannelPaths,
    FadeWarning,
    LinkChannels,
    ShadowForecast,
    ShadowForecasts,
)
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.site.model import Radio
from visrftwin_ros.twin import forecast as ahead
from visrftwin_ros.twin.channel_state import ChannelState
from visrftwin_ros.twin.link_paths import LinkPaths

NO_PATH, OVER_BODIES = "no path arrives", "no path arrives but over people or boxes"
Link = tuple[str, str]


class ChannelMessages:
    """Builds `channels` and `channel_paths` messages.

    Every state goes through `channels`; of a link that was not retraced since `paths` was asked
    last, the paths' messages are kept.
    """

    def __init__(self, world_frame: str, radio: Radio, most_paths: int) -> None:
        self._world = world_frame
        self._radio = radio
        self._most = most_paths
        self._paths: dict[Link, list[Any]] = {}

    def channels(self, state: ChannelState, stale: bool, age: float) -> LinkChannels:
        """All but the latency."""
        for link, retraced in zip(state.links, state.retraced, strict=True):
            if retraced:
                self._paths.pop(link, None)
        return channels_message(
            made,
            state.stamp_ns,
            self._world,
            [self._link(state, i, stale, age) for i in range(len(state.links))],
            affected_links=state.affected_links,
            retraced_paths=state.retraced_paths,
            compute_time=state.compute_time,
        )

    def paths(self, state: ChannelState, stale: bool, chosen: Collection[Link]) -> ChannelPaths:
        """Of the `chosen` links; all but the latency."""
        links = []
        for i, link in enumerate(state.links):
            if link not in chosen:
                continue
            if link not in self._paths:
                found = state.paths(i, self._most)
                self._paths[link] = [] if found is None else radio_paths(found)
            links.append(link_paths(made, link, self._paths[link]))
        return channel_paths_message(made, state.stamp_ns, self._world, links, stale=stale)

    def _link(self, state: ChannelState, i: int, stale: bool, age: float) -> Any:
        metrics = {name: getattr(state.metrics, name)[i] for name in METRICS}
        reason = state.fault[i]
        if not np.isfinite(metrics["path_loss_db"]):
            metrics, reason = dict.fromkeys(METRICS, np.nan), reason or NO_PATH
        elif np.isnan(metrics["shadow_loss_db"]):
            reason = reason or OVER_BODIES
        return link_channel(
            made,
            state.links[i],
            self._radio.frequency,
            self._radio.bandwidth,
            metrics,
            state.metrics.line_of_sight[i],
            state.path_count(i),
            retraced=state.retraced[i],
            stale=stale,
            age=age,
            reason=reason,
        )


def picked_links(links: Iterable[Link], patterns: Sequence[str]) -> frozenset[Link]:
    """Those whose name `tx-rx` fits one of the patterns (shell wildcards); all without a pattern."""
    given = [pattern for pattern in patterns if pattern]
    return frozenset(
        (tx, rx)
        for tx, rx in links
        if not given or any(fnmatchcase(f"{tx}-{rx}", pattern) for pattern in given)
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


LEVELS = (np.arange(8) + 0.5) / 8
"""Of the distributions in `shadow_forecast`: each stands for an eighth of the futures."""


def forecast_message(
    state: ChannelState,
    forecast: ahead.ShadowForecast,
    snr_db: Float[np.ndarray, "l m h"],
    world_frame: str,
    stale: bool,
) -> ShadowForecasts:
    """snr_db: of the links in the forecast's futures."""
    message = ShadowForecasts(header=header(made, state.stamp_ns, world_frame), stale=stale)
    mean, upper = forecast.mean_db, forecast.upper_bound_db
    loss, snr = (_levels(values) for values in (forecast.loss_db, snr_db))
    for i, (tx, rx) in enumerate(state.links):
        message.forecasts.append(
            ShadowForecast(
                tx=tx,
                rx=rx,
                horizon=forecast.horizons.tolist(),
                shadow_loss_db=mean[i].tolist(),
                shadow_loss_upper_db=upper[i].tolist(),
                quantiles=LEVELS.tolist(),
                shadow_loss_quantiles_db=loss[i].ravel().tolist(),
                snr_quantiles_db=[] if np.isnan(snr[i, 0]).any() else snr[i].ravel().tolist(),
            )
        )
    return message


def fade_warning_message(state: ChannelState, warning: Warned, world_frame: str) -> FadeWarning:
    """All but the latency."""
    tx, rx = state.links[warning.link]
    begins, ends = (
        stamp_message(made, state.stamp_ns + round((at - warning.at) * 1e9))
        for at in (warning.begins, warning.ends)
    )
    return FadeWarning(
        header=header(made, state.stamp_ns, world_frame),
        tx=tx,
        rx=rx,
        begins=begins,
        ends=ends,
        probability=warning.probability,
    )


def _levels(values: Float[np.ndarray, "l m h"]) -> Float[np.ndarray, "l h q"]:
    """The values at LEVELS of the futures; Hazen's plotting position, one future is itself."""
    return np.moveaxis(np.quantile(values, LEVELS, axis=1, method="hazen"), 0, -1)
