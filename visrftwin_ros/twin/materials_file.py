"""The file in which a twin keeps the materials that its surfaces were set to."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import yaml
from pydantic import ValidationError

from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues, material_values
from visrftwin_ros.site.model import MaterialEntry, Site
from visrftwin_ros.yaml_input import yaml_file

_VALUES = tuple(MaterialEntry.model_fields)
_HEAD = (
    "# Surface: values that `set_material` gave it; read when channel_predictor is configured.\n"
)


def read_materials(file: Path, site: Site) -> dict[str, MaterialValues]:
    """The materials by surface; none where there is no file yet.

    Raises TwinError naming the file, the surface and what would be right.
    """
    content = yaml_file(file) if file.exists() else None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise TwinError(f"{file}: expected a mapping from surfaces to {', '.join(_VALUES)}")
    return {str(name): _material(file, site, str(name), own) for name, own in content.items()}


def write_materials(file: Path, materials: Mapping[str, MaterialValues]) -> None:
    """Writes the file anew, whole or not at all; TwinError where that cannot be."""
    content = {
        surface: {name: value for name, value in asdict(values).items() if name in _VALUES}
        for surface, values in materials.items()
    }
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(_HEAD + yaml.safe_dump(content, sort_keys=True, allow_unicode=True))
        fresh.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise TwinError(f"{file} cannot be written: {error}") from error


def _material(file: Path, site: Site, surface: str, values: object) -> MaterialValues:
    where = f"{file}: surface {surface!r}"
    names = [one.name for one in site.scene]
    if surface not in names:
        raise TwinError(
            f"{where}: site {site.name!r} has none of that name, but {', '.join(names)}"
        )
    try:
        entry = MaterialEntry.model_validate(values)
    except ValidationError as error:
        wrong = [
            f"{'.'.join(map(str, e['loc'])) or 'its values'}: {e['msg']} (found {e['input']!r:.80})"
            for e in error.errors()
        ]
        raise TwinError(f"{where}: {'; '.join(wrong)}; give {', '.join(_VALUES)}") from error
    # Constant over frequency: any will do.
    return material_values(surface, 1.0, {surface: entry})
