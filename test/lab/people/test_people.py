"""Bodies that are as tall as their walks say, whole, and walk on the ground."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.lab.people.gait import walking_joints
from visrftwin_ros.lab.people.people import PARTS, make_people
from visrftwin_ros.lab.people.walks import plan_walks
from visrftwin_ros.lab.world.world import load_world

pytest.importorskip("anny")


@pytest.fixture(scope="module")
def people():
    return make_people(plan_walks(load_world("lobby", 1), 4, 12.0, 2), 3)


def test_bodies_stand_where_the_walks_say_and_touch_the_ground(people):
    for t in (0.0, 3.37, 9.9):
        bodies = people.walks.at(t)
        for mesh, place, height in zip(
            people.meshes(t), bodies.position, bodies.height, strict=True
        ):
            assert mesh.vertices[:, 2].min() == pytest.approx(0, abs=1e-9)
            assert mesh.vertices[:, 2].max() == pytest.approx(height, abs=0.08)
            assert np.abs(mesh.vertices[:, :2].mean(axis=0) - place[:2]).max() < 0.15


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
    strike = walking_joints(0.0, 0.7)
    assert strike.hip[1] == pytest.approx(np.radians(28), abs=0.02)  # right heel strike
    assert strike.hip[0] < 0
    half = walking_joints(np.pi, 0.7)
    assert half.hip == pytest.approx(strike.hip[::-1])
    still = [walking_joints(phase, 0.0) for phase in (0.0, 2.0)]
    assert still[0].knee == pytest.approx(still[1].knee)
    assert max(walking_joints(p, 0.7).knee[0] for p in np.linspace(0, 6.28, 40)) == pytest.approx(
        np.radians(60), abs=0.05
    )


def test_equal_seeds_give_equal_bodies_and_people_differ(people):
    again = make_people(people.walks, 3)
    assert np.array_equal(again.meshes(4.0)[1].vertices, people.meshes(4.0)[1].vertices)
    assert again.outfits == people.outfits
    other = make_people(people.walks, 4)
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
