"""Bodies that are as tall as their walks say, whole, and walk on the ground."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.lab.people.avatars import PARTS, make_avatars
from visrftwin_ros.lab.people.burdens import FACES, KINDS, drawn_burden
from visrftwin_ros.lab.people.gait import joint_angles
from visrftwin_ros.lab.people.walks import plan_walks
from visrftwin_ros.lab.world.world import load_world

pytest.importorskip("anny")


@pytest.fixture(scope="module")
def people():
    return make_avatars(plan_walks(load_world("lobby", 1), 4, 12.0, 2), 3)


def test_bodies_stand_where_the_walks_say_and_touch_the_ground(people):
    for t in (0.0, 3.37, 9.9):
        bodies = people.walks.at(t)
        for mesh, place, height in zip(
            people.meshes(t), bodies.position, bodies.height, strict=True
        ):
            assert mesh.vertices[:, 2].min() == pytest.approx(0, abs=1e-9)
            assert mesh.vertices[:, 2].max() == pytest.approx(height, abs=0.08)
            assert np.abs(mesh.vertices[:, :2].mean(axis=0) - place[:2]).max() < 0.15


def test_trunks_and_heads_are_neither_before_nor_behind_the_place(people):
    """Over a walk, shadows come from around the place that is told: within 3 cm."""
    for share in ((0.6, 0.7), (0.7, 0.8), (0.9, 1.0)):
        middle = []
        for t in np.arange(0.5, 11.5, 0.5):
            bodies = people.walks.at(float(t))
            for mesh, place, heading, height in zip(
                people.meshes(float(t)),
                bodies.position,
                bodies.heading,
                bodies.height,
                strict=True,
            ):
                level = mesh.vertices[:, 2] / height
                some = mesh.vertices[(level > share[0]) & (level < share[1]), :2] - place[:2]
                along = some @ [np.cos(heading), np.sin(heading)]
                middle.append((along.min() + along.max()) / 2)
        assert abs(np.mean(middle)) < 0.03


def test_bodies_are_closed_and_of_a_person_s_volume(people):
    for mesh, height in zip(people.meshes(2.0), people.walks.height, strict=True):
        a, b, c = (mesh.vertices[mesh.faces[:, k]] for k in range(3))
        volume = np.einsum("fi,fi->f", a, np.cross(b, c)).sum() / 6
        weight = 1000 * volume / height**2  # a body mass index at the density of water, dressed
        assert 17 < weight < 50


def test_they_look_where_they_go(people):
    t = next(t for t in np.arange(1, 11, 0.1) if np.linalg.norm(people.walks.at(t).velocity[0]) > 1)
    bodies = people.walks.at(float(t))
    mesh = people.meshes(float(t))[0]
    low = mesh.vertices[mesh.vertices[:, 2] < 0.05 * bodies.height[0]]
    feet = mesh.faces[mesh.part == PARTS.index("shoes")]
    assert len(low) > 3
    assert len(feet) > 20
    ahead = np.array([np.cos(bodies.heading[0]), np.sin(bodies.heading[0])])
    face = mesh.vertices[mesh.faces[mesh.part == PARTS.index("hair")]].reshape(-1, 3)
    head = mesh.vertices[mesh.vertices[:, 2] > 0.9 * bodies.height[0]]
    assert (head[:, :2].mean(axis=0) - face[:, :2].mean(axis=0)) @ ahead > 0.0


def test_legs_swing_in_turn_and_standing_people_do_not_step():
    strike = joint_angles(0.0, 0.7)
    assert strike.hip[1] == pytest.approx(np.radians(28), abs=0.02)  # right heel strike
    assert strike.hip[0] < 0
    half = joint_angles(np.pi, 0.7)
    assert half.hip == pytest.approx(strike.hip[::-1])
    still = [joint_angles(phase, 0.0) for phase in (0.0, 2.0)]
    assert still[0].knee == pytest.approx(still[1].knee)
    assert max(joint_angles(p, 0.7).knee[0] for p in np.linspace(0, 6.28, 40)) == pytest.approx(
        np.radians(60), abs=0.05
    )


def test_equal_seeds_give_equal_bodies_and_people_differ(people):
    again = make_avatars(people.walks, 3)
    assert np.array_equal(again.meshes(4.0)[1].vertices, people.meshes(4.0)[1].vertices)
    assert again.outfits == people.outfits
    other = make_avatars(people.walks, 4)
    assert not np.array_equal(other.meshes(4.0)[1].vertices, people.meshes(4.0)[1].vertices)
    sizes = [np.ptp(mesh.vertices, axis=0)[2] for mesh in people.meshes(0.0)]
    assert len({round(float(size), 3) for size in sizes}) == len(sizes)


def test_every_part_of_the_clothes_is_worn(people):
    for person, mesh in enumerate(people.meshes(0.0)):
        assert set(mesh.part) == set(range(len(PARTS)))
        colours = people.colours(person)
        assert colours.shape == (len(mesh.faces), 3)
        assert colours.min() >= 0
        assert colours.max() <= 1


def test_some_have_bags_that_go_along_and_stand_clear_of_the_ground():
    rng = np.random.default_rng(5)
    drawn = [drawn_burden(1.75, rng) for _ in range(400)]
    kinds = [burden.kind for burden in drawn if burden is not None]
    for kind, (share, *_) in KINDS.items():
        assert kinds.count(kind) / len(drawn) == pytest.approx(share, abs=0.06)
    for burden in drawn:
        if burden is None:
            continue
        assert 0.0 <= burden.corners[:, 2].min() < 1.2
        a, b, c = (burden.corners[FACES[:, k]] for k in range(3))
        volume = np.einsum("fi,fi->f", a, np.cross(b, c)).sum() / 6
        assert volume == pytest.approx(np.prod(np.ptp(burden.corners, axis=0)))
        turned = burden.placed(np.array([2.0, 3.0, 0.0]), np.pi / 2)
        np.testing.assert_allclose(turned[:, 1] - 3.0, burden.corners[:, 0], atol=1e-12)


def test_what_is_carried_is_as_many_corners_at_every_time(people):
    for person, burden in enumerate(people.burdens):
        corners = [people.carried(t)[person] for t in (0.0, 5.0)]
        assert len(corners[0]) == len(corners[1]) == (0 if burden is None else 8)
        assert people.carried_faces(person).max(initial=-1) == len(corners[0]) - 1
