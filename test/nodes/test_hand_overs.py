"""Advice goes by who serves and by what radios measure, and out on `hand_overs`."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yaml
from node_bench import OK, WARN, NodeBench

from visrftwin_ros.messages.stamps import header, stamp_ns
from visrftwin_ros.msg import (
    Association,
    HandOver,
    LinkTelemetry,
    ServiceWarning,
    ShadowForecast,
    ShadowForecasts,
)
from visrftwin_ros.nodes.beam_selector import BeamSelector
from visrftwin_ros.nodes.messages.channel_messages import forecast_message
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.twin_node import EACH_QOS
from visrftwin_ros.twin.forecast import ShadowForecast as ShadowForecastOfTwin

HORIZONS = 0.25 * np.arange(13)
ROBOT = "standing"
FIELDS = tuple(ShadowForecast.get_fields_and_field_types())


@pytest.fixture
def two_aps(small_site: Path) -> str:
    """The small site with an access point more."""
    content = yaml.safe_load(small_site.read_text())
    (ap,) = content["access_points"]
    content["access_points"].append({**ap, "name": "other", "position": [8, -6, 3]})
    small_site.write_text(yaml.safe_dump(content))
    return str(small_site)


def forecast(
    ap_fades_at: float, ap: float = 25.0, other: float = 20.0, faded: float = -10.0
) -> ShadowForecasts:
    """`ap` fades for good at that time, `other` stays."""
    fading = np.where(ap_fades_at <= HORIZONS, faded, ap)
    links = {"ap": fading, "other": np.full(13, other)}
    return ShadowForecasts(
        header=header(made, time.time_ns(), "world"),
        forecasts=[
            ShadowForecast(
                tx=tx,
                rx=ROBOT,
                horizon=HORIZONS.tolist(),
                shadow_loss_db=[0.0] * 13,
                shadow_loss_upper_db=[0.0] * 13,
                quantiles=[0.25, 0.75],
                shadow_loss_quantiles_db=[0.0] * 26,
                snr_quantiles_db=np.repeat(snr, 2).tolist(),
            )
            for tx, snr in links.items()
        ],
    )


class Radio:
    """A robot's radio beside a running beam_selector."""

    def __init__(self, bench: NodeBench, site: str, **parameters: Any) -> None:
        self.bench = bench
        bench.active(BeamSelector, "beam_selector", site=site, **parameters)
        self.advice = bench.heard(HandOver, "hand_overs", EACH_QOS)
        self.outages = bench.heard(ServiceWarning, "service_warnings", EACH_QOS)
        self._forecasts = bench.publisher(ShadowForecasts, "shadow_forecast")
        self._associations = bench.publisher(Association, "associations")
        self._telemetry = bench.publisher(LinkTelemetry, "telemetry")

    def hears(self, message: ShadowForecasts) -> None:
        self._forecasts.publish(message)
        self.bench.spin(0.3)

    def says(self, ap: str, robot: str = ROBOT, also: tuple[str, ...] = ()) -> None:
        stamp = header(made, time.time_ns(), "world")
        said = Association(header=stamp, robot=robot, ap=ap, also=list(also), reported_by="r")
        self._associations.publish(said)
        self.bench.spin(0.2)

    def measures(self, ap: str, snr_db: float, robot: str = ROBOT) -> None:
        stamp = header(made, time.time_ns(), "world")
        self._telemetry.publish(LinkTelemetry(header=stamp, tx=ap, rx=robot, snr_db=snr_db))
        self.bench.spin(0.2)


def newest(radio: Radio) -> Any:
    assert radio.bench.until(lambda: radio.advice)
    return radio.advice[-1]


def test_who_serves_is_warned_in_time_with_a_name_a_moment_and_a_reason(
    bench: NodeBench, two_aps: str
) -> None:
    radio = Radio(bench, two_aps)
    radio.says("ap")
    assert bench.says("beam_selector: association", OK, "reported by r")
    message = forecast(2.0)
    radio.hears(message)
    told = newest(radio)
    assert (told.robot, told.from_ap, told.to_ap) == (ROBOT, "ap", "other")
    lead = (stamp_ns(told.at) - stamp_ns(message.header.stamp)) * 1e-9
    assert 1.2 < lead <= 2.0
    assert told.header.stamp == message.header.stamp
    assert told.confidence == 1 and told.expected_gain > 0 and "ap is expected" in told.reason


def test_a_link_of_which_no_path_is_known_where_the_robot_will_be_is_left_in_time(
    bench: NodeBench, two_aps: str
) -> None:
    radio = Radio(bench, two_aps)
    radio.says("ap")
    message = forecast(2.0, faded=np.nan)
    radio.hears(message)
    told = newest(radio)
    assert (told.from_ap, told.to_ap) == ("ap", "other")
    assert 1.2 < (stamp_ns(told.at) - stamp_ns(message.header.stamp)) * 1e-9 <= 2.0


def test_the_forecast_tells_of_links_that_are_known_now() -> None:
    links = (("ap", ROBOT), ("other", ROBOT))
    snr = np.full((2, 3, 13), 20.0)
    snr[0, :, 8:] = np.nan
    snr[1] = np.nan
    ahead = ShadowForecastOfTwin(HORIZONS, np.zeros(snr.shape), np.zeros(snr.shape))
    state = SimpleNamespace(stamp_ns=5, links=links)
    message = forecast_message(state, ahead, snr, "world", stale=False)
    known = np.array(message.forecasts[0].snr_quantiles_db).reshape(13, -1)
    assert (known[:8] == 20.0).all() and np.isnan(known[8:]).all()
    assert not message.forecasts[1].snr_quantiles_db


def test_a_robot_that_the_other_serves_already_is_left_alone(
    bench: NodeBench, two_aps: str
) -> None:
    radio = Radio(bench, two_aps)
    radio.says("other")
    radio.hears(forecast(2.0))
    assert not radio.advice


def test_what_the_radio_measures_weighs_more_than_what_the_twin_predicts(
    bench: NodeBench, two_aps: str
) -> None:
    """By the twin the other access point is no help."""
    radio = Radio(bench, two_aps)
    radio.says("ap")
    radio.hears(forecast(0.5, other=-15.0))
    assert not radio.advice
    radio.measures("other", 22.0)
    radio.hears(forecast(0.5, other=-15.0))
    assert newest(radio).to_ap == "other"


def test_of_many_robots_some_are_planned_for_at_a_time_and_all_in_turn(
    bench: NodeBench, small_site: Path, two_aps: str
) -> None:
    content = yaml.safe_load(small_site.read_text())
    names = [f"r{k:03}" for k in range(200)]
    content["robots"] = [{"name": name, "position": [0, -6]} for name in names]
    small_site.write_text(yaml.safe_dump(content))
    radio = Radio(bench, str(small_site))
    for told in range(4):
        message = forecast(0.5)
        message.forecasts = [
            ShadowForecast(**{f: getattr(one, f) for f in FIELDS} | {"rx": name})
            for name in names
            for one in message.forecasts
        ]
        radio.hears(message)
        assert bench.until(lambda so_far=told: len(radio.advice) == 50 * (so_far + 1), 30.0)
    assert {one.robot for one in radio.advice} == set(names)


def test_a_robot_that_holds_two_changes_one_only_where_both_fade(
    bench: NodeBench, two_aps: str
) -> None:
    radio = Radio(bench, two_aps, connections=2)
    radio.says("ap", also=("other",))
    assert bench.says("beam_selector: association", OK, "reported by r")
    radio.hears(forecast(1.0))
    assert not radio.advice and not radio.outages
    radio.says("ap")  # it lost the other one, which is worth having again
    radio.hears(forecast(1.0))
    told = newest(radio)
    assert (told.from_ap, told.to_ap) == ("", "other") and "add it" in told.reason
    radio.says("ap", also=("ap",))  # one and the same is one
    radio.hears(forecast(1.0))
    assert bench.says("beam_selector: association", OK, "reported by r")
    radio.says("ap", also=("nobody",))
    assert bench.says("beam_selector: association", WARN, "'ap', 'nobody'")


def test_a_robot_that_nobody_will_serve_is_warned_once(bench: NodeBench, two_aps: str) -> None:
    radio = Radio(bench, two_aps)
    radio.says("ap")
    message = forecast(1.5, other=-20.0)
    radio.hears(message)
    radio.hears(forecast(1.4, other=-20.0))
    (told,) = radio.outages
    assert (told.robot, told.advice, told.probability) == (ROBOT, ServiceWarning.NONE, 1.0)
    begins = (stamp_ns(told.begins) - stamp_ns(message.header.stamp)) * 1e-9
    assert 1.2 < begins <= 1.5 and told.header.stamp == message.header.stamp
    assert "no access point gives 1 Gbit/s" in told.reason


def test_nothing_is_advised_on_a_stale_forecast(bench: NodeBench, two_aps: str) -> None:
    radio = Radio(bench, two_aps)
    radio.says("ap")
    late = forecast(2.0)
    late.stale = True
    radio.hears(late)
    assert not radio.advice


def test_reports_of_strangers_are_named_and_change_nothing(bench: NodeBench, two_aps: str) -> None:
    radio = Radio(bench, two_aps)
    radio.says("ap")
    radio.says("elsewhere")
    assert bench.says("beam_selector: association", WARN, "'standing' at 'elsewhere'")
    radio.measures("ap", 3.0, robot="nobody")
    assert bench.says("beam_selector: telemetry", WARN, "'ap' to 'nobody' is no link")
    radio.measures("ap", 1e9)
    assert bench.says("beam_selector: input telemetry", WARN, "no measurement")
    radio.hears(forecast(2.0))
    assert newest(radio).from_ap == "ap"
