"""A place of the lab: the site that the predictor is given, and what the place really is.

The hidden truth (what walls are made of and where they really are, where the furniture and the access
points are, clutter, light, colours) comes from `lab/worlds/<name>.yaml` and the seed; the predictor's
site has none of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.world.clutter import Recipe, clutter_boxes
from visrftwin_ros.lab.world.data_sets import Family, assignment_of, family_of, textures_of
from visrftwin_ros.lab.world.material_prior import MaterialDraw, Wall
from visrftwin_ros.lab.world.nearest_slab import nearest_slab
from visrftwin_ros.lab.world.surface_looks import Appearance, drawn_appearance, looks_of
from visrftwin_ros.lab.world.survey_errors import (
    SurveyErrors,
    built_walls,
    true_access_points,
)
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import AccessPoint, Box, Ground, MeshFile, Site, Surface, Vector3

_FOLDER = Path(__file__).parents[1] / "worlds"
_OWN_DRAW_AREA = 5.0
"""m^2: so large a surface is a building part of its own; smaller ones share their material's draw."""


class Panel(BaseModel):
    """A rectangle that shines downwards; radiance: W/(sr m^2), white."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    center: Vector3
    size: tuple[PositiveFloat, PositiveFloat]
    radiance: PositiveFloat


class _WorldFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str
    ground: tuple[float, float, float, float]  # where people walk: x, y from and to, metres
    looks: dict[str, list[Appearance]] = {}
    movable: list[str] = []  # furniture, by the start of its surfaces' names
    offset: PositiveFloat = 0.02  # standard deviation of its real place, metres
    turn: PositiveFloat = 0.015  # and of its real direction, radians
    clutter: list[Recipe] = []
    walls: dict[str, list[str]] = {}  # what is built, and what is fixed to it
    layouts: dict[str, list[Box]] = {}  # surveyed things that a family of places has besides
    more_access_points: list[AccessPoint] = []  # for campaigns that ask for more than the site has
    hidden: Annotated[float, Field(ge=0, le=1)] = 0.0  # share of soundings without line of sight
    panels: list[Panel] = []
    sky: Annotated[float, Field(ge=0)] = 0.0
    sun: Annotated[float, Field(ge=0)] = 0.0


@dataclass(frozen=True)
class World:
    """A place as the predictor knows it, and as it is.

    site: the predictor's, of the family's layout. true_site: its walls, furniture and access points
    are where they really are, the clutter is there, and its materials (own entries) are the slabs that
    come nearest to what is there. walls: what that is, by surface. hidden: share of the soundings that
    shall have no line of sight. surfaces: how each surface of
    `true_site` looks, by name. ground: x0, y0, x1, y1 metres where people may walk. panels, sky,
    sun: the light (radiance of the sky, irradiance of the sun; 0: none).
    """

    name: str
    site: Site
    true_site: Site
    surfaces: Mapping[str, Appearance]
    ground: tuple[float, float, float, float]
    panels: tuple[Panel, ...]
    sky: float
    sun: float
    seed: int
    family: Family
    walls: Mapping[str, Wall]
    hidden: float


def world_names() -> tuple[str, ...]:
    """The worlds that the lab has."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.yaml")))


def load_world(name: str, seed: int, access_points: int | None = None) -> World:
    """The world `name` with everything hidden drawn from `seed`; equal seeds, equal worlds.

    access_points: so many of the site's and of those that the lab has besides; default the site's.
    """
    file = _FOLDER / f"{name}.yaml"
    if not file.is_file():
        raise TwinError(f"the lab has no world {name!r}; it has: {', '.join(world_names())}")
    if seed < 0:
        raise TwinError(f"world {name!r}: the seed is {seed}; it must not be negative")
    try:
        content = _WorldFile.model_validate(yaml.safe_load(file.read_text()))
    except (yaml.YAMLError, ValidationError) as error:
        raise TwinError(f"{file}: {error}") from error
    family = family_of(seed)
    site = _surveyed(load_site(content.site), content, family.layout)
    if access_points is not None:
        every = [*site.access_points, *content.more_access_points]
        if not 1 <= access_points <= len(every):
            raise TwinError(f"{access_points} access points: world {name!r} has 1 to {len(every)}")
        site = site.model_copy(update={"access_points": every[:access_points]})
    draw = MaterialDraw(seed, assignment_of(family))
    true_site, walls = _true_site(site, content, seed, draw)
    rng = _rng(seed, "looks")
    light = float(np.exp(rng.normal(0, 0.2)))
    panels = tuple(
        panel.model_copy(update={"radiance": panel.radiance * light}) for panel in content.panels
    )
    groups: dict[str, Appearance] = {}
    surfaces = {}
    for surface in true_site.scene:
        nominal = surface.material.split(".")[0]
        keys = [key for key in content.looks if surface.name.startswith(key)]
        # Parts of one thing are of one colour: the sofa's arm is like its seat.
        key = max(keys, key=len) if keys else f"{surface.name.split('_')[0]} {nominal}"
        if key not in groups:
            wall = walls[surface.name]
            choice = draw.look(wall, key, len(looks_of(surface.name, nominal, content.looks)))
            groups[key] = drawn_appearance(
                surface.name, nominal, content.looks, choice, textures_of(family), rng
            )
        surfaces[surface.name] = groups[key]
    return World(
        name=name,
        site=site,
        true_site=true_site,
        surfaces=surfaces,
        ground=content.ground,
        panels=panels,
        sky=content.sky * light,
        sun=content.sun * float(rng.choice([0.0, 1.0])) if content.sun else 0.0,
        seed=seed,
        family=family,
        walls=walls,
        hidden=content.hidden,
    )


def _rng(seed: int, what: str) -> np.random.Generator:
    """A stream of its own for each purpose, so that a change in one leaves the others."""
    return np.random.default_rng([seed, zlib.crc32(what.encode())])


def _surveyed(site: Site, content: _WorldFile, layout: str) -> Site:
    """The site as a survey of this layout gives it; `plain` is the one that ships."""
    if layout == "plain":
        return site
    if layout not in content.layouts:
        raise TwinError(f"world {site.name!r} has no layout {layout!r}: add it to its file")
    return site.model_copy(update={"scene": [*site.scene, *content.layouts[layout]]})


def _true_site(
    site: Site, content: _WorldFile, seed: int, draw: MaterialDraw
) -> tuple[Site, dict[str, Wall]]:
    errors = SurveyErrors()
    built = built_walls(site.scene, content.walls, errors, _rng(seed, "walls"))
    moved = _moved(built, content, _rng(seed, "furniture"))
    boxes = [surface for surface in moved if isinstance(surface, Box)]
    added = clutter_boxes(content.clutter, boxes, _rng(seed, "clutter"))
    scene = moved + [box for box in added if not _in_the_way(box, site)]
    access_points = true_access_points(
        site.access_points, scene, errors, _rng(seed, "access points")
    )
    materials = dict(site.materials)
    drawn: dict[str, Wall] = {}
    walls: dict[str, Wall] = {}
    named = []
    for surface in scene:
        own = _area(surface) >= _OWN_DRAW_AREA
        hidden = f"{surface.material}.{surface.name if own else 'small'}"
        if hidden not in drawn:
            drawn[hidden] = draw.wall(hidden, surface.material, doubtful=own)
            crossed = 1 if isinstance(surface, Ground) else 2
            materials[hidden] = nearest_slab(drawn[hidden], crossed, site.radio.frequency)
        walls[surface.name] = drawn[hidden]
        named.append(surface.model_dump() | {"material": hidden})
    changed = {"scene": named, "materials": materials, "access_points": access_points}
    return Site.model_validate(site.model_dump() | changed), walls


def _in_the_way(box: Box, site: Site) -> bool:
    """Pilasters end where a sensor or an access point hangs."""
    if "_relief" not in box.name:
        return False
    c, s = np.cos(box.yaw), np.sin(box.yaw)
    for ap in site.access_points:
        off = np.subtract(ap.position[:2], box.center[:2])
        local = np.array([c * off[0] + s * off[1], -s * off[0] + c * off[1]])
        if (np.abs(local) < np.array(box.size[:2]) / 2 + 0.3).all():
            return True
    return False


def _moved(
    scene: Sequence[Surface], content: _WorldFile, rng: np.random.Generator
) -> list[Surface]:
    """The scene with every piece of furniture, all its boxes together, moved and turned a little."""
    moved = list(scene)
    for piece in content.movable:
        rows = [i for i, surface in enumerate(moved) if surface.name.startswith(piece)]
        boxes = [(i, surface) for i in rows if isinstance(surface := moved[i], Box)]
        if not boxes:
            raise TwinError(f"world {content.site!r}: movable {piece!r} is no box of the site")
        pivot = np.mean([box.center[:2] for _, box in boxes], axis=0)
        shift, turn = rng.normal(0, content.offset, 2), float(rng.normal(0, content.turn))
        c, s = np.cos(turn), np.sin(turn)
        for i, box in boxes:
            place = pivot + np.array([[c, -s], [s, c]]) @ (box.center[:2] - pivot) + shift
            moved[i] = box.model_copy(
                update={
                    "center": (float(place[0]), float(place[1]), box.center[2]),
                    "yaw": box.yaw + turn,
                }
            )
    return moved


def _area(surface: Surface) -> float:
    """m^2 of its largest face; a mesh counts as large."""
    if isinstance(surface, MeshFile):
        return np.inf
    size = sorted(surface.size)
    return float(size[-1] * size[-2])
