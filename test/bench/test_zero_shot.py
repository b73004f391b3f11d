"""How docs/zero_shot.md pairs a twin with others over seeds, and what it gives each surface of a map."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "bench"))

import zero_shot  # noqa: E402

from visrftwin_ros.materials.table import material_values  # noqa: E402
from visrftwin_ros.scene.surfaces import surface_meshes  # noqa: E402
from visrftwin_ros.site.loading import load_site  # noqa: E402


def scores(twin: float, other: float) -> zero_shot.Scores:
    return {
        name: {quantity: {"median": error, "p75": 2 * error} for quantity in zero_shot.QUANTITIES}
        for name, error in zip(zero_shot.MATERIALS, (twin, other, other, other), strict=True)
    }


def test_gaps_are_paired_and_have_students_interval() -> None:
    """Gaps of -1, -2 and 0: mean -1, deviation 1, and t of two degrees of freedom is 4.303."""
    found = {"lobby": {"3000": scores(1, 2), "3001": scores(1, 3), "3002": scores(2, 2)}}
    row = zero_shot.pair_rows(found).splitlines()[2]
    half = 4.3027 / np.sqrt(3)
    assert row == (
        f"| lobby | delay spread (ns) | default | -1.00 ({-1 - half:+.2f} to {-1 + half:+.2f}) | 2 of 3 | "
        f"-2.00 ({-2 - 2 * half:+.2f} to {-2 + 2 * half:+.2f}) | 2 of 3 |"
    )
    alone = {"lobby": {"3000": scores(1, 2)}}
    assert "| -1.00 | 1 of 1 |" in zero_shot.pair_rows(alone)


def test_the_page_is_of_judge_seeds_alone() -> None:
    with pytest.raises(SystemExit, match="no judge seed"):
        zero_shot.write_page({"lobby": {"1000": scores(1, 2)}})


def test_each_choice_of_materials_is_of_the_same_geometry(tmp_path: Path) -> None:
    def ground(name: str, z: float, material: str) -> dict[str, object]:
        return {
            "name": name,
            "kind": "ground",
            "center": [0, 0, z],
            "size": [4, 4],
            "material": material,
        }

    def site(folder: str, scene: list[dict[str, object]]) -> tuple[object, ...]:
        file = tmp_path / folder / "site.yaml"
        file.parent.mkdir()
        aps = [{"name": "ap", "position": [0, 0, 2]}]
        file.write_text(yaml.safe_dump({"name": "room", "scene": scene, "access_points": aps}))
        return load_site(str(file)), surface_meshes(load_site(str(file)))

    mapped, _ = site(
        "mapped", [ground("floor_1", 0.02, "brick"), ground("ceiling_1", 3.0, "glass")]
    )
    _, true = site("true", [ground("slab", 0.0, "wood"), ground("boards", 3.01, "metal")])
    found = zero_shot.choices(mapped, true)
    assert tuple(found) == zero_shot.MATERIALS
    named = {name: [mesh.material.name for mesh in meshes] for name, meshes in found.items()}
    assert named == {
        "twin": ["brick", "glass"],
        "default": ["concrete", "ceiling_board"],
        "concrete": ["concrete", "concrete"],
        "true": ["wood", "metal"],
    }
    for meshes in found.values():
        assert [float(mesh.vertices[0, 2]) for mesh in meshes] == [0.02, 3.0]
    floor = found["default"][0].material
    concrete = material_values("concrete", mapped.radio.frequency)
    assert floor.conductivity == concrete.conductivity
    assert (floor.thickness, floor.scattering_coefficient) == (0.1, 0.0)
