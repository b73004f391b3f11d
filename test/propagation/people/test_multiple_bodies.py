"""Several bodies on one path against Kirchhoff's integral, the method of moments and their limits."""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import pytest
from body_pairs import SHARE_WITHIN as SHARE_OF_BODIES
from body_pairs import WITHIN_DB as BODIES_WITHIN_DB
from body_pairs import body_pairs
from cylinder_cases import WAVELENGTH
from numpy.typing import NDArray
from strip_pairs import (
    SHARE_WITHIN,
    WITHIN_DB,
    field_behind_strips,
    strip_pairs,
    strip_rows,
)

from visrftwin_ros.propagation.people.multiple_bodies import (
    Standing,
    joint_ratios,
    ratios_in,
)
from visrftwin_ros.propagation.people.screen_diffraction import (
    fresnel_field,
    loss_db,
    vertical_screen,
)
from visrftwin_ros.propagation.people.transition_table import Tables, tabulated

Array = NDArray[np.float64]
PERSON = (-0.225, 0.225)


@cache
def metal() -> Tables:
    return tabulated((lambda cosine: np.zeros(len(cosine), complex),))


def row_of(
    length: float, distances: Array, edges: Array, fields: Array, half_depth: Array | float = 0.0
) -> Standing:
    """Bodies on one path."""
    none, one = np.zeros(len(distances), np.intp), np.ones(len(distances))
    return Standing(none, none, distances, length - distances, edges[:, 0], edges[:, 1],
                    half_depth * one, one, fields, none)  # fmt: skip


def strips(length: float, distances: Array, edges: Array) -> tuple[complex, complex]:
    """E/E0 by the joint law of flat strips, and by their product."""
    alone = np.concatenate([
        fresnel_field(
            vertical_screen(d, length - d, high - low, np.inf, (low + high) / 2, None), WAVELENGTH
        )
        for d, (low, high) in zip(distances, edges, strict=True)
    ])  # fmt: skip
    _, ratio = joint_ratios(row_of(length, distances, edges, alone), WAVELENGTH, "fresnel")
    product = complex(alone.prod())
    return product * (complex(ratio[0]) if len(ratio) else 1.0), product


def errors_db(found: list[complex], exact: list[complex]) -> Array:
    return np.abs(loss_db(np.array(found)) - loss_db(np.array(exact)))


@cache
def fifty_pairs() -> tuple[Array, Array]:
    pairs = strip_pairs()
    found, product, exact = [], [], []
    for row in range(len(pairs.length)):
        distances = np.array([pairs.first[row], pairs.second[row]])
        edges = np.array([pairs.first_edges[row], pairs.second_edges[row]])
        both = strips(pairs.length[row], distances, edges)
        found.append(both[0])
        product.append(both[1])
        exact.append(field_behind_strips(pairs.length[row], distances, edges, WAVELENGTH))
    return errors_db(found, exact), errors_db(product, exact)


def test_two_strips_at_fifty_spacings_are_the_double_integral() -> None:
    joint, product = fifty_pairs()
    assert np.mean(joint <= WITHIN_DB) >= SHARE_WITHIN
    assert np.median(joint) < 0.01
    assert np.median(product) > 5


@pytest.mark.parametrize(("apart", "loss"), [(0.5, 27.3), (2.0, 35.2)])
def test_two_people_wide_strips_cost_what_is_printed(apart, loss) -> None:
    distances = np.array([3.0 - apart / 2, 3.0 + apart / 2])
    found = strips(6.0, distances, np.array([PERSON, PERSON]))[0]
    assert loss_db(np.array([found]))[0] == pytest.approx(loss, abs=0.05)


def test_three_strips_in_a_row_are_near_the_triple_integral() -> None:
    """A chain of neighbours forgets what a body past which the string goes straight does not stop;
    the product is wrong by 24 dB in the median."""
    rows = strip_rows()
    found, exact = [], []
    for length, distances, edges in zip(rows.length, rows.distances, rows.edges, strict=True):
        found.append(strips(length, distances, edges)[0])
        exact.append(field_behind_strips(length, distances, edges, WAVELENGTH, 500))
    errors = errors_db(found, exact)
    assert np.median(errors) < 2.0
    assert np.quantile(errors, 0.9) < 8.5


@cache
def metal_pairs() -> tuple[Array, Array]:
    cases = body_pairs()
    found, product = [], []
    for row, fields in enumerate(cases.fields):
        centre, half = cases.centre[row], cases.half_axes[row]
        edges = centre[:, 1:] + half[:, 1:] * np.array([-1.0, 1.0])
        standing = row_of(cases.length[row], centre[:, 0], edges, fields[:2], half[:, 0])
        _, ratio = ratios_in(standing, WAVELENGTH, metal())
        product.append(complex(fields[:2].prod()))
        found.append(product[-1] * (complex(ratio[0]) if len(ratio) else 1.0))
    exact = list(cases.fields[:, 2])
    return errors_db(found, exact), errors_db(product, exact)


def test_two_metal_cylinders_are_what_the_method_of_moments_says() -> None:
    joint, product = metal_pairs()
    assert np.mean(joint <= BODIES_WITHIN_DB) >= SHARE_OF_BODIES
    assert np.median(joint) < 1.0
    assert np.median(product) > 6


def test_bodies_far_apart_multiply() -> None:
    found, product = strips(2002.0, np.array([1.0, 2001.0]), np.array([PERSON, (-0.1, 0.3)]))
    assert found == pytest.approx(product, rel=0.1)


@pytest.mark.parametrize(
    "edges", [((-0.25, 0.05), (0.05, 0.3)), ((-0.3, 0.1), (-0.1, 0.2)), ((-0.3, 0.2), (-0.1, 0.1))]
)
def test_strips_side_by_side_are_the_union_of_their_outlines(edges) -> None:
    edges = np.array(edges)
    found, product = strips(6.0, np.array([3.0, 3.0]), edges)
    low, high = edges.min(), edges.max()
    outline = vertical_screen(3.0, 3.0, high - low, np.inf, (low + high) / 2, None)
    union = complex(fresnel_field(outline, WAVELENGTH)[0])
    assert found == pytest.approx(union, abs=1e-3)
    assert abs(product - union) > 0.02


def test_a_gap_between_strips_side_by_side_lets_through_what_it_is_wide() -> None:
    edges = np.array([(-0.25, 0.03), (0.08, 0.3)])
    found, _ = strips(6.0, np.array([3.0, 3.0]), edges)
    alone = [strips(6.0, np.array([3.0]), edges[i : i + 1])[1] for i in (0, 1)]
    assert found == pytest.approx(alone[0] + alone[1] - 1, abs=1e-3)  # Babinet


def test_what_hides_close_behind_a_wider_body_adds_little() -> None:
    alone = strips(6.0, np.array([3.0]), np.array([(-0.3, 0.3)]))[1]
    found, product = strips(6.0, np.array([3.0, 3.1]), np.array([(-0.3, 0.3), (-0.1, 0.1)]))
    alone_db, found_db, product_db = loss_db(np.array([alone, found, product]))
    assert found_db == pytest.approx(alone_db, abs=1.5)
    assert product_db > alone_db + 8


def test_a_row_of_bodies_is_the_same_from_the_other_end_and_in_any_order() -> None:
    distances, half = np.array([2.0, 2.7, 4.0]), np.array([0.1, 0.15, 0.12])
    edges = np.array([(-0.2, 0.15), (-0.1, 0.2), (-0.25, 0.1)])
    fields = np.array([0.1 + 0.05j, -0.2j, 0.15 - 0.1j])
    ways = [row_of(6.0, distances, edges, fields, half),
            row_of(6.0, 6.0 - distances, edges, fields, half)]  # fmt: skip
    ways.append(ways[0].take(np.array([2, 0, 1])))
    there, back, shuffled = (ratios_in(way, WAVELENGTH, metal())[1][0] for way in ways)
    assert back == pytest.approx(there, rel=1e-3)
    assert shuffled == there


def test_a_body_in_whose_null_the_path_ends_leaves_the_others_as_they_are() -> None:
    fields = np.array([0.1 + 0j, 1e-12 + 0j, 0.1 + 0j])
    row = row_of(6.0, np.array([2.0, 3.0, 4.0]), np.array([PERSON] * 3), fields, 0.12)
    _, ratio = ratios_in(row, WAVELENGTH, metal())
    assert abs(ratio[0] * fields.prod()) < 0.1


def test_bodies_that_hardly_shadow_and_the_models_of_single_screens_multiply() -> None:
    deep = row_of(6.0, np.array([2.0, 3.0]), np.array([PERSON] * 2), np.array([0.1, 0.1j]))
    assert len(joint_ratios(deep, WAVELENGTH, "fresnel")[0]) == 1
    for model in ("metis", "knife_edge"):
        assert not len(joint_ratios(deep, WAVELENGTH, model)[0])
    fringe = row_of(6.0, np.array([2.0, 3.0]), np.array([PERSON] * 2), np.array([0.1, 0.985 + 0j]))
    assert joint_ratios(fringe, WAVELENGTH, "fresnel")[1][0] == pytest.approx(1.0)


def test_stretches_and_paths_do_not_touch_each_other() -> None:
    row = row_of(6.0, np.array([2.0, 3.0, 2.0, 3.0]), np.array([PERSON] * 4), np.full(4, 0.1 + 0j))
    split = Standing(**{**vars(row), "path": np.array([4, 4, 7, 7]),
                        "stretch": np.array([1, 2, 5, 5])})  # fmt: skip
    path, ratio = joint_ratios(split, WAVELENGTH, "fresnel")
    assert path.tolist() == [7]
    assert ratio[0] == joint_ratios(row.take(np.array([0, 1])), WAVELENGTH, "fresnel")[1][0]


def test_a_ray_along_the_sides_of_two_strips_is_the_double_integral() -> None:
    distances, edges = np.array([2.0, 3.0]), np.array([(0.0, 0.4), (0.0, 0.4)])
    found, _ = strips(6.0, distances, edges)
    exact = field_behind_strips(6.0, distances, edges, WAVELENGTH)
    assert found == pytest.approx(exact, abs=1e-6)


def test_a_body_with_its_source_inside_gives_a_number() -> None:
    row = row_of(3.0, np.array([0.1, 0.4]), np.array([PERSON] * 2), np.full(2, 0.1 + 0j), 0.15)
    assert np.isfinite(ratios_in(row, WAVELENGTH, metal())[1]).all()


def test_a_pair_of_thick_bodies_takes_thirty_microseconds_of_a_core() -> None:
    cases = body_pairs()
    centre, half = np.tile(cases.centre, (10, 1, 1)), np.tile(cases.half_axes, (10, 1, 1))
    length, pair = np.repeat(np.tile(cases.length, 10), 2), np.repeat(np.arange(400), 2)
    along, aside, deep, wide = (a.reshape(-1) for a in (
        centre[:, :, 0], centre[:, :, 1], half[:, :, 0], half[:, :, 1]
    ))  # fmt: skip
    none, fields = np.zeros(800, np.intp), np.tile(cases.fields[:, :2], (10, 1)).reshape(-1)
    standing = Standing(pair, none, along, length - along, aside - wide, aside + wide, deep,
                        np.ones(800), fields, none)  # fmt: skip
    seconds = []
    for _ in range(4):
        began = time.thread_time()
        ratios_in(standing, WAVELENGTH, metal())
        seconds.append(time.thread_time() - began)
    assert min(seconds) / 400 < 30e-6
