import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import WAVELENGTH

from visrftwin_ros.propagation.fields.fresnel_coefficients import slab_coefficients


def coefficients(cosine: float, permittivity: complex, thickness: float) -> list[complex]:
    found = slab_coefficients(
        np.array([cosine]), np.array([permittivity]), np.array([thickness]), WAVELENGTH
    )
    return [complex(value[0]) for value in found]


def test_a_thick_lossy_wall_reflects_as_a_half_space() -> None:
    te, tm, through_te, _ = coefficients(1.0, 4 - 0.5j, 2.0)
    root = np.sqrt(4 - 0.5j)
    assert te == pytest.approx((1 - root) / (1 + root))
    assert tm == pytest.approx(-te)
    assert abs(through_te) < 1e-6


def test_the_brewster_angle_of_glass_reflects_no_vertical_field() -> None:
    cosine = np.cos(np.arctan(np.sqrt(6.31)))
    assert abs(coefficients(cosine, 6.31 - 1e-3j, 50.0)[1]) < 1e-3


@given(cosine=st.floats(0.01, 1), permittivity=st.floats(1.05, 12), thickness=st.floats(1e-4, 0.02))
def test_a_lossless_slab_keeps_the_energy(cosine, permittivity, thickness) -> None:
    te, tm, through_te, through_tm = coefficients(cosine, permittivity + 0j, thickness)
    assert abs(te) ** 2 + abs(through_te) ** 2 == pytest.approx(1, abs=1e-9)
    assert abs(tm) ** 2 + abs(through_tm) ** 2 == pytest.approx(1, abs=1e-9)


@given(
    cosine=st.floats(0.01, 1),
    permittivity=st.floats(1, 20),
    loss=st.floats(0, 1e9),
    thickness=st.floats(1e-4, 1),
)
def test_no_slab_amplifies(cosine, permittivity, loss, thickness) -> None:
    te, tm, through_te, through_tm = coefficients(cosine, permittivity - 1j * loss, thickness)
    assert abs(te) ** 2 + abs(through_te) ** 2 <= 1 + 1e-9
    assert abs(tm) ** 2 + abs(through_tm) ** 2 <= 1 + 1e-9


def test_a_half_wave_window_is_transparent() -> None:
    thickness = WAVELENGTH / np.sqrt(4.0) / 2
    te, _, through_te, _ = coefficients(1.0, 4 + 0j, thickness)
    assert abs(te) == pytest.approx(0, abs=1e-9)
    assert abs(through_te) == pytest.approx(1)
