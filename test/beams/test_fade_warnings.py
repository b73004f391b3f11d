import numpy as np
import pytest

from visrftwin_ros.beams.fade_warnings import FadeWarnings

TIMES = 0.25 * np.arange(13)
CLEAR = np.zeros(1)


def futures(begins: float, ends: float, share: float = 1.0) -> np.ndarray:
    """(1, 20, 13) dB: a fade in this share of the futures."""
    fade = np.where((begins <= TIMES) & (ends >= TIMES), 15.0, 0.0)
    many = round(20 * share)
    return np.array([[fade] * many + [np.zeros(13)] * (20 - many)])


def test_a_probable_fade_is_warned_of_once_with_its_time() -> None:
    state, new = FadeWarnings().ahead(10.0, TIMES, futures(1.0, 1.5), CLEAR)
    (warning,) = new
    assert (warning.link, warning.at, warning.probability) == (0, 10.0, 1.0)
    assert warning.begins == pytest.approx(11.0) and warning.ends == pytest.approx(11.5)
    for k in range(1, 10):
        state, new = state.ahead(10 + 0.1 * k, TIMES, futures(1 - 0.1 * k, 1.5 - 0.1 * k), CLEAR)
        assert new == ()


def test_an_improbable_one_is_not() -> None:
    _, new = FadeWarnings().ahead(10.0, TIMES, futures(1.0, 1.5, 0.4), CLEAR)
    assert new == ()


def test_what_has_begun_needs_no_warning_but_what_comes_after_it_does() -> None:
    state, new = FadeWarnings().ahead(10.0, TIMES, futures(1.0, 1.5), np.array([12.0]))
    assert new == ()
    state, new = state.ahead(10.1, TIMES, futures(1.0, 1.5), CLEAR)
    assert new == ()  # a fringe within the fade
    state, new = state.ahead(10.3, TIMES, futures(1.0, 1.5), CLEAR)
    assert len(new) == 1


def test_a_fade_that_keeps_away_is_warned_of_again_once_the_first_warning_is_over() -> None:
    state, _ = FadeWarnings().ahead(10.0, TIMES, futures(0.5, 0.75), CLEAR)
    state, new = state.ahead(10.5, TIMES, futures(1.0, 1.25), CLEAR)
    assert new == ()
    state, new = state.ahead(10.9, TIMES, futures(1.0, 1.25), CLEAR)
    assert len(new) == 1


def test_a_link_without_a_path_is_never_warned_of() -> None:
    _, new = FadeWarnings().ahead(0.0, TIMES, np.full((1, 20, 13), np.nan), np.array([np.nan]))
    assert new == ()
