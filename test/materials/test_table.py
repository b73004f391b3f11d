from dataclasses import replace

import numpy as np
import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import literal_material, material_names, material_values
from visrftwin_ros.site.model import MaterialEntry


@pytest.mark.parametrize(
    ("name", "permittivity", "conductivity"),
    # 0.0462 * 60.48^0.7822 and the like, worked out by hand with logarithms.
    [
        ("concrete", 5.24, 1.1435),
        ("glass", 6.31, 0.8763),
        ("plasterboard", 2.73, 0.4010),
        ("metal", 1.0, 1e7),
    ],
)
def test_measured_materials_follow_p2040(
    name: str, permittivity: float, conductivity: float
) -> None:
    values = material_values(name, 60.48e9)
    assert values.relative_permittivity == pytest.approx(permittivity)
    assert values.conductivity == pytest.approx(conductivity, rel=1e-3)
    assert not values.extrapolated


@pytest.mark.parametrize("name", ["vinyl_tile", "carpet_tile", "ground", "asphalt"])
def test_materials_outside_their_measured_range_are_marked(name: str) -> None:
    values = material_values(name, 60.48e9)
    assert values.extrapolated
    assert values.relative_permittivity >= 1
    assert values.conductivity > 0


@pytest.mark.parametrize(
    ("ghz", "permittivity", "conductivity"),
    # As the Italian National Research Council's calculator of tissues gives dry skin.
    [
        (0.9, 41.405, 0.86674),
        (2.45, 38.007, 1.464),
        (10.0, 31.29, 8.0138),
        (28.0, 16.55, 25.82),
        (60.0, 7.9753, 36.397),
        (100.0, 5.60, 39.43),
    ],
)
def test_skin_follows_its_relaxations(ghz: float, permittivity: float, conductivity: float) -> None:
    values = material_values("skin", ghz * 1e9)
    assert values.relative_permittivity == pytest.approx(permittivity, rel=1e-3)
    assert values.conductivity == pytest.approx(conductivity, rel=1e-3)
    assert not values.extrapolated
    assert material_values("skin", 140e9).extrapolated


def test_outside_every_range_the_nearest_is_extended() -> None:
    assert material_values("brick", 0.5e9).conductivity == pytest.approx(0.0238 * 0.5**0.16)
    assert material_values("floorboard", 140e9).conductivity == pytest.approx(0.0044 * 140**1.3515)


def test_between_two_ranges_logarithms_are_interpolated_over_that_of_frequency() -> None:
    """Brick at 60.48 GHz, between 40 and 110: 0.153 S/m, where the lower range gave 0.046."""
    values = material_values("brick", 60.48e9)
    assert values.conductivity == pytest.approx(0.153, abs=5e-4)
    assert 3.91 < values.relative_permittivity < 4.15 and not values.extrapolated
    # No jump at either end, and at the middle of the logarithms the geometric mean.
    for edge in (40e9, 110e9):
        beside = (material_values("brick", edge * k).conductivity for k in (1 - 1e-9, 1 + 1e-9))
        assert next(beside) == pytest.approx(next(beside), rel=1e-6)
    middle = material_values("brick", np.sqrt(40e9 * 110e9)).conductivity
    ends = 0.0238 * 40**0.16, 0.0006 * 110**1.5712
    assert middle == pytest.approx(np.sqrt(ends[0] * ends[1]))


@pytest.mark.parametrize("frequency", [0.4e9, 3.4e9, 28e9, 60.48e9, 140e9, 300e9])
def test_every_name_gives_a_physical_material_at_every_site_frequency(frequency: float) -> None:
    for name in material_names():
        values = material_values(name, frequency)
        assert values.relative_permittivity >= 1
        assert values.conductivity >= 0
        assert 0 <= values.scattering_coefficient <= 1
        assert values.thickness > 0
        assert values.thickness_spread == 0.1


def test_a_sites_own_entry_comes_first() -> None:
    own = {"brick": MaterialEntry(relative_permittivity=4.4, conductivity=0.2, thickness=0.3)}
    values = material_values("brick", 60.48e9, own)
    assert (values.relative_permittivity, values.conductivity, values.thickness) == (4.4, 0.2, 0.3)
    assert not values.extrapolated


@pytest.mark.parametrize(
    ("name", "value", "bound"),
    [
        ("thickness", 0.0, "greater than 0"),
        ("thickness", 40.0, "less than or equal to 10"),
        ("thickness_spread", 0.6, "less than or equal to 0.5"),
        ("relative_permittivity", 0.5, "greater than or equal to 1"),
        ("conductivity", -1.0, "greater than or equal to 0"),
        ("scattering_coefficient", 1.5, "less than or equal to 1"),
    ],
)
def test_a_value_out_of_range_is_named_with_the_range(name: str, value: float, bound: str) -> None:
    good = {"relative_permittivity": 3.0, "conductivity": 0.1}
    slab = material_values("brick", 60e9)
    if name.startswith("thickness"):
        slab = replace(slab, **{name: value})
    else:
        good[name] = value
    with pytest.raises(TwinError, match=f"'wall'.*{name} is {value:g}: .*{bound}"):
        literal_material("wall", slab, good)


def test_literal_values_keep_the_slab_and_its_spread() -> None:
    slab = replace(material_values("brick", 60e9), thickness=0.3, thickness_spread=0.0)
    values = literal_material("wall", slab, {"relative_permittivity": 3.0, "conductivity": 0.1})
    assert (values.thickness, values.thickness_spread) == (0.3, 0.0)


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(TwinError, match=r"'conrete'.*concrete"):
        material_values("conrete", 60.48e9)
    with pytest.raises(TwinError, match=r"my_wall"):
        material_values(
            "my_wal", 60e9, {"my_wall": MaterialEntry(relative_permittivity=2, conductivity=0)}
        )
