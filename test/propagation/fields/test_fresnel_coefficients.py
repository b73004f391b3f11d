import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import FREQUENCY, WAVELENGTH
from scipy.constants import epsilon_0

from visrftwin_ros.materials.table import MaterialValues, material_names, material_values
from visrftwin_ros.propagation.fields.fresnel_coefficients import slab_coefficients


def coefficients(
    cosine: float, permittivity: complex, thickness: float, spread: float = 0.0
) -> list[complex]:
    found = slab_coefficients(
        *(np.array([value]) for value in (cosine, permittivity, thickness, spread)), WAVELENGTH
    )
    return [complex(value[0]) for value in found]


def permittivity_of(values: MaterialValues, frequency: float = FREQUENCY) -> complex:
    loss = values.conductivity / (2 * np.pi * frequency * epsilon_0)
    return values.relative_permittivity - 1j * loss


def slabs_of_all_thicknesses(
    cosine: float, permittivity: complex, thickness: np.ndarray
) -> list[np.ndarray]:
    """Reflection TE, TM, transmission TE, TM of exact slabs, ITU-R P.2040-4 eqs. (37), (43)."""
    root = np.sqrt(permittivity - 1 + cosine**2)
    once = np.exp(-2j * np.pi * thickness / WAVELENGTH * root)
    te = (cosine - root) / (cosine + root)
    tm = (permittivity * cosine - root) / (permittivity * cosine + root)
    reflected = [r * (1 - once**2) / (1 - r**2 * once**2) for r in (te, tm)]
    return reflected + [(1 - r**2) * once / (1 - r**2 * once**2) for r in (te, tm)]


def test_a_thick_lossy_wall_reflects_as_a_half_space() -> None:
    te, tm, through_te, _ = coefficients(1.0, 4 - 0.5j, 2.0)
    root = np.sqrt(4 - 0.5j)
    assert te == pytest.approx((1 - root) / (1 + root))
    assert tm == pytest.approx(-te)
    assert abs(through_te) < 1e-6


def test_the_brewster_angle_of_glass_reflects_no_vertical_field() -> None:
    cosine = np.cos(np.arctan(np.sqrt(6.31)))
    for spread in (0.0, 0.1):
        assert abs(coefficients(cosine, 6.31 - 1e-3j, 50.0, spread)[1]) < 1e-3


@given(cosine=st.floats(0.01, 1), permittivity=st.floats(1.05, 12), thickness=st.floats(1e-4, 0.02))
def test_a_lossless_slab_keeps_the_energy(cosine, permittivity, thickness) -> None:
    for spread in (0.0, 0.03, 0.1, 0.5):
        te, tm, through_te, through_tm = coefficients(cosine, permittivity + 0j, thickness, spread)
        assert abs(te) ** 2 + abs(through_te) ** 2 == pytest.approx(1, abs=1e-8)
        assert abs(tm) ** 2 + abs(through_tm) ** 2 == pytest.approx(1, abs=1e-8)


@given(
    cosine=st.floats(0, 1),
    permittivity=st.floats(1, 20),
    loss=st.floats(0, 1e9),
    thickness=st.floats(1e-4, 1),
    spread=st.sampled_from([0.0, 1e-7, 1e-3, 0.1, 0.5]),
)
def test_no_slab_amplifies(cosine, permittivity, loss, thickness, spread) -> None:
    te, tm, through_te, through_tm = coefficients(
        cosine, permittivity - 1j * loss, thickness, spread
    )
    assert abs(te) ** 2 + abs(through_te) ** 2 <= 1 + 1e-9
    assert abs(tm) ** 2 + abs(through_tm) ** 2 <= 1 + 1e-9


def test_a_half_wave_window_is_transparent_where_its_thickness_is_exact() -> None:
    thickness = WAVELENGTH / np.sqrt(4.0) / 2
    te, _, through_te, _ = coefficients(1.0, 4 + 0j, thickness)
    assert abs(te) == pytest.approx(0, abs=1e-9)
    assert abs(through_te) == pytest.approx(1)
    assert abs(coefficients(1.0, 4 + 0j, thickness, 0.1)[0]) > 0.1


@pytest.mark.parametrize("name", sorted({*material_names()} - {"metal"}))
@pytest.mark.parametrize("spread", [0.01, 0.1, 0.3])
def test_a_spread_of_thickness_is_the_average_over_slabs(name: str, spread: float) -> None:
    values = material_values(name, FREQUENCY)
    permittivity = permittivity_of(values)
    share = (np.arange(20_000) + 0.5) / 10_000 - 1
    for cosine in (1.0, 0.8, 0.5, 0.2):
        found = coefficients(cosine, permittivity, values.thickness, spread)
        slabs = slabs_of_all_thicknesses(
            cosine, permittivity, values.thickness * (1 + spread * share)
        )
        # What a thick wall lets through, under 1e-6 of the power, is of no use to anybody.
        for amplitude, several in zip(found, slabs, strict=True):
            mean = np.sqrt((np.abs(several) ** 2).mean())
            assert abs(amplitude) == pytest.approx(mean, rel=0.02, abs=1e-3)
        for amplitude, several in zip(found[:2], slabs[:2], strict=True):
            if abs(several.mean()) > 0.05:
                turn = np.angle(amplitude / several.mean())
                assert abs(turn) < 0.1


@pytest.mark.parametrize(("name", "shallow", "deep"), [("glass", 4.6, 11.9), ("marble", 4.7, 10.3)])
def test_ten_percent_of_thickness_are_most_of_the_range_from_one_fringe_to_the_next(
    name: str, shallow: float, deep: float
) -> None:
    """The reflection loss of 6 mm of glass and 30 mm of marble at normal incidence, dB."""
    values = material_values(name, FREQUENCY)
    thickness = values.thickness * np.linspace(0.9, 1.1, 401)
    one = slabs_of_all_thicknesses(1.0, permittivity_of(values), thickness)[0]
    loss = -20 * np.log10(np.abs(one))
    assert (loss.min(), loss.max()) == (
        pytest.approx(shallow, abs=0.05),
        pytest.approx(deep, abs=0.2),
    )
    mean = coefficients(1.0, permittivity_of(values), values.thickness, 0.1)[0]
    assert -20 * np.log10(abs(mean)) == pytest.approx(
        -10 * np.log10((np.abs(one) ** 2).mean()), abs=0.05
    )


def test_a_vanishing_spread_is_none() -> None:
    exact = coefficients(0.7, 3 - 0.2j, 0.01)
    assert coefficients(0.7, 3 - 0.2j, 0.01, 1e-4) == pytest.approx(exact, rel=1e-3)
    assert coefficients(0.7, 3 - 0.2j, 0.01, 1e-9) == pytest.approx(exact, rel=1e-9)


def test_a_brick_wall_takes_25_db_at_60_ghz() -> None:
    values = material_values("brick", 60e9)
    through = coefficients(1.0, permittivity_of(values, 60e9), values.thickness, 0.1)[2]
    assert -20 * np.log10(abs(through)) == pytest.approx(25, abs=1)
