"""What a deep solve finds besides is left out where a link does not notice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from made_up import polylines

from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.tracing.faint_paths import FAINT_SHARE, without_faint

DIRECT = [(0.0, 0.0, 1.0), (9.0, 0.0, 1.0)]
TWICE = [DIRECT[0], (3.0, 1.0, 1.0), (6.0, 1.0, 1.0), DIRECT[1]]
THRICE = [DIRECT[0], (3.0, 1.0, 1.0), (4.0, -1.0, 1.0), (6.0, 1.0, 1.0), DIRECT[1]]


def with_powers(paths: PathSet, *power: float) -> PathSet:
    transfer = np.sqrt(np.array(power))[:, None, None] * np.eye(2)
    return replace(paths, transfer=transfer.astype(complex))


def test_the_faintest_go_as_long_as_they_are_nothing_together() -> None:
    share = FAINT_SHARE
    paths = polylines(DIRECT, THRICE, THRICE, THRICE)
    paths = with_powers(paths, 1.0, 0.4 * share, 0.4 * share, 0.4 * share)
    assert without_faint(paths).power.tolist() == paths.power[[0, 3]].tolist()


def test_each_link_has_its_own_measure() -> None:
    paths = polylines(DIRECT, THRICE, DIRECT, THRICE, links=(0, 0, 1, 1))
    paths = with_powers(paths, 1.0, 0.5 * FAINT_SHARE, 0.1, 0.5 * FAINT_SHARE)
    assert without_faint(paths).link.tolist() == [0, 1, 1]


def test_paths_over_two_mirrors_stay_however_faint() -> None:
    paths = with_powers(polylines(DIRECT, TWICE, THRICE), 1.0, 1e-12, 1e-12)
    assert without_faint(paths).n_vertices.tolist() == [2, 4]


def test_a_link_whose_only_path_is_faint_keeps_it() -> None:
    paths = with_powers(polylines(THRICE), 1e-15)
    assert len(without_faint(paths)) == 1
    assert len(without_faint(paths.select(np.zeros(1, bool)))) == 0
