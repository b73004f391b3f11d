import numpy as np
import pytest

from visrftwin_ros.beams.snr_correction import SnrCorrection

LINK = ("ap", "r")
TIMES = np.array([0.0, 0.5, 1.0, 3.0])


def told(*steps: tuple[float, float]) -> SnrCorrection:
    """After measurements (s, dB over what was predicted)."""
    known = SnrCorrection()
    for at, difference in steps:
        known = known.measured(LINK, at, 20.0 + difference, 20.0)
    return known


def test_a_lasting_difference_is_taken_over_whole() -> None:
    known = told(*[(0.1 * k, -4.0) for k in range(50)])
    np.testing.assert_allclose(known.ahead(LINK, 4.9, TIMES), -4.0)


def test_a_fade_that_nobody_saw_coming_is_expected_to_pass() -> None:
    known = told(*[(0.1 * k, 0.0) for k in range(50)], (5.0, -20.0))
    ahead = known.ahead(LINK, 5.0, TIMES)
    # Two dB of it may be the radio's noise.
    assert ahead[0] == pytest.approx(-18.0, abs=0.2)
    assert (np.diff(ahead) > 0).all()
    assert ahead[3] == pytest.approx(0.0, abs=0.2)


@pytest.mark.parametrize("every", [0.05, 0.1, 1.0])
def test_what_differs_for_two_seconds_is_no_passing_fade(every: float) -> None:
    before = [(every * k, 0.0) for k in range(round(5 / every))]
    after = [(5 + every * k, -6.0) for k in range(round(2.1 / every) + 1)]
    known = told(*before, *after)
    assert known.ahead(LINK, after[-1][0], TIMES)[3] == pytest.approx(-6.0, abs=0.1)


def test_a_radios_noise_changes_nothing_that_lasts() -> None:
    noise = np.random.default_rng(4).normal(0, 1, 400)
    steps = [(0.05 * k, 5.0 + e) for k, e in enumerate(noise.tolist())]
    ahead = [told(*steps[: k + 1]).ahead(LINK, steps[k][0], TIMES) for k in range(100, 400, 10)]
    errors = np.array(ahead) - 5.0
    assert np.sqrt((errors**2).mean(axis=0)).max() < 0.4


def test_a_reporter_that_floods_costs_no_memory() -> None:
    known = told(*[(1e-4 * k, 0.0) for k in range(2000)])
    assert len(known.differences[LINK].recent) <= 64
    seldom = told(*[(20.0 * k, float(k)) for k in range(10)])
    assert seldom.ahead(LINK, 180.0, TIMES)[3] == pytest.approx(8.0, abs=0.1)


def test_old_measurements_say_nothing_of_now_and_unknown_links_nothing_at_all() -> None:
    known = told(*[(0.1 * k, 0.0) for k in range(50)], (5.0, -20.0))
    np.testing.assert_allclose(known.ahead(LINK, 7.0, TIMES), 0.0, atol=0.2)
    assert (known.ahead(("ap", "other"), 5.0, TIMES) == 0).all()


def test_what_is_no_number_or_out_of_order_changes_nothing() -> None:
    known = told((0.0, 1.0), (1.0, 1.0))
    assert known.measured(LINK, 2.0, np.nan, 20.0) is known
    assert known.measured(LINK, 2.0, 20.0, -np.inf) is known
    assert known.measured(LINK, 0.5, 0.0, 20.0) is known
