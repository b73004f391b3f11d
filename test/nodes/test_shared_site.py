"""Predictors that share a site by access point say together what one says alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from node_bench import NodeBench
from rclpy.lifecycle import TransitionCallbackReturn

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.stamps import header
from visrftwin_ros.msg import (
    BeamDecisions,
    ChannelPaths,
    LinkChannels,
    LinkPaths,
    ShadowForecast,
    ShadowForecasts,
    TrackedPeople,
    TrackedPerson,
)
from visrftwin_ros.nodes.beam_selector import BeamSelector
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.parts import Parts
from visrftwin_ros.operations.node_table import node_table
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.residual_map import FILE, ResidualMap, write_residuals

APS = ("north", "south")


@pytest.fixture
def site(small_site: Path) -> Path:
    content = yaml.safe_load(small_site.read_text())
    array = {"rows": 1, "columns": 2}
    places = {"north": [-8, -6, 3], "south": [7, -9, 3]}
    content["access_points"] = [{"name": n, "position": places[n], "array": array} for n in APS]
    content["robots"] = [
        {"name": name, "position": place, "array": array}
        for name, place in (("cart", [0, -6]), ("lorry", [2, -2]))
    ]
    small_site.write_text(yaml.safe_dump(content))
    return small_site


def people(stamp: int) -> TrackedPeople:
    person = TrackedPerson(id="1", height=1.75, width=0.5, depth=0.3)
    person.position.x, person.position.y = -0.8, -6.0
    person.covariance = np.diag([0.01, 0.01, 0.1, 0.1]).reshape(-1)
    message = TrackedPeople(people=[person])
    message.header = header(made, stamp, "world")
    return message


@pytest.mark.timeout(300)
def test_two_say_what_one_says(bench: NodeBench, site: Path) -> None:
    given = {"site": str(site), "cache": str(site.parent / "cache")}
    heard: dict[str, dict[type, list[Any]]] = {}
    for name in ("one", "two"):
        heard[name] = {
            kind: bench.heard(kind, f"/{name}/{topic}")
            for kind, topic in ((LinkChannels, "channels"), (BeamDecisions, "beams"))
        }
    bench.active(ChannelPredictor, "predictor", "/one", **given)
    bench.active(BeamSelector, "selector", "/one", site=str(site))
    for ap in APS:
        bench.active(ChannelPredictor, f"predictor_{ap}", "/two", access_points=[ap], **given)
    bench.active(BeamSelector, "selector", "/two", site=str(site), predictors=2)
    senders = [bench.publisher(TrackedPeople, f"/{name}/people") for name in heard]
    stamp = time.time_ns()

    def answered() -> bool:
        return all(of(heard[name][BeamDecisions], stamp) for name in heard)

    for _ in range(20):  # until everybody hears everybody
        stamp = time.time_ns()
        for sender in senders:
            sender.publish(people(stamp))
        if bench.until(answered, 2.0):
            break
    (alone,), (together,) = (of(heard[name][BeamDecisions], stamp) for name in heard)
    assert len(alone.decisions) == 4 and not together.stale
    assert together.decisions == alone.decisions
    (whole,), parts = (of(heard[name][LinkChannels], stamp) for name in heard)
    assert [{c.tx for c in part.channels} for part in sorted(parts, key=first_name)] == [
        {"north"},
        {"south"},
    ]
    shared = {(c.tx, c.rx): c for part in parts for c in part.channels}
    assert max(c.shadow_loss_db for c in whole.channels) > 3.0
    for link in whole.channels:
        assert shared[link.tx, link.rx] == link


def of(messages: list[Any], stamp: int) -> list[Any]:
    wanted = header(made, stamp, "world").stamp
    return [message for message in messages if message.header.stamp == wanted]


def first_name(message: LinkChannels) -> str:
    return str(message.channels[0].tx)


def test_parts_wait_for_each_other_and_keep_the_sites_order() -> None:
    parts = Parts(2, "forecasts", APS)
    south, north = forecast("south"), forecast("north")
    assert parts.whole(south) is None
    whole = parts.whole(north)
    assert [f.tx for f in whole.forecasts] == ["north", "south"]
    assert whole.stale  # as its worst part


def forecast(tx: str) -> ShadowForecasts:
    message = ShadowForecasts(forecasts=[ShadowForecast(tx=tx, rx="cart")], stale=tx == "south")
    message.header = header(made, 10**18, "world")
    return message


def test_paths_are_parts_as_well() -> None:
    parts = Parts(2, "links", APS)
    both = [ChannelPaths(links=[LinkPaths(tx=tx, rx="cart")]) for tx in ("south", "north")]
    for message in both:
        message.header = header(made, 10**18, "world")
    assert parts.whole(both[0]) is None
    assert [link.tx for link in parts.whole(both[1]).links] == ["north", "south"]


def test_an_access_point_that_is_not_there_is_named(bench: NodeBench, site: Path) -> None:
    node = bench.node(ChannelPredictor, "predictor", site=str(site), access_points=["east"])
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert bench.says("predictor: configure", 2, "names east: the site has north, south")


def test_the_table_shares_the_access_points_out() -> None:
    site = load_site("pets_campus")
    table = node_table(site, "pets_campus", predictors=2, namespace="hall")
    first, second = (spec for spec in table if spec.executable == "channel_predictor")
    names = [ap.name for ap in site.access_points]
    assert first.parameters["access_points"] + second.parameters["access_points"] == names
    assert (first.namespace, second.namespace) == ("/hall", "/hall/part_2")
    assert second.remapped["channels"] == "/hall/channels"
    assert second.remapped["/tf"] == "/hall/tf"
    (selector,) = (spec for spec in table if spec.executable == "beam_selector")
    assert selector.parameters["predictors"] == 2
    with pytest.raises(
        TwinError, match=r"3 predictors: site 'pets_campus' can be shared by 1 to 2"
    ):
        node_table(site, "pets_campus", predictors=3)


def test_each_has_its_share_of_a_calibrated_sites_map(bench: NodeBench, site: Path) -> None:
    places = np.array([[0.0, -6.0, 1.0], [2.0, -2.0, 1.0]])
    write_residuals(ResidualMap(APS, places, np.ones(2), np.ones(2), 1.0, 2.0, 3.0), site.parent)
    site.write_text(site.read_text() + f"residuals: {FILE}\n")
    node = bench.active(ChannelPredictor, "predictor", site=str(site), access_points=["south"])
    assert node._engine.twin.residuals.tx == ("south",)
