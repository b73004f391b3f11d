"""What only a campaign bag holds, as messages of `rosbags`, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import yaml
from jaxtyping import Float

from visrftwin_ros.bags.bag_types import made
from visrftwin_ros.campaign.snapshot import PATH_FIELDS, MeasuredPaths, Snapshot, TrueChannel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.messages.channels import (
    METRICS,
    channel_paths_message,
    channels_message,
    link_channel,
    link_paths,
    metrics_from_message,
)
from visrftwin_ros.messages.paths import numbers_from_paths, path_messages
from visrftwin_ros.messages.stamps import header, stamp_ns
from visrftwin_ros.yaml_input import yaml_text

_MATERIAL_FIELDS = (
    "relative_permittivity",
    "conductivity",
    "thickness",
    "scattering_coefficient",
    "thickness_spread",
)
_COHERENT = {"thickness_spread": 0.0}
"""What bags of slabs of one exact thickness leave out."""


def text(content: Mapping[str, Any]) -> Any:
    """A std_msgs/String with the content as YAML."""
    return made("std_msgs/String", data=yaml.safe_dump(dict(content), sort_keys=False))


def measured_paths(messages: Sequence[Any]) -> MeasuredPaths:
    """Of RadioPath messages."""
    return MeasuredPaths(**numbers_from_paths(messages, PATH_FIELDS))


def snapshot_from_message(message: Any, world_frame: str) -> Snapshot:
    """A ChannelSnapshot without the places of its ends; TwinError where it means nothing."""
    if not (np.isfinite(message.frequency) and message.frequency > 0):
        raise TwinError(f"its frequency is {message.frequency:g} Hz: expected the carrier")
    paths = measured_paths(message.paths)
    if np.isinf([paths.delay, paths.gain_db]).any():
        raise TwinError("a path has an infinite delay or gain: expected NaN for not measured")
    if message.header.frame_id not in ("", world_frame):
        raise TwinError(
            f"its frame is {message.header.frame_id!r}: angles are expected in the site's "
            f"world frame {world_frame!r}"
        )
    return Snapshot(
        stamp_ns=stamp_ns(message.header.stamp),
        tx=message.tx,
        rx=message.rx,
        frequency=float(message.frequency),
        bandwidth=float(message.bandwidth),
        paths=paths,
        noise_floor_dbm=float(message.noise_floor_dbm),
    )


def snapshot_message(snapshot: Snapshot, frame_id: str) -> Any:
    return made(
        "visrftwin_ros/ChannelSnapshot",
        header=header(made, snapshot.stamp_ns, frame_id),
        tx=snapshot.tx,
        rx=snapshot.rx,
        frequency=float(snapshot.frequency),
        bandwidth=float(snapshot.bandwidth),
        paths=path_messages(made, vars(snapshot.paths)),
        noise_floor_dbm=float(snapshot.noise_floor_dbm),
    )


def true_channels_message(stamp: int, frame_id: str, channels: Sequence[TrueChannel]) -> Any:
    """LinkChannels of one instant."""
    links = [
        link_channel(
            made,
            (channel.tx, channel.rx),
            channel.frequency,
            channel.bandwidth,
            {name: getattr(channel, name) for name in METRICS},
            channel.line_of_sight,
            len(channel.paths),
        )
        for channel in channels
    ]
    return channels_message(made, stamp, frame_id, links)


def true_paths_message(stamp: int, frame_id: str, channels: Sequence[TrueChannel]) -> Any:
    """ChannelPaths of one instant."""
    links = [
        link_paths(made, (channel.tx, channel.rx), path_messages(made, vars(channel.paths)))
        for channel in channels
    ]
    return channel_paths_message(made, stamp, frame_id, links)


def true_channel(
    stamp: int,
    message: Any,
    paths: Sequence[Any],
    rx_position: Float[np.ndarray, " 3"],
    rx_yaw: float,
) -> TrueChannel:
    """Of a LinkChannel message and its RadioPath messages."""
    return TrueChannel(
        stamp_ns=stamp,
        tx=message.tx,
        rx=message.rx,
        **metrics_from_message(message),
        line_of_sight=bool(message.line_of_sight),
        rx_position=rx_position,
        rx_yaw=rx_yaw,
        frequency=float(message.frequency),
        bandwidth=float(message.bandwidth),
        paths=measured_paths(paths),
    )


def materials_message(values: Mapping[str, MaterialValues]) -> Any:
    """A std_msgs/String, YAML by surface."""
    return text(
        {
            surface: {name: float(getattr(entry, name)) for name in _MATERIAL_FIELDS}
            for surface, entry in values.items()
        }
    )


def materials_of(message: Any) -> dict[str, MaterialValues]:
    """TwinError where the text is not what `materials_message` writes."""
    try:
        return {
            str(surface): MaterialValues(
                name=str(surface),
                extrapolated=False,
                **{name: float((_COHERENT | entry)[name]) for name in _MATERIAL_FIELDS},
            )
            for surface, entry in yaml_text(message.data, "the materials").items()
        }
    except (TwinError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise TwinError(
            f"expected YAML {{surface: {{{', '.join(_MATERIAL_FIELDS)}}}}}, not this: {error}"
        ) from error
