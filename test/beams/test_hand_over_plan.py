import numpy as np
import pytest

from visrftwin_ros.beams.hand_over_plan import (
    LinksAhead,
    Service,
    best_course,
    hand_over_plan,
    links_ahead,
    service_value,
)
from visrftwin_ros.site.model import Radio

RADIO = Radio()
TIMES = 0.1 * np.arange(31)
GOOD, BAD = 25.0, -5.0


def ahead(*links: np.ndarray) -> LinksAhead:
    snr = np.array([np.atleast_2d(link) for link in links], float)
    return LinksAhead(tuple(f"ap{i}" for i in range(len(links))), TIMES, snr)


def fade(begins: float, ends: float) -> np.ndarray:
    return np.where((begins <= TIMES) & (ends > TIMES), BAD, GOOD)


def exhaustive(value: np.ndarray, step: float, serving: int, service: Service) -> float:
    """The most value over every sequence of hand-overs, written out."""
    busy, steps = round(service.interruption / step), value.shape[1]

    def most(k: int, here: int) -> float:
        if k >= steps:
            return 0.0
        best = value[here, k] * step + most(k + 1, here)
        for there in range(len(value)):
            if there != here:
                end = min(k + busy, steps)
                kept = value[here, k:end].sum() * step if service.old_serves else 0.0
                best = max(best, kept - service.hand_over_cost + most(k + busy, there))
        return best

    return most(0, serving)


def test_a_link_whose_paths_end_on_the_way_has_no_signal_there_and_is_left() -> None:
    links = [("ap0", "cart"), ("ap1", "cart"), ("off", "cart")]
    horizons = np.array([0.0, 1.0, 2.0, 3.0])
    snr = np.full((3, 2, 4), GOOD)
    snr[0, :, 2:] = np.nan
    snr[2] = np.nan
    known = links_ahead(links, horizons, snr)["cart"]
    assert known.aps == ("ap0", "ap1") and np.isfinite(known.snr_db).all()
    np.testing.assert_allclose(known.snr_db[0][:, known.times < 0.99], GOOD)
    assert (known.snr_db[0][:, known.times > 1.99] < BAD).all()
    plan = hand_over_plan(known, [0], RADIO, Service())
    assert plan.to == 1 and plan.at <= 1.1


@pytest.mark.parametrize("old_serves", [False, True])
def test_no_sequence_of_hand_overs_is_better(old_serves: bool) -> None:
    rng = np.random.default_rng(5)
    service = Service(interruption=0.2, old_serves=old_serves)
    for serving in range(3):
        value = np.repeat(rng.integers(0, 2, (3, 5)), 2, axis=1).astype(float)
        course = best_course(value, 0.1, serving, service.groups(3), service)
        reached = course.value(value).sum() * 0.1
        reached -= service.hand_over_cost * len(course.changes)
        assert reached == pytest.approx(exhaustive(value, 0.1, serving, service))


def test_it_goes_just_before_the_fade_and_stays_where_it_is_good() -> None:
    plan = hand_over_plan(ahead(fade(1.0, 9.0), fade(5.0, 6.0)), [0], RADIO, Service())
    assert plan.to == 1 and 0.6 <= plan.at <= 1.0
    assert plan.duration == np.inf and plan.confidence == 1.0
    assert plan.gain > 1.5 and plan.gain_bits > 0


def test_it_comes_back_where_that_is_worth_it_and_says_for_how_long() -> None:
    better, worse = np.full(31, 25.0), np.full(31, 12.0)
    plan = hand_over_plan(
        ahead(np.where(fade(0.5, 1.5) == BAD, BAD, better), worse),
        [0], RADIO, Service(interruption=0.1, hand_over_cost=0.0),
    )  # fmt: skip
    assert plan.to == 1 and plan.at <= 0.5 and 0.5 < plan.duration < 1.5


@pytest.mark.parametrize("other", [fade(0.0, 9.0), np.full(31, -np.inf), np.full(31, np.nan)])
def test_it_stays_where_no_other_link_is_better(other: np.ndarray) -> None:
    plan = hand_over_plan(ahead(fade(1.0, 2.0), other), [0], RADIO, Service())
    assert plan.to is None and plan.at == np.inf and plan.gain == 0


def test_a_fade_shorter_than_a_hand_over_is_sat_out() -> None:
    short = hand_over_plan(ahead(fade(1.0, 1.2), fade(5.0, 6.0)), [0], RADIO, Service())
    assert short.to is None
    seamless = Service(old_serves=True)
    assert hand_over_plan(ahead(fade(1.0, 1.2), fade(5.0, 6.0)), [0], RADIO, seamless).to == 1


def test_an_improbable_fade_is_no_reason() -> None:
    rare = np.array([fade(1.0, 9.0), *[fade(5.0, 6.0)] * 19])
    other = np.array([np.full(31, 12.0)] * 20)
    assert hand_over_plan(ahead(rare, other), [0], RADIO, Service()).to is None
    likely = np.array([*[fade(1.0, 9.0)] * 16, *[fade(5.0, 6.0)] * 4])
    plan = hand_over_plan(ahead(likely, other), [0], RADIO, Service())
    assert plan.to == 1 and plan.confidence == pytest.approx(0.8)


def test_service_counts_more_than_bits() -> None:
    values = service_value(np.array([0.0, 0.9e9, 1.0e9, 3.2e9]), RADIO, Service())
    assert values[0] == 0 and values[1] < 0.1 and 1 < values[2] < values[3] < 1.3
