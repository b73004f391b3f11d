from dataclasses import replace

import numpy as np
import pytest
from exact_cylinder import field_round_cylinder
from made_up import FREQUENCY, WAVELENGTH, people
from scipy.constants import epsilon_0

from visrftwin_ros.benchmarks.agreement import agreement
from visrftwin_ros.benchmarks.correctness import CYLINDERS_DB, cases
from visrftwin_ros.benchmarks.sionna_faults import overlong_behind_edge
from visrftwin_ros.bodies.people import nobody
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.engine import TwinEngine


@pytest.fixture(scope="module")
def engine(site: Site) -> TwinEngine:
    return TwinEngine(site, None, threads=2)


def test_with_sionnas_faults_the_twin_agrees_with_the_solve_that_it_stands_on(
    engine: TwinEngine, traced: PathSet, replay_scene: ReplayScene
) -> None:
    found = agreement(engine.update(0, people((25.0, -25.0))), traced, nobody(), replay_scene)
    # The twin leaves the faintest out, of 5e-5 of a link's power at most.
    assert found.matched_power == pytest.approx(1, abs=5e-5)
    assert found.gain_diff_db_p99 < 0.02
    assert found.gain_diff_db_p99_own_vertices < 0.02
    assert found.delay_diff_s_p99 < 1e-14
    # As served it is another thing: edges, the walls' thickness, air.
    assert found.law_diff_db_p99 > 3
    assert abs(found.diffuse_power_diff_db) < 0.05  # merged samples, without the faintest


def test_a_difference_on_any_path_shows(
    engine: TwinEngine, traced: PathSet, replay_scene: ReplayScene
) -> None:
    state = engine.update(1, nobody())
    assert overlong_behind_edge(traced).sum() >= 3
    for kind in (overlong_behind_edge(traced), traced.line_of_sight):
        factor = np.where(kind, 1.1, 1.0)[:, None, None]
        worse = replace(traced, transfer=traced.transfer * factor)
        found = agreement(state, worse, nobody(), replay_scene)
        for column in (found.gain_diff_db_p99, found.gain_diff_db_p99_own_vertices):
            assert column == pytest.approx(20 * np.log10(1.1), abs=0.02)


def test_every_exact_case_is_met_where_sionna_is_off() -> None:
    found = {case.name: case for case in cases()}
    for name, case in found.items():
        assert case.ours < (1e-3 if name.startswith("PEC") else 0.1), name
        assert case.sionna > 10 * case.ours, name
    assert found["glass +- 10 %, reflection"].sionna > 3


@pytest.mark.parametrize(("material", "polarization"), CYLINDERS_DB)
def test_the_cylinders_losses_are_the_exact_series(material: str, polarization: str) -> None:
    skin = 8 - 36j / (2 * np.pi * FREQUENCY * epsilon_0)
    field = field_round_cylinder(
        np.array([-2.0, 0.0]),
        np.array([2.0, 0.0]),
        0.125,
        WAVELENGTH,
        polarization == "vertical",
        None if material == "pec" else skin,
    )
    exact = CYLINDERS_DB[material, polarization]
    assert -20 * np.log10(abs(field)) == pytest.approx(exact, abs=0.01)
