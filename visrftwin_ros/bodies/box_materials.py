"""What moving boxes are made of, as far as a radio minds."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache

from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues, material_values
from visrftwin_ros.site.model import MaterialEntry

LOG = logging.getLogger(__name__)

_KINDS: Mapping[str, tuple[str, ...]] = {
    # Bodies of sheet steel or aluminium, frames of tubes.
    "metal": (
        *("car", "truck", "bus", "train", "motorcycle", "bicycle", "airplane", "boat"),
        *("refrigerator", "oven", "microwave", "toaster", "sink"),
    ),
    # Frames and tops of wood or chipboard; what they are padded with reflects little of its own.
    "wood": ("chair", "couch", "bed", "bench", "dining table", "table"),
    # A pane before everything else.
    "glass": ("tv", "laptop"),
    "skin": ("person",),
}
"""By material: class names of COCO (a dining table may be called table)."""
UNKNOWN = "wood"
"""Of a kind that is not known: it reflects about 10 dB less than metal and more than cloth."""

_MATERIAL_OF = {kind: material for material, kinds in _KINDS.items() for kind in kinds}


def material_of_kind(kind: str) -> str:
    """The name of a material for a box of this class name."""
    return _MATERIAL_OF.get(kind.lower(), UNKNOWN)


def box_material(
    name: str, frequency: float, site_materials: Mapping[str, MaterialEntry]
) -> MaterialValues:
    """The material `name` at `frequency` [Hz]; of one that is not known, that of an unknown kind."""
    try:
        return material_values(name or UNKNOWN, frequency, site_materials)
    except TwinError as error:
        _warn(str(error))
        return material_values(UNKNOWN, frequency)


@lru_cache(maxsize=64)
def _warn(reason: str) -> None:
    """Once, not at every tick; names come from outside, and not all of them are kept."""
    LOG.warning("a box is taken as %s: %s", UNKNOWN, reason)
