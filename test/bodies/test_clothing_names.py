"""What perception names, the radio twin knows."""

from __future__ import annotations

from visrftwin_ros.bodies.surface import body_materials
from visrftwin_ros.perception.appearance.clothing import CLOTHING


def test_every_clothing_entry_is_a_body_material() -> None:
    assert set(CLOTHING) <= set(body_materials())
