from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import WAVELENGTH, people, polylines
from strip_pairs import field_behind_strips

from visrftwin_ros.benchmarks.lobby import WALKING_SPEED, Crowd, lobby
from visrftwin_ros.bodies.people import Bodies, nobody, usable
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.link_metrics import link_sums
from visrftwin_ros.propagation.paths.path_segments import path_segments
from visrftwin_ros.propagation.paths.path_set import DIFFUSE, PathSet
from visrftwin_ros.propagation.people import people_update
from visrftwin_ros.propagation.people.body_screens import shadows
from visrftwin_ros.propagation.people.cylinder_hits import hidden
from visrftwin_ros.propagation.people.people_update import BEHIND_A_BODY, Blockage, PeopleUpdate
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.scene.surfaces import surface_meshes

ROUTES = (
    [(0.0, 0.0, 1.2), (10.0, 0.0, 1.2)],
    [(0.0, 0.0, 1.2), (5.0, 4.0, 1.2), (10.0, 0.0, 1.2)],
    [(0.0, 8.0, 1.2), (10.0, 8.0, 1.2)],
    [(0.0, 8.0, 1.2), (5.0, 12.0, 1.2), (10.0, 8.0, 1.2)],
)


@pytest.fixture
def paths() -> PathSet:
    """Two links 8 m apart, each with a direct and a reflected path."""
    return polylines(*ROUTES, links=(0, 0, 1, 1))


def fresh(paths: PathSet, bodies: Bodies, **options: Any) -> Blockage:
    return PeopleUpdate(paths, WAVELENGTH, standing=False, **options).update(bodies)


def test_a_body_off_the_paths_changes_nothing(paths: PathSet) -> None:
    update = PeopleUpdate(paths, WAVELENGTH)
    result = update.update(people((5.0, -6.0)))
    assert not len(result.evaluated)
    assert (result.field == 1).all()


def test_only_touched_paths_change_and_the_others_stay_bit_for_bit(paths: PathSet) -> None:
    update = PeopleUpdate(paths, WAVELENGTH)
    before = update.update(people((5.0, 0.1), (4.0, 8.2)))
    after = update.update(people((5.0, 0.2), (4.0, 8.2)))
    assert after.evaluated.tolist() == [0]
    assert after.field[0] != before.field[0]
    assert (after.field[1:] == before.field[1:]).all()


def test_who_stands_costs_nothing(paths: PathSet) -> None:
    update = PeopleUpdate(paths, WAVELENGTH)
    update.update(people((5.0, 0.1)))
    again = update.update(people((5.0, 0.1)))
    assert not len(again.evaluated)
    assert abs(again.field[0]) < 0.5


def test_who_appears_blocks_and_who_leaves_or_teleports_frees(paths: PathSet) -> None:
    update = PeopleUpdate(paths, WAVELENGTH)
    assert abs(update.update(people((5.0, 0.0))).field[0]) < 0.2
    moved = update.update(people((5.0, 8.0)))
    assert moved.field[0] == 1 and abs(moved.field[2]) < 0.2
    assert moved.evaluated.tolist() == [0, 2]
    left = update.update(nobody())
    assert (left.field == 1).all()
    assert left.evaluated.tolist() == [2]


def test_several_bodies_on_one_path_are_multiple_diffraction_and_are_named(paths: PathSet) -> None:
    one = fresh(paths, people((4.7, 0.0), ids=("a",))).field[0]
    two = fresh(paths, people((5.3, 0.0), ids=("b",))).field[0]
    both = fresh(paths, people((4.7, 0.0), (5.3, 0.0), ids=("a", "b")))
    assert abs(one * two) < abs(both.field[0]) < min(abs(one), abs(two))
    assert both.blocked_by(0) == ("a", "b")
    assert both.blocked_by(2) == ()


def test_two_flat_people_cost_what_the_double_integral_does() -> None:
    """0.5 m apart in the middle of 10 m, of 40 m height so that the path passes far from shoulders
    and legs."""
    paths = polylines([(0.0, 0.0, 26.0), (10.0, 0.0, 26.0)])
    two = people((4.75, 0.0), (5.25, 0.0), height=40.0)
    strips = np.array([[-0.225, 0.225]] * 2)
    exact = field_behind_strips(10.0, np.array([4.75, 5.25]), strips, WAVELENGTH)
    found, alone = (
        fresh(paths, bodies, model="fresnel").field[0] for bodies in (two, two.take(np.array([0])))
    )
    assert abs(20 * np.log10(abs(found / exact))) < 1.0
    assert 20 * np.log10(abs(exact / alone**2)) > 5


def test_bodies_before_and_behind_a_mirror_are_as_on_the_unfolded_path() -> None:
    """A wall at y = 4; what stands behind it in a row with what stands before is the second
    body's image."""
    folded = polylines([(0.0, 0.0, 1.2), (5.0, 4.0, 1.2), (10.0, 0.0, 1.2)])
    straight = polylines([(0.0, 0.0, 1.2), (10.0, 8.0, 1.2)])
    # 5 cm to one side of the path; a quarter turn of the heading mirrors with the wall.
    found = fresh(folded, people((3.0, 2.45), (6.5, 2.85))).field[0]
    image = fresh(straight, people((3.0, 2.45), (6.5, 5.15))).field[0]
    assert found == pytest.approx(image, rel=1e-9)
    wrong = fresh(straight, people((3.0, 2.45), (6.5, 5.25))).field[0]
    assert abs(wrong - image) > 0.1 * abs(image)


def test_a_diffuse_reflection_between_two_bodies_parts_them() -> None:
    rough = polylines([(0.0, 0.0, 1.2), (5.0, 4.0, 1.2), (10.0, 0.0, 1.2)])
    rough.interactions[:] = DIFFUSE
    bodies = people((4.0, 3.2), (6.0, 3.2))
    one, two = (fresh(rough, bodies.take(np.array([i]))).field[0] for i in (0, 1))
    assert fresh(rough, bodies).field[0] == pytest.approx(one * two)


def test_the_formulas_of_single_screens_multiply(paths: PathSet) -> None:
    bodies = people((4.75, 0.0), (5.25, 0.0))
    for model in ("metis", "knife_edge"):
        one, two = (fresh(paths, bodies.take(np.array([i])), model=model).field[0] for i in (0, 1))
        assert fresh(paths, bodies, model=model).field[0] == pytest.approx(one * two)


def test_a_crowd_of_twenty_that_mills_about_is_as_if_evaluated_at_once() -> None:
    random = np.random.default_rng(3)
    routes = polylines(*ROUTES, links=(0, 0, 1, 1))
    update = PeopleUpdate(routes, WAVELENGTH)
    place = random.uniform((0.5, -0.5), (9.5, 8.5), (20, 2))
    place[:6, 1] = random.uniform(-0.2, 0.2, 6)
    for _ in range(8):
        moving = random.random(20) < 0.3
        place[moving] += random.normal(size=(moving.sum(), 2)) * 0.1
        crowd = people(*place)
        result = update.update(crowd)
        assert (result.field == fresh(routes, crowd).field).all()
    assert len(result.blocked_by(0)) >= 3
    assert np.isfinite(result.field).all()


def test_a_fringe_is_not_a_blockage(paths: PathSet) -> None:
    beside = fresh(paths, people((5.0, 0.225 + 0.15)))
    assert beside.field[0] != 1
    assert beside.blocked_by(0) == ()


place = st.tuples(st.floats(-1, 11), st.floats(-1, 13))
crowd = st.dictionaries(st.sampled_from("abcde"), place, max_size=5)


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(crowd, min_size=1, max_size=6), least_share=st.sampled_from([0.0, 1e-3, 0.5]))
def test_any_history_ends_where_a_fresh_evaluation_does(steps, least_share) -> None:
    routes = polylines(*ROUTES, links=(0, 0, 1, 1))
    update = PeopleUpdate(routes, WAVELENGTH, least_share=least_share)
    last = np.ones(len(routes), complex)
    for step in steps:
        bodies = people(*step.values(), ids=tuple(step))
        result = update.update(bodies)
        untouched = np.setdiff1d(np.arange(len(routes)), result.evaluated)
        assert (result.field[untouched] == last[untouched]).all()
        last = result.field
    once = fresh(routes, bodies, least_share=least_share)
    np.testing.assert_allclose(result.field, once.field, rtol=1e-12)
    assert result.touched.tolist() == once.touched.tolist()
    for row in range(len(routes)):
        assert result.blocked_by(row) == once.blocked_by(row)


def test_a_weak_path_alone_does_not_make_its_link_affected() -> None:
    faint = polylines(*ROUTES, links=(0, 0, 1, 1))
    faint.transfer[1] *= 1e-3  # -60 dB of the link
    update = PeopleUpdate(faint, WAVELENGTH)
    assert not len(update.update(people((2.5, 2.0))).evaluated)
    both = update.update(people((2.5, 2.0), (5.0, 0.0)))
    assert both.evaluated.tolist() == [0, 1]
    assert abs(both.field[1]) < 0.5
    freed = update.update(people((2.5, 2.0)))
    assert freed.evaluated.tolist() == [0, 1]
    assert (freed.field == 1).all()


def test_unusable_bodies_are_left_out_and_named() -> None:
    bodies = people(
        (1.0, 1.0),
        (np.nan, 0.0),
        (2.0, np.inf),
        (3.0, 3.0),
        (4.0, 4.0),
        ids=("a", "b", "c", "a", "e"),
    )
    bodies.height[4] = 0.0
    kept, dropped = usable(bodies)
    assert kept.ids == ("a",)
    assert dropped == ("b", "c", "a", "e")
    assert usable(people((1.0, 1.0)))[1] == ()


def test_thousands_of_people_are_taken(paths: PathSet) -> None:
    rng = np.random.default_rng(3)
    crowd = people(*rng.uniform(-50, 50, (3000, 2)))
    result = PeopleUpdate(paths, WAVELENGTH).update(crowd)
    assert np.isfinite(result.field).all()


def test_weak_diffuse_paths_lose_the_mean_power_behind_random_walkers() -> None:
    """0.5 to 8 m before and behind them, from any height of 0 to 3 m to any other, at any heading
    and offset; within 0.4 dB. What such paths lose in all, fringes included, agrees within 1.5 dB."""
    random, count = np.random.default_rng(0), 20_000
    before, behind = random.uniform(0.5, 8.0, (2, count))
    low, high = random.uniform(0.0, 3.0, (2, count))
    apart = 10.0 * np.arange(count)
    lines = [[(0.0, y, a), (length, y, b)]
             for y, a, b, length in zip(apart, low, high, before + behind, strict=True)]  # fmt: skip
    segments = path_segments(polylines(*lines))
    places = zip(before, apart + random.uniform(-0.8, 0.8, count), strict=True)
    walkers = replace(
        people(*places),
        heading=random.uniform(-np.pi, np.pi, count),
        velocity=np.tile([1.2, 0.0, 0.0], (count, 1)),
    )
    everyone = np.arange(count)
    through = hidden(segments, everyone, walkers, everyone)
    found = shadows(segments, walkers, everyone, everyone, WAVELENGTH, "thick")
    power = np.ones(count)
    power[found.body] = np.abs(found.field) ** 2
    assert len(through) > 2000
    mean = 10 * np.log10(power[through].mean())
    assert mean == pytest.approx(20 * np.log10(BEHIND_A_BODY), abs=0.4)
    in_all = 1 - (1 - power).sum() / len(through)
    assert 10 * np.log10(in_all) == pytest.approx(20 * np.log10(BEHIND_A_BODY), abs=1.5)


def test_faint_paths_hardly_feel_whether_they_are_cut_or_diffracted(monkeypatch) -> None:
    """In the lobby of the benches at depth 4, 24 links over 20 steps of 5 walkers: 99 % within 0.05 dB,
    and the deepest shadows within 1 dB."""
    robots = Crowd(6, 0.0, seed=0).position
    site = lobby(4, robots)
    ends = [(ap.name, ap.position) for ap in site.access_points]
    ends += [(robot.name, (*robot.position, 1.0)) for robot in site.robots if robot.position]
    aps, receivers = (Devices(tuple(name for name, _ in part), np.array([at for _, at in part]))
                      for part in (ends[:4], ends[4:]))  # fmt: skip
    options = site.propagation.model_copy(update={"max_depth": 4})
    paths = solve(surface_meshes(site), aps, receivers, site.radio.frequency, options)
    share = paths.power / np.bincount(paths.link, paths.power)[paths.link]
    faint = (share < people_update.LEAST_DIFFRACTED) & (paths.interactions != DIFFUSE).all(axis=1)
    assert faint.sum() > 900
    assert np.bincount(paths.link[faint], share[faint]).max() < 0.004

    walkers, apart = Crowd(5, WALKING_SPEED, seed=1), []
    cut = PeopleUpdate(paths, WAVELENGTH)
    monkeypatch.setattr(people_update, "LEAST_DIFFRACTED", 0.0)
    diffracted = PeopleUpdate(paths, WAVELENGTH)
    for _ in range(20):
        walkers.step(0.2)
        sums = [link_sums(paths, update.update(walkers.bodies()).field).power
                for update in (cut, diffracted)]  # fmt: skip
        apart.append(np.abs(10 * np.log10(sums[0] / sums[1])))
    assert np.quantile(apart, 0.99) < 0.05
    assert np.max(apart) < 1.0
