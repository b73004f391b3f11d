"""Bodies as columns: what is taken, joined and left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from made_up import boxes, people

from visrftwin_ros.bodies.people import BOX, PERSON, together, usable


def test_a_body_without_a_shape_is_a_person() -> None:
    assert not people((0, 0), (1, 0)).is_box.any()
    assert boxes((0, 0)).is_box.all()


def test_shapes_go_with_their_rows() -> None:
    everything = together(people((0, 0), (1, 0)), boxes((2, 0)))
    assert everything.shape == (PERSON, PERSON, BOX)
    assert everything.take([2, 0]).shape == (BOX, PERSON)
    assert everything.at(np.zeros((3, 3))).shape == everything.shape
    assert everything.take([2]).position[0].tolist() == [2, 0, 0]


def test_together_keeps_materials_beside_bodies_without() -> None:
    everything = together(people((0, 0)), boxes((1, 0), material="wood"))
    assert everything.material == ("", "wood")
    assert together(people((0, 0)), boxes()).ids == ("p0",)


def test_a_person_and_a_box_in_one_place_have_different_poses() -> None:
    person = people((1, 2), width=0.5, depth=0.5)
    assert person.poses() != replace(person, shape=(BOX,)).poses()


def test_a_box_reaches_to_its_corners_and_a_person_to_the_wider_axis() -> None:
    assert people((0, 0), width=0.6, depth=0.8).radius[0] == 0.4
    assert boxes((0, 0), width=0.6, depth=0.8).radius[0] == np.hypot(0.3, 0.4)


def test_a_box_under_a_persons_id_is_left_out() -> None:
    kept, dropped = usable(
        together(people((0, 0), ids=("7",)), boxes((1, 0), (2, 0), ids=("7", "8")))
    )
    assert kept.ids == ("7", "8")
    assert kept.shape == (PERSON, BOX)
    assert dropped == ("7",)


def test_boxes_without_extent_or_with_nan_are_left_out() -> None:
    good = boxes((0, 0), (1, 0), (2, 0), (3, 0), ids=("a", "b", "c", "d"))
    width = np.array([1.0, 0.0, 1.0, 1.0])
    velocity = good.velocity.copy()
    velocity[2, 0] = np.nan
    heading = np.array([0.0, 0.0, 0.0, np.inf])
    kept, dropped = usable(replace(good, width=width, velocity=velocity, heading=heading))
    assert kept.ids == ("a",)
    assert dropped == ("b", "c", "d")
