"""How the real materials of places vary: between sites, within a class, within a surface.

The logarithm of a layer's permittivity less one is that of its substance plus four draws: of its label
at large (one for the whole region, so what one site teaches of a label holds in the next), of its label
at this site (a supplier, a moisture), of this surface, and, smooth over the surface, of this place on
it. Losses, thickness and roughness vary alike. Which construction a surface of a label has depends on
the site, which favours one of them, and its look tells which it is, most of the time.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from visrftwin_ros.lab.world.constructions import (
    MISTAKEN,
    SUBSTANCES,
    Construction,
    constructions_of,
)

_LIMIT = 2.5
"""Standard deviations at which every draw is cut off."""
_METALLIC = 1e3
"""|eps| from which a layer is a conductor, whose value does not vary."""
_WAVES = 24
"""Plane waves of which an uneven surface is made."""


@dataclass(frozen=True)
class Spread:
    """Standard deviations of a natural logarithm: `label` of the whole region, of `site`, of
    `surface`, and `within` one."""

    label: float
    site: float
    surface: float
    within: float

    @property
    def transferable(self) -> float:
        """Share of the variance between surfaces of one label at different sites that they have in
        common: the correlation on which a transfer can live."""
        return self.label**2 / (self.label**2 + self.site**2 + self.surface**2)


@dataclass(frozen=True)
class MaterialPrior:
    """The spreads of permittivity (less one), loss, thickness and roughness; `correlation`: m over
    which a surface is alike. mislabelled: share of the surfaces that are not what their label says.
    favoured: share of a label's surfaces that have the construction which their site favours.
    telling: share of the looks that belong to the construction beneath, where looks differ at all.

    The sizes are read from how far laboratories disagree on one material (Ferreira et al., EuCAP 2014:
    some 10 % in permittivity, a factor of two in loss) and from product standards (thickness), as in
    `materials.table`; none was fitted to any score.
    """

    permittivity: Spread = Spread(0.12, 0.08, 0.08, 0.02)
    loss: Spread = Spread(0.35, 0.25, 0.25, 0.0)
    thickness: Spread = Spread(0.06, 0.06, 0.06, 0.005)
    roughness: Spread = Spread(0.25, 0.20, 0.25, 0.0)
    correlation: float = 0.8
    mislabelled: float = 0.15
    favoured: float = 0.6
    telling: float = 0.8


PRIOR = MaterialPrior()
_REGION = 60_500
"""Seed of the draws that all sites share."""


@dataclass(frozen=True)
class Stack:
    """Layers as they are: relative permittivity eps' - j eps'', thickness in m."""

    permittivity: tuple[complex, ...]
    thickness: tuple[float, ...]


@dataclass(frozen=True)
class Wall:
    """A surface's real construction.

    label: what the survey calls it; real: what it is. stack: between the studs. pitch, width: m of the
    studs, 0 where there are none; shift: m; stud: the stack there. roughness: m; lobe: exponent.
    permittivity_within, thickness_within, correlation: of the unevenness that `seed` draws.
    """

    label: str
    real: str
    construction: str
    stack: Stack
    pitch: float
    width: float
    shift: float
    stud: Stack
    roughness: float
    lobe: float
    permittivity_within: float
    thickness_within: float
    correlation: float
    seed: int

    def unevenness(
        self, points: Float[np.ndarray, "n 3"]
    ) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """By what the permittivity less one and the thickness are multiplied at points on it: a smooth
        Gaussian field of correlation exp(-(d/correlation)^2 / 2), of few plane waves."""
        factors = []
        spreads = self.permittivity_within, self.thickness_within
        for spread, (waves, phase) in zip(
            spreads, _waves(self.seed, self.correlation), strict=True
        ):
            field = np.sqrt(2 / _WAVES) * np.cos(points @ waves.T + phase).sum(axis=1)
            factors.append(np.exp(spread * field))
        return factors[0], factors[1]


@lru_cache(maxsize=4096)
def _waves(
    seed: int, correlation: float
) -> tuple[tuple[Float[np.ndarray, "w 3"], Float[np.ndarray, " w"]], ...]:
    """1/m and phases of the plane waves of two fields."""
    rng = np.random.default_rng(seed)
    return tuple(
        (rng.normal(0, 1 / correlation, (_WAVES, 3)), rng.uniform(0, 2 * np.pi, _WAVES))
        for _ in range(2)
    )


def plain_wall(permittivity: complex, thickness: float) -> Wall:
    """A smooth, even slab."""
    stack = Stack((permittivity,), (thickness,))
    return Wall("", "", "slab", stack, 0.0, 0.0, 0.0, stack, 0.0, 1.0, 0.0, 0.0, 1.0, 0)


class MaterialDraw:
    """Draws the walls of one site. assignment: factors on the shares of constructions, by name, of the
    site's family."""

    def __init__(
        self, seed: int, assignment: Mapping[str, float], prior: MaterialPrior = PRIOR
    ) -> None:
        self._seed, self._prior, self._assignment = seed, prior, assignment

    def wall(self, surface: str, label: str, *, doubtful: bool) -> Wall:
        """Of the surface of this name and label; equal names and seeds give equal walls. doubtful: the
        label may be wrong."""
        prior, rng = self._prior, _stream(self._seed, f"wall {surface}")
        wrong, choice = rng.uniform(size=2)
        real = label
        if doubtful and wrong < prior.mislabelled and label in MISTAKEN:
            others = MISTAKEN[label]
            real = others[int(choice * len(others))]
        built = self._construction(real, rng)
        factors = {
            kind: self._factor(kind, real, rng)
            for kind in ("permittivity", "loss", "thickness", "roughness")
        }
        studs = built.studs
        stack = _stack(built.layers, factors)
        return Wall(
            label=label,
            real=real,
            construction=built.name,
            stack=stack,
            pitch=studs.pitch if studs else 0.0,
            width=studs.width if studs else 0.0,
            shift=float(rng.uniform(0, studs.pitch)) if studs else 0.0,
            stud=_stack(studs.layers, factors) if studs else stack,
            roughness=built.roughness * factors["roughness"],
            lobe=built.lobe,
            permittivity_within=prior.permittivity.within,
            thickness_within=prior.thickness.within,
            correlation=prior.correlation,
            seed=int(rng.integers(2**31)),
        )

    def look(self, wall: Wall, surface: str, count: int) -> int:
        """Which of `count` looks the wall has: mostly that of its construction. A wrongly labelled one
        looks like what its label says."""
        rng = _stream(self._seed, f"look {surface}")
        drawn = int(rng.integers(count))
        if rng.uniform() > self._prior.telling or wall.real != wall.label:
            return drawn
        names = [built.name for built in constructions_of(wall.real)]
        return names.index(wall.construction) % count

    def _construction(self, real: str, rng: np.random.Generator) -> Construction:
        choices = constructions_of(real)
        share = np.array([c.share * self._assignment.get(c.name, 1.0) for c in choices])
        share /= share.sum()
        favourite = int(_stream(self._seed, f"favourite {real}").choice(len(choices), p=share))
        if rng.uniform() < self._prior.favoured:
            return choices[favourite]
        return choices[int(rng.choice(len(choices), p=share))]

    def _factor(self, kind: str, real: str, rng: np.random.Generator) -> float:
        spread: Spread = getattr(self._prior, kind)
        drawn = (
            spread.label * _cut(_stream(_REGION, f"{kind} {real}")),
            spread.site * _cut(_stream(self._seed, f"{kind} {real}")),
            spread.surface * _cut(rng),
        )
        return float(np.exp(sum(drawn)))


def _cut(rng: np.random.Generator) -> float:
    return float(np.clip(rng.normal(), -_LIMIT, _LIMIT))


def _stream(seed: int, what: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(what.encode())])


def _stack(layers: Sequence[tuple[str, float]], factors: Mapping[str, float]) -> Stack:
    permittivity, thickness = [], []
    for substance, deep in layers:
        value = SUBSTANCES[substance]
        varies = substance != "air" and abs(value) < _METALLIC
        if varies:
            real = 1 + (value.real - 1) * factors["permittivity"]
            value = complex(real, value.imag * real / value.real * factors["loss"])
        permittivity.append(complex(value))
        thickness.append(deep * (factors["thickness"] if varies else 1.0))
    return Stack(tuple(permittivity), tuple(thickness))
