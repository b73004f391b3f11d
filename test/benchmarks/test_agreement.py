from dataclasses import replace

import numpy as np
import pytest
from made_up import people

from visrftwin_ros.benchmarks.agreement import agreement
from visrftwin_ros.bodies.people import nobody
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.edge_distances import overlong_behind_edge
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.engine import TwinEngine


@pytest.fixture(scope="module")
def engine(site: Site) -> TwinEngine:
    engine = TwinEngine(site, None, threads=2)
    return engine


def test_the_twin_agrees_with_the_solve_that_it_stands_on(
    engine: TwinEngine, solved: PathSet, replay_scene: ReplayScene
) -> None:
    found = agreement(engine.update(0, people((25.0, -25.0))), solved, nobody(), replay_scene)
    assert found.matched_power == pytest.approx(1)
    assert found.gain_diff_db_p99 < 1e-3
    assert found.delay_diff_s_p99 < 1e-15
    # The formulas at the solver's vertices; 0.2 m of brick resonates in single precision.
    assert 0 < found.gain_diff_db_p99_same_vertices < 0.1


def test_every_path_counts_and_those_with_overlong_ways_are_left_out_in_a_column_of_their_own(
    engine: TwinEngine, solved: PathSet, replay_scene: ReplayScene
) -> None:
    overlong = overlong_behind_edge(solved)
    assert overlong.sum() >= 3
    factor = np.where(overlong, 2.0, 1.0)[:, None, None]
    state = engine.update(1, nobody())
    worse = replace(solved, transfer=solved.transfer * factor)
    found = agreement(state, worse, nobody(), replay_scene)
    assert found.gain_diff_db_p99 == pytest.approx(20 * np.log10(2), abs=1e-3)
    assert found.gain_diff_db_p99_right_edges < 1e-3
    # A difference on any other path shows in both.
    direct = np.where(solved.line_of_sight, 1.1, 1.0)[:, None, None]
    found = agreement(
        state, replace(solved, transfer=solved.transfer * direct), nobody(), replay_scene
    )
    for column in (found.gain_diff_db_p99, found.gain_diff_db_p99_right_edges):
        assert column == pytest.approx(20 * np.log10(1.1), abs=1e-3)
