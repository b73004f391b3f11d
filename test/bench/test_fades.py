"""How docs/blockage_validation.md reads fades and draws the places where they may have been measured."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import cylinder_cases as cases
import numpy as np
import pytest
from exact_cylinder import field_round_cylinder

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "bench"))

import validation_fades as fades  # noqa: E402
from fade_priors import IMMERSE, PRIORS, WALK, crossings, scene  # noqa: E402


def test_a_triangular_fade_is_read_by_depth_time_and_mean() -> None:
    trace = np.r_[np.zeros(50), np.linspace(0, 20, 21), np.linspace(19, 0, 20), np.zeros(50)]
    found = fades.read([trace], window=1, interval=0.01, limit=5.0)
    assert found.depth == pytest.approx(20.0)
    assert found.width == pytest.approx(0.31)  # 5, 6 ... 20 ... 6, 5
    assert found.mean == pytest.approx((sum(range(5, 21)) + sum(range(5, 20))) / 31)


def test_a_trace_that_never_fades_has_no_time_and_no_mean() -> None:
    found = fades.read([np.full(100, 2.0)], window=1, interval=0.01, limit=3.0)
    assert found.width == 0
    assert np.isnan(found.mean)


def test_only_the_deepest_fade_of_a_trace_counts() -> None:
    trace = np.r_[np.zeros(20), np.full(9, 8.0), np.zeros(20), np.full(5, 12.0), np.zeros(20)]
    found = fades.read([trace], window=1, interval=0.1, limit=3.0)
    assert (found.depth[0], found.width[0]) == (12.0, pytest.approx(0.5))


def test_other_paths_at_half_the_power_that_is_seen_halve_what_is_left() -> None:
    assert fades.fill_db(10.0, 13.0103) == pytest.approx(-13.01, abs=0.01)
    assert np.isnan(fades.fill_db(13.0, 10.0))


@pytest.mark.parametrize("name", PRIORS)
def test_scenes_stay_within_the_bounds_and_come_again_by_their_seed(name) -> None:
    prior = PRIORS[name]
    for seed in range(5):
        links = scene(prior, seed)
        assert len(links) == prior.links
        for link, again in zip(links, scene(prior, seed), strict=True):
            assert np.array_equal(link.ends, again.ends)
            assert prior.length[0] <= link.length <= prior.length[1]
            level = link.ends[0, 0, 2] + link.share * (link.ends[1, 0, 2] - link.ends[0, 0, 2])
            assert level <= prior.highest


def test_the_same_people_pass_every_receiver_of_a_scene() -> None:
    sizes = [
        [c.bodies.width[0] for c in crossings(IMMERSE, link, 3, 0.01, 0.5)]
        for link in scene(IMMERSE, 3)
    ]
    assert len(set(map(tuple, sizes))) == 1
    assert len(set(sizes[0])) == IMMERSE.crossings


@pytest.mark.parametrize("model", ["thick", "fresnel", "metis", "knife_edge"])
def test_a_walker_at_the_end_of_the_way_leaves_the_path_alone(model) -> None:
    (link,) = scene(WALK, 1)
    (walk,) = crossings(WALK, link, 1, 1 / 30, 1.2)
    field = np.abs(fades.direct_field(link, walk, model))
    assert field[[0, -1]] == pytest.approx(1.0, abs=0.05)
    assert field.min() < 10 ** (-10 / 20)


def test_the_middle_of_immerse_is_what_its_publishers_print(test_data: Path) -> None:
    """Median depth 15 to 19 dB by receiver, 10 to 90 % from 9 to 25 dB (the data's notes)."""
    runs = fades.immerse(test_data)
    middles = [np.median(f.depth) for f in runs.values()]
    assert min(middles) == pytest.approx(15, abs=0.5) and max(middles) == pytest.approx(19, abs=0.5)


def test_the_horizontal_wave_round_a_tall_body_meets_the_exact_series() -> None:
    (link,) = scene(WALK, 1)
    link = replace(link, carrier=cases.FREQUENCY)
    (walk,) = crossings(WALK, link, 1, 1 / 30, 0.2)
    size = np.full(len(walk.along), 0.3)
    bodies = replace(walk.bodies, width=size, depth=size, height=np.full(len(size), 200.0))
    found = fades.across_field(link, replace(walk, bodies=bodies))
    right = [
        field_round_cylinder(link.ends[0, 0, :2] - foot, link.ends[1, 0, :2] - foot, 0.15,
                             cases.WAVELENGTH, along_axis=False, permittivity=cases.SKIN)
        for foot in bodies.position[:, :2]
    ]  # fmt: skip
    assert np.abs(found) == pytest.approx(np.abs(right), abs=0.01)
