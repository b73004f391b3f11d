"""The folder of a site whose materials were calibrated."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.outputs import folder_kind, make_room
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import MaterialEntry, Site
from visrftwin_ros.site.residual_map import FILE as RESIDUALS
from visrftwin_ros.site.residual_map import ResidualMap, site_residuals, write_residuals
from visrftwin_ros.yaml_input import yaml_file

REPORT = "calibration.json"
CALIBRATED_SITE = folder_kind("calibrated site", "site.yaml", "meshes", REPORT, RESIDUALS)
_VALUES = tuple(MaterialEntry.model_fields)


def write_calibrated_site(
    site: Site,
    materials: Sequence[MaterialValues],
    residuals: ResidualMap,
    report: Mapping[str, Any],
    folder: Path,
    force: bool,
) -> Site:
    """Writes `folder` with the site, its surfaces of these materials, its meshes, what soundings are still
    off and the report; reads it back as every command will.

    Materials that the site does not have yet become its own under the name NAME_sounded. Raises
    TwinError, and leaves what is at `folder`, where that is no calibrated site, or one and not `force`.
    """
    content = yaml_file(site.folder / "site.yaml")
    own, names = dict(content.get("materials") or {}), _names(site, materials)
    half = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(half, ignore_errors=True)
    try:
        half.mkdir(parents=True)
        before = [mesh.material for mesh in surface_meshes(site)]
        for surface, old, new in zip(content["scene"], before, materials, strict=True):
            if new != old:
                surface["material"] = names[new]
                own[names[new]] = {k: v for k, v in asdict(new).items() if k in _VALUES}
            if "file" in surface:
                source = site.folder / surface["file"]
                surface["file"] = f"meshes/{surface['name']}{source.suffix}"
                (half / "meshes").mkdir(exist_ok=True)
                shutil.copyfile(source, half / surface["file"])
        content = {**content, "materials": own}
        content.pop("residuals", None)
        if len(residuals):
            write_residuals(residuals, half)
            content["residuals"] = RESIDUALS
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        (half / "site.yaml").write_text(f"# Materials calibrated: see {REPORT}.\n{text}")
        (half / REPORT).write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")
        written = load_site(str(half))
        surface_meshes(written)
        site_residuals(written)
        make_room(folder, CALIBRATED_SITE, force)
        half.replace(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return load_site(str(folder))


def _names(site: Site, materials: Sequence[MaterialValues]) -> dict[MaterialValues, str]:
    """By material: a name that neither the site nor another has."""
    taken, names = set(site.materials), {}
    for material in dict.fromkeys(materials):
        name = f"{material.name}_sounded"
        while name in taken:
            name += "_again"
        taken.add(name)
        names[material] = name
    return names
