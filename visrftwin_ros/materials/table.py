"""Permittivity, conductivity and roughness of named materials over frequency.

Permittivity and conductivity follow ITU-R P.2040-4 section 2.1.4, eqs. (57) and (58):
eps_r = a f^b and sigma = c f^d with f in GHz. Between two measured ranges both are interpolated,
their logarithms over that of frequency; outside all of them the nearest range's law is extended and
the result is marked `extrapolated`.
Scattering coefficients follow table 2 of the paper (middle of each printed range) where it has
the material; the others are our estimates from their roughness.

Nobody knows a wall's thickness to a fraction of a wavelength: the packaged ones are typical, and
`THICKNESS_SPREAD` is the share to either side within which the real one may lie. Product standards
alone allow 3 % (EN 572-2, float glass of 6 mm), 4 % (EN 520, plasterboard of 12.5 mm) and 2 to 4 %
(EN 771-1, bricks), and panes, boards and tiles come in steps of 20 to 50 % of which the site's author
knows only the usual one; 10 % lies between.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError
from scipy.constants import epsilon_0

from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import THICKNESS_SPREAD, MaterialEntry


@dataclass(frozen=True)
class FrequencyLaw:
    """One row of P.2040 table 3, valid from `low` to `high` [GHz]."""

    low: float
    high: float
    a: float
    b: float
    c: float
    d: float

    def at(self, f_ghz: float) -> tuple[float, float]:
        """Relative permittivity and conductivity [S/m]."""
        return self.a * f_ghz**self.b, self.c * f_ghz**self.d


@dataclass(frozen=True)
class DispersionLaw:
    """Cole and Cole's sum of relaxations, valid from `low` to `high` [GHz].

    instant: relative permittivity at the highest frequencies. relaxations: of each its rise, time
    [s] and spread (0 = Debye's). ions: S/m at the lowest.
    """

    low: float
    high: float
    instant: float
    relaxations: tuple[tuple[float, float, float], ...]
    ions: float

    def at(self, f_ghz: float) -> tuple[float, float]:
        """Relative permittivity and conductivity [S/m]."""
        turn = 2j * math.pi * f_ghz * 1e9
        value = self.instant + sum(
            rise / (1 + (turn * time) ** (1 - spread)) for rise, time, spread in self.relaxations
        )
        return value.real, self.ions - (value.imag * turn).imag * epsilon_0


@dataclass(frozen=True)
class MaterialValues:
    """A material at one frequency.

    relative_permittivity: real part. conductivity: S/m. scattering_coefficient: in [0, 1].
    thickness: metres, of the slab. extrapolated: the frequency is outside every measured range.
    thickness_spread: share of the thickness to either side within which it may lie; 0 = exact.
    """

    name: str
    relative_permittivity: float
    conductivity: float
    scattering_coefficient: float
    thickness: float
    extrapolated: bool
    thickness_spread: float = THICKNESS_SPREAD


@dataclass(frozen=True)
class _Entry:
    """laws: ascending, of ranges that do not overlap."""

    laws: tuple[FrequencyLaw | DispersionLaw, ...]
    scattering_coefficient: float
    thickness: float


def _entry(scattering: float, thickness: float, *laws: tuple[float, ...]) -> _Entry:
    return _Entry(tuple(FrequencyLaw(*law) for law in laws), scattering, thickness)


_TABLE: Mapping[str, _Entry] = {
    "concrete": _entry(
        0.2, 0.2, (1, 100, 5.24, 0, 0.0462, 0.7822), (110, 330, 5.17, 0, 0.0145, 1.09)
    ),
    "brick": _entry(0.4, 0.2, (1, 40, 3.91, 0, 0.0238, 0.16), (110, 330, 4.15, 0, 0.0006, 1.5712)),
    "plasterboard": _entry(
        0.085, 0.0125, (1, 100, 2.73, 0, 0.0085, 0.9395), (110, 330, 2.56, 0, 0.0001, 1.7799)
    ),
    "wood": _entry(
        0.15, 0.03, (0.001, 100, 1.99, 0, 0.0047, 1.0718), (110, 330, 1.82, 0, 0.004, 1.0761)
    ),
    "glass": _entry(
        0.0, 0.006, (0.1, 100, 6.31, 0, 0.0036, 1.3394), (220, 450, 5.79, 0, 0.0004, 1.658)
    ),
    "ceiling_board": _entry(
        0.3, 0.015, (1, 100, 1.48, 0, 0.0011, 1.075), (220, 450, 1.52, 0, 0.0029, 1.029)
    ),
    "chipboard": _entry(
        0.15, 0.018, (1, 100, 2.58, 0, 0.0217, 0.78), (100, 200, 2.16, 0, 0.0023, 1.359)
    ),
    "plywood": _entry(0.15, 0.012, (1, 40, 2.71, 0, 0.33, 0), (110, 330, 1.94, 0, 0.0067, 0.9982)),
    "marble": _entry(
        0.0, 0.03, (1, 60, 7.074, 0, 0.0055, 0.9262), (110, 330, 7.94, 0, 0.0001, 1.733)
    ),
    "floorboard": _entry(0.1, 0.02, (50, 100, 3.66, 0, 0.0044, 1.3515)),
    "vinyl_tile": _entry(0.05, 0.005, (1, 40, 3.62, 0, 0.0051, 0.8422)),
    "carpet_tile": _entry(0.3, 0.01, (1, 40, 2.08, 0, 0.0009, 0.82)),
    "asphalt_concrete": _entry(0.3, 0.5, (1, 40, 4.83, 0, 0.0108, 1.3969)),
    "metal": _entry(0.0, 0.005, (1, 100, 1, 0, 1e7, 0)),
    "very_dry_ground": _entry(0.3, 1.0, (1, 10, 3, 0, 0.00015, 2.52)),
    "medium_dry_ground": _entry(0.3, 1.0, (1, 10, 15, -0.1, 0.035, 1.63)),
    "wet_ground": _entry(0.2, 1.0, (1, 10, 30, -0.4, 0.15, 1.3)),
    # Dry skin (Gabriel, Lau and Gabriel, Phys. Med. Biol. 41, 1996, part III table 1); measured up to
    # 20 GHz, and given by them up to 100.
    "skin": _Entry(
        (DispersionLaw(1e-8, 100, 4.0, ((32.0, 7.234e-12, 0.0), (1100.0, 32.481e-9, 0.2)), 2e-4),),
        0.0,
        0.1,
    ),
}

_ALIASES: Mapping[str, str] = {"ground": "medium_dry_ground", "asphalt": "asphalt_concrete"}


def material_names() -> tuple[str, ...]:
    """Every name that `material_values` knows without a site, aliases included, sorted."""
    return tuple(sorted((*_TABLE, *_ALIASES)))


def material_values(
    name: str, frequency: float, site_materials: Mapping[str, MaterialEntry] | None = None
) -> MaterialValues:
    """The material `name` at `frequency` [Hz].

    A site's own entry of that name comes before the packaged one and is taken as constant over
    frequency. Raises TwinError, listing near names, where neither knows it.
    """
    own = (site_materials or {}).get(name)
    if own is not None:
        return MaterialValues(
            name=name,
            relative_permittivity=own.relative_permittivity,
            conductivity=own.conductivity,
            scattering_coefficient=own.scattering_coefficient,
            thickness=own.thickness,
            extrapolated=False,
            thickness_spread=own.thickness_spread,
        )
    entry = _TABLE.get(_ALIASES.get(name, name))
    if entry is None:
        known = (*material_names(), *(site_materials or {}))
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(sorted(known))}"
        raise TwinError(
            f"unknown material {name!r}; {hint} (or give it under `materials:` in site.yaml)"
        )
    permittivity, conductivity, extrapolated = _at(entry.laws, frequency / 1e9)
    return MaterialValues(
        name=name,
        # Below 1 the law has left physics behind; P.2040 gives no material under vacuum.
        relative_permittivity=max(1.0, permittivity),
        conductivity=conductivity,
        scattering_coefficient=entry.scattering_coefficient,
        thickness=entry.thickness,
        extrapolated=extrapolated,
    )


def literal_material(
    name: str, slab: MaterialValues, values: Mapping[str, float]
) -> MaterialValues:
    """A material of these values, which are the fields of a `MaterialEntry`; thickness and its spread
    are those of `slab`.

    Raises TwinError naming the value that is out of its range, and the range.
    """
    try:
        entry = MaterialEntry(
            thickness=slab.thickness, thickness_spread=slab.thickness_spread, **values
        )
    except ValidationError as error:
        wrong = [f"{e['loc'][0]} is {e['input']:g}: {e['msg'].lower()}" for e in error.errors()]
        raise TwinError(f"material {name!r}: {'; '.join(wrong)}") from None
    return material_values(name, 1e9, {name: entry})


def _at(laws: tuple[FrequencyLaw | DispersionLaw, ...], f_ghz: float) -> tuple[float, float, bool]:
    """Relative permittivity, conductivity [S/m], and whether no range, nor a gap between two, has
    the frequency."""
    below = [law for law in laws if law.low <= f_ghz]
    above = [law for law in laws if law.high >= f_ghz]
    if not below or not above:
        return *(below[-1] if below else above[0]).at(f_ghz), True
    lower, upper = below[-1], above[0]
    if lower.high >= f_ghz:
        return *lower.at(f_ghz), False
    share = math.log(f_ghz / lower.high) / math.log(upper.low / lower.high)
    ends = zip(lower.at(lower.high), upper.at(upper.low), strict=True)
    permittivity, conductivity = (first ** (1 - share) * last**share for first, last in ends)
    return permittivity, conductivity, False
