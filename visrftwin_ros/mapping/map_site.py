"""A map as a site folder: `site.yaml`, meshes and the report, whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.map_report import write_report
from visrftwin_ros.mapping.place_map import KINDS, MappedSurface, PlaceMap
from visrftwin_ros.mapping.reference import map_error
from visrftwin_ros.materials.table import material_names, material_values
from visrftwin_ros.outputs import folder_kind, make_room
from visrftwin_ros.scene.mesh_files import MeshPart
from visrftwin_ros.scene.mitsuba_scene import SceneMaterial, ScenePart
from visrftwin_ros.scene.scene_site import write_site
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import check_folder_name, load_site
from visrftwin_ros.site.model import MaterialEntry, Site

MAPPED_SITE = folder_kind("mapped site", "site.yaml", "meshes", "report")
UNKNOWN = "unknown"
"""Name of the material of what nobody knows more of: concrete's values, where no picture was looked at."""

Seen = Mapping[str, tuple[str, MaterialEntry]]
"""By surface: what its material is called in the site, and its values, as pictures have it."""


def entries_of(site: Site, folder: Path, description: str) -> dict[str, Any]:
    """What a new site at `folder` has of one that is known: all but its scene and what was learnt of it.

    Raises TwinError where the folder's name is none for a site.
    """
    check_folder_name(folder, "site_out")
    content = site.model_dump(
        mode="json",
        exclude={"name", "folder", "scene", "materials", "residuals"},
        exclude_defaults=True,
    )
    bodies = {robot.chassis.material for robot in site.robots if robot.chassis is not None}
    own = {name: site.materials[name] for name in sorted(bodies & set(site.materials))}
    return {
        "radio": site.radio.model_dump(mode="json"),
        **{key: value for key, value in content.items() if key != "radio"},
        "materials": {name: entry.model_dump(mode="json") for name, entry in own.items()},
        "description": description,
    }


def surface_materials(
    surfaces: Sequence[MappedSurface], given: Mapping[str, str], seen: Seen = MappingProxyType({})
) -> dict[str, str]:
    """The material of each surface by name: `given` for it or for its kind, else as `seen`, else UNKNOWN.

    Raises TwinError where `given` names neither, or a material that is none of the table's.
    """
    names = {s.name for s in surfaces}
    for name, material in given.items():
        if name not in names and name not in KINDS:
            raise TwinError(
                f"--material {name}={material}: no surface of that name was mapped; give a kind "
                f"({', '.join(KINDS)}) or one of {', '.join(sorted(names))}"
            )
        if material not in material_names():
            raise TwinError(
                f"--material {name}={material}: unknown material; known: {', '.join(material_names())}"
            )
    looked = {name: called for name, (called, _) in seen.items()}
    return {
        s.name: given.get(s.name, given.get(s.kind, looked.get(s.name, UNKNOWN))) for s in surfaces
    }


def write_mapped_site(
    place: PlaceMap,
    folder: Path,
    entries: Mapping[str, Any],
    given: Mapping[str, str],
    *,
    thickness: float,
    reference: Site | None,
    comment: str,
    force: bool,
    seen: Seen = MappingProxyType({}),
    notes: Callable[[Path], Sequence[str]] = lambda _: (),
) -> Site:
    """Writes a map to `folder`, and reads it back as every command will.

    entries: of site.yaml beside name, scene and materials. given: materials by surface or kind. thickness:
    m, of what is UNKNOWN: the prior. reference: a site of the same frame to compare with. seen: what pictures
    say. notes: writes more files to the report's folder, and returns what the page says of them. Raises
    TwinError, and leaves what is at `folder`, where the site would not load.
    """
    materials = surface_materials(place.surfaces, given, seen)
    error = None if reference is None else map_error(place, surface_meshes(reference))
    half = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(half, ignore_errors=True)
    try:
        half.mkdir(parents=True)
        made = half / folder.resolve().name
        parts = [
            _part(surface, materials[surface.name], entries["radio"]["frequency"], thickness, seen)
            for surface in place.surfaces
        ]
        write_site(parts, made, entries, {}, comment=comment)
        devices = {
            str(ap["name"]): np.array(ap["position"], dtype=np.float64)
            for ap in entries["access_points"]
        }
        report = made / "report"
        report.mkdir()
        write_report(report, place, materials, devices, error, notes(report))
        make_room(folder, MAPPED_SITE, force)
        made.replace(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return load_site(str(folder))


def _part(
    surface: MappedSurface, material: str, frequency: float, thickness: float, seen: Seen
) -> ScenePart:
    mesh = MeshPart("", surface.vertices, surface.faces)
    called, entry = seen.get(surface.name, ("", None))
    if material not in (UNKNOWN, called):
        return ScenePart(surface.name, mesh, SceneMaterial(f"itu_{material}", "", surface.name))
    values = entry or material_values("concrete", frequency)
    numbers = {
        "relative_permittivity": values.relative_permittivity,
        "conductivity": values.conductivity,
        "scattering_coefficient": values.scattering_coefficient,
        "thickness": entry.thickness if entry else thickness,
    }
    own = SceneMaterial(material, "radio-material", surface.name, numbers=numbers)
    return ScenePart(surface.name, mesh, own)
