"""A place of the lab: the site that the predictor is given, and what the place really is.

The hidden truth (materials, where the furniture really stands, clutter, light, colours) comes from
`lab/worlds/<name>.yaml` and the seed; the predictor's site has none of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, ValidationError

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.world.clutter import Recipe, clutter_boxes
from visrftwin_ros.lab.world.surface_looks import Appearance, drawn_appearance
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Box, Ground, MaterialEntry, MeshFile, Site, Vector3

_FOLDER = Path(__file__).parents[1] / "worlds"
_OWN_DRAW_AREA = 5.0
"""m^2: so large a surface is a building part of its own; smaller ones share their material's draw."""


class Panel(BaseModel):
    """A rectangle that shines downwards; radiance: W/(sr m^2), white."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    center: Vector3
    size: tuple[PositiveFloat, PositiveFloat]
    radiance: PositiveFloat


class Spread(BaseModel):
    """How far the hidden material values scatter about the table's.

    permittivity, conductivity, thickness: standard deviations of the natural logarithm.
    scattering: standard deviation of the coefficient, absolute.
    Laboratories disagree on one material by about so much: Ferreira et al., "A review on the
    electromagnetic characterisation of building materials at micro- and millimetre wave
    frequencies", EuCAP 2014 (permittivity, loss); Lu et al., "Propagation characterization of an
    office building in the 60 GHz band", EuCAP 2014, and the ranges in table 2 of the paper
    (scattering). The sizes here are our reading of them, not a fit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    permittivity: PositiveFloat = 0.10
    conductivity: PositiveFloat = 0.40
    thickness: PositiveFloat = 0.10
    scattering: PositiveFloat = 0.05


class _WorldFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    site: str
    ground: tuple[float, float, float, float]  # where people walk: x, y from and to, metres
    looks: dict[str, list[Appearance]] = {}
    movable: list[str] = []  # furniture, by the start of its surfaces' names
    offset: PositiveFloat = 0.02  # standard deviation of its real place, metres
    turn: PositiveFloat = 0.015  # and of its real direction, radians
    clutter: list[Recipe] = []
    spread: Spread = Spread()
    panels: list[Panel] = []
    sky: Annotated[float, Field(ge=0)] = 0.0
    sun: Annotated[float, Field(ge=0)] = 0.0


@dataclass(frozen=True)
class World:
    """A place as the predictor knows it, and as it is.

    site: the predictor's. true_site: its materials carry the hidden values (own entries), its
    furniture stands where it really does, and the clutter is there. surfaces: how each surface of
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


def world_names() -> tuple[str, ...]:
    """The worlds that the lab has."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.yaml")))


def load_world(name: str, seed: int) -> World:
    """The world `name` with everything hidden drawn from `seed`; equal seeds, equal worlds."""
    file = _FOLDER / f"{name}.yaml"
    if not file.is_file():
        raise TwinError(f"the lab has no world {name!r}; it has: {', '.join(world_names())}")
    if seed < 0:
        raise TwinError(f"world {name!r}: the seed is {seed}; it must not be negative")
    try:
        content = _WorldFile.model_validate(yaml.safe_load(file.read_text()))
    except (yaml.YAMLError, ValidationError) as error:
        raise TwinError(f"{file}: {error}") from error
    site = load_site(content.site)
    true_site = _true_site(site, content, seed)
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
            groups[key] = drawn_appearance(surface.name, nominal, content.looks, rng)
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
    )


def _rng(seed: int, what: str) -> np.random.Generator:
    """A stream of its own for each purpose, so that a change in one leaves the others."""
    return np.random.default_rng([seed, zlib.crc32(what.encode())])


def _true_site(site: Site, content: _WorldFile, seed: int) -> Site:
    moved = _moved(site, content, _rng(seed, "furniture"))
    boxes = [surface for surface in moved if isinstance(surface, Box)]
    scene = moved + clutter_boxes(content.clutter, boxes, _rng(seed, "clutter"))
    rng = _rng(seed, "materials")
    materials = dict(site.materials)
    named = []
    for surface in scene:
        own = _area(surface) >= _OWN_DRAW_AREA
        hidden = f"{surface.material}.{surface.name if own else 'small'}"
        if hidden not in materials:
            materials[hidden] = _drawn_material(site, surface.material, content.spread, rng)
        named.append(surface.model_dump() | {"material": hidden})
    return Site.model_validate(site.model_dump() | {"scene": named, "materials": materials})


def _moved(
    site: Site, content: _WorldFile, rng: np.random.Generator
) -> list[Ground | Box | MeshFile]:
    """The scene with every piece of furniture, all its boxes together, moved and turned a little."""
    moved = list(site.scene)
    for piece in content.movable:
        rows = [i for i, surface in enumerate(moved) if surface.name.startswith(piece)]
        boxes = [(i, surface) for i in rows if isinstance(surface := moved[i], Box)]
        if not boxes:
            raise TwinError(f"world {site.name!r}: movable {piece!r} is no box of the site")
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


def _drawn_material(
    site: Site, material: str, spread: Spread, rng: np.random.Generator
) -> MaterialEntry:
    values = material_values(material, site.radio.frequency, site.materials)
    logs = rng.normal(0, [spread.permittivity, spread.conductivity, spread.thickness])
    factor = np.exp(np.clip(logs, -0.8, 0.8))
    scattering = values.scattering_coefficient + rng.normal(0, spread.scattering)
    if values.relative_permittivity == 1.0:  # metal stays metal; only its roughness is unknown
        factor[:] = 1.0
    return MaterialEntry(
        relative_permittivity=max(1.0, values.relative_permittivity * float(factor[0])),
        conductivity=values.conductivity * float(factor[1]),
        thickness=values.thickness * float(factor[2]),
        thickness_spread=values.thickness_spread,
        scattering_coefficient=float(np.clip(scattering, 0.0, 0.6)),
    )


def _area(surface: Ground | Box | MeshFile) -> float:
    """m^2 of its largest face; a mesh counts as large."""
    if isinstance(surface, MeshFile):
        return np.inf
    size = sorted(surface.size)
    return float(size[-1] * size[-2])
