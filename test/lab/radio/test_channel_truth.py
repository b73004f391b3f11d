"""True channels of a small hall: paths solved, people in between, echoes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import yaml
from shapes import cylinder, moved, sphere

from visrftwin_ros.lab.radio.body_truth import Person, body_fields
from visrftwin_ros.lab.radio.channel_truth import ChannelTruth, Instant, chassis
from visrftwin_ros.lab.radio.static_truth import Fineness, StaticTruth, solved_paths
from visrftwin_ros.lab.world.material_prior import plain_wall
from visrftwin_ros.lab.world.ray_scene import RayScene
from visrftwin_ros.propagation.paths.interaction_sequences import each_sequence_once
from visrftwin_ros.propagation.paths.path_segments import Segments
from visrftwin_ros.propagation.paths.path_set import BODY, DIFFUSE, SPECULAR
from visrftwin_ros.site.model import Site

_SITE = """
name: hall
scene:
  - {name: floor, kind: ground, center: [5, 4, 0], size: [10, 8], material: concrete}
  - {name: ceiling, kind: ground, center: [5, 4, 3.5], size: [10, 8], material: ceiling_board}
  - {name: south, kind: box, center: [5, -0.1, 1.75], size: [10, 0.2, 3.5], material: plasterboard}
  - {name: north, kind: box, center: [5, 8.1, 1.75], size: [10, 0.2, 3.5], material: plasterboard}
  - {name: pillar, kind: box, center: [5, 7, 1.75], size: [0.6, 0.6, 3.5], material: metal}
access_points: [{name: ap, position: [1, 4, 2.0]}]
robots:
  - {name: standing, position: [9, 7.5], antenna_height: 1.2}
  - {name: rover, antenna_height: 1.2}
"""
PLACES = np.array([[8.0, 4.0, 1.2], [8.125, 4.0, 1.2]])
ENDS = {"standing": np.array([9.0, 7.5, 1.2]), "rover": PLACES[0]}
LINK = ("ap", "rover")


@pytest.fixture(scope="module")
def site() -> Site:
    return Site.model_validate(yaml.safe_load(_SITE))


@pytest.fixture(scope="module")
def static(site: Site) -> StaticTruth:
    done: list[int] = []
    metal, board = plain_wall(1 - 1e6j, 0.01), replace(plain_wall(4.0 - 0.2j, 0.05), roughness=3e-4)
    walls = {surface.name: board for surface in site.scene} | {"pillar": metal}
    found = solved_paths(site, "rover", PLACES, Fineness(3, 20_000), None, done.append)
    assert sum(done) == 3
    return StaticTruth(site, walls, "rover", PLACES, found)


@pytest.fixture
def truth(site: Site, static: StaticTruth) -> ChannelTruth:
    return ChannelTruth(static, {"ap": np.array([1.0, 4.0, 2.0])}, site.radio)


def with_people(truth: ChannelTruth, people: list[Person]) -> Instant:
    scene = None
    if people:
        vertices = np.concatenate([p.vertices for p in people])
        first = np.cumsum([0, *(len(p.vertices) for p in people)])
        faces = [p.mesh.faces + offset for p, offset in zip(people, first, strict=False)]
        scene = RayScene(vertices, np.concatenate(faces))
    return truth.at(ENDS, people, scene)


def person_at(x: float, y: float) -> Person:
    return moved(cylinder(0.15, 0.22, 0.0, 1.75), (x, y, 0.0))


def test_a_path_found_twice_millimetres_apart_counts_once(static: StaticTruth) -> None:
    known = static.driven_to(PLACES[0])
    paths = known.select(~(known.interactions == DIFFUSE).any(axis=1))
    mirrored = np.flatnonzero(paths.interactions[:, 0] == SPECULAR)[:1]
    again = paths.select(np.sort(np.concatenate([np.arange(len(paths)), mirrored])))
    along = np.cross(again.normals[mirrored[0] + 1, 0], [0.3, 0.5, 0.8])
    again.vertices[mirrored[0] + 1, 1] += 6e-3 * along / np.linalg.norm(along)
    assert len(again) == len(paths) + 1
    once = each_sequence_once(again)
    assert len(once) == len(paths)
    np.testing.assert_array_equal(once.delay, paths.delay)


def test_without_people_nothing_is_lost(truth: ChannelTruth, site: Site) -> None:
    now = with_people(truth, [])
    channels = now.channels(5, site.radio, ENDS)
    assert [(c.tx, c.rx) for c in channels] == [("ap", "standing"), ("ap", "rover")]
    for channel in channels:
        assert channel.shadow_loss_db == 0.0
        assert len(channel.paths) > 3
    rover = channels[1]
    assert rover.line_of_sight
    distance = np.linalg.norm(PLACES[0] - [1, 4, 2])
    # 15 dB/km of oxygen.
    free_space = 20 * np.log10(4 * np.pi * distance / 0.00496) + 0.0151 * distance
    assert free_space - 3 < rover.path_loss_db < free_space + 0.1
    assert rover.paths.gain_db[0] == pytest.approx(-free_space, abs=0.1)


def test_somebody_in_the_line_of_sight_takes_what_its_outline_diffracts(
    truth: ChannelTruth, site: Site
) -> None:
    now = with_people(truth, [person_at(5.0, 4.0)])
    channel = now.channels(0, site.radio, ENDS)[1]
    assert not channel.line_of_sight
    free = with_people(truth, []).of_link(LINK)
    direct = np.argmin(free.delay)
    through = now.of_link(LINK)
    same = np.flatnonzero(through.delay == free.delay[direct])
    left = 0.0 if not len(same) else abs(through.amplitude[same[0]] / free.amplitude[direct])
    assert -20 * np.log10(left) > 10
    # The reflections off the walls pass beside and keep the link up.
    assert 3 < channel.shadow_loss_db < 25


def test_somebody_aside_adds_an_echo_with_the_way_over_the_body(truth: ChannelTruth) -> None:
    ball = sphere(1.0)
    body = moved(Person(ball.vertices * [0.15, 0.22, 0.87], ball.mesh), (4.5, 2.5, 0.87))
    now = with_people(truth, [body])
    echoes = (now.paths.interactions == BODY).any(axis=1)
    rows = np.flatnonzero(echoes & (now.paths.link == now.paths.links.index(LINK)))
    assert len(rows) == 1
    point = now.paths.vertices[rows[0], 1]
    way = np.linalg.norm(point - [1, 4, 2]) + np.linalg.norm(PLACES[0] - point)
    assert now.paths.delay[rows[0]] == pytest.approx(way / 299792458, rel=1e-4)
    level = 10 * np.log10(now.paths.power[rows[0]])
    # Geometrical optics of the ellipsoid, level with its middle: -108.5 dB.
    assert -115 < level < -104


def test_weak_paths_end_in_a_body(truth: ChannelTruth) -> None:
    now = with_people(truth, [person_at(5.0, 4.0)])
    weak = now.paths.power < 1e-4 * now.paths.power.max()
    assert (now.field[weak] == 0).any()
    assert (now.field[weak] == 1).sum() > (now.field[weak] == 0).sum()


def test_carried_paths_go_over_into_those_of_the_next_place(static: StaticTruth) -> None:
    at = [static.driven_to(np.array([x, 4.0, 1.2])) for x in (8.0, 8.06, 8.065, 8.125)]
    total = [10 * np.log10(paths.power.sum()) for paths in at]
    assert np.abs(np.diff(total)).max() < 0.5


def test_the_same_people_give_the_same_truth_to_the_bit(truth: ChannelTruth, site: Site) -> None:
    people = [person_at(5.0, 4.1), person_at(3.0, 2.0)]
    one, other = (with_people(truth, people) for _ in range(2))
    np.testing.assert_array_equal(one.field, other.field)
    np.testing.assert_array_equal(one.sums.power, other.sums.power)


def test_a_robot_s_chassis_shadows_low_paths_and_none_at_the_antennas(truth: ChannelTruth) -> None:
    drum = chassis(np.array([2.0, 0.0, 1.2]))
    lost = {}
    for height in (0.2, 1.2):
        ends = np.array([[0.0, 0.0, height]]), np.array([[5.0, 0.0, height]])
        none, yes = np.zeros(1), np.ones(1, bool)
        link = Segments(np.zeros(1, np.intp), *ends, np.full(1, 5.0), none, none, yes, yes)
        lost[height] = -20 * np.log10(abs(body_fields(link, [drum], 1, 0.00496)[0]))
    assert lost[0.2] > 8
    assert lost[1.2] == 0.0
    free = truth.at(ENDS, [], None).of_link(LINK)
    there = truth.at(ENDS | {"standing": np.array([5.4, 4.0, 1.2])}, [], None).of_link(LINK)
    direct = [abs(paths.amplitude[np.argmin(paths.delay)]) for paths in (free, there)]
    assert direct[1] == pytest.approx(direct[0], rel=1e-3)
