"""The next place to sound is where least is known of most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sounded_yard import HEIGHT

from visrftwin_ros.calibration.model_error import ModelError
from visrftwin_ros.calibration.next_sounding import most_telling, next_sounding
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.model import Site
from visrftwin_ros.site.residual_map import ResidualMap

LAW = ModelError(alone_db=1.0, shared_db=2.0, reach=3.0)


def along(*x: float) -> np.ndarray:
    return np.array([[value, 0.0, 0.0] for value in x])


def test_what_a_sounding_takes_off_is_what_conditioning_says() -> None:
    places = along(0, 1, 2, 4, 8)
    chosen, spread = most_telling(places, along(0.5), LAW, 2)
    everything = np.concatenate([places, along(0.5), places[chosen]])
    covariance = 4 * np.exp(-np.abs(everything[:, :1] - everything[:, 0]) / 3)
    for known, found in ((1, spread[0]), (2, spread[1]), (3, spread[2])):
        seen = slice(5, 5 + known)
        noisy = covariance[seen, seen] + np.eye(known)
        left = (
            covariance[:5, :5] - covariance[:5, seen] @ np.linalg.inv(noisy) @ covariance[seen, :5]
        )
        assert found == pytest.approx(np.sqrt(np.trace(left) / 5))


def test_the_first_is_better_than_any_other() -> None:
    places = np.random.default_rng(3).uniform(0, 10, (30, 3))
    chosen, spread = most_telling(places, places[:4], LAW, 1)
    for other in range(30):
        own = np.concatenate([places[:4], places[other : other + 1]])
        assert most_telling(places, own, LAW, 0)[1][0] >= spread[1] - 1e-9
    assert chosen[0] not in range(4)


def test_after_one_half_was_sounded_the_other_is_next(site: Site) -> None:
    meshes = surface_meshes(site)
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(1, 10, 1.5), np.arange(0.5, 12, 1.5)))
    places = np.column_stack([x, y, np.full(len(x), HEIGHT)])
    count = len(places)
    west = ResidualMap(("mast",) * count, places, np.zeros(count), np.ones(count), 1.0, 2.0, 3.0)
    found = next_sounding(west, meshes, HEIGHT)
    assert found.place[0] > 12 and found.place[2] == HEIGHT
    assert found.after_db < found.before_db < 2.0
    low = next_sounding(replace(west, trust=np.full(count, 1e-3)), meshes, HEIGHT)
    assert low.before_db > 1.5
