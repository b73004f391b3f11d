"""Shadow events and figures are those of the series that went in."""

from __future__ import annotations

import pytest

from visrftwin_ros.demo.record import GraphRecord, latency_ms, shadow_events, summary

STEP = 142_857_143  # ns, 7 frames a second


def series(*loss_db: float) -> list[tuple[int, float]]:
    return [(k * STEP, value) for k, value in enumerate(loss_db)]


def test_a_fade_runs_from_its_first_deep_sample_to_the_first_shallow_one() -> None:
    (event,) = shadow_events("a > b", series(0, 1, 6, 14, 5, 1, 0), 0)
    assert event.start == pytest.approx(2 / 7)
    assert event.duration == pytest.approx(3 / 7)
    assert event.depth_db == 14
    assert event.deepest_ns == 3 * STEP


def test_two_fades_apart_are_two_events() -> None:
    events = shadow_events("a > b", series(0, 9, 0, 0, 0, 0, 7, 0), 0)
    assert [event.depth_db for event in events] == [9, 7]


def test_a_short_dip_inside_a_fade_does_not_split_it() -> None:
    fine = [(k * 20_000_000, value) for k, value in enumerate([0, 8, 9, 1, 8, 0])]
    assert len(shadow_events("a > b", fine, 0)) == 1


def test_no_fade_is_no_event() -> None:
    assert shadow_events("a > b", series(0, 2.9, -1.5), 0) == []
    assert shadow_events("a > b", [], 0) == []


def test_a_fade_at_the_end_ends_with_the_recording() -> None:
    (event,) = shadow_events("a > b", series(0, 0, 8), 0)
    assert event.duration == 0


def test_the_summary_counts_what_was_heard() -> None:
    record = GraphRecord(
        image_stamps=[0, STEP],
        latency={"detector": [0.010, 0.030]},
        people_ids={"1", "2"},
        most_people=2,
        link_updates=12,
        affected_updates=3,
        shadow={"a > b": series(0, 8)},
        throughput={"a > b": [(0, 2e9), (STEP, 1e9)]},
        detector="yolo",
    )
    content = summary(record)
    assert content["frames"] == 2
    assert content["share_of_link_updates_affected"] == 0.25
    assert content["throughput_gbps_median"] == {"a > b": 1.5}
    assert content["shadow_events"] == [
        {"link": "a > b", "start_s": 0.143, "duration_s": 0.0, "depth_db": 8.0}
    ]
    assert latency_ms(record)["detector"]["p50"] == pytest.approx(20.0)
