import numpy as np

from visrftwin_ros.beams.hand_over_advice import ASSOCIATION_LASTS, NetworkState
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
    assert state.served_by("r", links(99.0), 100.0) == ("a",)
    assert state.served_by("r", links(99.0), advice.at) == ("b",)


def test_who_is_heard_without_a_forecast_may_be_advised_while_it_is_heard() -> None:
    fading = LinksAhead(("a",), TIMES, np.where(TIMES >= 0.5, -10.0, 25.0)[None, None])
    state = NetworkState().associated("r", "a", 100.0)
    assert state.advise("r", fading, 100.0, RADIO, SERVICE)[1] is None
    heard = state.hears(("c", "r"), 99.9, 20.0).hears(("c", "another"), 99.9, 20.0)
    _, advice = heard.advise("r", fading, 100.0, RADIO, SERVICE)
    assert advice is not None and (advice.from_ap, advice.to_ap) == ("a", "c")
    assert heard.advise("r", fading, 101.0, RADIO, SERVICE)[1] is None
    # What is no number, or older than the last, is not what it is heard at; one that died is no candidate.
    assert (
        state.hears(("c", "r"), 99.9, np.inf).advise("r", fading, 100.0, RADIO, SERVICE)[1] is None
    )
    late = heard.hears(("c", "r"), 99.5, -14.0)
    assert late.corrected("r", fading, 100.0, SERVICE).snr_db[1].max() == 20.0
    died = heard
    for at in (95.0, 95.5, 96.0):
        died = died.associated("x", "c", at, "c").associated("y", "a", at + 3.8, "a")
    assert died.advise("r", fading, 100.0, RADIO, SERVICE)[1] is None


def test_a_report_overrules_what_was_advised_and_older_ones_are_ignored() -> None:
    state, advice = NetworkState().advise("r", links(0.4), 100.0, RADIO, SERVICE)
    assert advice is not None
    ignoring = state.associated("r", "a", 101.0)
    assert ignoring.served_by("r", links(99.0), 101.0) == ("a",)
    assert ignoring.associated("r", "b", 100.5).served_by("r", links(99.0), 101.0) == ("a",)
    assert ignoring.associated("r", "b", 101.5).served_by("r", links(99.0), 102.0) == ("b",)


def test_a_robot_that_none_serves_counts_as_with_the_strongest() -> None:
    state = NetworkState().associated("r", "", 1.0)
    assert state.served_by("r", links(99.0, first=10.0, second=20.0), 1.0) == ("b",)


def test_a_report_expires() -> None:
    state, strongest = NetworkState().associated("r", "b", 1.0), links(99.0)
    assert state.served_by("r", strongest, 1.0 + ASSOCIATION_LASTS) == ("b",)
    assert state.served_by("r", strongest, 1.1 + ASSOCIATION_LASTS) == ("a",)


def test_what_the_robot_says_counts_over_what_others_say() -> None:
    state = NetworkState().associated("r", "a", 1.0, by="r").associated("r", "b", 1.5, by="b")
    assert state.served_by("r", links(99.0), 1.5) == ("a",)
    assert state.associated("r", "b", 2.1, by="b").served_by("r", links(99.0), 2.1) == ("b",)


def test_one_who_serves_without_a_forecast_is_left_unless_it_is_well_heard() -> None:
    state = NetworkState().associated("r", "elsewhere", 99.0)
    _, advice = state.advise("r", links(99.0), 100.0, RADIO, SERVICE)
    assert advice is not None
    assert (advice.from_ap, advice.to_ap, advice.at) == ("elsewhere", "a", 100.0)
    heard = state.hears(("elsewhere", "r"), 99.9, 25.0)
    assert heard.advise("r", links(99.0), 100.0, RADIO, SERVICE)[1] is None
    late = state.hears(("elsewhere", "r"), 98.0, 25.0)
    assert late.advise("r", links(99.0), 100.0, RADIO, SERVICE)[1] is not None


def heard_by(state: NetworkState, until: float, *aps: str, robot: str = "r") -> NetworkState:
    for k in range(20):
        for ap in aps:
            state = state.hears((ap, robot), until - 2 + 0.1 * k, 20.0)
    return state


def test_an_access_point_that_dies_without_a_word_is_left() -> None:
    state = heard_by(NetworkState().associated("r", "a", 98.0), 100.0, "a", "b")
    assert state.advise("r", links(99.0), 100.0, RADIO, SERVICE)[1] is None
    after = heard_by(state, 102.0, "b")
    after, advice = after.advise("r", links(99.0), 102.0, RADIO, SERVICE)
    assert advice is not None and (advice.to_ap, advice.at) == ("b", 102.0)
    assert "a is not heard any more" in advice.reason
    # Nobody is sent to it meanwhile, whoever serves; once it is heard it is as good as before.
    there = heard_by(after.associated("r", "b", 102.5), 104.0, "b")
    assert there.advise("r", links(99.0, second=-10.0), 104.0, RADIO, SERVICE)[1] is None
    back = heard_by(there, 104.5, "a", "b")
    assert back.advise("r", links(99.0, second=-10.0), 104.5, RADIO, SERVICE)[1] is not None


def test_an_access_point_that_one_robot_lost_is_given_to_no_other_unless_it_hears_it() -> None:
    state = heard_by(NetworkState().associated("r", "a", 98.0), 100.0, "a", "b")
    state, _ = heard_by(state, 102.0, "b").advise("r", links(99.0), 102.0, RADIO, SERVICE)
    poor = links(99.0, second=-10.0)
    other = state.associated("q", "b", 101.0)
    assert other.advise("q", poor, 102.0, RADIO, SERVICE)[1] is None
    hearing = other.hears(("a", "q"), 101.8, 20.0)
    assert hearing.advise("q", poor, 102.0, RADIO, SERVICE)[1] is not None


def test_silence_of_a_radio_that_reports_on_nobody_says_nothing() -> None:
    state = heard_by(NetworkState().associated("r", "a", 98.0), 100.0, "a", "b")
    assert state.advise("r", links(99.0), 104.0, RADIO, SERVICE)[1] is None
    # Nor that of an access point which it left: many radios report on no other.
    left = heard_by(state.associated("r", "b", 100.1), 104.0, "b")
    poor = links(99.0, second=-10.0)
    assert left.advise("r", poor, 104.0, RADIO, SERVICE)[1] is not None


def test_an_access_point_that_reports_its_robots_no_longer_while_others_do_is_left() -> None:
    state = NetworkState()
    for k in range(40):
        at = 98 + 0.1 * k
        state = state.associated("q", "b", at, by="b")
        if at < 100:
            state = state.associated("r", "a", at, by="a")
    _, advice = state.advise("r", links(99.0), 102.0, RADIO, SERVICE)
    assert advice is not None and (advice.from_ap, advice.to_ap) == ("a", "b")


def test_a_robot_that_ignores_advice_is_told_again_ever_more_rarely() -> None:
    state, told = NetworkState().associated("r", "a", 100.0, by="r"), []
    for k in range(200):
        now = 100 + 0.1 * k
        state = state.associated("r", "a", now, by="r")
        state, advice = state.advise("r", links(0.0), now, RADIO, SERVICE)
        told += [now] if advice else []
    np.testing.assert_allclose(told, [100.0, 101.0, 103.0, 107.0, 115.0], atol=0.101)


def test_going_back_at_once_must_gain_twice_as_much() -> None:
    little = LinksAhead(("a", "b"), TIMES, np.full((2, 1, 61), 25.0))
    little.snr_db[1, 0, 10:18] = -10.0  # b is out for 0.4 s: going gains 0.16 s
    seamless = Service(old_serves=True, interruption=0.05, hand_over_cost=0.32)
    settled = NetworkState().associated("r", "b", 90.0)
    advice = settled.advise("r", little, 100.0, RADIO, seamless)[1]
    assert advice is not None and advice.to_ap == "a"
    fresh = NetworkState().associated("r", "a", 90.0).associated("r", "b", 99.8)
    assert fresh.advise("r", little, 100.0, RADIO, seamless)[1] is None


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
    assert state.served_by("r", links(99.0), 101.0) == ("a",)


def test_advice_that_was_taken_is_remembered_as_who_serves() -> None:
    state, advice = NetworkState().advise("r", links(0.4), 100.0, RADIO, SERVICE)
    assert advice is not None
    state, _ = state.advise("r", links(99.0, first=25.0, second=20.0), 101.0, RADIO, SERVICE)
    assert state.served_by("r", links(99.0), 101.1) == ("b",)
