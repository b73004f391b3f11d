"""Changes of a site that need no editor: names, merged surfaces, materials, places of access points."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from visrftwin_ros.errors import TwinError
from visrftwin_ros.outputs import folder_kind, make_room
from visrftwin_ros.scene.ply_file import ply_of
from visrftwin_ros.scene.site_check import describe
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site, Vector3
from visrftwin_ros.yaml_input import yaml_file

EDITED_SITE = folder_kind("edited site", "site.yaml", "meshes", "*.csv", "*.npz")
_NAMED = ("scene", "access_points", "robots", "cameras", "lidars")


@dataclass(frozen=True)
class SiteEdits:
    """What to change, in this order; later ones know the names that earlier ones gave.

    renamed: new names by old ones, of surfaces, devices and sensors. merged: names of surfaces by the name of the mesh
    that they become. materials: by surface. moved: places of access points, m.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    merged: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    materials: Mapping[str, str] = field(default_factory=dict)
    moved: Mapping[str, Vector3] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.renamed or self.merged or self.materials or self.moved):
            raise TwinError("nothing to change: give --rename, --merge, --material or --move")


def edited_site(site: Site, edits: SiteEdits, folder: Path, force: bool) -> Site:
    """Writes the changed site to a new `folder`, with every file that its site.yaml names; reads it back as every
    command will.

    Raises TwinError, and leaves what is at `folder`, where a name is not known, a name is taken, surfaces of
    several materials are merged, or the new site does not pass `site check`.
    """
    half = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(half, ignore_errors=True)
    try:
        half.mkdir(parents=True)
        content = _changed(site, edits, half)
        for surface in content["scene"]:
            if "file" in surface and not (half / surface["file"]).exists():
                surface["file"] = _copied(site, surface["file"], half, "meshes")
        table = str((content.get("radio") or {}).get("mcs_table", ""))
        if table.endswith(".csv"):
            content["radio"]["mcs_table"] = _copied(site, table, half)
        if content.get("residuals"):
            content["residuals"] = _copied(site, content["residuals"], half)
        _write(half / "site.yaml", content)
        describe(load_site(str(half)))
        make_room(folder, EDITED_SITE, force)
        half.replace(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return load_site(str(folder))


def edit_in_place(site: Site, edits: SiteEdits) -> tuple[Site, Path]:
    """Changes `site.yaml` where it is; the site as every command reads it, and the file that keeps what was there.

    New meshes are added and none is taken away, so that the kept file is whole. Raises TwinError as `edited_site`, and
    leaves the site as it was.
    """
    file = site.folder / "site.yaml"
    new = site.folder / "site.yaml.partial"
    before = set(site.folder.rglob("*"))
    try:
        _write(new, _changed(site, edits, site.folder))
        describe(load_site(str(new)))
        kept = _free_file(site.folder / "site.before.yaml")
        shutil.copy2(file, kept)
        new.replace(file)
    except BaseException:
        for added in sorted(set(site.folder.rglob("*")) - before, reverse=True):
            added.rmdir() if added.is_dir() else added.unlink()
        raise
    return load_site(str(file)), kept


def _changed(site: Site, edits: SiteEdits, folder: Path) -> dict[str, Any]:
    """The content of the new site.yaml, whose new meshes are written to `folder`."""
    content = dict(yaml_file(site.folder / "site.yaml"))
    for name in _NAMED:
        content[name] = [dict(entry) for entry in content.get(name) or []]
    _rename(content, edits.renamed)
    for new, names in edits.merged.items():
        _merge(site, content, edits, new, names, folder)
    for name, material in edits.materials.items():
        _entry(content, ("scene",), name, "--material")["material"] = material
    for name, place in edits.moved.items():
        _entry(content, ("access_points",), name, "--move")["position"] = list(place)
    aps = {ap.name for ap in site.access_points} & set(edits.renamed)
    if content.get("residuals") and (aps or edits.merged or edits.materials or edits.moved):
        del content["residuals"]  # they are of the site as it was
    return {key: value for key, value in content.items() if value or key not in _NAMED}


def _rename(content: dict[str, Any], renamed: Mapping[str, str]) -> None:
    for old, new in renamed.items():
        taken = {entry["name"] for name in _NAMED for entry in content[name]}
        if new in taken:
            raise TwinError(f"--rename {old}={new}: something is named {new} already")
        _entry(content, _NAMED, old, "--rename")["name"] = new


def _merge(
    site: Site,
    content: dict[str, Any],
    edits: SiteEdits,
    new: str,
    names: tuple[str, ...],
    folder: Path,
) -> None:
    option = f"--merge {','.join(names)}={new}"
    if len(set(names)) < 2:
        raise TwinError(f"{option}: give two surfaces or more")
    parts = [_entry(content, ("scene",), name, "--merge") for name in names]
    others = {entry["name"] for entry in content["scene"]} - set(names)
    if new in others:
        raise TwinError(f"{option}: another surface is named {new}")
    made_of = sorted({part["material"] for part in parts})
    if len(made_of) > 1 and new not in edits.materials:
        raise TwinError(
            f"{option}: they are of {', '.join(made_of)}; say --material {new}=NAME, that all of it shall have"
        )
    old_names = {new_name: old for old, new_name in edits.renamed.items()}
    meshes = {mesh.name: mesh for mesh in surface_meshes(site)}
    vertices, faces, count = [], [], 0
    for name in names:
        old = old_names.get(name, name)
        if old not in meshes:
            raise TwinError(f"{option}: {name} is itself merged; name all of its parts at once")
        vertices.append(meshes[old].vertices)
        faces.append(meshes[old].faces + count)
        count += len(meshes[old].vertices)
    (folder / "meshes").mkdir(exist_ok=True)
    file = _free_file(folder / "meshes" / f"{new}.ply")
    file.write_bytes(ply_of(np.concatenate(vertices), np.concatenate(faces)))
    merged = {"name": new, "kind": "mesh", "file": f"meshes/{file.name}", "material": made_of[0]}
    first = next(k for k, entry in enumerate(content["scene"]) if entry is parts[0])
    content["scene"] = [
        merged if k == first else entry
        for k, entry in enumerate(content["scene"])
        if k == first or not any(entry is part for part in parts)
    ]


def _entry(
    content: Mapping[str, Any], lists: Collection[str], name: str, option: str
) -> dict[str, Any]:
    found = [entry for key in lists for entry in content[key] if entry["name"] == name]
    if not found:
        known = [entry["name"] for key in lists for entry in content[key]]
        near = difflib.get_close_matches(name, known, n=3) or known[:20]
        raise TwinError(f"{option}: nothing is named {name!r} there; it has: {', '.join(near)}")
    entry: dict[str, Any] = found[0]
    return entry


def _copied(site: Site, name: str, folder: Path, into: str = "") -> str:
    """A file that a site.yaml names, beside the new one; its name there."""
    target = _free_file(folder / into / Path(name).name)
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(site.folder / name, target)
    return str(target.relative_to(folder))


def _free_file(file: Path) -> Path:
    """The path, with a number in it where something is there."""
    free, number = file, 1
    while free.exists():
        number += 1
        free = file.with_name(f"{file.stem}_{number}{file.suffix}")
    return free


def _write(file: Path, content: Mapping[str, Any]) -> None:
    text = yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True)
    file.write_text(text)
