"""What walls, panes, floors and furniture are built of, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

SUBSTANCES: Mapping[str, complex] = {
    "air": 1.0,
    "gypsum": 2.81 - 0.046j,
    "plaster": 2.9 - 0.06j,
    "wool": 1.12 - 0.004j,
    "concrete": 6.14 - 0.30j,
    "screed": 5.4 - 0.25j,
    "block": 2.26 - 0.10j,
    "brick": 3.95 - 0.08j,
    "glass": 5.9 - 0.2j,
    "wood": 1.8 - 0.09j,
    "board": 2.5 - 0.13j,
    "honeycomb": 1.1 - 0.003j,
    "melamine": 3.4 - 0.1j,
    "upholstery": 1.25 - 0.02j,
    "foam": 1.06 - 0.002j,
    "mineral_tile": 1.5 - 0.025j,
    "stone": 7.1 - 0.04j,
    "ceramic": 6.3 - 0.06j,
    "carpet": 1.7 - 0.04j,
    "vinyl": 3.2 - 0.08j,
    "asphalt": 4.8 - 0.25j,
    "gravel": 3.6 - 0.15j,
    "paint": 3.2 - 0.1j,
    "metal": 1.0 - 1e6j,
    "low_e": 1.0 - 6e5j,
}
"""Relative permittivity at 60.5 GHz, eps' - j eps''. After the 60 GHz measurements of Correia and
Frances (PIMRC 1994: concrete, plasterboard, glass, wood, aerated concrete, tiles) and the ranges that
Ferreira et al. (EuCAP 2014) collect, rounded by us. The low-emissivity film stands for silver of 5
ohm a square as 0.1 um of 2 MS/m; what is thinner than its skin is its sheet resistance."""


@dataclass(frozen=True)
class Studs:
    """Uprights every `pitch` m, `width` m wide, between the boards. layers: the whole stack there, of
    (substance, m)."""

    pitch: float
    width: float
    layers: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Construction:
    """layers: (substance, thickness in m), as seen from either side alike or from outside. share: how
    common among those of its label. roughness: m, root mean square height of the face. lobe: exponent
    of the directive scattering lobe, large for a narrow one."""

    name: str
    share: float
    layers: tuple[tuple[str, float], ...]
    roughness: float
    lobe: float
    studs: Studs | None = None


def _layers(text: str) -> tuple[tuple[str, float], ...]:
    """`gypsum 12.5 / air 75`: substances and millimetres."""
    pairs = (part.split() for part in text.split("/"))
    return tuple((substance, float(mm) * 1e-3) for substance, mm in pairs)


def _studs(pitch: float, width: float, text: str) -> Studs:
    return Studs(pitch, width, _layers(text))


_DECK = "concrete 200"

CONSTRUCTIONS: Mapping[str, tuple[Construction, ...]] = {
    "plasterboard": (
        Construction(
            "boards on steel studs",
            0.45,
            _layers("gypsum 12.5 / air 75 / gypsum 12.5"),
            0.15e-3,
            12.0,
            _studs(0.6, 0.05, "gypsum 12.5 / metal 0.6 / air 73.8 / metal 0.6 / gypsum 12.5"),
        ),
        Construction(
            "double boards with wool on steel studs",
            0.35,
            _layers("gypsum 25 / wool 75 / gypsum 25"),
            0.2e-3,
            12.0,
            _studs(0.6, 0.05, "gypsum 25 / metal 0.6 / air 73.8 / metal 0.6 / gypsum 25"),
        ),
        Construction(
            "boards with foil on wooden studs",
            0.20,
            _layers("gypsum 12.5 / metal 0.03 / wool 100 / gypsum 12.5"),
            0.25e-3,
            8.0,
            _studs(0.625, 0.06, "gypsum 12.5 / metal 0.03 / wood 100 / gypsum 12.5"),
        ),
    ),
    "concrete": (
        Construction("bare concrete", 0.5, _layers("concrete 200"), 0.35e-3, 6.0),
        Construction("plastered concrete", 0.35, _layers("plaster 12 / concrete 200"), 0.2e-3, 8.0),
        Construction(
            "lined concrete",
            0.15,
            _layers("gypsum 12.5 / air 40 / concrete 180"),
            0.15e-3,
            12.0,
            _studs(0.6, 0.05, "gypsum 12.5 / metal 0.6 / concrete 180"),
        ),
    ),
    "brick": (
        Construction("facing brick", 0.5, _layers("brick 215"), 0.7e-3, 4.0),
        Construction(
            "brick and plaster", 0.3, _layers("plaster 15 / brick 215 / plaster 12"), 0.35e-3, 5.0
        ),
        Construction(
            "cavity brick with foil",
            0.2,
            _layers("brick 102 / air 40 / metal 0.03 / foam 60 / block 100"),
            0.7e-3,
            4.0,
        ),
    ),
    "glass": (
        Construction("single pane", 0.3, _layers("glass 8"), 0.0, 60.0),
        Construction("double pane", 0.3, _layers("glass 6 / air 16 / glass 4"), 0.0, 60.0),
        Construction(
            "coated double pane", 0.4, _layers("glass 6 / low_e 0.0001 / air 16 / glass 4"), 0.0, 60.0
        ),
    ),
    "wood": (
        Construction("solid wood", 0.4, _layers("wood 32"), 0.1e-3, 15.0),
        Construction("hollow core", 0.4, _layers("board 3.5 / honeycomb 33 / board 3.5"), 0.1e-3, 15.0),
        Construction("veneer on board", 0.2, _layers("melamine 1 / board 19 / melamine 1"), 0.05e-3, 20.0),
    ),
    "chipboard": (
        Construction("bare board", 0.25, _layers("board 18"), 0.15e-3, 12.0),
        Construction("upholstered board", 0.5, _layers("upholstery 3 / foam 40 / board 16"), 0.6e-3, 4.0),
        Construction("laminate", 0.25, _layers("melamine 1 / board 22"), 0.05e-3, 20.0),
    ),
    "plywood": (
        Construction("plywood", 0.6, _layers("board 12"), 0.1e-3, 15.0),
        Construction("moulded shell", 0.4, _layers("melamine 4"), 0.05e-3, 20.0),
    ),
    "ceiling_board": (
        Construction(
            "mineral tiles under a deck",
            0.5,
            _layers(f"mineral_tile 15 / air 350 / {_DECK}"),
            0.5e-3,
            5.0,
            _studs(0.6, 0.024, f"metal 0.4 / air 365 / {_DECK}"),
        ),
        Construction(
            "plasterboard under a deck", 0.35, _layers(f"gypsum 12.5 / air 300 / {_DECK}"), 0.2e-3, 10.0
        ),
        Construction("foil-backed tiles", 0.15, _layers("mineral_tile 20 / metal 0.03"), 0.5e-3, 5.0),
    ),
    "marble": (
        Construction("stone on screed", 0.5, _layers("stone 20 / screed 60 / concrete 200"), 0.03e-3, 30.0),
        Construction("ceramic on screed", 0.35, _layers("ceramic 10 / screed 60 / concrete 200"), 0.1e-3, 20.0),
        Construction("stone on steel deck", 0.15, _layers("stone 25 / screed 40 / metal 1"), 0.03e-3, 30.0),
    ),
    "carpet_tile": (
        Construction("carpet on screed", 0.6, _layers("carpet 7 / screed 60 / concrete 200"), 0.8e-3, 3.0),
        Construction("carpet on a raised steel floor", 0.4, _layers("carpet 7 / metal 0.5"), 0.8e-3, 3.0),
    ),
    "vinyl_tile": (
        Construction("vinyl on screed", 1.0, _layers("vinyl 3 / screed 60 / concrete 200"), 0.1e-3, 15.0),
    ),
    "asphalt_concrete": (
        Construction("fine asphalt", 0.6, _layers("asphalt 60 / gravel 200"), 0.8e-3, 3.0),
        Construction("worn asphalt", 0.4, _layers("asphalt 40 / gravel 200"), 1.4e-3, 2.0),
    ),
    "metal": (
        Construction("bare steel", 0.5, _layers("metal 1"), 0.02e-3, 60.0),
        Construction("painted steel", 0.5, _layers("paint 0.15 / metal 1"), 0.05e-3, 40.0),
    ),
}  # fmt: skip
"""By what a survey calls them."""

MISTAKEN: Mapping[str, tuple[str, ...]] = {
    "plasterboard": ("brick", "concrete", "wood"),
    "concrete": ("plasterboard", "brick"),
    "brick": ("concrete", "plasterboard"),
    "glass": ("metal", "plasterboard"),
    "wood": ("metal", "plasterboard"),
    "chipboard": ("wood", "metal"),
    "plywood": ("metal", "chipboard"),
    "ceiling_board": ("plasterboard", "metal"),
    "marble": ("vinyl_tile", "concrete"),
    "carpet_tile": ("vinyl_tile", "concrete"),
    "asphalt_concrete": ("concrete", "brick"),
    "metal": ("wood", "chipboard"),
}
"""What a surface is really where its label is wrong."""


def constructions_of(label: str) -> tuple[Construction, ...]:
    """Those of a label; one that has none of its own counts as the plain board."""
    return CONSTRUCTIONS.get(label, CONSTRUCTIONS["chipboard"][:1])
