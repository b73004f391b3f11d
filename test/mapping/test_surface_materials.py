"""What is known of a surface's material is taken by its name first, then by its kind."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.map_site import surface_materials
from visrftwin_ros.mapping.place_map import MappedSurface
from visrftwin_ros.site.model import MaterialEntry


def surface(name: str, kind: str) -> MappedSurface:
    corners, faces = np.eye(3), np.array([[0, 1, 2]])
    return MappedSurface(name, kind, corners, faces, (corners,), 3, 0.01, 0.01, 1.0, True)


SURFACES = [surface("wall_1", "wall"), surface("wall_2", "wall"), surface("box_1", "box")]


def test_a_name_beats_its_kind_and_the_rest_is_unknown() -> None:
    given = {"wall": "brick", "wall_2": "glass"}
    assert surface_materials(SURFACES, given) == {
        "wall_1": "brick", "wall_2": "glass", "box_1": "unknown",
    }  # fmt: skip


def test_a_material_of_no_table_is_refused() -> None:
    with pytest.raises(TwinError, match=r"wall=bricks: unknown material; known: .*brick"):
        surface_materials(SURFACES, {"wall": "bricks"})


def test_what_is_given_beats_what_was_seen() -> None:
    entry = MaterialEntry(relative_permittivity=3.0, conductivity=0.1)
    seen = {"wall_1": ("seen_wood", entry), "box_1": ("seen_metal", entry)}
    assert surface_materials(SURFACES, {"wall_1": "brick"}, seen) == {
        "wall_1": "brick", "wall_2": "unknown", "box_1": "seen_metal",
    }  # fmt: skip
