"""A scene of others as a site folder: its meshes as PLY, its materials by the names of `materials`."""

from __future__ import annotations

import difflib
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import MaterialValues, material_names, material_values
from visrftwin_ros.outputs import folder_kind, make_room
from visrftwin_ros.scene.mitsuba_scene import (
    MESHES,
    SceneMaterial,
    ScenePart,
    mesh_scene,
    read_scene,
)
from visrftwin_ros.scene.ply_file import ply_of
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site

SITE_FOLDER = folder_kind("imported site", "site.yaml", "meshes")
_VALUES = ("relative_permittivity", "conductivity", "thickness", "scattering_coefficient")


def scene_parts(file: Path) -> tuple[ScenePart, ...]:
    """The surfaces of a Mitsuba scene (.xml) or of a mesh file. Raises TwinError on anything else."""
    if file.suffix.lower() == ".xml":
        return read_scene(file)
    if file.suffix.lower() in (".stl", *(f".{kind}" for kind in MESHES)):
        return mesh_scene(file)
    raise TwinError(f"{file}: expected a Mitsuba scene (.xml) or a mesh (.obj, .ply, .stl)")


def write_site(
    parts: Sequence[ScenePart],
    folder: Path,
    entries: Mapping[str, Any],
    renamed: Mapping[str, str],
    *,
    comment: str,
    force: bool = False,
) -> Site:
    """Writes `folder/site.yaml` and its meshes, and reads them back as every command will.

    entries: of site.yaml beside name and scene, `materials` those beside the scene's own;
    `radio.frequency` [Hz] is that of the materials whose thickness the scene states. renamed: names of
    the site's materials by those of the scene. Raises TwinError, and leaves what is at `folder`, where a
    material is unknown or the site would not load.
    """
    half = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(half, ignore_errors=True)
    scene: list[dict[str, str]] = []
    own: dict[str, dict[str, float]] = {}
    taken: set[str] = set()
    frequency = float(entries["radio"]["frequency"])
    try:
        (half / "meshes").mkdir(parents=True)
        for part in parts:
            name = _free(slug(part.name), taken)
            material, values = site_material(part, renamed, frequency)
            if own.setdefault(material, values or {}) != (values or {}):
                raise TwinError(
                    f"{part.material.where}: two BSDFs become the material {material!r}"
                )
            mesh = f"meshes/{name}.ply"
            (half / mesh).write_bytes(ply_of(part.mesh.vertices, part.mesh.faces))
            scene.append({"name": name, "kind": "mesh", "file": mesh, "material": material})
        content = {
            "name": folder.resolve().name,
            **entries,
            "materials": {
                **entries.get("materials", {}),
                **{name: values for name, values in own.items() if values},
            },
            "scene": scene,
        }
        text = yaml.safe_dump(content, sort_keys=False, width=120)
        (half / "site.yaml").write_text(f"# {comment}\n{text}")
        surface_meshes(load_site(str(half)))
        make_room(folder, SITE_FOLDER, force)
        half.replace(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return load_site(str(folder))


def site_material(
    part: ScenePart, renamed: Mapping[str, str], frequency: float
) -> tuple[str, dict[str, float] | None]:
    """The site's name of a part's material, and its values where the scene states them.

    Names: `itu_NAME`, `mat-itu_NAME`, a BSDF of the type `itu-radio-material` with NAME as its `type`, or
    NAME itself, of `materials`; with a `thickness` or `scattering_coefficient` of its own it becomes a
    material of the site, of ITU's permittivity and conductivity at `frequency` [Hz]. A BSDF of the type
    `radio-material` says all itself. Raises TwinError on any other name that `renamed` does not have.
    """
    material = part.material
    if material.name in renamed:
        return renamed[material.name], None
    bare = material.name.removeprefix("mat-")
    if material.plugin == "itu-radio-material" or bare.startswith(("itu_", "itu-")):
        bare = material.texts.get("type", "") or bare[len("itu_") :]
    elif material.plugin == "radio-material":
        missing = [name for name in _VALUES[:2] if name not in material.numbers]
        if missing:
            raise TwinError(
                f"{material.where}: the radio-material has no {' and no '.join(missing)}"
            )
        return slug(bare or part.name), _stated(material, _VALUES)
    name = slug(bare) if bare else ""
    if name not in material_names():
        raise TwinError(_unknown(part, name))
    stated = _stated(material, ("thickness", "scattering_coefficient"))
    if not stated:
        return name, None
    values = _values(material_values(name, frequency)) | stated
    suffix = "_".join(f"{key[:2]}{value:g}" for key, value in stated.items())
    return slug(f"{name}_{suffix}"), values


def slug(name: str) -> str:
    """Lower case, digits and underscores, from a letter on, as names of a site are."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.lower().removeprefix("mesh-")).strip("_")
    return plain if plain[:1].isalpha() else f"part_{plain}".rstrip("_")


def _stated(material: SceneMaterial, names: Sequence[str]) -> dict[str, float]:
    return {name: material.numbers[name] for name in names if name in material.numbers}


def _values(values: MaterialValues) -> dict[str, float]:
    return {name: float(getattr(values, name)) for name in _VALUES}


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number behind it where others have it; then taken."""
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    taken.add(free)
    return free


def _unknown(part: ScenePart, name: str) -> str:
    given = part.material.name
    near = difflib.get_close_matches(name, material_names(), n=3, cutoff=0.5)
    known = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(material_names())}"
    return (
        f"{part.material.where}: surface {part.name!r} has the material {given!r}, which is none of "
        f"ITU-R P.2040's; {known} Give --material '{given}'=NAME"
    )
