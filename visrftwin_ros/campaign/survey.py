"""The survey that a recording brings along, and whether the site that it is read with agrees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site

_SAME = 1e-6
"""Metres and radians to which numbers are equal that were written and read."""
_MOST_NAMED = 5


def own_survey(bag: Path) -> Path | None:
    """The folder of the bag's own `site.yaml`, for `load_site`; None where it has none."""
    folder = bag if bag.is_dir() else bag.parent
    return folder if (folder / "site.yaml").is_file() else None


def survey_contradiction(site: Site, bag: Path) -> str:
    """What the bag's own survey has otherwise than `site` of the same name, in words; "" where nothing.

    Surfaces, access points and standing robots count, materials do not: a calibrated site has others.
    """
    folder = own_survey(bag)
    if folder is None or folder.resolve() == site.folder.resolve():
        return ""
    try:
        own = load_site(str(folder))
    except TwinError as error:
        return f"the bag's own survey cannot be read: {error}"
    if own.name != site.name:
        return ""
    found = [
        text
        for what, ours, theirs in (
            ("surfaces", own.scene, site.scene),
            ("access points", own.access_points, site.access_points),
            ("robots", own.robots, site.robots),
        )
        for text in _differences(what, ours, theirs)
    ]
    if not found:
        return ""
    return (
        f"the bag's own survey, {folder / 'site.yaml'}, {'; '.join(found)} (it is what is read "
        "without --site)"
    )


def _differences(what: str, ours: Sequence[Any], theirs: Sequence[Any]) -> list[str]:
    mine, given = ({item.name: item for item in items} for items in (ours, theirs))
    both = [name for name in mine if name in given]
    moved = [name for name in both if not _alike(_geometry(mine[name]), _geometry(given[name]))]
    return [
        f"{text}: {_named(names)}"
        for text, names in (
            (f"has {what} that the site lacks", [name for name in mine if name not in given]),
            (f"lacks {what} of the site", [name for name in given if name not in mine]),
            (f"has {what} elsewhere or of other size", moved),
        )
        if names
    ]


def _geometry(item: BaseModel) -> dict[str, object]:
    return item.model_dump(include={"position", "center", "size", "yaw", "pitch", "height", "file"})


def _alike(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, int | float | tuple) and isinstance(other, int | float | tuple):
        here, there = np.asarray(one, float), np.asarray(other, float)
        return here.shape == there.shape and bool(np.allclose(here, there, rtol=0, atol=_SAME))
    return one == other


def _named(names: list[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
