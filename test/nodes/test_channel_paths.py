"""`channels` is small; `channel_paths` goes to those who listen, and beams rest on both."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from node_bench import OK, WARN, NodeBench
from rclpy.parameter import Parameter
from rclpy.serialization import serialize_message
from visualization_msgs.msg import Marker, MarkerArray

from visrftwin_ros.messages.channels import (
    METRICS,
    channel_paths_message,
    channels_message,
    link_channel,
    link_paths,
)
from visrftwin_ros.messages.paths import path_messages
from visrftwin_ros.messages.stamps import stamp_message, stamp_ns
from visrftwin_ros.msg import BeamDecisions, ChannelPaths, LinkChannels, TrackedPeople
from visrftwin_ros.nodes.beam_selector import MOST_WAITING, BeamSelector
from visrftwin_ros.nodes.channel_predictor import ChannelPredictor
from visrftwin_ros.nodes.messages.message_types import made

ROBOTS = ("standing", "roving")
SECOND = 10**9


def channels_of(stamp: int, links: Sequence[tuple[str, str]]) -> Any:
    metrics = dict.fromkeys(METRICS, 3.25)
    found = [link_channel(made, link, 60.48e9, 2.16e9, metrics, True, 37) for link in links]
    return channels_message(made, stamp, "world", found)


def paths_of(stamp: int, links: Sequence[tuple[str, str]], gain_db: float = -80.0) -> Any:
    numbers = {name: np.zeros(1) for name in ("delay", "aod_azimuth", "aod_elevation")}
    numbers |= {name: np.zeros(1) for name in ("aoa_azimuth", "aoa_elevation")}
    path = path_messages(made, {**numbers, "gain_db": np.array([gain_db])})
    return channel_paths_message(
        made, stamp, "world", [link_paths(made, link, path) for link in links]
    )


def test_channels_of_400_links_fit_into_one_datagram() -> None:
    """Of 60 kB at the most: UDP's longest is 64 kB, and a lost fragment loses all."""
    aps = [f"access_point_{place}" for place in ("north", "south", "east", "west", "hall")]
    links = list(
        product([f"{ap}_{k}" for ap in aps for k in (1, 2)], map("robot_{:02d}".format, range(40)))
    )
    message = channels_of(time.time_ns(), links)
    assert len(message.channels) == 400
    assert len(serialize_message(message)) < 60_000


class Predictor:
    """An active predictor on the small site, told about nobody ten times."""

    def __init__(self, bench: NodeBench, site: Path, **values: object) -> None:
        self._bench = bench
        cache = str(site.parent / "cache")
        self.node = bench.active(
            ChannelPredictor, "predictor", site=str(site), cache=cache, **values
        )
        self.channels = bench.heard(LinkChannels, "channels")
        self._people = bench.publisher(TrackedPeople, "people")

    def update(self, count: int = 1) -> list[int]:
        """Stamps of as many fresh updates, each heard."""
        stamps = []
        for _ in range(count):
            message = TrackedPeople()
            message.header.stamp = stamp_message(made, time.time_ns())
            self._people.publish(message)
            stamps.append(stamp_ns(message.header.stamp))
            assert self._bench.until(lambda: stamps[-1] in stamps_of(self.channels))
        return stamps


def stamps_of(messages: Sequence[Any]) -> list[int]:
    return [stamp_ns(message.header.stamp) for message in messages]


def test_paths_are_published_only_to_those_who_listen(
    bench: NodeBench, small_site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = Predictor(bench, small_site)
    sent: list[ChannelPaths] = []
    monkeypatch.setattr(predictor.node._paths, "publish", sent.append)
    assert bench.until(lambda: not predictor.node._paths.get_subscription_count())
    predictor.update(3)
    assert sent == []
    bench.heard(ChannelPaths, "channel_paths")
    assert bench.until(predictor.node._paths.get_subscription_count)
    stamps = predictor.update(3)
    assert bench.until(lambda: set(stamps) <= set(stamps_of(sent)))


def test_the_paths_are_those_of_the_channels(bench: NodeBench, small_site: Path) -> None:
    paths = bench.heard(ChannelPaths, "channel_paths")
    predictor = Predictor(bench, small_site)
    (stamp,) = predictor.update()
    assert bench.until(lambda: stamp in stamps_of(paths))
    (found,) = [m for m in paths if stamp_ns(m.header.stamp) == stamp]
    (channels,) = [m for m in predictor.channels if stamp_ns(m.header.stamp) == stamp]
    assert (found.header.frame_id, found.stale, [link.rx for link in found.links]) == (
        "world", False, list(ROBOTS),
    )  # fmt: skip
    standing, roving = found.links
    gains = [path.gain_db for path in standing.paths]
    assert len(gains) == channels.channels[0].path_count and gains == sorted(gains, reverse=True)
    total = -10 * np.log10(np.sum(10 ** (np.array(gains) / 10)))
    assert total == pytest.approx(channels.channels[0].path_loss_db, abs=1e-3)
    assert roving.paths == []  # nobody says where it is
    assert np.isnan(channels.channels[1].path_loss_db) and channels.channels[1].reason


def test_path_links_picks_links_while_the_node_runs(bench: NodeBench, small_site: Path) -> None:
    paths = bench.heard(ChannelPaths, "channel_paths")
    predictor = Predictor(bench, small_site, path_links=["ap-stand*"])
    bench.says("predictor: paths", OK, "paths of 1 links")
    for patterns, expected in (
        (["ap-stand*"], ["standing"]),
        (["ap-rov*", "ap-st*"], list(ROBOTS)),
        (["tower-*"], []),
        ([""], list(ROBOTS)),
    ):
        predictor.node.set_parameters([Parameter("path_links", value=patterns)])
        (stamp,) = predictor.update()
        assert bench.until(lambda stamp=stamp: stamp in stamps_of(paths)), patterns
        assert [link.rx for link in paths[-1].links] == expected, patterns
        assert len(predictor.channels[-1].channels) == 2
        if not expected:
            assert bench.says("predictor: paths", WARN, "['tower-*'] fits no link")


def test_rviz_is_given_the_paths_without_another_listener(
    bench: NodeBench, small_site: Path
) -> None:
    markers = bench.heard(MarkerArray, "paths")
    Predictor(bench, small_site).update(2)

    def drawn() -> set[str]:
        return (
            {m.ns for m in markers[-1].markers if m.type == Marker.LINE_LIST} if markers else set()
        )

    assert bench.until(lambda: drawn() == {"paths: line of sight", "paths: specular"}), drawn()


def test_rviz_is_given_the_links_with_their_shadow_loss(bench: NodeBench, small_site: Path) -> None:
    markers = bench.heard(MarkerArray, "links")
    Predictor(bench, small_site).update(2)
    assert bench.until(lambda: markers)
    _, lines, text = markers[
        -1
    ].markers  # behind the one that clears; nobody says where `roving` is
    assert [(p.x, p.y) for p in lines.points] == [(-8.0, -6.0), (0.0, -6.0)]
    assert [c.r for c in lines.colors] == [0.0, 0.0]
    assert text.text == "standing: ap, shadow 0 dB"


def test_every_channels_message_gets_its_beams(bench: NodeBench, small_site: Path) -> None:
    """Over real topics, the predictor and the selector as they run."""
    bench.active(BeamSelector, "selector", site=str(small_site))
    beams = bench.heard(BeamDecisions, "beams")
    predictor = Predictor(bench, small_site)
    assert bench.until(predictor.node._paths.get_subscription_count)
    stamps = predictor.update(30)
    assert bench.until(lambda: set(stamps) <= set(stamps_of(beams)))
    fresh = [m for m in beams if stamp_ns(m.header.stamp) in stamps and not m.stale]
    assert len(fresh) == 30
    for message in fresh:
        assert [(d.tx, d.rx) for d in message.decisions] == [("ap", "standing")]


class Selector:
    """A selector, and both halves of what it decides on, made here."""

    def __init__(self, bench: NodeBench, site: Path) -> None:
        self._bench = bench
        bench.active(BeamSelector, "selector", site=str(site), stale_after=10.0)
        self.channels = bench.publisher(LinkChannels, "channels")
        self.paths = bench.publisher(ChannelPaths, "channel_paths")
        self.beams = bench.heard(BeamDecisions, "beams")
        self.links = [("ap", "standing")]

    def stamps(self) -> list[int]:
        self._bench.spin(0.3)
        return stamps_of(self.beams)


@pytest.fixture
def selector(bench: NodeBench, small_site: Path) -> Selector:
    return Selector(bench, small_site)


def test_beams_wait_for_paths_of_the_same_stamp(selector: Selector) -> None:
    now = time.time_ns()
    selector.channels.publish(channels_of(now, selector.links))
    selector.paths.publish(paths_of(now - SECOND // 10, selector.links))
    assert selector.stamps() == []
    selector.channels.publish(channels_of(now + SECOND // 10, selector.links))
    selector.paths.publish(paths_of(now, selector.links))
    assert selector.stamps() == [now]
    selector.paths.publish(paths_of(now + SECOND // 10, selector.links))
    assert selector.stamps() == [now, now + SECOND // 10]


def test_paths_may_come_before_their_channels(selector: Selector) -> None:
    now = time.time_ns()
    selector.paths.publish(paths_of(now, selector.links))
    assert selector.stamps() == []
    selector.channels.publish(channels_of(now, selector.links))
    assert selector.stamps() == [now]


def test_stale_paths_make_stale_beams(selector: Selector) -> None:
    now = time.time_ns()
    paths = paths_of(now, selector.links)
    paths.stale = True
    selector.paths.publish(paths)
    selector.channels.publish(channels_of(now, selector.links))
    assert selector.stamps() == [now]
    assert selector.beams[-1].stale


def test_a_link_whose_paths_are_not_published_is_not_decided(
    bench: NodeBench, selector: Selector
) -> None:
    now = time.time_ns()
    selector.channels.publish(channels_of(now, selector.links))
    selector.paths.publish(paths_of(now, [("ap", "roving")]))
    assert selector.stamps() == [now]
    assert selector.beams[-1].decisions == []
    assert bench.says("selector: links", WARN, "ap-standing: channel_paths has not this link")


def test_channels_without_paths_are_told_and_never_decided(
    bench: NodeBench, selector: Selector
) -> None:
    now = time.time_ns()
    for k in range(MOST_WAITING + 3):
        selector.channels.publish(channels_of(now + k, selector.links))
        bench.spin(0.02)
    assert selector.stamps() == []
    assert bench.says("selector: links", WARN, "not their channel_paths")
