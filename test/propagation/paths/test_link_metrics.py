import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visrftwin_ros.propagation.paths.link_metrics import link_sums
from visrftwin_ros.propagation.paths.path_set import PathSet, empty

LIGHT = 299_792_458.0
WAVELENGTH = 5e-3


def star(*arms: tuple[float, float, float], links: tuple[int, ...] = (), count: int = 1) -> PathSet:
    """Paths (power gain, delay [s], azimuth of arrival [rad]); the first of a link is direct."""
    number = np.array(links or (0,) * len(arms), np.int32)
    direct = np.diff(number, prepend=-1) > 0
    gain, delay, azimuth = np.array(arms, float).T
    vertices = np.zeros((len(arms), 3, 3))
    vertices[:, 1] = np.stack([np.cos(azimuth), np.sin(azimuth), np.zeros_like(azimuth)], axis=1)
    first_of_link = np.flatnonzero(direct)[np.cumsum(direct) - 1]
    vertices[:, 0] = vertices[first_of_link, 1]
    vertices[direct, 1] = 0
    return PathSet(
        links=tuple(("ap", f"r{i}") for i in range(count)),
        link=number,
        vertices=vertices,
        n_vertices=np.where(direct, 2, 3).astype(np.int32),
        interactions=np.where(direct, 0, 1).astype(np.uint8)[:, None],
        objects=np.zeros((len(arms), 1), np.int32),
        normals=np.zeros((len(arms), 1, 3)),
        transfer=np.sqrt(gain)[:, None, None] * np.eye(2, dtype=complex),
        delay=delay,
    )


def free(paths: PathSet) -> np.ndarray:
    return np.ones(len(paths), complex)


def test_two_paths_by_hand() -> None:
    # Powers 3 and 1: mean delay 10 + 20/4 ns, spread sqrt(3/4 * 1/4) * 20 ns.
    paths = star((3e-9, 10e-9, 0.0), (1e-9, 30e-9, np.pi / 2))
    metrics = link_sums(paths, free(paths)).metrics(WAVELENGTH)
    assert metrics.path_loss_db[0] == pytest.approx(-10 * np.log10(4e-9))
    assert metrics.delay_spread[0] == pytest.approx(20e-9 * np.sqrt(3) / 4)
    assert metrics.k_factor_db[0] == pytest.approx(10 * np.log10(3))
    assert metrics.azimuth_spread[0] == pytest.approx(np.sqrt(-2 * np.log(np.hypot(3, 1) / 4)))
    assert metrics.shadow_loss_db[0] == 0
    assert metrics.line_of_sight[0]


def test_shadow_loss_is_the_lost_power_and_moves_the_k_factor() -> None:
    paths = star((1e-9, 10e-9, 0.0), (1e-11, 12e-9, 1.0))
    metrics = link_sums(paths, np.array([0.1j, 1.0])).metrics(WAVELENGTH)
    assert metrics.shadow_loss_db[0] == pytest.approx(10 * np.log10(1.01e-9 / 2e-11))
    assert metrics.k_factor_db[0] == pytest.approx(0)
    assert not metrics.line_of_sight[0]


def test_the_papers_loss_is_against_the_line_of_sight_in_free_space() -> None:
    """Friis over the metre between the ends: 68.0 dB at 5 mm, by hand."""
    friis = 10 ** (-20 * np.log10(4 * np.pi / 5e-3) / 10)
    alone = star((friis, 1 / LIGHT, 0.0))
    assert link_sums(alone, free(alone)).metrics(WAVELENGTH).shadow_loss_los_db[0] == pytest.approx(
        0, abs=1e-9
    )
    # Half as much again by another path, then a body that takes 20 dB off the line of sight.
    paths = star((friis, 1 / LIGHT, 0.0), (friis / 2, 5e-9, 1.0))
    helped = link_sums(paths, free(paths)).metrics(WAVELENGTH)
    assert helped.shadow_loss_los_db[0] == pytest.approx(-10 * np.log10(1.5))
    shadowed = link_sums(paths, np.array([0.1j, 1.0])).metrics(WAVELENGTH)
    assert shadowed.shadow_loss_los_db[0] == pytest.approx(-10 * np.log10(0.51))
    assert shadowed.shadow_loss_db[0] == pytest.approx(10 * np.log10(1.5 / 0.51))


def test_the_papers_loss_counts_a_wall_as_well_and_is_not_counted_twice() -> None:
    paths = star((1e-9, 10e-9, 0.0), (1e-9, 12e-9, 1.0))
    beside = paths.select(np.array([1]))  # no line of sight: a wall stands in it
    sums = link_sums(beside, free(beside))
    friis = (WAVELENGTH / (4 * np.pi)) ** 2
    lost = sums.metrics(WAVELENGTH).shadow_loss_los_db[0]
    assert lost == pytest.approx(10 * np.log10(friis / 1e-9))
    twice = sums.plus(np.array([0]), sums).metrics(WAVELENGTH).shadow_loss_los_db[0]
    assert twice == pytest.approx(lost - 10 * np.log10(2))
    nothing = link_sums(empty((("ap", "r"),), 1), np.zeros(0, complex))
    over_a_body = nothing.plus(np.array([0]), sums).metrics(WAVELENGTH)
    assert over_a_body.shadow_loss_los_db[0] == pytest.approx(lost)


def test_a_link_without_paths_says_so_and_nothing_is_invented() -> None:
    metrics = link_sums(empty((("ap", "r"),), 2), np.zeros(0, complex)).metrics(WAVELENGTH)
    assert metrics.path_loss_db[0] == np.inf
    assert np.isnan(
        [metrics.delay_spread[0], metrics.azimuth_spread[0], metrics.k_factor_db[0]]
    ).all()
    assert np.isnan([metrics.shadow_loss_db[0], metrics.shadow_loss_los_db[0]]).all()
    assert not metrics.line_of_sight[0]


def test_only_the_direct_path_or_none_of_it() -> None:
    alone = star((1e-9, 10e-9, 0.3))
    metrics = link_sums(alone, free(alone)).metrics(WAVELENGTH)
    assert metrics.k_factor_db[0] == np.inf
    assert metrics.delay_spread[0] == pytest.approx(0, abs=1e-15)
    assert metrics.azimuth_spread[0] == pytest.approx(0, abs=1e-7)
    dark = link_sums(alone, np.zeros(1, complex)).metrics(WAVELENGTH)
    assert dark.path_loss_db[0] == np.inf and dark.shadow_loss_db[0] == np.inf


def test_links_are_kept_apart_and_may_be_asked_for_singly() -> None:
    paths = star((1e-9, 1e-8, 0), (2e-9, 1e-8, 0), (1e-9, 5e-8, 1), links=(0, 2, 2), count=3)
    everything = link_sums(paths, free(paths)).metrics(WAVELENGTH)
    assert np.isinf(everything.path_loss_db[1])
    one = link_sums(paths, free(paths), np.array([2])).metrics(WAVELENGTH)
    assert one.path_loss_db[0] == everything.path_loss_db[2]
    assert one.delay_spread[0] == everything.delay_spread[2]
    first, last = link_sums(paths, free(paths)), link_sums(paths, free(paths), np.array([2]))
    replaced = first.replaced(np.array([0]), last).metrics(WAVELENGTH)
    assert replaced.path_loss_db.tolist() == [one.path_loss_db[0], np.inf, one.path_loss_db[0]]
    assert everything.path_loss_db[0] != one.path_loss_db[0]


def test_sums_of_two_sets_of_paths_are_those_of_both_together() -> None:
    paths = star((1e-9, 1e-8, 0), (2e-9, 1e-8, 0), (1e-9, 5e-8, 1), links=(0, 0, 0))
    some, rest = (paths.select(np.array(rows)) for rows in ([0, 2], [1]))
    both = (
        link_sums(some, free(some))
        .plus(np.array([0]), link_sums(rest, free(rest)))
        .metrics(WAVELENGTH)
    )
    whole = link_sums(paths, free(paths)).metrics(WAVELENGTH)
    assert both.delay_spread[0] == pytest.approx(whole.delay_spread[0])
    assert both.azimuth_spread[0] == pytest.approx(whole.azimuth_spread[0])
    assert both.path_loss_db[0] == pytest.approx(whole.path_loss_db[0])


arm = st.tuples(st.floats(1e-14, 1e-6), st.floats(1e-9, 1e-6), st.floats(-3.1, 3.1))


@given(
    arms=st.lists(arm, min_size=1, max_size=20), later=st.floats(0, 1e-6), turned=st.floats(-3, 3)
)
def test_spreads_do_not_depend_on_absolute_delay_or_heading(arms, later, turned) -> None:
    first = star(*arms)
    second = star(*[(power, delay + later, azimuth + turned) for power, delay, azimuth in arms])
    a, b = (link_sums(paths, free(paths)).metrics(WAVELENGTH) for paths in (first, second))
    assert a.delay_spread[0] == pytest.approx(b.delay_spread[0], rel=1e-6, abs=1e-13)
    assert a.azimuth_spread[0] == pytest.approx(b.azimuth_spread[0], rel=1e-4, abs=1e-6)
    assert a.delay_spread[0] <= np.ptp([delay for _, delay, _ in arms]) / 2 + 1e-13
