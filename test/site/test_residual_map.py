"""What soundings were off is added where they were made, fades with distance, and is read with care."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.residual_map import (
    FILE,
    NO_RESIDUALS,
    ResidualMap,
    site_residuals,
    write_residuals,
)

ONE = ResidualMap(("ap",), np.array([[1.0, 2.0, 1.5]]), np.array([6.0]), np.ones(1), 1.0, 2.0, 3.0)


def test_one_sounding_is_believed_by_its_share_and_less_with_distance() -> None:
    places = np.array([[1.0, 2.0, 1.5], [1.0, 5.0, 1.5], [1.0, 92.0, 1.5]])
    gain, sd = ONE.at(("ap",) * 3, places)
    # Of 4 dB^2 shared and 1 dB^2 alone, four fifths are the place's.
    np.testing.assert_allclose(gain, [0.8 * 6, 0.8 * 6 / np.e, 0], atol=1e-9)
    left = 4 * (1 - 0.8 * np.exp([0, -2, -60]))
    np.testing.assert_allclose(sd, np.sqrt(1 + left))


def test_two_soundings_are_weighed_as_the_normal_distribution_has_it() -> None:
    two = ResidualMap(
        ("ap", "ap"), np.array([[0.0, 0, 0], [1.0, 0, 0]]), np.array([1.5, -0.5]), np.ones(2), 0.5, 1.5, 2.0
    )  # fmt: skip
    rng = np.random.default_rng(0)
    places = np.array([[0.0], [1.0], [0.5]])
    covariance = 2.25 * np.exp(-np.abs(places - places.T) / 2)
    drawn = rng.multivariate_normal(np.zeros(3), covariance, 400_000)
    heard = drawn[:, :2] + rng.normal(0, 0.5, (400_000, 2))
    near = (np.abs(heard - [1.5, -0.5]) < 0.2).all(axis=1)
    gain, sd = two.at(("ap",), np.array([[0.5, 0, 0]]))
    assert near.sum() > 1000
    assert gain[0] == pytest.approx(drawn[near, 2].mean(), abs=0.12)
    assert sd[0] == pytest.approx(np.hypot(drawn[near, 2].std(), 0.5), abs=0.08)


def test_an_access_points_share_of_a_map_says_the_same_of_it() -> None:
    places = np.array([[0.0, 0, 0], [1.0, 0, 0], [0.5, 0, 0]])
    whole = ResidualMap(
        ("ap", "other", "ap"), places, np.array([3.0, -9.0, 1.0]), np.ones(3), 0.5, 1.5, 2.0
    )
    asked = ("ap",), np.array([[0.2, 0.1, 0.0]])
    np.testing.assert_allclose(whole.of(["ap"]).at(*asked), whole.at(*asked), rtol=1e-12)
    assert whole.of(["ap"]).tx == ("ap", "ap") and len(whole.of([])) == 0


def test_nothing_is_added_for_others_nowhere_and_without_soundings() -> None:
    gain, sd = ONE.at(("other", "ap"), np.array([[1.0, 2.0, 1.5], [np.nan, 0, 0]]))
    assert (gain == 0).all()
    np.testing.assert_allclose(sd, np.sqrt(5))
    gain, sd = NO_RESIDUALS.at(("ap",), np.zeros((1, 3)))
    assert gain[0] == 0 and np.isnan(sd[0])


def site_folder(folder: Path, **more: Any) -> Path:
    content = {
        "name": "hut",
        "scene": [{"name": "floor", "kind": "ground", "size": [4, 4], "material": "concrete"}],
        "access_points": [{"name": "ap", "position": [0, 0, 2]}],
        **more,
    }
    (folder / "site.yaml").write_text(yaml.safe_dump(content))
    return folder


def test_a_map_is_what_was_written(tmp_path: Path) -> None:
    write_residuals(ONE, tmp_path)
    read = site_residuals(load_site(str(site_folder(tmp_path, residuals=FILE))))
    for field in fields(ResidualMap):
        np.testing.assert_array_equal(getattr(read, field.name), getattr(ONE, field.name))
    assert site_residuals(load_site(str(site_folder(tmp_path)))) is NO_RESIDUALS


def test_a_map_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TwinError, match=r"residuals: 'gone.yaml' is not in"):
        load_site(str(site_folder(tmp_path, residuals="gone.yaml")))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"residual_db": np.array([np.nan])}, "residual_db"),
        ({"residual_db": np.array([500.0])}, "less than or equal to 60"),
        ({"position": np.array([[np.inf, 0, 0]])}, "finite"),
        ({"reach": 0.0}, "reach"),
        ({"alone_db": 0.0}, "alone_db"),
        ({"trust": np.zeros(1)}, "trust"),
        ({"tx": ("nobody",)}, "no access point nobody; it has ap"),
    ],
)
def test_a_map_of_wrong_numbers_is_refused_with_its_field(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    write_residuals(replace(ONE, **change), tmp_path)
    with pytest.raises(TwinError, match=said):
        site_residuals(load_site(str(site_folder(tmp_path, residuals=FILE))))
