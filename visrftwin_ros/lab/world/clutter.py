"""Small things that stand in a real room and that a survey of it leaves out, as boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Box, Name, Vector3


class _Recipe(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Legs(_Recipe):
    """Four legs under every box whose name starts with `under` and ends with `part`."""

    kind: Literal["legs"]
    under: str
    part: str = ""
    thickness: PositiveFloat = 0.025
    material: str = "metal"


class Plant(_Recipe):
    """A pot and clumps of leaves."""

    kind: Literal["plant"]
    name: Name
    at: tuple[float, float]
    height: PositiveFloat = 1.4
    width: PositiveFloat = 0.6
    pot: PositiveFloat = 0.35  # its height, or that of a trunk the site already has


class Bags(_Recipe):
    """Bags beside furniture whose names start with `near`, places drawn."""

    kind: Literal["bags"]
    near: str
    count: Annotated[int, Field(ge=1, le=50)]


class Bars(_Recipe):
    """Upright bars every so many metres along the longer side of the boxes that start so."""

    kind: Literal["bars"]
    along: str
    every: PositiveFloat
    size: PositiveFloat = 0.06
    material: str = "metal"


class Wheels(_Recipe):
    """Four wheels at the lower corners of every box whose name starts and ends so."""

    kind: Literal["wheels"]
    under: str
    part: str = ""
    diameter: PositiveFloat = 0.6


class Relief(_Recipe):
    """Pilasters on one long face of the box `face`: no facade is a plane. side: +1 or -1, the face along
    the box's own axis; every: m between them, depth: m, both about."""

    kind: Literal["relief"]
    face: Name
    side: Literal[-1, 1]
    every: PositiveFloat = 3.0
    depth: PositiveFloat = 0.08


class Thing(_Recipe):
    """A box of its own."""

    kind: Literal["thing"]
    name: Name
    center: Vector3
    size: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    yaw: float = 0.0
    material: str


Recipe = Annotated[
    Legs | Plant | Bags | Bars | Wheels | Relief | Thing, Field(discriminator="kind")
]


def clutter_boxes(
    recipes: Sequence[Recipe], furniture: Sequence[Box], rng: np.random.Generator
) -> list[Box]:
    """What the recipes put beside `furniture` (where it really stands), drawn from `rng`."""
    made: list[Box] = []
    for recipe in recipes:
        if isinstance(recipe, Legs):
            for box in _named(furniture, recipe.under, recipe.part):
                made += _legs(box, recipe)
        elif isinstance(recipe, Wheels):
            for box in _named(furniture, recipe.under, recipe.part):
                made += _wheels(box, recipe)
        elif isinstance(recipe, Bars):
            for box in _named(furniture, recipe.along, ""):
                made += _bars(box, recipe)
        elif isinstance(recipe, Bags):
            made += _bags(_named(furniture, recipe.near, ""), recipe, rng)
        elif isinstance(recipe, Relief):
            made += _relief(_named(furniture, recipe.face, "")[0], recipe, rng)
        elif isinstance(recipe, Plant):
            made += _plant(recipe, rng)
        else:
            made.append(Box(**recipe.model_dump(exclude={"kind"}), kind="box"))
    return made


def _named(furniture: Sequence[Box], start: str, end: str) -> list[Box]:
    found = [box for box in furniture if box.name.startswith(start) and box.name.endswith(end)]
    if not found:
        raise TwinError(f"clutter: the site has no box named {start}...{end}")
    return found


def _placed(box: Box, offset: Sequence[float]) -> tuple[float, float]:
    c, s = np.cos(box.yaw), np.sin(box.yaw)
    return (
        float(box.center[0] + c * offset[0] - s * offset[1]),
        float(box.center[1] + s * offset[0] + c * offset[1]),
    )


def _corners(box: Box, inset: float) -> NDArray[np.float64]:
    half = np.array(box.size[:2]) / 2 - inset
    return np.array([[x, y] for x in (-1, 1) for y in (-1, 1)]) * half


def _legs(box: Box, recipe: Legs) -> list[Box]:
    top = box.center[2] - box.size[2] / 2
    size = (recipe.thickness, recipe.thickness, top)
    return [
        Box(
            name=f"{box.name}_leg{i}",
            kind="box",
            center=(*_placed(box, corner), top / 2),
            size=size,
            yaw=box.yaw,
            material=recipe.material,
        )
        for i, corner in enumerate(_corners(box, recipe.thickness))
    ]


def _wheels(box: Box, recipe: Wheels) -> list[Box]:
    inset = np.array([0.2 * box.size[0], 0.11])
    places = np.sign(_corners(box, 0)) * (np.array(box.size[:2]) / 2 - inset)
    return [
        Box(
            name=f"{box.name}_wheel{i}",
            kind="box",
            center=(*_placed(box, place), recipe.diameter / 2 + 0.001),
            size=(recipe.diameter, 0.2, recipe.diameter),
            yaw=box.yaw,
            material="asphalt_concrete",
        )
        for i, place in enumerate(places)
    ]


def _bars(box: Box, recipe: Bars) -> list[Box]:
    along = int(np.argmax(box.size[:2]))
    count = max(int(box.size[along] // recipe.every), 1)
    bars = []
    for i, place in enumerate(np.linspace(-0.5, 0.5, count + 1)):
        offset = [0.0, 0.0]
        offset[along] = float(place) * (box.size[along] - recipe.size)
        bars.append(
            Box(
                name=f"{box.name}_bar{i}",
                kind="box",
                center=(*_placed(box, offset), box.center[2]),
                size=(recipe.size, recipe.size, box.size[2]),
                yaw=box.yaw,
                material=recipe.material,
            )
        )
    return bars


def _relief(box: Box, recipe: Relief, rng: np.random.Generator) -> list[Box]:
    along = int(np.argmax(box.size[:2]))
    place, end, made = -box.size[along] / 2 + 0.5, box.size[along] / 2 - 0.5, list[Box]()
    while place < end:
        width, depth = rng.uniform(0.2, 0.6), recipe.depth * rng.uniform(0.6, 1.5)
        offset, size = [0.0, 0.0], [0.0, 0.0, box.size[2]]
        offset[along], size[along] = place, width
        offset[1 - along] = recipe.side * (box.size[1 - along] + depth) / 2
        size[1 - along] = depth
        made.append(
            Box(
                name=f"{box.name}_relief{len(made)}",
                kind="box",
                center=(*_placed(box, offset), box.center[2]),
                size=(size[0], size[1], size[2]),
                yaw=box.yaw,
                material=box.material,
            )
        )
        place += recipe.every * rng.uniform(0.7, 1.3)
    return made


def _bags(near: Sequence[Box], recipe: Bags, rng: np.random.Generator) -> list[Box]:
    bags = []
    for i in range(recipe.count):
        box = near[int(rng.integers(len(near)))]
        side = rng.choice([-1, 1])
        beside = (rng.uniform(-0.4, 0.4) * box.size[0], side * (box.size[1] / 2 + 0.2))
        size = rng.uniform((0.3, 0.15, 0.25), (0.5, 0.25, 0.5))
        bags.append(
            Box(
                name=f"bag_{recipe.near}{i}",
                kind="box",
                center=(*_placed(box, beside), float(size[2] / 2)),
                size=(float(size[0]), float(size[1]), float(size[2])),
                yaw=float(box.yaw + rng.normal(0, 0.3)),
                material="carpet_tile",
            )
        )
    return bags


def _plant(recipe: Plant, rng: np.random.Generator) -> list[Box]:
    pot = Box(
        name=f"{recipe.name}_pot",
        kind="box",
        center=(*recipe.at, recipe.pot / 2),
        size=(0.35, 0.35, recipe.pot),
        material="concrete",
    )
    leaves = []
    crown = recipe.height - recipe.pot
    for i in range(14):
        radius = recipe.width / 2 * np.sqrt(rng.uniform(0, 1)) * 0.7
        turn, up = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.9)
        side = recipe.width * rng.uniform(0.2, 0.4)
        centre = np.array(recipe.at) + radius * np.array([np.cos(turn), np.sin(turn)])
        leaves.append(
            Box(
                name=f"{recipe.name}_leaves{i}",
                kind="box",
                center=(float(centre[0]), float(centre[1]), float(recipe.pot + up * crown)),
                size=(side, 0.7 * side, 0.8 * side),
                yaw=float(rng.uniform(0, np.pi)),
                material="wood",
            )
        )
    return [pot, *leaves]
