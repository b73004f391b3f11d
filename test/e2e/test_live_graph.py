"""The real nodes as processes on real DDS give what the off-line core gives for the same video."""

from __future__ import annotations

import numpy as np
import pytest
from live_graph import FRAMES, Line, LiveRun, OfflineRun

from visrftwin_ros.beams.mcs_table import mcs_of_snr, mcs_table
from visrftwin_ros.perception.tracking.people import People

MOST_DROPPED = FRAMES // 5
"""A camera topic is best-effort: a busy machine may lose images, never many of them."""
SAME_PLACE = 0.02  # m
SECOND = 1_000_000_000


def people_of(line: Line) -> dict[str, tuple[float, float]]:
    return {p["id"]: (p["x"], p["y"]) for p in line["people"]}


def distances(line: Line, offline: People) -> np.ndarray:
    """(N,) m from each live person to the nearest off-line one."""
    live = np.array(list(people_of(line).values())).reshape(-1, 2)
    if not len(offline):
        return np.full(len(live), np.inf)
    apart = np.linalg.norm(live[:, None] - offline.position[None], axis=-1)
    return np.asarray(apart.min(axis=1))


def agreeing_frames(live: LiveRun, offline: OfflineRun) -> list[int]:
    """Frames with the same people, each within 5 mm: where equal channels can be asked for."""
    found = []
    for frame, line in live.fresh("people").items():
        there = offline.people[frame]
        if set(people_of(line)) == set(there.ids) and (distances(line, there) < 0.005).all():
            found.append(frame)
    return found


def test_no_node_died_and_nearly_every_image_reached_every_stage(live_run: LiveRun) -> None:
    assert live_run.restarted == []
    for topic in ("detections", "people", "channels", "beams"):
        assert len(live_run.fresh(topic)) >= FRAMES - MOST_DROPPED, topic


def test_results_carry_the_stamp_of_their_image_and_come_once(live_run: LiveRun) -> None:
    images = set(live_run.image_stamps)
    for topic in ("detections", "people", "channels", "beams"):
        stamps = [line["stamp"] for line in live_run.fresh_lines(topic)]
        # The listener itself may miss an image, whose topic is best effort; never many.
        assert len(set(stamps) - images) <= len(images) // 10, topic
        assert len(stamps) == len(set(stamps)), topic


def test_people_are_where_the_offline_tracker_puts_them(
    live_run: LiveRun, offline_run: OfflineRun
) -> None:
    frames = live_run.fresh("people")
    apart = [distances(line, offline_run.people[frame]) for frame, line in frames.items()]
    off = np.concatenate(apart)
    assert len(off) > 4 * len(frames)  # five people or more walk here most of the time
    assert off.max() < SAME_PLACE
    for frame, line in frames.items():
        assert set(people_of(line)) == set(offline_run.people[frame].ids), frame


def test_channels_are_what_the_offline_engine_gives(
    live_run: LiveRun, offline_run: OfflineRun
) -> None:
    channels = live_run.fresh("channels")
    frames = [f for f in agreeing_frames(live_run, offline_run) if f in channels]
    assert len(frames) >= FRAMES // 2
    deepest = 0.0
    for frame in frames:
        for link in channels[frame]["links"]:
            row = offline_run.channels[frame, link["tx"], link["rx"]]
            where = f"frame {frame}, {link['tx']} to {link['rx']}"
            for mine, theirs, tolerance in (
                ("path_loss_db", "path_loss_db", 0.1),
                ("shadow_loss_db", "shadow_loss_db", 0.1),
                ("k_factor_db", "k_factor_db", 0.2),
                ("rms_delay_spread", "delay_spread_s", 0.2e-9),
                ("azimuth_spread", "azimuth_spread_rad", 0.01),
            ):
                expected = float(row[theirs])
                assert link[mine] == pytest.approx(expected, abs=tolerance), f"{where}: {mine}"
            if link["rx"] != "robot_patrol":  # where it drives depends on the time of day
                deepest = max(deepest, link["shadow_loss_db"])
    assert deepest > 3.0  # else nothing here says that people shadow links


def test_every_channel_is_complete(live_run: LiveRun) -> None:
    site = live_run.site
    expected = {(ap.name, robot.name) for ap in site.access_points for robot in site.robots}
    assert len(expected) == 6
    for line in live_run.of("channels"):
        assert line["frame"] == site.world_frame
        assert line["latency"] > 0
        assert {(link["tx"], link["rx"]) for link in line["links"]} == expected
        for link in line["links"]:
            assert link["frequency"] == site.radio.frequency
            numbers = [link[name] for name in ("path_loss_db", "shadow_loss_db", "k_factor_db")]
            numbers += [link["rms_delay_spread"], link["azimuth_spread"]]
            assert np.isfinite(numbers).all(), link
            assert 60 < link["path_loss_db"] < 160
            assert 0 <= link["rms_delay_spread"] < 1e-6


def test_every_channel_has_its_paths(live_run: LiveRun) -> None:
    known = {
        (line["stamp"], link["tx"], link["rx"]): link["path_count"]
        for line in live_run.of("channels")
        for link in line["links"]
    }
    first = min(stamp for stamp, _, _ in known)  # each topic is discovered in its own time
    lines = [line for line in live_run.of("channel_paths") if line["stamp"] >= first]
    assert len(lines) > FRAMES
    for line in lines:
        assert len(line["links"]) == 6
        for link in line["links"]:
            assert 0 < link["paths"] <= known[line["stamp"], link["tx"], link["rx"]]
            assert link["paths_with_nan"] == 0


def test_beams_are_those_of_the_offline_sweep(live_run: LiveRun, offline_run: OfflineRun) -> None:
    beams = live_run.fresh("beams")
    same = []
    for frame in set(agreeing_frames(live_run, offline_run)) & set(beams):
        assert len(beams[frame]["decisions"]) == 6
        for beam in beams[frame]["decisions"]:
            row = offline_run.channels[frame, beam["tx"], beam["rx"]]
            pair = (beam["tx_beam"], beam["rx_beam"])
            same.append(pair == (row["tx_beam"], row["rx_beam"]) and beam["mcs"] == row["mcs"])
    assert len(same) >= 3 * FRAMES
    # The hysteresis remembers: after a dropped image it may hold the other of two equal pairs.
    assert np.mean(same) >= 0.95


def test_rates_follow_from_the_snr(live_run: LiveRun) -> None:
    seen = set()
    for line in live_run.of("beams"):
        for beam in line["decisions"]:
            assert beam["mcs"] == mcs_of_snr(beam["snr_db"], live_run.site.radio)
            table = mcs_table("ieee80211ad_sc")
            rate = table.phy_rate[beam["mcs"]] if beam["mcs"] >= 0 else 0.0
            assert beam["phy_rate"] == pytest.approx(rate)
            assert beam["throughput"] == pytest.approx(0.7 * rate)
            seen.add(beam["mcs"])
    assert max(seen) >= 6
    assert 5 not in seen


def test_a_link_that_nobody_is_near_is_not_retraced_and_says_the_same(
    live_run: LiveRun, offline_run: OfflineRun
) -> None:
    digests = {
        (line["stamp"], link["tx"], link["rx"]): link["paths_digest"]
        for line in live_run.of("channel_paths")
        for link in line["links"]
    }
    before: dict[tuple[str, str], str] = {}
    untouched, touched = 0, 0
    for line in live_run.of("channels"):
        assert line["affected_links"] == sum(link["retraced"] for link in line["links"])
        for link in line["links"]:
            key = (link["tx"], link["rx"])
            digest = digests.get((line["stamp"], *key))
            if digest is None:  # of before the listener was heard
                continue
            if link["retraced"]:
                touched += 1
            elif key in before:
                untouched += 1
                assert digest == before[key], f"{key} at {line['stamp']}"
            before[key] = digest
    assert untouched > FRAMES
    assert touched > FRAMES
    # Nobody walks between the building and the robot by the cones in these frames: its beeline
    # stays metres from everybody, as the off-line tracks say.
    quiet = {
        link["retraced"]
        for line in live_run.of("channels")
        for link in line["links"]
        if (link["tx"], link["rx"]) == ("ap_building", "robot_north")
    }
    assert quiet == {False}


def test_channels_turn_stale_within_a_second_of_the_last_image(live_run: LiveRun) -> None:
    for topic in ("channels", "beams", "people"):
        silent = [x for x in live_run.of(topic) if live_run.last < x["stamp"] < live_run.resumed]
        assert silent, topic
        assert all(is_stale(line) for line in silent)
        assert silent[0]["stamp"] - live_run.last < SECOND, topic
        assert silent[0]["received"] - live_run.last < 1.2 * SECOND, topic
        last_fresh = live_run.fresh(topic)[max(live_run.fresh(topic))]
        # One picture may have been skipped.
        assert last_fresh["stamp"] == pytest.approx(live_run.last, abs=1.5 * live_run.period)


def test_the_age_of_stale_channels_grows_and_their_shadows_stay(live_run: LiveRun) -> None:
    lines = [x for x in live_run.of("channels") if live_run.last < x["stamp"] < live_run.resumed]
    ages = [line["links"][0]["age"] for line in lines]
    assert len(ages) >= 8
    assert (np.diff(ages) > 0).all()
    assert ages[-1] > 2.0
    for line, age in zip(lines, ages, strict=True):
        assert age == pytest.approx((line["stamp"] - live_run.last) / SECOND, abs=0.25)
    # Standing robots: whoever shadowed their links last is kept there, not silently cleared.
    channels = live_run.fresh("channels")
    last = {(x["tx"], x["rx"]): x["shadow_loss_db"] for x in channels[max(channels)]["links"]}
    standing = [key for key in last if key[1] != "robot_patrol"]
    assert max(abs(last[key]) for key in standing) > 0.5  # somebody does shadow one
    for line in lines:
        for link in line["links"]:
            if (link["tx"], link["rx"]) in standing:
                assert link["shadow_loss_db"] == pytest.approx(last[link["tx"], link["rx"]])


def test_silence_is_named_in_the_diagnostics(live_run: LiveRun) -> None:
    stale = [
        name
        for line in live_run.of("diagnostics")
        if live_run.last < line["stamp"] < live_run.resumed
        for name, (level, _) in line["levels"].items()
        if level == 3
    ]
    assert {
        "view1/people_detector: images",
        "people_tracker: detections",
        "channel_predictor: people",
        "beam_selector: beams",
    } <= set(stale)


def test_fresh_channels_return_with_the_images(live_run: LiveRun) -> None:
    for topic in ("people", "channels", "beams"):
        after = [
            line
            for line in live_run.of(topic)
            if line["stamp"] >= live_run.resumed and not is_stale(line)
        ]
        assert len(after) >= 3, topic
        assert after[0]["stamp"] - live_run.resumed < SECOND, topic


def test_latency_from_image_stamp_to_result(
    live_run: LiveRun, capsys: pytest.CaptureFixture[str]
) -> None:
    """Bounded loosely: the machine may be busy. `bench/` holds the real limits."""
    with capsys.disabled():
        print()
        for topic in ("detections", "people", "channels", "beams"):
            lines = list(live_run.fresh(topic).values())
            said = np.array([line["latency"] for line in lines])
            p50, p99 = np.percentile(said, [50, 99]) * 1e3
            print(f"  image to {topic}: p50 {p50:.0f} ms, p99 {p99:.0f} ms of {len(said)}")
            arrived = np.array([(line["received"] - line["stamp"]) / SECOND for line in lines])
            assert (said > 0).all()
            assert (said <= arrived).all(), "a latency is longer than its message took to come"
            assert np.median(said) < 1.0
    # In step with the frames: out of it, what an image waits for its tick is up to a period.
    quickest = min(line["latency"] for line in live_run.fresh("detections").values())
    assert quickest < live_run.period / SECOND / 2


def is_stale(line: Line) -> bool:
    if "links" in line:
        return all(link["stale"] for link in line["links"])
    return bool(line["stale"])
