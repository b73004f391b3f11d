"""What radios report, beside what the live twin predicts of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from visrftwin_ros.beams.mcs_table import noise_dbm
from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.beams.selection import sweep
from visrftwin_ros.calibration.telemetry_cells import Reading
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import ChannelPaths, LinkChannels, LinkPaths, LinkTelemetry
from visrftwin_ros.nodes.messages.conversions import multipath_from_message
from visrftwin_ros.nodes.shared.robot_poses import robot_poses_from_tf
from visrftwin_ros.nodes.shared.transforms import TransformBuffer
from visrftwin_ros.nodes.shared.twin_node import OK, WARN, TwinNode
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.mounts import antenna_place, device_mount

_APART_NS = 500_000_000
"""Of a report and the prediction that it is compared with."""


class TelemetryHeard:
    """Hands each report that can be used to `heard`, with what the twin says of the same beams."""

    def __init__(
        self,
        node: TwinNode,
        site: Site,
        transforms: TransformBuffer,
        heard: Callable[[Reading], None],
    ) -> None:
        self._node, self._site, self._transforms, self._heard = node, site, transforms, heard
        self._powers = {ap.name: ap.tx_power_dbm for ap in site.access_points}
        self._robots = {robot.name for robot in site.robots}
        # By link, with their stamps: several predictors may share the site.
        self._paths: dict[tuple[str, str], tuple[int, LinkPaths]] = {}
        self._free: dict[tuple[str, str], tuple[int, float]] = {}
        self._count = 0
        node.subscription(LinkChannels, "channels", self._on_channels)
        node.subscription(ChannelPaths, "channel_paths", self._on_paths)
        node.subscription(LinkTelemetry, "telemetry", self._on_telemetry)

    def _on_channels(self, message: LinkChannels) -> None:
        stamp = stamp_ns(message.header.stamp)
        for c in message.channels:
            self._free.pop((c.tx, c.rx), None)
            if not c.stale and self._is_ours(c.tx, c.rx):
                self._free[c.tx, c.rx] = stamp, c.shadow_loss_db - c.path_loss_db

    def _on_paths(self, message: ChannelPaths) -> None:
        stamp = stamp_ns(message.header.stamp)
        for link in message.links:
            self._paths.pop((link.tx, link.rx), None)
            if not message.stale and self._is_ours(link.tx, link.rx):
                self._paths[link.tx, link.rx] = stamp, link

    def _is_ours(self, tx: str, rx: str) -> bool:
        return tx in self._powers and rx in self._robots

    def _on_telemetry(self, message: LinkTelemetry) -> None:
        stamp = stamp_ns(message.header.stamp)
        if not self._node.active or self._node.is_old(stamp) or self._node.is_left_over(stamp):
            return
        try:
            reading = self._reading(message, stamp)
        except TwinError as error:
            self._node.report("telemetry", WARN, str(error))
            return
        if reading is not None and reading.usable:
            self._heard(reading)
            self._count += 1
            self._node.report("telemetry", OK, "reports are used", reports=self._count)

    def _reading(self, message: LinkTelemetry, stamp: int) -> Reading | None:
        """None where the twin says nothing of the link just now."""
        link = message.tx, message.rx
        if not self._is_ours(*link):
            raise TwinError(f"{link[0]!r} to {link[1]!r} is no link of the site")
        radio = self._site.radio
        if np.isfinite(message.frequency) and not np.isclose(
            message.frequency, radio.frequency, rtol=0.05
        ):
            raise TwinError(
                f"{'-'.join(link)} reports at {message.frequency / 1e9:g} GHz, the site is one of "
                f"{radio.frequency / 1e9:g} GHz"
            )
        if link not in self._paths or link not in self._free:
            return None
        (paths_ns, paths), (free_ns, free) = self._paths[link], self._free[link]
        if max(abs(stamp - paths_ns), abs(stamp - free_ns)) > _APART_NS:
            return None
        tolerance = self._node.limits.extrapolation
        robots, missing = robot_poses_from_tf(self._site, self._transforms, stamp, tolerance)
        place = antenna_place(self._site, message.rx, stamp, robots)
        ends = [device_mount(self._site, name, stamp, robots) for name in link]
        if place is None or ends[0] is None or ends[1] is None:
            raise TwinError(missing[message.rx])
        if not paths.paths:
            return None
        shadowed = multipath_from_message(paths)
        bare = _without_people(paths, shadowed)
        gain_db, free_db = (
            _pair_db(sweep(some, ends[0], ends[1]), message) for some in (shadowed, bare)
        )
        measured = message.rssi_dbm
        if not np.isfinite(measured):
            measured = message.snr_db + noise_dbm(radio)
        return Reading(
            at=stamp * 1e-9,
            tx=message.tx,
            rx=message.rx,
            place=place,
            measured_db=float(measured),
            predicted_db=self._powers[message.tx] + gain_db,
            free_db=float(free),
            shadow_db=max(free_db - gain_db, 0.0),
        )


def _without_people(link: LinkPaths, shadowed: Multipath) -> Multipath:
    taken = np.array([path.shadow_loss_db for path in link.paths])
    return Multipath(
        shadowed.count,
        shadowed.channel,
        shadowed.power * 10 ** (taken / 10),
        shadowed.delay,
        shadowed.departure,
        shadowed.arrival,
    )


def _pair_db(gains: np.ndarray, message: LinkTelemetry) -> float:
    """Of the beams in use; of the best ones where the radio does not say."""
    known = message.tx_beam != message.UNKNOWN_BEAM, message.rx_beam != message.UNKNOWN_BEAM
    for name, told, beam, count in zip(
        ("tx_beam", "rx_beam"), known, (message.tx_beam, message.rx_beam), gains.shape, strict=True
    ):
        if told and beam >= count:
            raise TwinError(
                f"{message.tx}-{message.rx} reports {name} {beam}: its array has {count} beams"
            )
    if known[0]:
        gains = gains[message.tx_beam : message.tx_beam + 1]
    if known[1]:
        gains = gains[:, message.rx_beam : message.rx_beam + 1]
    with np.errstate(divide="ignore"):
        return float(10 * np.log10(gains.max()))
