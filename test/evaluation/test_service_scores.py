import numpy as np
import pytest

from visrftwin_ros.beams.hand_over_plan import Service
from visrftwin_ros.evaluation.scores.service import (
    Course,
    oracle,
    play,
    react,
    service_score,
    stay,
)
from visrftwin_ros.site.model import Radio

RADIO, SERVICE = Radio(), Service()
TIME = 0.05 * np.arange(400)
GOOD, BAD = 25.0, -10.0


def course(*fades: tuple[int, float, float]) -> Course:
    """Two good links with fades (access point, begin, end)."""
    snr = np.full((2, len(TIME)), GOOD)
    snr[1] -= 2.0
    for ap, begin, end in fades:
        snr[ap, (begin - 1e-6 <= TIME) & (end - 1e-6 > TIME)] = BAD
    return Course("r", ("a", "b"), TIME, snr)


def out(made: Course, decide, service: Service = SERVICE) -> float:
    return service_score(made, play(made, 0, decide, RADIO, service), RADIO, service).out


def test_staying_is_out_for_as_long_as_the_fade_lasts() -> None:
    assert out(course((0, 5.0, 7.0)), stay) == pytest.approx(2.0)


def test_reacting_is_out_for_the_hand_over() -> None:
    made = course((0, 5.0, 7.0))
    episode = play(made, 0, react(made.snr_db, SERVICE), RADIO, SERVICE)
    score = service_score(made, episode, RADIO, SERVICE)
    assert score.out == pytest.approx(0.3) and score.hand_overs == 1
    assert score.useless == 0 and score.missed == 0
    assert (episode.serving[-1], episode.begun[0]) == (1, 100)


def test_the_oracle_goes_early_where_going_costs_nothing_and_sits_short_fades_out() -> None:
    seamless = Service(old_serves=True)
    made = course((0, 5.0, 7.0))
    best = service_score(made, oracle(made, 0, RADIO, seamless), RADIO, seamless)
    assert best.out == 0 and best.hand_overs == 1
    short = course((0, 5.0, 5.2))
    assert service_score(short, oracle(short, 0, RADIO, SERVICE), RADIO, SERVICE).hand_overs == 0


@pytest.mark.parametrize("seed", range(4))
def test_nobody_beats_the_oracle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fades = [(int(rng.integers(2)), t, t + rng.uniform(0.1, 2)) for t in rng.uniform(0, 18, 8)]
    made = course(*fades)
    best = service_score(made, oracle(made, 0, RADIO, SERVICE), RADIO, SERVICE)
    for policy in (stay, react(made.snr_db, SERVICE), lambda k, here: int(k // 40) % 2):
        assert best.out <= out(made, policy) + 0.3


def test_useless_and_missed_are_told() -> None:
    made = course((0, 5.0, 7.0))
    gone = play(made, 0, lambda k, here: 1 if k >= 300 else here, RADIO, SERVICE)
    score = service_score(made, gone, RADIO, SERVICE)
    assert score.useless == 1  # at 15 s nothing was coming
    assert score.missed == 1  # the other link served while this one was out
