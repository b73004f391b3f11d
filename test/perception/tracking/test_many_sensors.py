"""Several sensors over the same people: one identity each, at the right place, in any order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from many_cameras import (
    SECOND,
    START,
    camera_arrivals,
    errors,
    ground_arrivals,
    identities,
    line,
    looking_at,
    placed_by,
    played,
    seen_by,
)

from visrftwin_ros.benchmarks.tracker_step import step_seconds
from visrftwin_ros.perception.tracking.tracker import PeopleTracker

NORTH = looking_at("north", (0.0, 14.0, 4.0), (0.0, 0.0))
SOUTH = looking_at("south", (0.0, -14.0, 4.0), (0.0, 0.0))
EAST = looking_at("east", (16.0, 2.0, 5.0), (0.0, 0.0))
WALKERS = [
    line((-4.0, -2.0), (0.9, 0.1)),
    line((4.0, 1.5), (-0.8, -0.3)),
    line((0.0, 3.0), (0.1, -0.7)),
    line((-3.0, 2.0), (0.5, -0.5)),
]


def four_sensors(seed: int, seconds: float = 6.0) -> list:
    random = np.random.default_rng(seed)
    return [
        *camera_arrivals(NORTH, WALKERS, np.arange(0.0, seconds, 0.1), 0.06, random),
        *camera_arrivals(SOUTH, WALKERS, np.arange(0.013, seconds, 0.14), 0.22, random),
        *camera_arrivals(EAST, WALKERS, np.arange(0.031, seconds, 0.04), 0.12, random),
        *ground_arrivals("lidar", WALKERS, np.arange(0.02, seconds, 0.05), 0.03, random),
    ]


def test_overlapping_views_give_one_identity_a_person() -> None:
    random = np.random.default_rng(1)
    times = np.arange(0.0, 6.0, 0.1)
    arrivals = [
        *camera_arrivals(NORTH, WALKERS, times, 0.05, random),
        *camera_arrivals(SOUTH, WALKERS, times + 0.037, 0.15, random),
    ]
    history = played(PeopleTracker(), arrivals)
    names = identities(history, WALKERS)
    assert [len(each) for each in names] == [1, 1, 1, 1]
    assert len({name for people in history for name in people.ids}) == 4
    assert all(len(people) == 4 for people in history[10:])
    seers = {seen for people in history[20:] for seen in people.seen_by}
    assert ("north", "south") in seers or ("south", "north") in seers
    error = errors(history, WALKERS, after=1.0)
    assert np.median(error) < 0.12 and np.quantile(error, 0.9) < 0.3


def test_two_cameras_place_people_better_than_one_and_a_lidar_better_still() -> None:
    medians = []
    for cameras, lidar in (([NORTH], False), ([NORTH, SOUTH], False), ([NORTH, SOUTH], True)):
        random = np.random.default_rng(2)
        arrivals = []
        for k, camera in enumerate(cameras):
            times = np.arange(0.03 * k, 6.0, 0.1)
            arrivals += camera_arrivals(camera, WALKERS, times, 0.08, random)
        if lidar:
            arrivals += ground_arrivals("lidar", WALKERS, np.arange(0.0, 6.0, 0.1), 0.03, random)
        history = played(PeopleTracker(), arrivals)
        medians.append(float(np.median(errors(history, WALKERS, after=1.0))))
    assert medians[2] < medians[1] < medians[0]
    assert medians[2] <= 0.08


def test_the_place_is_the_lidars_where_both_see_somebody() -> None:
    """Boxes that hold a bag as well are wrong in the same way again and again."""
    off = []
    for lidar in (False, True):
        random, tracker = np.random.default_rng(15), PeopleTracker()
        for k in range(40):
            seen = seen_by(NORTH, WALKERS[:1], 0.1 * k, random)
            box = seen.box + [0.12, 0, 0.24, 0] * seen.box[:, 3:]
            people = tracker.update(replace(seen, box=box), NORTH)
            if lidar:
                placed = placed_by("lidar", WALKERS[:1], 0.1 * k + 0.05, random)
                people = tracker.update_ground(placed)
        off.append(float(np.median(errors([people], WALKERS[:1], after=0.0))))
    assert off[1] < 0.06 < 0.12 < off[0]


def test_late_measurements_are_replayed_to_the_very_state_of_their_order() -> None:
    arrivals = four_sensors(3)
    late, ordered = PeopleTracker(), PeopleTracker()
    end = max(arrival.at for arrival in arrivals)
    mixed = played(late, arrivals)[-1]
    sorted_ = played(ordered, arrivals, in_order=True)[-1]
    assert late.report.replayed > 50 and late.report.late == 0 and late.report.refused == 0
    assert late.report.measurements == len(arrivals) and end > 6.0
    assert mixed.stamp_ns == sorted_.stamp_ns
    here, there = np.argsort(mixed.position[:, 0]), np.argsort(sorted_.position[:, 0])
    np.testing.assert_allclose(mixed.position[here], sorted_.position[there], atol=1e-9)
    np.testing.assert_allclose(mixed.covariance[here], sorted_.covariance[there], atol=1e-9)
    np.testing.assert_allclose(mixed.existence[here], sorted_.existence[there], atol=1e-9)


def test_measurements_of_one_stamp_count_the_same_in_any_order() -> None:
    random, times = np.random.default_rng(16), np.arange(0.0, 4.0, 0.1)
    sensors = [
        camera_arrivals(NORTH, WALKERS, times, 0.0, random),
        camera_arrivals(SOUTH, WALKERS, times, 0.0, random),
        ground_arrivals("lidar", WALKERS, times, 0.0, random),
    ]
    last = []
    for order in (sensors, sensors[::-1]):
        arrivals = [arrival for together in zip(*order, strict=True) for arrival in together]
        last.append(played(PeopleTracker(), arrivals, in_order=True)[-1])
    here, there = (np.argsort(people.position[:, 0]) for people in last)
    assert len(here) == 4
    np.testing.assert_array_equal(last[0].position[here], last[1].position[there])
    np.testing.assert_array_equal(last[0].existence[here], last[1].existence[there])


def test_a_replay_renames_nobody() -> None:
    history = played(PeopleTracker(), four_sensors(4))
    assert [len(each) for each in identities(history, WALKERS)] == [1, 1, 1, 1]
    assert len({name for people in history for name in people.ids}) == 4


def test_disjoint_views_give_one_identity_by_appearance() -> None:
    """Two walk out of one view and, seconds later and in the other order, into the next."""
    left = looking_at("left", (-12.0, -12.0, 4.0), (-12.0, 0.0), focal=900.0)
    right = looking_at("right", (8.0, -12.0, 4.0), (8.0, 0.0), focal=900.0)
    walkers = [line((-13.0, 0.0), (1.5, 0.0)), line((-12.0, 1.5), (1.25, 0.0))]
    looks = np.eye(2, 128)
    for embedded, expected in ((True, 1), (False, 2)):
        random = np.random.default_rng(5)
        options = {"looks": looks if embedded else None}
        times = np.arange(0.0, 16.5, 0.1)
        arrivals = [
            *camera_arrivals(left, walkers, times, 0.05, random, **options),
            *camera_arrivals(right, walkers, times + 0.03, 0.05, random, **options),
        ]
        tracker = PeopleTracker()
        history = played(tracker, arrivals)
        between = [people for people in history if people.stamp_ns == START + 8 * SECOND]
        assert between and len(between[0]) == 0  # nobody sees them there
        names = identities(history, walkers)
        assert [len(each) for each in names] == [expected, expected]
        assert tracker.report.recognised == (2 if embedded else 0)


def test_a_stranger_is_not_taken_for_somebody_who_left() -> None:
    left = looking_at("left", (-12.0, -12.0, 4.0), (-12.0, 0.0), focal=900.0)
    right = looking_at("right", (8.0, -12.0, 4.0), (8.0, 0.0), focal=900.0)
    leaving, coming = line((-13.0, 0.0), (1.5, 0.0)), line((-16.0, 0.0), (1.5, 0.0))
    random = np.random.default_rng(6)
    times = np.arange(0.0, 17.0, 0.1)
    looks = np.eye(2, 128)
    arrivals = [
        *camera_arrivals(left, [leaving], times, 0.05, random, looks=looks[:1]),
        *camera_arrivals(right, [coming], times + 0.03, 0.05, random, looks=looks[1:]),
    ]
    history = played(PeopleTracker(), arrivals)
    assert len({name for people in history for name in people.ids}) == 2


def test_nobody_is_recognised_where_they_cannot_have_walked() -> None:
    left = looking_at("left", (-12.0, -12.0, 4.0), (-12.0, 0.0), focal=900.0)
    far = looking_at("far", (60.0, -12.0, 4.0), (60.0, 0.0), focal=900.0)
    random = np.random.default_rng(6)
    looks = np.eye(1, 128)
    here, there = line((-13.0, 0.0), (1.5, 0.0)), line((55.0, 0.0), (0.5, 0.0))
    arrivals = camera_arrivals(left, [here], np.arange(0, 4, 0.1), 0.05, random, looks=looks)
    arrivals += camera_arrivals(far, [there], np.arange(4, 10, 0.1), 0.05, random, looks=looks)
    history = played(PeopleTracker(), arrivals)
    assert len({name for people in history for name in people.ids}) == 2


def test_a_dead_sensor_does_not_stop_the_others() -> None:
    random = np.random.default_rng(7)
    arrivals = [
        *camera_arrivals(NORTH, WALKERS, np.arange(0.0, 2.0, 0.1), 0.05, random),
        *camera_arrivals(SOUTH, WALKERS, np.arange(0.02, 6.0, 0.1), 0.15, random),
    ]
    history = played(PeopleTracker(), arrivals)
    assert len(history[-1]) == 4 and history[-1].stamp_ns > START + 5.8 * SECOND
    assert set(history[-1].seen_by) == {("south",)}
    assert [len(each) for each in identities(history, WALKERS)] == [1, 1, 1, 1]


@pytest.mark.parametrize("jump", [-30.0, 40.0, 2.5])
def test_one_camera_whose_clock_jumps_is_refused_and_the_others_go_on(jump: float) -> None:
    random = np.random.default_rng(8)
    tracker = PeopleTracker()
    people = tracker.people()
    for k in range(60):
        people = tracker.update(seen_by(NORTH, WALKERS, 0.1 * k, random), NORTH)
        shift = jump if k >= 30 else 0.0
        answer = tracker.update(seen_by(SOUTH, WALKERS, 0.1 * k + 0.03 + shift, random), SOUTH)
        assert abs(answer.stamp_ns - START - 0.1 * k * SECOND) < 0.2 * SECOND
    assert len(people) == 4 and sorted(people.ids) == ["1", "2", "3", "4"]
    assert tracker.report.refused == 30 and tracker.report.resets == 0
    assert "'south'" in tracker.report.last_refused
    word = "jumped back" if jump < 0 else "ahead"
    assert word in tracker.report.last_refused


@pytest.mark.parametrize("lag", [1.6, 7.0])
def test_a_sensor_on_time_counts_and_one_that_lags_is_told_whichever_spoke_first(
    lag: float,
) -> None:
    random = np.random.default_rng(12)
    tracker = PeopleTracker()
    for k in range(80):  # the camera is alone at first, and as late as ever
        now = START + round((0.1 * k + lag) * SECOND)
        tracker.update(seen_by(NORTH, WALKERS, 0.1 * k, random), NORTH, now_ns=now)
        if k >= 20:
            people = tracker.update_ground(placed_by("lidar", WALKERS, 0.1 * k + lag, random), now)
            assert people.stamp_ns == now
    assert len(people) == 4 and set(people.seen_by) == {("lidar",)}
    assert tracker.report.refused == 60 - 1 and tracker.report.resets == int(lag > 5.0)
    assert f"'north' comes {lag:.1f} s late" in tracker.report.last_refused


def test_when_all_clocks_jump_back_it_is_a_replay_that_started_again() -> None:
    random = np.random.default_rng(9)
    tracker = PeopleTracker()
    for _ in range(2):
        for k in range(40):
            people = tracker.update(seen_by(NORTH, WALKERS, 0.1 * k, random), NORTH)
            people = tracker.update(seen_by(SOUTH, WALKERS, 0.1 * k + 0.03, random), SOUTH)
    assert tracker.report.resets == 1
    assert "jumped back" in tracker.report.last_reset
    assert len(people) == 4 and not {"1", "2", "3", "4"} & set(people.ids)


def test_a_jump_is_believed_when_the_other_sensor_has_died() -> None:
    random = np.random.default_rng(10)
    tracker = PeopleTracker()
    for k in range(30):
        tracker.update(seen_by(NORTH, WALKERS, 0.1 * k, random), NORTH)
        tracker.update(seen_by(SOUTH, WALKERS, 0.1 * k + 0.03, random), SOUTH)
    for k in range(30):
        people = tracker.update(seen_by(NORTH, WALKERS, 0.1 * k - 100.0, random), NORTH)
    assert people.stamp_ns < START and tracker.report.resets == 1


def test_a_flood_is_thinned_and_memory_stays_flat() -> None:
    random = np.random.default_rng(11)
    tracker = PeopleTracker()
    for k in range(3000):
        tracker.update(seen_by(NORTH, WALKERS, 0.0005 * k, random), NORTH)
    assert tracker.report.repeated > 2500
    assert len(tracker._steps) <= 150 and len(tracker._names) <= 8


def test_a_lidar_sees_who_no_camera_sees_and_invents_nobody() -> None:
    random = np.random.default_rng(12)
    tracker = PeopleTracker()
    for k in range(40):
        people = tracker.update_ground(placed_by("lidar", WALKERS, 0.1 * k, random))
    assert len(people) == 4 and set(people.seen_by) == {("lidar",)}
    np.testing.assert_allclose(people.height, 1.72, atol=0.06)
    for k in range(40, 60):
        people = tracker.update_ground(placed_by("lidar", [], 0.1 * k, random))
    assert len(people) == 0


def test_ground_measurements_of_nan_make_nobody_and_are_counted() -> None:
    random = np.random.default_rng(13)
    tracker = PeopleTracker()
    measured = placed_by("lidar", WALKERS, 0.0, random)
    measured.position[0] = np.nan
    measured.covariance[1] = -1.0
    people = tracker.update_ground(measured)
    assert len(people) == 2 and tracker.report.invalid_boxes == 2


def test_a_step_with_fifty_tracks_and_four_sensors_takes_milliseconds() -> None:
    """A generous bound for a busy test machine; `bench tracker` holds it to the budget."""
    took = step_seconds(rounds=12)
    assert np.median(took["step"]) < 0.02 and len(took["replayed"])


def test_everybody_shown_is_predicted_to_the_time_asked_for() -> None:
    random = np.random.default_rng(14)
    tracker = PeopleTracker()
    for k in range(30):
        tracker.update(seen_by(NORTH, WALKERS, 0.1 * k, random), NORTH)
    ahead = tracker.predict_to(START + round(3.2 * SECOND))
    assert np.median(errors([ahead], WALKERS, after=0.0)) < 0.3
