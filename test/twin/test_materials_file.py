from dataclasses import replace
from pathlib import Path

import pytest
from made_up import FREQUENCY, small_site

from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import literal_material, material_values
from visrftwin_ros.twin.materials_file import read_materials, write_materials

SITE = small_site()
SLAB = replace(material_values("brick", FREQUENCY), thickness=0.3, thickness_spread=0.02)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    file = tmp_path / "kept" / "materials.yaml"
    given = {"relative_permittivity": 5.239999771118164, "conductivity": 1e-7}
    written = {
        "floor": literal_material("floor", SLAB, {**given, "scattering_coefficient": 0.2}),
        "kiosk": material_values("metal", FREQUENCY),
    }
    write_materials(file, written)
    read = read_materials(file, SITE)
    assert list(read) == ["floor", "kiosk"]
    for surface, values in written.items():
        for name in (*given, "scattering_coefficient", "thickness", "thickness_spread"):
            assert getattr(read[surface], name) == getattr(values, name)
    write_materials(file, {"floor": written["floor"]})
    assert list(read_materials(file, SITE)) == ["floor"]
    assert [one.name for one in file.parent.iterdir()] == [file.name]


def test_a_file_that_is_not_there_yet_sets_nothing(tmp_path: Path) -> None:
    assert read_materials(tmp_path / "none.yaml", SITE) == {}
    (tmp_path / "empty.yaml").write_text("# nothing\n")
    assert read_materials(tmp_path / "empty.yaml", SITE) == {}


VALUES = "relative_permittivity: 5, conductivity: 0.1"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (f"moat: {{{VALUES}}}", "surface 'moat': site 'small' has none.*floor, house, kiosk"),
        ("floor: {relative_permittivity: 5}", "surface 'floor': conductivity: .*required"),
        (
            f"floor: {{{VALUES}, color: red}}",
            "surface 'floor': color: .*give relative_permittivity",
        ),
        ("floor: {relative_permittivity: 0.5, conductivity: 0}", "relative_permittivity: .*0.5"),
        ("floor: {relative_permittivity: .nan, conductivity: 0}", "relative_permittivity: .*nan"),
        ("floor: metal", "surface 'floor': its values: .*'metal'"),
        ("[floor]", "expected a mapping from surfaces to relative_permittivity"),
        ("floor: {", "not valid YAML"),
    ],
)
def test_a_broken_file_names_file_surface_and_what_would_be_right(
    tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "materials.yaml"
    file.write_text(content)
    with pytest.raises(TwinError, match=rf"materials\.yaml: .*{said}"):
        read_materials(file, SITE)


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "materials.yaml").mkdir()
    with pytest.raises(TwinError, match=r"materials\.yaml cannot be written"):
        write_materials(tmp_path / "materials.yaml", {})
    assert [one.name for one in tmp_path.iterdir()] == ["materials.yaml"]
    with pytest.raises(TwinError, match="not valid YAML"):
        read_materials(tmp_path / "materials.yaml", SITE)
