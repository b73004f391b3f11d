from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import boxes, people, polylines

from visrftwin_ros.bodies.people import Bodies, together
from visrftwin_ros.propagation.people.body_occlusion import PassingOutlines, StandingOutlines

DEVICES = [(0.0, 0.0, 3.0), (6.0, 1.0, 1.0), (-5.0, 4.0, 1.0)]

coordinate = st.floats(-8, 8, width=32)
point = st.tuples(coordinate, coordinate, st.floats(0, 4, width=32))
route = st.tuples(st.sampled_from(DEVICES), st.lists(point, max_size=2), st.sampled_from(DEVICES))
crowd = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=4)


def by_sampling(lines: list[list[tuple[float, float, float]]], bodies: Bodies) -> set:
    """Pairs of a line and a body with a point of the line inside, found by walking along it."""
    share = np.linspace(0, 1, 4001)[:, None]
    found = set()
    for i, line in enumerate(lines):
        for a, b in pairwise(line):
            places = np.array(a) + share * (np.array(b) - np.array(a))
            for body in range(len(bodies)):
                off = places - bodies.position[body]
                c, s = np.cos(bodies.heading[body]), np.sin(bodies.heading[body])
                forward = (off[:, 0] * c + off[:, 1] * s) / (bodies.depth[body] / 2)
                aside = (off[:, 1] * c - off[:, 0] * s) / (bodies.width[body] / 2)
                level = off[:, 2] / bodies.height[body]
                round_off = forward**2 + aside**2
                if bodies.is_box[body]:
                    round_off = np.maximum(np.abs(forward), np.abs(aside))
                if ((round_off < 1) & (level > 0) & (level < 1)).any():
                    found.add((i, body))
    return found


def crossed(kind: type, lines: list[list[tuple[float, float, float]]], bodies: Bodies) -> list:
    paths = polylines(*lines)
    path, body = kind(paths, np.arange(len(paths))).crossed(bodies, list(range(len(bodies))))
    return list(zip(body.tolist(), path.tolist(), strict=True))


@settings(deadline=None, max_examples=60)
@given(routes=st.lists(route, min_size=1, max_size=8), places=crowd, heading=st.floats(-4, 4))
def test_fans_and_a_look_at_all_find_the_same_paths(routes, places, heading) -> None:
    lines = [[start, *between, end] for start, between, end in routes]
    bodies = together(people(*places, heading=heading), boxes(*places[:2], heading=-heading))
    assert crossed(StandingOutlines, lines, bodies) == crossed(PassingOutlines, lines, bodies)


@pytest.mark.parametrize("kind", [StandingOutlines, PassingOutlines])
def test_the_paths_through_bodies_are_those_with_a_point_inside(kind: type) -> None:
    rng = np.random.default_rng(5)
    lines = []
    for _ in range(150):
        ends = rng.permutation(3)[:2]
        between = rng.uniform((-8, -8, 0), (8, 8, 3), (rng.integers(0, 3), 3))
        lines.append([DEVICES[ends[0]], *map(tuple, between.tolist()), DEVICES[ends[1]]])
    persons = people(*rng.uniform(-6, 6, (12, 2)), heading=0.7)
    things = boxes(*rng.uniform(-6, 6, (6, 2)), heading=0.3, width=0.9, underside=0.3)
    bodies = together(persons, things)
    found = crossed(kind, lines, bodies)
    assert found == sorted(set(found))
    assert {(path, body) for body, path in found} == by_sampling(lines, bodies)
    assert len(found) > 30


@pytest.mark.parametrize("kind", [StandingOutlines, PassingOutlines])
@pytest.mark.parametrize(
    ("line", "place"),
    [
        # West of the device, where azimuths start again.
        ([(0, 0, 1), (-6, 0.05, 1), (0, 5, 1)], (-3.0, 0.0)),
        ([(0, 0, 1), (-6, -0.05, 1), (0, 5, 1)], (-3.0, 0.0)),
        # Round the device itself.
        ([(0, 0, 1), (4, 3, 1), (0, 5, 1)], (0.05, 0.0)),
        # Straight up out of the device, and along a middle piece.
        ([(0, 0, 1), (0, 0, 3), (5, 5, 3)], (0.0, 0.05)),
        ([(0, 0, 1), (4, 3, 1), (4, -3, 1), (0, 5, 1)], (4.0, 0.0)),
    ],
)
def test_a_body_on_the_line_is_found_wherever_it_stands(kind: type, line, place) -> None:
    assert crossed(kind, [line], people(place)) == [(0, 0)]


@pytest.mark.parametrize("kind", [StandingOutlines, PassingOutlines])
def test_a_ray_along_the_axes_of_a_box_meets_it_or_passes_beside(kind: type) -> None:
    lines = [
        [(0, 0, 1), (8, 0, 1)],
        [(0, 0.9, 1), (8, 0.9, 1)],
        [(4, 0, 3), (4, 0, 1)],
        [(4, 0, 3), (4, 0, 1.6)],
        [(4, 3, 3), (4, 3, 1)],
    ]
    assert crossed(kind, lines, boxes((4.0, 0.0))) == [(0, 0), (0, 2)]


@pytest.mark.parametrize("kind", [StandingOutlines, PassingOutlines])
def test_a_path_twice_through_a_body_counts_once(kind: type) -> None:
    there_and_back = [(0, 0, 1), (4, 0, 1), (0, 0.05, 1)]
    assert crossed(kind, [there_and_back], people((2.0, 0.0))) == [(0, 0)]


@pytest.mark.parametrize("kind", [StandingOutlines, PassingOutlines])
def test_over_a_head_and_without_paths_nothing_is_found(kind: type) -> None:
    assert crossed(kind, [[(0, 0, 2), (4, 0, 2)]], people((2.0, 0.0))) == []
    paths = polylines([(0, 0, 1), (4, 0, 1)])
    nothing = kind(paths, np.zeros(0, np.intp)).crossed(people((2.0, 0.0)), [0])
    assert [len(part) for part in nothing] == [0, 0]
