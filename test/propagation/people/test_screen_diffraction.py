import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from visrftwin_ros.propagation.people.screen_diffraction import (
    FIELD_OF_MODEL,
    Screens,
    first_zone_radius,
    fresnel_field,
    knife_edge_field,
    knife_edge_loss_db,
    loss_db,
    metis_field,
)

WAVELENGTH = 299_792_458 / 60e9


def screen(d1, d2, left, right, bottom=-np.inf, top=np.inf) -> Screens:
    return Screens(*(np.array([value], float) for value in (d1, d2, left, right, bottom, top)))


@pytest.mark.parametrize(
    ("width", "d1", "d2", "exact", "metis", "metis_at_edge"),
    [
        (0.30, 2.5, 2.5, 15.55, 15.57, 5.31),
        (0.45, 2.5, 2.5, 19.04, 18.98, 5.54),
        (0.30, 0.5, 4.5, 19.95, 19.80, 5.57),
    ],
)
def test_a_vertical_strip_costs_what_the_reference_table_says(
    width, d1, d2, exact, metis, metis_at_edge
) -> None:
    centred, at_edge = screen(d1, d2, -width / 2, width / 2), screen(d1, d2, 0, width)
    assert loss_db(fresnel_field(centred, WAVELENGTH))[0] == pytest.approx(exact, abs=0.1)
    assert loss_db(metis_field(centred, WAVELENGTH))[0] == pytest.approx(metis, abs=0.1)
    assert loss_db(metis_field(at_edge, WAVELENGTH))[0] == pytest.approx(metis_at_edge, abs=0.1)


def test_a_person_sized_screen_costs_14_34_db_by_metis() -> None:
    person = screen(2.5, 2.5, -0.15, 0.15, -0.85, 0.85)
    assert loss_db(metis_field(person, WAVELENGTH))[0] == pytest.approx(14.34, abs=0.1)


def test_the_edge_of_a_wide_strip_costs_6_02_db() -> None:
    wide = screen(2.5, 2.5, 0, np.inf)
    for model in FIELD_OF_MODEL.values():
        assert loss_db(model(wide, WAVELENGTH))[0] == pytest.approx(6.02, abs=0.02)


def test_a_knife_edge_follows_p526() -> None:
    loss = knife_edge_loss_db(np.array([0.0, 1.0, 2.4, -0.78, -5.0]))
    np.testing.assert_allclose(loss, [6.03, 13.93, 20.54, 0.0, 0.0], atol=0.01)


def test_the_knife_edge_agrees_with_exact_diffraction_at_one_edge() -> None:
    half_plane = screen(4.0, 6.0, 0.15, np.inf)
    mirrored = screen(4.0, 6.0, -0.15, np.inf)
    exact = [loss_db(fresnel_field(s, WAVELENGTH))[0] for s in (half_plane, mirrored)]
    edge = [loss_db(knife_edge_field(s, WAVELENGTH))[0] for s in (half_plane, mirrored)]
    assert edge[0] == 0.0
    assert abs(exact[0]) < 1.4  # a fringe, which the knife edge leaves out
    assert edge[1] == pytest.approx(exact[1], abs=0.3)


@given(
    d1=st.floats(0.3, 30),
    d2=st.floats(0.3, 30),
    left=st.floats(-0.5, 0.5),
    width=st.floats(0.05, 0.6),
    top=st.floats(-0.5, 0.5),
)
def test_the_fresnel_field_is_the_integral_over_what_the_screen_leaves_open(
    d1, d2, left, width, top
) -> None:
    scale = np.sqrt(2 * (d1 + d2) / (WAVELENGTH * d1 * d2))

    def phasor(low: float, high: float) -> complex:
        real = quad(lambda t: np.cos(np.pi * t * t / 2), low * scale, high * scale, limit=2000)[0]
        imaginary = quad(
            lambda t: -np.sin(np.pi * t * t / 2), low * scale, high * scale, limit=2000
        )[0]
        return complex(real, imaginary)

    shadowed = 0.5j * phasor(left, left + width) * phasor(-1.0, top)
    found = fresnel_field(screen(d1, d2, left, left + width, -1.0, top), WAVELENGTH)[0]
    assert found == pytest.approx(1 - shadowed, abs=1e-4)


@given(d1=st.floats(0.2, 50), d2=st.floats(0.2, 50), left=st.floats(-2, 2), width=st.floats(0, 2))
def test_reciprocity_and_mirror_symmetry(d1, d2, left, width) -> None:
    for model in FIELD_OF_MODEL.values():
        there = model(screen(d1, d2, left, left + width, -1, 0.5), WAVELENGTH)[0]
        assert model(screen(d2, d1, left, left + width, -1, 0.5), WAVELENGTH)[0] == pytest.approx(
            there, abs=1e-9
        )
        mirrored = model(screen(d1, d2, -left - width, -left, -1, 0.5), WAVELENGTH)[0]
        assert mirrored == pytest.approx(there, abs=1e-9)


@given(width=st.floats(0.0, 3.0), left=st.floats(-3.0, 3.0))
def test_averaging_models_never_amplify(width, left) -> None:
    strip = screen(3.0, 5.0, left, left + width)
    assert abs(knife_edge_field(strip, WAVELENGTH)[0]) <= 1
    assert abs(metis_field(strip, WAVELENGTH)[0]) <= 1 + 1e-9


def test_no_screen_is_free_space_and_an_endless_one_is_dark() -> None:
    nothing, everything = screen(2, 3, 0.1, 0.1), screen(2, 3, -np.inf, np.inf)
    for model in (fresnel_field, metis_field):
        assert abs(model(nothing, WAVELENGTH)[0]) == pytest.approx(1)
        assert abs(model(everything, WAVELENGTH)[0]) == pytest.approx(0, abs=1e-9)


def test_the_first_zone_of_a_5_m_link_is_79_mm_wide_half_way() -> None:
    radius = first_zone_radius(np.array([2.5]), np.array([2.5]), WAVELENGTH)[0]
    assert radius == pytest.approx(0.0790, abs=1e-4)


@pytest.mark.parametrize(("depth_db", "milliseconds"), [(3, 347), (5, 305), (10, 228)])
def test_a_crossing_at_1_m_s_fades_as_long_as_the_reference_says(depth_db, milliseconds) -> None:
    offset = np.arange(-0.5, 0.5, 0.0005)
    strip = Screens(*(np.full(len(offset), 2.5),) * 2, offset - 0.15, offset + 0.15,
                    np.full(len(offset), -np.inf), np.full(len(offset), np.inf))  # fmt: skip
    for model in (metis_field,):
        deep = np.flatnonzero(loss_db(model(strip, WAVELENGTH)) > depth_db)
        assert (deep[-1] - deep[0]) * 0.5 == pytest.approx(milliseconds, abs=15)
