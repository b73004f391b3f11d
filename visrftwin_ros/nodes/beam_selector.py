"""Chooses each link's beam pair from its predicted paths, and advises hand-overs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header

from visrftwin_ros.beams.connections import MOST_CONNECTIONS
from visrftwin_ros.beams.hand_over_advice import ASSOCIATION_LASTS, Advice, NetworkState
from visrftwin_ros.beams.hand_over_plan import Service, best_course, links_ahead
from visrftwin_ros.beams.selection import BeamChoice, BeamHolder, sweep
from visrftwin_ros.beams.service_warnings import ServiceWarning as Told
from visrftwin_ros.beams.service_warnings import ServiceWarnings
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.stamps import stamp_message, stamp_ns
from visrftwin_ros.msg import (
    Association,
    BeamDecision,
    BeamDecisions,
    ChannelPaths,
    HandOver,
    LinkChannels,
    LinkPaths,
    LinkTelemetry,
    ServiceWarning,
    ShadowForecast,
    ShadowForecasts,
)
from visrftwin_ros.nodes.messages.conversions import multipath_from_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.parts import PREDICTORS_PARAMETER, Parts
from visrftwin_ros.nodes.shared.robot_poses import robot_poses_from_tf
from visrftwin_ros.nodes.shared.transforms import listen
from visrftwin_ros.nodes.shared.twin_node import (
    EACH_QOS,
    OK,
    SITE_PARAMETER,
    STALE,
    WARN,
    WATCH_PERIOD,
    NodeParameter,
    TwinNode,
    run,
)
from visrftwin_ros.twin.mounts import RobotPose, device_mount

SOON = 1.0
"""s before it is due that advice shows in `beams`."""
MOST_PLANNED = 50
"""Robots that a forecast makes plans for: half a millisecond each."""
MOST_WAITING = 5
"""Messages that may wait for their other half."""


class BeamSelector(TwinNode):
    """Answers every `channels` message with one `beams` message of the same stamp, once its
    `channel_paths` are there; never by paths of another time."""

    parameters: ClassVar[Sequence[NodeParameter]] = (
        SITE_PARAMETER,
        NodeParameter(
            "hysteresis_db", 1.0, "A pair is kept until another is better by this", (0.0, 20.0)
        ),
        NodeParameter(
            "stale_after",
            0.5,
            "Seconds without channels until beams are stale",
            (0.05, 10.0),
            live=True,
        ),
        NodeParameter(
            "needed_rate", 1e9, "bit/s above the MAC that a robot needs", (0.0, 1e11), live=True
        ),
        NodeParameter("interruption", 0.3, "Seconds that a hand-over takes", (0.0, 3.0), live=True),
        PREDICTORS_PARAMETER,
        NodeParameter("old_serves", False, "The old link serves on during a hand-over", live=True),
        NodeParameter(
            "connections",
            1,
            "Access points that serve a robot at a time",
            (1, MOST_CONNECTIONS),
            live=True,
        ),
    )

    def configure(self) -> None:
        self._site = self.site()
        self._powers = {ap.name: ap.tx_power_dbm for ap in self._site.access_points}
        self._robots = {robot.name for robot in self._site.robots}
        self._holder = BeamHolder(self.value("hysteresis_db"))
        self._state = NetworkState()
        # What compiles at the first call must not compile at the first forecast.
        best_course(np.zeros((2, 2)), 0.1, 0, Service().groups(2), Service())
        self._turn = 0  # of the robots that are planned for
        self._measured: dict[tuple[str, str], tuple[float, float]] = {}  # when [s], SNR [dB]
        self._channels: dict[int, LinkChannels] = {}  # by stamp, until their paths come
        self._paths: dict[int, ChannelPaths] = {}
        names = tuple(self._powers)
        predictors = self.value(PREDICTORS_PARAMETER.name)
        self._forecast_parts = Parts(predictors, "forecasts", names)
        self._channel_parts = Parts(predictors, "channels", names)
        self._path_parts = Parts(predictors, "links", names)
        self._last: BeamDecisions | None = None
        self._answered_ns = 0  # when it went out, by `watch_ns`
        self._transforms = listen(self)
        self._beams = self.publisher(BeamDecisions, "beams")
        self._hand_overs = self.publisher(HandOver, "hand_overs", EACH_QOS)
        self._outages = ServiceWarnings()
        self._driving = {robot.name for robot in self._site.robots if robot.is_on_tf}
        self._warnings = self.publisher(ServiceWarning, "service_warnings", EACH_QOS)
        self.subscription(Association, "associations", self._on_association, EACH_QOS)
        self.subscription(LinkTelemetry, "telemetry", self._on_telemetry, EACH_QOS)
        for kind, topic, callback in (
            (ShadowForecasts, "shadow_forecast", self._on_forecast),
            (LinkChannels, "channels", self._on_channels),
            (ChannelPaths, "channel_paths", self._on_paths),
        ):
            self.subscription(kind, topic, callback, publishers=predictors)
        self.timer(WATCH_PERIOD, self._watch)

    def time_went_back(self) -> None:
        self._last, self._state, self._outages = None, NetworkState(), ServiceWarnings()
        self._measured.clear()
        self._channels.clear()
        self._paths.clear()
        for parts in (self._forecast_parts, self._channel_parts, self._path_parts):
            parts.clear()
        self._holder = BeamHolder(self.value("hysteresis_db"))

    def _on_association(self, message: Association) -> None:
        aps = list(dict.fromkeys([message.ap, *message.also])) if message.ap else []
        if message.robot not in self._robots or not {*aps} <= self._powers.keys():
            self.report(
                "association",
                WARN,
                f"{message.robot!r} at {', '.join(map(repr, aps))}: the site has robots {sorted(self._robots)} and"
                f" access points {sorted(self._powers)}",
            )
            return
        at = stamp_ns(message.header.stamp) * 1e-9
        if self.age_of(stamp_ns(message.header.stamp)) > ASSOCIATION_LASTS:
            return
        by = message.reported_by
        self._state = self._state.associated(message.robot, message.ap, at, by, message.also)
        taken = self._state.serving[message.robot].aps
        if taken != tuple(aps):
            told, does = (", ".join(some) or "nobody" for some in (aps, taken))
            self.report(
                "association",
                WARN,
                f"{by or 'somebody'} says that {told} serves {message.robot}; {does} does,"
                " by a newer report or the robot's own: correct who reports",
            )
        else:
            self.report("association", OK, f"reported by {by or 'nobody named'}")

    def _on_telemetry(self, message: LinkTelemetry) -> None:
        stamp = stamp_ns(message.header.stamp)
        if self.is_old(stamp):
            return
        link = message.tx, message.rx
        if message.tx not in self._powers or message.rx not in self._robots:
            self.report("telemetry", WARN, f"{link[0]!r} to {link[1]!r} is no link of the site")
            return
        self._measured[link] = stamp * 1e-9, message.snr_db
        self._state = self._state.hears(link, stamp * 1e-9, message.snr_db)

    def _on_forecast(self, message: ShadowForecasts) -> None:
        """Every fresh forecast is a new plan for each robot."""
        stamp = stamp_ns(message.header.stamp)
        if not self.active or self.is_left_over(stamp) or message.stale or self.is_old(stamp):
            return
        whole = self._forecast_parts.whole(message)
        if whole is None:
            return
        told = [f for f in whole.forecasts if f.snr_quantiles_db and len(f.horizon) > 1]
        told = [f for f in told if f.tx in self._powers and f.rx in self._robots]
        if not told:
            return
        links = [(f.tx, f.rx) for f in told]
        horizons = np.array(told[0].horizon)
        snr_db = np.stack([quantiles_of(f).T for f in told])
        ahead = links_ahead(links, horizons, snr_db)
        now = stamp * 1e-9
        service = Service(
            self.value("needed_rate"),
            self.value("interruption"),
            self.value("old_serves"),
            connections=self.value("connections"),
        )
        for i, link in enumerate(links):
            at, measured = self._measured.get(link, (-np.inf, np.nan))
            if at > now - 1:
                self._state = self._state.measured(link, at, measured, np.median(snr_db[i, :, 0]))
        planned = self._next_in_turn(list(ahead))
        for robot in planned:
            self._state, advice = self._state.advise(
                robot, ahead[robot], now, self._site.radio, service
            )
            if advice is not None:
                self._hand_overs.publish(hand_over(advice, message.header))
        foreseen = {robot: self._state.foreseen[robot] for robot in planned}
        self._outages, warned = self._outages.ahead(
            now, foreseen, self._site.radio, service, self._driving
        )
        for one in warned:
            self._warnings.publish(service_warning(one, message.header))

    def _next_in_turn(self, robots: list[str]) -> list[str]:
        """MOST_PLANNED of them at most, so that a forecast of many robots is answered in time; all of
        them in turn."""
        if len(robots) <= MOST_PLANNED:
            return robots
        first = self._turn % len(robots)
        self._turn = first + MOST_PLANNED
        return (robots[first:] + robots[:first])[:MOST_PLANNED]

    def _on_channels(self, message: LinkChannels) -> None:
        self._pair(self._channels, self._channel_parts.whole(message))
        if len(self._channels) == MOST_WAITING:
            self.report("links", WARN, "channels come, but not their channel_paths: no beams")

    def _on_paths(self, message: ChannelPaths) -> None:
        self._pair(self._paths, self._path_parts.whole(message))

    def _pair(self, waiting: dict[int, Any], message: LinkChannels | ChannelPaths | None) -> None:
        """Decides when both messages of a stamp are there; older ones wait no longer."""
        if message is None:
            return
        stamp = stamp_ns(message.header.stamp)
        if not self.active or self.is_left_over(stamp):
            return
        waiting[stamp] = message
        if stamp in self._channels and stamp in self._paths:
            self._answer(self._channels[stamp], self._paths[stamp], stamp)
            for kept in (self._channels, self._paths):
                for old in [s for s in kept if s <= stamp]:
                    del kept[old]
        elif len(waiting) > MOST_WAITING:
            del waiting[min(waiting)]

    def _answer(self, message: LinkChannels, found: ChannelPaths, stamp: int) -> None:
        answer = BeamDecisions(header=message.header)
        answer.stale = found.stale or any(link.stale for link in message.channels)
        answer.stale = answer.stale or self.is_old(stamp)
        robots, missing = robot_poses_from_tf(
            self._site, self._transforms, stamp, self.limits.extrapolation
        )
        paths = {(link.tx, link.rx): link for link in found.links}
        undecided = {}
        for link in message.channels:
            try:
                own = paths.get((link.tx, link.rx))
                if own is None:
                    raise TwinError("channel_paths has not this link: see path_links there")
                answer.decisions.append(self._decide(own, stamp, robots))
            except TwinError as error:
                undecided[f"{link.tx}-{link.rx}"] = missing.get(link.rx, str(error))
        self._advise(answer, stamp)
        answer.latency = (self.now_ns() - stamp) * 1e-9
        self._beams.publish(answer)
        self._last, self._answered_ns = answer, self.watch_ns()
        state = (STALE, "the channels are stale") if answer.stale else (OK, "beams are up to date")
        self.report("beams", *state)
        if undecided:
            self.report("links", WARN, "; ".join(f"{k}: {v}" for k, v in undecided.items()))
        else:
            self.report("links", OK, f"{len(answer.decisions)} links have beams")

    def _watch(self) -> None:
        """Says of the last beams that they are stale, while no channels come."""
        silence_ns = self.watch_ns() - self._answered_ns
        if not self.active or not self._last or silence_ns <= self.value("stale_after") * 1e9:
            return
        self.report("beams", STALE, f"no channels for {silence_ns * 1e-9:.1f} s")
        self._last.stale = True
        self._last.latency = self.age_of(stamp_ns(self._last.header.stamp))
        self._beams.publish(self._last)

    def _decide(self, link: LinkPaths, stamp: int, robots: dict[str, RobotPose]) -> BeamDecision:
        tx = device_mount(self._site, link.tx, stamp, robots)
        rx = device_mount(self._site, link.rx, stamp, robots)
        if tx is None or rx is None or link.tx not in self._powers:
            raise TwinError(f"no beams for {link.tx} to {link.rx}: an end has no pose or no power")
        gains = sweep(multipath_from_message(link), tx, rx)
        choice = self._holder.choose(
            (link.tx, link.rx), gains, self._powers[link.tx], self._site.radio, stamp * 1e-9
        )
        return decision(link, choice)

    def _advise(self, beams: BeamDecisions, stamp: int) -> None:
        """Marks the links whose robots another access point will serve better, and soon."""
        for one in beams.decisions:
            advice = self._state.advised.get(one.rx)
            one.hand_over_advised = (
                advice is not None and advice.from_ap == one.tx and advice.at <= stamp * 1e-9 + SOON
            )


def quantiles_of(forecast: ShadowForecast) -> NDArray[np.float64]:
    """(H, Q) SNR."""
    values = np.array(forecast.snr_quantiles_db, float)
    return values.reshape(len(forecast.horizon), len(forecast.quantiles))


def hand_over(advice: Advice, header: Header) -> HandOver:
    return HandOver(
        header=header,
        robot=advice.robot,
        from_ap=advice.from_ap,
        to_ap=advice.to_ap,
        at=stamp_message(made, round(advice.at * 1e9)),
        duration=advice.duration,
        expected_gain=advice.gain_bits,
        confidence=advice.confidence,
        reason=advice.reason,
    )


def service_warning(told: Told, header: Header) -> ServiceWarning:
    what = {
        "none": ServiceWarning.NONE,
        "slow down": ServiceWarning.SLOW_DOWN,
        "reroute": ServiceWarning.REROUTE,
    }
    return ServiceWarning(
        header=header,
        robot=told.robot,
        begins=stamp_message(made, round(told.begins * 1e9)),
        ends=stamp_message(made, round(told.ends * 1e9)),
        probability=told.probability,
        advice=what[told.what],
        reason=told.reason,
    )


def decision(link: LinkPaths, choice: BeamChoice) -> BeamDecision:
    return BeamDecision(
        tx=link.tx,
        rx=link.rx,
        tx_beam=choice.tx_beam,
        rx_beam=choice.rx_beam,
        snr_db=choice.snr_db,
        rssi_dbm=choice.rssi_dbm,
        mcs=choice.mcs,
        phy_rate=choice.phy_rate,
        throughput=choice.throughput,
        runner_up_tx_beam=choice.second_tx_beam,
        runner_up_rx_beam=choice.second_rx_beam,
        runner_up_snr_db=choice.second_snr_db,
    )


def main() -> None:
    run(BeamSelector, "beam_selector")


if __name__ == "__main__":
    main()
