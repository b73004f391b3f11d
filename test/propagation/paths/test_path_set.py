from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from made_up import polylines

from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths import path_set
from visrftwin_ros.propagation.paths.path_set import (
    PathSet,
    angles,
    differing_links,
    empty,
    without_duplicates,
)


@pytest.fixture
def paths() -> PathSet:
    return polylines(
        [(0, 0, 1), (0, 3, 5)],
        [(0, 0, 1), (4, 0, 1), (0, 3, 5)],
        [(0, 0, 1), (0, -4, 1)],
        links=(0, 0, 2),
    )


def test_each_link_has_its_rows(paths: PathSet) -> None:
    assert [paths.of_link(i) for i in range(3)] == [slice(0, 2), slice(2, 2), slice(2, 3)]


def test_delays_and_angles_follow_the_vertices(paths: PathSet) -> None:
    assert paths.delay[0] == pytest.approx(5 / 299_792_458)
    azimuth, elevation = angles(paths.departure)
    np.testing.assert_allclose(azimuth, [np.pi / 2, 0, -np.pi / 2])
    np.testing.assert_allclose(elevation, [np.arctan2(4, 3), 0, 0], atol=1e-12)
    azimuth, elevation = angles(paths.arrival)
    np.testing.assert_allclose(azimuth, [-np.pi / 2, np.arctan2(-3, 4), np.pi / 2])
    assert elevation[0] == pytest.approx(-np.arctan2(4, 3))
    assert paths.line_of_sight.tolist() == [True, False, True]


def test_moments_are_powers_weighted_by_delay_and_direction(paths: PathSet) -> None:
    detour = (4 + np.sqrt(4**2 + 3**2 + 4**2) - 5) / 299_792_458
    azimuth = np.array([-np.pi / 2, np.arctan2(-3, 4), np.pi / 2])
    excess = np.array([0, detour, 0])
    power = np.full(3, 1e-8)
    expected = [power, power * excess, power * excess**2]
    expected += [power * np.cos(azimuth), power * np.sin(azimuth)]
    np.testing.assert_allclose(paths.moments, expected, atol=1e-24)


def test_a_path_from_straight_above_counts_as_azimuth_zero() -> None:
    upright = polylines([(2, 1, 5), (2, 1, 1)])
    np.testing.assert_allclose(upright.moments[3:, 0], [1e-8, 0])


def test_duplicates_go_and_diffuse_samples_stay() -> None:
    bounce = [(0, 0, 1), (2, 0, 0), (4, 0, 1)]
    near = [(0, 0, 1), (2.0001, 0, 0), (4, 0, 1)]
    other = [(0, 0, 1), (2, 0.5, 0), (4, 0, 1)]
    twice = polylines(bounce, near, other, bounce, links=(0, 0, 0, 1))
    assert without_duplicates(twice).link.tolist() == [0, 0, 1]
    diffuse = replace(twice, interactions=np.full_like(twice.interactions, path_set.DIFFUSE))
    assert len(without_duplicates(diffuse)) == 4


def test_a_saved_set_comes_back_the_same(paths: PathSet, tmp_path: Path) -> None:
    paths.save(tmp_path / "new" / "paths.npz", "abc")
    again = PathSet.load(tmp_path / "new" / "paths.npz", "abc")
    assert again.links == paths.links
    for f in fields(PathSet):
        if f.name != "links":
            stored = getattr(again, f.name)
            assert stored.dtype == getattr(paths, f.name).dtype
            np.testing.assert_array_equal(stored, getattr(paths, f.name))


def test_another_scene_or_a_torn_file_is_refused(paths: PathSet, tmp_path: Path) -> None:
    file = tmp_path / "paths.npz"
    paths.save(file, "abc")
    with pytest.raises(TwinError, match="another scene"):
        PathSet.load(file, "abd")
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(TwinError, match="delete it"):
        PathSet.load(file, "abc")
    file.write_text("hello")
    with pytest.raises(TwinError, match="delete it"):
        PathSet.load(file, "abc")


def test_links_differ_whose_paths_do_by_a_bit_or_in_number() -> None:
    three = polylines(*[[(0, 0, 1), (4, 0, 1), (0, 3, 5)]] * 3, links=(0, 1, 2))
    delay = three.delay.copy()
    delay[1] = np.nextafter(delay[1], 1)
    assert differing_links(three, three.select(np.arange(3))).tolist() == [False] * 3
    assert differing_links(three, replace(three, delay=delay)).tolist() == [False, True, False]
    assert differing_links(three, three.select(np.array([0, 1]))).tolist() == [False, False, True]
    assert differing_links(empty((), 2), empty((), 2)).tolist() == []
