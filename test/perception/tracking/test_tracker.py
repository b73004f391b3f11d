"""The tracker: states in metres, births, deaths, identities, and bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from walking_scene import CAMERA, RATE, body_boxes, seen, stamp, walk

from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import PeopleTracker

START, VELOCITY = (-10.0, -8.0), (0.9, 0.6)


def tracked(frames: range, tracker: PeopleTracker, noise: float = 0.0) -> People:
    """The people after one walker's boxes in some frames."""
    random = np.random.default_rng(7)
    people = tracker.people()
    for k in frames:
        boxes = body_boxes(walk(k, START, VELOCITY))
        boxes = boxes + noise * random.standard_normal(boxes.shape) * [1, 1, 0.2, 0.2]
        people = tracker.update(seen(k, boxes), CAMERA)
    return people


def test_a_walker_has_the_right_place_velocity_height_and_heading() -> None:
    people = tracked(range(1, 22), PeopleTracker(), noise=1.0)
    assert people.ids == ("1",)
    np.testing.assert_allclose(people.position, walk(21, START, VELOCITY), atol=0.25)
    np.testing.assert_allclose(people.velocity, [VELOCITY], atol=0.3)
    assert people.height[0] == pytest.approx(1.72, abs=0.08)
    assert people.heading[0] == pytest.approx(np.arctan2(0.6, 0.9), abs=0.3)
    assert people.seen_by == ((CAMERA.name,),) and people.existence[0] > 0.95


def test_a_short_and_a_tall_person_keep_their_heights() -> None:
    tracker = PeopleTracker()
    places = np.array([[-10.0, -8.0], [-8.0, -11.0]])
    for k in range(1, 30):
        boxes = np.vstack([body_boxes(places[:1], 1.58), body_boxes(places[1:], 1.88)])
        people = tracker.update(seen(k, boxes), CAMERA)
    np.testing.assert_allclose(people.height, [1.58, 1.88], atol=0.04)
    np.testing.assert_allclose(people.position, places, atol=0.1)


def test_the_covariance_holds_the_error() -> None:
    """Squared errors over the published covariance average to the dimension, within a factor."""
    random, ratios = np.random.default_rng(3), []
    for _ in range(40):
        tracker = PeopleTracker()
        for k in range(1, 15):
            box = body_boxes(walk(k, START, VELOCITY))
            size = box[0, 3]
            foot, head = random.normal(0, 0.0225 * size, 2)
            box += [[random.normal(0, 0.045 * size), (foot + head) / 2, 0, foot - head]]
            people = tracker.update(seen(k, box), CAMERA)
        error = np.hstack(
            [people.position[0] - walk(14, START, VELOCITY)[0], people.velocity[0] - VELOCITY]
        )
        ratios.append(error @ np.linalg.solve(people.covariance[0], error))
    assert 1.0 < np.mean(ratios) < 8.0  # 4 dimensions


def test_a_sure_whole_person_is_shown_at_once_and_a_doubtful_one_later() -> None:
    sure, doubtful = PeopleTracker(), PeopleTracker()
    box = body_boxes(walk(1, START, VELOCITY))
    assert len(sure.update(seen(1, box, 0.8), CAMERA)) == 1
    shown = [len(doubtful.update(seen(k, box, 0.4), CAMERA)) for k in range(1, 8)]
    assert shown[0] == 0 and shown[-1] == 1


def test_a_flicker_and_weak_boxes_never_become_a_person() -> None:
    tracker = PeopleTracker()
    box = body_boxes(walk(1, START, VELOCITY))
    for k in range(1, 60):
        people = tracker.update(seen(k, box if k % 6 == 0 else [], 0.3), CAMERA)
        assert len(people) == 0
        assert len(tracker.update(seen(k + 0.5, box, 0.2), CAMERA)) == 0


def test_a_low_sign_is_no_person_however_long_it_stands() -> None:
    tracker = PeopleTracker()
    sign = body_boxes(np.array([[1.0, 14.2]]), height=1.05)
    assert not any(len(tracker.update(seen(k, sign, 0.3), CAMERA)) for k in range(1, 100))


def test_somebody_at_the_edge_is_shown_when_the_whole_body_is_in_the_image() -> None:
    tracker, first = PeopleTracker(), None
    for k in range(1, 30):
        box = body_boxes(walk(k, (-10.3, -15.6), (0.2, 1.2)))[0]
        left, right = box[0] - box[2] / 2, min(box[0] + box[2] / 2, 768.0)
        if right - left > 4:
            cut = np.array([(left + right) / 2, box[1], right - left, box[3]])
            if len(tracker.update(seen(k, cut), CAMERA)) and first is None:
                first = (k, box[0] + box[2] / 2)
    assert first is not None and first[1] < 768.0


def test_an_identity_survives_a_second_behind_something() -> None:
    tracker = PeopleTracker()
    tracked(range(1, 15), tracker)
    for k in range(15, 22):
        people = tracker.update(seen(k, []), CAMERA)
        assert people.ids == ("1",) and people.seen_by == ((),)
    np.testing.assert_allclose(people.position, walk(21, START, VELOCITY), atol=0.6)
    assert tracked(range(22, 25), tracker).ids == ("1",)


def test_who_stands_behind_a_sign_stays_and_who_walked_away_does_not() -> None:
    standing, walking = PeopleTracker(), PeopleTracker()
    for k in range(1, 29):
        standing.update(seen(k, body_boxes(walk(1, START, VELOCITY))), CAMERA)
        walking.update(seen(k, body_boxes(walk(k, START, VELOCITY))), CAMERA)
    for k in range(29, 64):
        still = standing.update(seen(k, []), CAMERA)
        gone = walking.update(seen(k, []), CAMERA)
    assert len(still) == 1 and len(gone) == 0
    np.testing.assert_allclose(still.position, [START], atol=0.3)


def test_a_detector_that_sees_nothing_for_long_leaves_nobody() -> None:
    tracker = PeopleTracker()
    tracked(range(1, 15), tracker)
    for k in range(15, 15 + 7 * 30):
        people = tracker.update(seen(k, []), CAMERA)
    assert len(people) == 0


def test_two_people_who_cross_keep_their_identities() -> None:
    tracker = PeopleTracker()
    for k in range(1, 43):
        places = np.vstack(
            [walk(k, (-11.0, -7.0), (0.7, -0.35)), walk(k, (-7.0, -9.0), (-0.7, 0.35))]
        )
        boxes = body_boxes(places)
        # The nearer hides the farther while their boxes overlap.
        if abs(boxes[0, 0] - boxes[1, 0]) < 12:
            boxes = boxes[[int(np.argmax(boxes[:, 1]))]]
        people = tracker.update(seen(k, boxes), CAMERA)
    assert sorted(people.ids) == ["1", "2"]
    order = np.argsort(people.ids)
    np.testing.assert_allclose(people.position[order], places, atol=0.5)


def test_appearance_tells_apart_two_who_swap_places_unseen() -> None:
    looks = np.eye(2, 8)
    places = np.array([[-9.0, -8.0], [-8.6, -8.4]])
    tracker = PeopleTracker()
    for k in range(1, 15):
        before = tracker.update(seen(k, body_boxes(places), embedding=looks), CAMERA)
    for k in range(15, 19):
        tracker.update(seen(k, []), CAMERA)
    after = tracker.update(seen(19, body_boxes(places[::-1]), embedding=looks), CAMERA)
    assert np.linalg.norm(after.position - before.position, axis=1).min() > 0.2
    assert after.ids == before.ids


def test_feet_hidden_by_a_wall_do_not_move_the_person() -> None:
    tracker = PeopleTracker()
    for k in range(1, 30):
        box = body_boxes(walk(1, START, VELOCITY))[0]
        if k > 14:  # the lower 30 % of the box is gone
            box = box - [0, 0.15 * box[3], 0, 0.3 * box[3]]
        people = tracker.update(seen(k, box), CAMERA)
    assert people.ids == ("1",)
    np.testing.assert_allclose(people.position, [START], atol=0.4)


def test_feet_below_the_image_are_placed_by_the_head() -> None:
    place = np.array([[-20.5, -15.5]])
    whole = body_boxes(place)[0]
    assert whole[1] + whole[3] / 2 > 576
    top = whole[1] - whole[3] / 2
    cut = np.array([whole[0], (top + 575) / 2, whole[2], 575 - top])
    tracker = PeopleTracker()
    for k in range(1, 40):
        people = tracker.update(seen(k, cut), CAMERA)
    assert len(people) == 1
    error = people.position[0] - place[0]
    assert np.linalg.norm(error) < 0.6
    assert error @ np.linalg.solve(people.covariance[0, :2, :2], error) < 16


def test_boxes_of_nan_and_boxes_without_extent_make_nobody_and_are_counted() -> None:
    tracker = PeopleTracker()
    good = body_boxes(walk(1, START, VELOCITY))[0]
    bad = np.array([[np.nan] * 4, [1, 2, np.inf, 4], [1, 2, -3, 4], [9, 9, 0, 9], good])
    for k in range(1, 4):
        people = tracker.update(seen(k, bad), CAMERA)
    assert people.ids == ("1",) and tracker.report.invalid_boxes == 12
    for value in (
        people.position,
        people.velocity,
        people.covariance,
        people.height,
        people.existence,
    ):
        assert np.isfinite(value).all()


def test_a_nan_score_is_an_invalid_box() -> None:
    tracker = PeopleTracker()
    detections = replace(seen(1, body_boxes(walk(1, START, VELOCITY))), score=np.array([np.nan]))
    assert len(tracker.update(detections, CAMERA)) == 0 and tracker.report.invalid_boxes == 1


def test_boxes_above_the_horizon_stand_nowhere() -> None:
    tracker = PeopleTracker()
    sky = CAMERA.ground_points(np.array([[384.0, -400.0]]))
    assert not sky[1][0]
    raised = replace(
        CAMERA, matrix=CAMERA.matrix - np.array([[0, 0, 0], [0, 0, -600.0], [0, 0, 0]])
    )
    for k in range(1, 10):
        people = tracker.update(seen(k, [[300, 60, 20, 60]], 0.95), raised)
    assert len(people) == 0 and tracker.report.boxes_off_ground == 9


def test_time_that_jumps_back_starts_over_with_new_names_and_a_reason() -> None:
    tracker = PeopleTracker()
    tracked(range(1, 30), tracker)
    again = tracked(range(1, 4), tracker)
    assert again.ids == ("2",) and again.stamp_ns == stamp(3)
    assert tracker.report.resets == 1 and "jumped back by 4.00 s" in tracker.report.last_reset


def test_an_image_of_the_past_that_is_known_already_is_left_out_and_counted() -> None:
    tracker = PeopleTracker()
    before = tracked(range(1, 10), tracker)
    after = tracker.update(seen(7, body_boxes(np.array([[-5.0, -5.0]]))), CAMERA)
    assert after.stamp_ns == before.stamp_ns and after.ids == before.ids
    np.testing.assert_array_equal(after.position, before.position)
    assert tracker.report.repeated == 1


def test_the_same_image_twice_changes_no_belief_by_much() -> None:
    tracker = PeopleTracker()
    before = tracked(range(1, 10), tracker)
    after = tracked(range(9, 10), tracker)
    assert after.ids == before.ids
    np.testing.assert_allclose(after.existence, before.existence)
    np.testing.assert_allclose(after.position, before.position, atol=0.05)


def test_after_a_long_gap_nobody_is_the_same_person() -> None:
    tracker = PeopleTracker()
    tracked(range(1, 10), tracker)
    people = tracker.update(seen(10 + 7 * 20, body_boxes(walk(1, START, VELOCITY))), CAMERA)
    assert people.ids == ("2",) and "no measurement for" in tracker.report.last_reset


def test_an_image_of_another_size_is_refused_with_both_sizes() -> None:
    with pytest.raises(TwinError, match=r"640x480.*768x576"):
        PeopleTracker().update(Detections.none(stamp(1), "view1", (640, 480)), CAMERA)


def test_a_crowd_of_two_hundred_is_followed() -> None:
    grid = np.stack(np.meshgrid(np.arange(20) * 1.4 - 12, np.arange(10) * 1.4 - 8), -1).reshape(
        -1, 2
    )
    inside = CAMERA.project(np.column_stack([grid, np.zeros(200)]))[0]
    tracker = PeopleTracker()
    for k in range(1, 6):
        people = tracker.update(seen(k, body_boxes(grid + [[0.05 * k, 0.0]])), CAMERA)
    in_view = np.all((inside > [25, 90]) & (inside < [743, 570]), axis=1)
    assert in_view.sum() > 60 and len(people) > 0.9 * in_view.sum()
    assert len(set(people.ids)) == len(people) and np.isfinite(people.covariance).all()


def test_prediction_moves_people_and_leaves_the_tracker_alone() -> None:
    tracker = PeopleTracker()
    now = tracked(range(1, 20), tracker)
    later = tracker.predict_to(now.stamp_ns + 500_000_000)
    np.testing.assert_allclose(later.position, now.position + 0.5 * now.velocity, atol=1e-9)
    assert later.stamp_ns == now.stamp_ns + 500_000_000
    assert np.all(np.linalg.det(later.covariance) > np.linalg.det(now.covariance))
    assert later.existence[0] < now.existence[0]
    np.testing.assert_array_equal(tracker.people().position, now.position)


def test_prediction_far_ahead_shows_nobody() -> None:
    tracker = PeopleTracker()
    now = tracked(range(1, 20), tracker)
    assert len(tracker.predict_to(now.stamp_ns + 60_000_000_000)) == 0


def test_the_frame_rate_does_not_decide_how_long_the_unseen_live() -> None:
    lives = []
    for step in (1.0, 0.25):
        tracker, k = PeopleTracker(), 15.0
        tracked(range(1, 15), tracker)
        while len(tracker.update(seen(k, []), CAMERA)):
            k += step
        lives.append((k - 15) / RATE)
    assert lives[0] == pytest.approx(lives[1], abs=0.3)
