import numpy as np

from visrftwin_ros.beams.hand_over_advice import NetworkState
from visrftwin_ros.beams.hand_over_plan import LinksAhead, Service
from visrftwin_ros.site.model import Radio

RADIO, SERVICE = Radio(), Service()
TIMES = 0.05 * np.arange(61)


def links(fades_at: float, first: float = 25.0, second: float = 20.0) -> LinksAhead:
    """`a` fades for good at that time, `b` stays."""
    a = np.where(fades_at <= TIMES, -10.0, first)
    return LinksAhead(("a", "b"), TIMES, np.array([[a], [np.full(61, second)]]))


def test_advice_names_who_to_whom_when_and_why() -> None:
    state, advice = NetworkState().advise("r", links(2.0), 100.0, RADIO, SERVICE)
    assert advice is not None
    assert (advice.robot, advice.from_ap, advice.to_ap) == ("r", "a", "b")
    assert 101.5 < advice.at <= 102.01 and advice.duration == np.inf
    assert advice.confidence == 1 and advice.gain_bits > 0
    assert "a is expected down to -10 dB" in advice.reason and "b stays over 20 dB" in advice.reason
    assert state.advised["r"] == advice


def test_the_same_advice_is_given_once_and_anew_when_it_moves() -> None:
    state, _ = NetworkState().advise("r", links(2.0), 100.0, RADIO, SERVICE)
    state, again = state.advise("r", links(1.9), 100.1, RADIO, SERVICE)
    assert again is None
    state, sooner = state.advise("r", links(0.5), 100.2, RADIO, SERVICE)
    assert sooner is not None and sooner.at <= 100.7


def test_advice_that_no_longer_holds_is_dropped() -> None:
    state, _ = NetworkState().advise("r", links(2.0), 100.0, RADIO, SERVICE)
    state, none = state.advise("r", links(99.0), 100.5, RADIO, SERVICE)
    assert none is None and not state.advised


def test_unreported_it_is_served_as_last_advised() -> None:
    state, advice = NetworkState().advise("r", links(0.0, second=20.0), 100.0, RADIO, SERVICE)
    assert advice is None  # b is the strongest from the start
    state, advice = NetworkState().advise("r", links(0.4), 100.0, RADIO, SERVICE)
    assert advice is not None
    assert state.served_by("r", links(99.0), 100.0) == 0
    assert state.served_by("r", links(99.0), advice.at) == 1


def test_a_report_overrules_what_was_advised_and_older_ones_are_ignored() -> None:
    state, advice = NetworkState().advise("r", links(0.4), 100.0, RADIO, SERVICE)
    assert advice is not None
    ignoring = state.associated("r", "a", 101.0)
    assert ignoring.served_by("r", links(99.0), 101.0) == 0
    assert ignoring.associated("r", "b", 100.5).served_by("r", links(99.0), 101.0) == 0
    assert ignoring.associated("r", "b", 101.5).served_by("r", links(99.0), 102.0) == 1


def test_an_unknown_or_no_access_point_counts_as_the_strongest() -> None:
    for ap in ("", "elsewhere"):
        state = NetworkState().associated("r", ap, 1.0)
        assert state.served_by("r", links(99.0, first=10.0, second=20.0), 1.0) == 1


def test_a_measured_snr_corrects_a_twin_that_knows_its_site_badly() -> None:
    """By the twin b is no help; the radio hears it well."""
    state = NetworkState().associated("r", "a", 99.0)
    weak = links(0.8, second=-8.0)
    _, advice = state.advise("r", weak, 100.0, RADIO, SERVICE)
    assert advice is None
    for k in range(20):
        state = state.measured(("b", "r"), 98 + 0.1 * k, 20.0, -8.0)
    _, advice = state.advise("r", weak, 100.0, RADIO, SERVICE)
    assert advice is not None and advice.to_ap == "b"


def test_advice_that_a_robot_ignored_until_the_fade_was_over_stands_no_longer() -> None:
    state = NetworkState().associated("r", "a", 99.0)
    state, advice = state.advise("r", links(0.0), 100.0, RADIO, SERVICE)
    assert advice is not None and advice.at == 100.0
    state, none = state.advise("r", links(99.0), 101.0, RADIO, SERVICE)
    assert none is None and not state.advised
    assert state.served_by("r", links(99.0), 101.0) == 0


def test_advice_that_was_taken_is_remembered_as_who_serves() -> None:
    state, advice = NetworkState().advise("r", links(0.4), 100.0, RADIO, SERVICE)
    assert advice is not None
    state, _ = state.advise("r", links(99.0, first=25.0, second=20.0), 101.0, RADIO, SERVICE)
    assert state.served_by("r", links(99.0), 101.1) == 1
