"""Time of a replay, the choice of topics, and the order of what falls due."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_campaign import SECOND, STAMP, write_campaign

from visrftwin_ros.bags.bag_file import open_bag
from visrftwin_ros.bags.playback import Playback, PlaybackClock, chosen_connections
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site


def test_time_passes_at_its_rate_and_stands_while_paused() -> None:
    clock = PlaybackClock(1000 * SECOND, 5 * SECOND, 2.0)
    assert clock.at(8 * SECOND) == 1006 * SECOND
    clock = clock.changed(8 * SECOND, paused=True)
    assert clock.at(50 * SECOND) == 1006 * SECOND
    clock = clock.changed(50 * SECOND, paused=False, rate=0.5)
    assert clock.at(54 * SECOND) == 1008 * SECOND
    clock = clock.moved(54 * SECOND, 3 * SECOND)
    assert clock.at(56 * SECOND) == 4 * SECOND


def test_messages_fall_due_once_and_in_order(site: Site, tmp_path: Path) -> None:
    bag = write_campaign(tmp_path / "bag", site)
    with open_bag(bag) as opened:
        playback = Playback(opened, opened.connections)
        stamps: list[int] = []
        for step in range(9):
            limit = STAMP + step * SECOND // 4
            now = [stamp for _, stamp, _ in playback.due(limit)]
            assert all(stamp <= limit for stamp in now)
            stamps += now
        assert playback.ended and stamps == sorted(stamps)
        assert len(stamps) == opened.message_count


def test_seeking_gives_what_is_latched_and_goes_on_from_there(site: Site, tmp_path: Path) -> None:
    bag = write_campaign(tmp_path / "bag", site)
    with open_bag(bag) as opened:
        playback = Playback(opened, opened.connections)
        latched = playback.seek(STAMP + SECOND)
        assert {m[0].topic for m in latched} == {"/tf_static", "/campaign", "/truth/materials"}
        first = next(playback.due(STAMP + 2 * SECOND))
        assert first[1] == STAMP + SECOND
        assert playback.seek(STAMP) == []  # they come by themselves


def test_truth_is_played_on_request_only(site: Site, tmp_path: Path) -> None:
    bag = write_campaign(tmp_path / "bag", site)
    with open_bag(bag) as opened:
        names = {c.topic for c in chosen_connections(opened, [], truth=False)}
        assert "/sounder/snapshots" in names and not any("truth" in name for name in names)
        with_truth = {c.topic for c in chosen_connections(opened, [], truth=True)}
        kinds = ("people", "channels", "channel_paths", "materials")
        assert with_truth - names == {f"/truth/{kind}" for kind in kinds}
        some = {c.topic for c in chosen_connections(opened, ["/cam/*", "tf*"], truth=False)}
        assert some == {"/cam/camera_info", "/cam/image_raw/compressed", "/tf", "/tf_static"}


def test_a_topic_that_is_not_there_is_named(site: Site, tmp_path: Path) -> None:
    bag = write_campaign(tmp_path / "bag", site)
    with open_bag(bag) as opened:
        with pytest.raises(TwinError, match="no messages of topic /left/image_raw; it has /cam/"):
            chosen_connections(opened, ["/left/image_raw"], truth=False)
        with pytest.raises(TwinError, match="nothing to play"):
            chosen_connections(opened, ["/truth/*"], truth=False)


def test_real_recordings_play_in_order(test_data: Path) -> None:
    for name, count in (("cdr_test_0.mcap", None), ("talker.mcap", 10), ("wbag_0.mcap", None)):
        with open_bag(test_data / "mcap" / name) as opened:
            chosen = chosen_connections(opened, [], truth=False)
            playback = Playback(opened, chosen)
            stamps = [stamp for _, stamp, _ in playback.due(opened.end_ns)]
            assert playback.ended and stamps == sorted(stamps)
            assert len(stamps) == sum(c.msgcount for c in chosen)
            assert count is None or len(stamps) == count  # without /rosout's ten
