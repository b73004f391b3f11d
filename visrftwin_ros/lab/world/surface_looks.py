"""What surfaces look like to a camera."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from visrftwin_ros.lab.world.data_sets import Textures

Colour = tuple[float, float, float]
Pattern = Literal[
    "plain", "speckle", "veins", "planks", "bricks", "tiles", "weave", "panels", "slats"
]


class Appearance(BaseModel):
    """A surface under light.

    pattern: of the texture. colours: sRGB, 0 to 1: the ground's, then the pattern's. tile: metres
    after which the pattern comes again. roughness: of the principled BSDF. metallic, clear: metal,
    or glass that one sees through.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    pattern: Pattern = "plain"
    colours: Annotated[tuple[Colour, ...], Field(min_length=1)] = ((0.7, 0.7, 0.7),)
    tile: PositiveFloat = 1.0
    roughness: Annotated[float, Field(ge=0.02, le=1)] = 0.6
    metallic: Annotated[float, Field(ge=0, le=1)] = 0.0
    clear: bool = False


_USUAL: Mapping[str, Appearance] = {
    "concrete": Appearance(pattern="speckle", colours=((0.62, 0.61, 0.59), (0.5, 0.5, 0.49)), tile=2.0),
    "brick": Appearance(
        pattern="bricks", colours=((0.55, 0.28, 0.2), (0.72, 0.69, 0.64)), tile=0.9, roughness=0.9
    ),
    "plasterboard": Appearance(
        pattern="speckle", colours=((0.86, 0.85, 0.81), (0.82, 0.81, 0.77)), roughness=0.8
    ),
    "wood": Appearance(
        pattern="planks", colours=((0.55, 0.37, 0.2), (0.4, 0.25, 0.13)), roughness=0.45
    ),
    "plywood": Appearance(
        pattern="planks", colours=((0.72, 0.56, 0.36), (0.62, 0.45, 0.27)), roughness=0.5
    ),
    "chipboard": Appearance(
        pattern="weave", colours=((0.35, 0.36, 0.4), (0.28, 0.29, 0.33)), tile=0.15, roughness=0.9
    ),
    "glass": Appearance(colours=((0.85, 0.93, 0.9),), roughness=0.05, clear=True),
    "metal": Appearance(colours=((0.62, 0.63, 0.65),), roughness=0.35, metallic=0.9),
    "ceiling_board": Appearance(
        pattern="panels", colours=((0.88, 0.88, 0.86), (0.6, 0.6, 0.6)), tile=0.6, roughness=0.9
    ),
    "marble": Appearance(
        pattern="veins", colours=((0.78, 0.75, 0.7), (0.55, 0.5, 0.45)), tile=1.6, roughness=0.18
    ),
    "carpet_tile": Appearance(
        pattern="weave", colours=((0.3, 0.33, 0.4), (0.22, 0.25, 0.32)), tile=0.5, roughness=1.0
    ),
    "asphalt_concrete": Appearance(
        pattern="speckle", colours=((0.3, 0.3, 0.31), (0.2, 0.2, 0.21)), tile=1.5, roughness=0.9
    ),
}  # fmt: skip
"""By material: matching looks where the world says nothing else."""


def looks_of(
    name: str, material: str, looks: Mapping[str, Sequence[Appearance]]
) -> Sequence[Appearance]:
    """Between which looks the surface `name` has: those of the longest key of `looks` that it starts
    with, else that of its material."""
    keys = [key for key in looks if name.startswith(key)]
    return looks[max(keys, key=len)] if keys else (_USUAL.get(material, Appearance()),)


def drawn_appearance(
    name: str,
    material: str,
    looks: Mapping[str, Sequence[Appearance]],
    choice: int,
    textures: Textures,
    rng: np.random.Generator,
) -> Appearance:
    """How the surface `name` looks in this world: the look `choice` of `looks_of`, in the family's
    `textures`; the colours then move a little, in brightness most."""
    chosen = looks_of(name, material, looks)[choice]
    shift = textures.brightness + rng.normal(0, 0.03) + rng.normal(0, 0.012, 3)
    colours = tuple(
        (float(r), float(g), float(b))
        for r, g, b in np.clip(np.array(chosen.colours) + shift, 0.02, 0.95)
    )
    return chosen.model_copy(update={"colours": colours, "tile": chosen.tile * textures.tile})
