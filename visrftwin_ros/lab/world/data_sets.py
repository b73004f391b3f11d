"""Which set a seed belongs to, and of which family its place is: `lab/sets.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, PositiveFloat, model_validator

FILE = Path(__file__).parents[1] / "sets.yaml"
NO_SET = "none"
"""Of seeds that are in no set."""


class Textures(BaseModel):
    """brightness: added to sRGB colours. tile: factor on the patterns' size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    brightness: float
    tile: PositiveFloat


class _Set(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    seeds: tuple[int, int]
    families: tuple[tuple[str, str, str], ...]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    sets: dict[str, _Set]
    textures: dict[str, Textures]
    assignments: dict[str, dict[str, PositiveFloat]]

    @model_validator(mode="after")
    def _are_disjoint(self) -> _File:
        spans = sorted(s.seeds for s in self.sets.values())
        for (_, last), (first, _) in pairwise(spans):
            if first <= last:
                raise ValueError(f"two sets share the seed {first}")
        return self


@dataclass(frozen=True)
class Family:
    """set: fit, choose, judge or none. layout, textures, assignment: names in `lab/worlds` and
    `lab/sets.yaml`."""

    set: str
    layout: str
    textures: str
    assignment: str


def family_of(seed: int) -> Family:
    """That of the place which `seed` draws."""
    for name, entry in _file().sets.items():
        first, last = entry.seeds
        if first <= seed <= last:
            return Family(name, *entry.families[seed % len(entry.families)])
    return Family(NO_SET, "plain", "plain", "usual")


def seeds_of(name: str) -> range:
    """The seeds of the set fit, choose or judge."""
    first, last = _file().sets[name].seeds
    return range(first, last + 1)


def textures_of(family: Family) -> Textures:
    return _file().textures[family.textures]


def assignment_of(family: Family) -> dict[str, float]:
    """Factors on the shares of constructions, by name."""
    return _file().assignments[family.assignment]


@cache
def _file() -> _File:
    return _File.model_validate(yaml.safe_load(FILE.read_text()))
