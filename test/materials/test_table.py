import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import material_names, material_values
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


@pytest.mark.parametrize("name", ["brick", "plywood", "marble", "ground", "asphalt"])
def test_materials_outside_their_measured_range_are_marked(name: str) -> None:
    values = material_values(name, 60.48e9)
    assert values.extrapolated
    assert values.relative_permittivity >= 1
    assert values.conductivity > 0


def test_the_nearer_range_is_extended() -> None:
    assert material_values("brick", 60e9).relative_permittivity == pytest.approx(3.91)
    assert material_values("brick", 105e9).relative_permittivity == pytest.approx(4.15)


@pytest.mark.parametrize("frequency", [6e9, 28e9, 60.48e9, 300e9])
def test_every_name_gives_a_physical_material_at_every_site_frequency(frequency: float) -> None:
    for name in material_names():
        values = material_values(name, frequency)
        assert values.relative_permittivity >= 1
        assert values.conductivity >= 0
        assert 0 <= values.scattering_coefficient <= 1
        assert values.thickness > 0


def test_a_sites_own_entry_comes_first() -> None:
    own = {"brick": MaterialEntry(relative_permittivity=4.4, conductivity=0.2, thickness=0.3)}
    values = material_values("brick", 60.48e9, own)
    assert (values.relative_permittivity, values.conductivity, values.thickness) == (4.4, 0.2, 0.3)
    assert not values.extrapolated


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(TwinError, match=r"'conrete'.*concrete"):
        material_values("conrete", 60.48e9)
    with pytest.raises(TwinError, match=r"my_wall"):
        material_values(
            "my_wal", 60e9, {"my_wall": MaterialEntry(relative_permittivity=2, conductivity=0)}
        )
