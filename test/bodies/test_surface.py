import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.constants import speed_of_light

from visrftwin_ros.bodies.surface import body_coefficients, body_materials
from visrftwin_ros.propagation.fields.fresnel_coefficients import slab_coefficients

WAVELENGTH = speed_of_light / 60e9
COSINE = np.array([1.0, 0.8, 0.5, 0.2, 0.05])


def coefficients(name: str, cosine: np.ndarray = COSINE) -> tuple[np.ndarray, np.ndarray]:
    return body_coefficients(np.array([name] * len(cosine)), cosine, WAVELENGTH)


def test_skin_reflects_four_decibels_down_head_on() -> None:
    # n = sqrt(7.975 - j 36.4 / (2 pi 60e9 eps0)) = 3.28 - 1.66 j; |(1 - n)/(1 + n)| = 0.614.
    te, tm = coefficients("skin", np.array([1.0]))
    assert abs(te[0]) == pytest.approx(0.613, abs=0.002)
    assert te[0] == pytest.approx(-tm[0])


def test_skin_is_a_slab_too_thick_to_see_through() -> None:
    skin = 7.975301 - 36.398228j / (2 * np.pi * 60e9 * 8.8541878128e-12)
    te, tm, _, _ = slab_coefficients(
        COSINE, np.array(skin), np.array(0.1), np.array(0.0), WAVELENGTH
    )
    found = coefficients("skin")
    np.testing.assert_allclose(found[0], te, rtol=1e-6)
    np.testing.assert_allclose(found[1], tm, rtol=1e-6)


@given(cosine=st.floats(0.01, 1.0))
def test_no_body_reflects_more_than_it_gets(cosine: float) -> None:
    for name in body_materials():
        for value in coefficients(name, np.array([cosine])):
            assert abs(value[0]) <= 1 + 1e-12


def test_everything_is_a_mirror_at_grazing_incidence() -> None:
    for name in body_materials():
        te, tm = coefficients(name, np.array([1e-6]))
        assert te[0] == pytest.approx(-1, abs=1e-4)
        assert tm[0] == pytest.approx(-1, abs=1e-4)


def test_clothes_change_the_reflection_and_unknown_ones_are_said_to_be_skin(caplog) -> None:
    bare = coefficients("skin")[0]
    for name in body_materials()[1:]:
        worn = 20 * np.log10(np.abs(coefficients(name)[0][0] / bare[0]))
        assert 0.05 < abs(worn) < 12
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(coefficients("chain mail")[0], bare)
    assert "chain mail" in caplog.text and "cotton" in caplog.text
    caplog.clear()
    np.testing.assert_array_equal(coefficients("")[0], bare)
    assert not caplog.text
