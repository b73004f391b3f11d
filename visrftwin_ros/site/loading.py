"""Reading and validating a site folder."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import yaml
from pydantic import ValidationError

from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import MeshFile, Site
from visrftwin_ros.yaml_input import yaml_file

MOST_ERRORS = 20
"""Wrong fields that are listed one by one."""


def share_folders() -> list[Path]:
    """Where the package's own data lies: the checkout, then every installed copy."""
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    installed = [Path(prefix) / "share" / "visrftwin_ros" for prefix in prefixes if prefix]
    return [Path(__file__).resolve().parents[2], *installed]


def config_path(name: str) -> Path:
    """A file under the package's `config` folder."""
    return share_path(f"config/{name}")


def share_path(name: str) -> Path:
    """A file that the package shares, such as rviz/twin.rviz."""
    for folder in share_folders():
        if (folder / name).exists():
            return folder / name
    raise TwinError(f"{name} is neither beside the code nor installed: run `make setup`")


def site_folders() -> list[Path]:
    """Where sites are looked for: `VISRFTWIN_SITES`, then `config/sites` of the package."""
    named = [Path(p) for p in os.environ.get("VISRFTWIN_SITES", "").split(os.pathsep) if p]
    packaged = [folder / "config" / "sites" for folder in share_folders()]
    return [folder for folder in named + packaged if folder.is_dir()]


def site_names() -> list[str]:
    """Names of every site that can be found."""
    return sorted(
        {file.parent.name for folder in site_folders() for file in folder.glob("*/site.yaml")}
    )


def find_site_file(name_or_path: str) -> Path:
    """The site.yaml of a site given by name, folder or file."""
    given = Path(name_or_path)
    candidates = [given, given / "site.yaml"]
    candidates += [folder / name_or_path / "site.yaml" for folder in site_folders()]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    known = ", ".join(site_names()) or "none"
    raise TwinError(
        f"no site {name_or_path!r}: expected a folder with a site.yaml, or one of: {known} "
        f"(more folders of sites go in VISRFTWIN_SITES)"
    )


def load_site(name_or_path: str) -> Site:
    """The validated site; TwinError names file, field, value and what was expected."""
    file = find_site_file(name_or_path)
    content = yaml_file(file)
    if not isinstance(content, dict):
        raise TwinError(f"{file}: expected a mapping with name, scene, access_points, ...")
    try:
        site = Site.model_validate({**content, "folder": file.parent})
    except ValidationError as error:
        lines = [f"{file}: {error.error_count()} wrong field(s):"]
        for item in error.errors()[:MOST_ERRORS]:
            field = ".".join(str(part) for part in item["loc"]) or "site"
            lines.append(f"  {field}: {item['msg']} (found {_short(item['input'])})")
        raise TwinError("\n".join(lines)) from error
    if site.radio.mcs_table.endswith(".csv"):
        table = site.folder / site.radio.mcs_table
        if not table.is_file():
            raise TwinError(f"{file}: radio.mcs_table names {table}, which is no file")
        radio = site.radio.model_copy(update={"mcs_table": str(table)})
        site = site.model_copy(update={"radio": radio})
    else:
        config_path(f"radios/{site.radio.mcs_table}.csv")
    for surface in site.scene:
        if isinstance(surface, MeshFile) and not (site.folder / surface.file).is_file():
            raise TwinError(
                f"{file}: scene {surface.name!r} names the mesh {surface.file!r}, "
                f"which is not in {site.folder}"
            )
    if site.residuals and not (site.folder / site.residuals).is_file():
        raise TwinError(f"{file}: residuals: {site.residuals!r} is not in {site.folder}")
    return site


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def check_folder_name(folder: Path, option: str) -> None:
    """TwinError where the folder of a new site, as `option` has it, has no name that a site may have."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", folder.resolve().name):
        raise TwinError(
            f"{option} {folder}: the folder is named as the site: lower case, digits and underscores, from "
            "a letter on"
        )


def write_site(site: Site, folder: Path) -> None:
    """Writes `site` as the site.yaml of `folder`, which is there, for `load_site` to read."""
    content = site.model_dump(mode="json", exclude={"folder"}, exclude_defaults=True)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None)
    (folder / "site.yaml").write_text(text)
