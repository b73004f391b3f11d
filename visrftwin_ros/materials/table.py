"""Permittivity, conductivity and roughness of named materials over frequency.

Permittivity and conductivity follow ITU-R P.2040-4 section 2.1.4, eqs. (57) and (58):
eps_r = a f^b and sigma = c f^d with f in GHz; where a frequency lies outside every measured
range the nearest range's law is extended and the result is marked `extrapolated`.
Scattering coefficients follow table 2 of the paper (middle of each printed range) where it has
the material; the others are our estimates from their roughness.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import MaterialEntry


@dataclass(frozen=True)
class FrequencyLaw:
    """One row of P.2040 table 3, valid from `low` to `high` [Hz]."""

    low: float
    high: float
    a: float
    b: float
    c: float
    d: float


@dataclass(frozen=True)
class MaterialValues:
    """A material at one frequency.

    relative_permittivity: real part. conductivity: S/m. scattering_coefficient: in [0, 1].
    thickness: metres, of the slab. extrapolated: the frequency is outside the measured range.
    """

    name: str
    relative_permittivity: float
    conductivity: float
    scattering_coefficient: float
    thickness: float
    extrapolated: bool


@dataclass(frozen=True)
class _Entry:
    laws: tuple[FrequencyLaw, ...]
    scattering_coefficient: float
    thickness: float


def _ghz(low: float, high: float, a: float, b: float, c: float, d: float) -> FrequencyLaw:
    return FrequencyLaw(low * 1e9, high * 1e9, a, b, c, d)


_TABLE: Mapping[str, _Entry] = {
    "concrete": _Entry(
        (_ghz(1, 100, 5.24, 0, 0.0462, 0.7822), _ghz(110, 330, 5.17, 0, 0.0145, 1.09)), 0.2, 0.2
    ),
    "brick": _Entry(
        (_ghz(1, 40, 3.91, 0, 0.0238, 0.16), _ghz(110, 330, 4.15, 0, 0.0006, 1.5712)), 0.4, 0.2
    ),
    "plasterboard": _Entry(
        (_ghz(1, 100, 2.73, 0, 0.0085, 0.9395), _ghz(110, 330, 2.56, 0, 0.0001, 1.7799)),
        0.085,
        0.0125,
    ),
    "wood": _Entry(
        (_ghz(0.001, 100, 1.99, 0, 0.0047, 1.0718), _ghz(110, 330, 1.82, 0, 0.004, 1.0761)),
        0.15,
        0.03,
    ),
    "glass": _Entry(
        (_ghz(0.1, 100, 6.31, 0, 0.0036, 1.3394), _ghz(220, 450, 5.79, 0, 0.0004, 1.658)),
        0.0,
        0.006,
    ),
    "ceiling_board": _Entry(
        (_ghz(1, 100, 1.48, 0, 0.0011, 1.075), _ghz(220, 450, 1.52, 0, 0.0029, 1.029)), 0.3, 0.015
    ),
    "chipboard": _Entry(
        (_ghz(1, 100, 2.58, 0, 0.0217, 0.78), _ghz(100, 200, 2.16, 0, 0.0023, 1.359)), 0.15, 0.018
    ),
    "plywood": _Entry(
        (_ghz(1, 40, 2.71, 0, 0.33, 0), _ghz(110, 330, 1.94, 0, 0.0067, 0.9982)), 0.15, 0.012
    ),
    "marble": _Entry(
        (_ghz(1, 60, 7.074, 0, 0.0055, 0.9262), _ghz(110, 330, 7.94, 0, 0.0001, 1.733)), 0.0, 0.03
    ),
    "floorboard": _Entry((_ghz(50, 100, 3.66, 0, 0.0044, 1.3515),), 0.1, 0.02),
    "vinyl_tile": _Entry((_ghz(1, 40, 3.62, 0, 0.0051, 0.8422),), 0.05, 0.005),
    "carpet_tile": _Entry((_ghz(1, 40, 2.08, 0, 0.0009, 0.82),), 0.3, 0.01),
    "asphalt_concrete": _Entry((_ghz(1, 40, 4.83, 0, 0.0108, 1.3969),), 0.3, 0.5),
    "metal": _Entry((_ghz(1, 100, 1, 0, 1e7, 0),), 0.0, 0.005),
    "very_dry_ground": _Entry((_ghz(1, 10, 3, 0, 0.00015, 2.52),), 0.3, 1.0),
    "medium_dry_ground": _Entry((_ghz(1, 10, 15, -0.1, 0.035, 1.63),), 0.3, 1.0),
    "wet_ground": _Entry((_ghz(1, 10, 30, -0.4, 0.15, 1.3),), 0.2, 1.0),
    # Dry skin at 60 GHz (Gabriel, Lau and Gabriel, Phys. Med. Biol. 41, 1996: 7.98, 36.4 S/m); its
    # dispersion is left out, so it holds near 60 GHz only.
    "skin": _Entry((_ghz(55, 65, 8.0, 0, 36.0, 0),), 0.0, 0.1),
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
        )
    entry = _TABLE.get(_ALIASES.get(name, name))
    if entry is None:
        known = (*material_names(), *(site_materials or {}))
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(sorted(known))}"
        raise TwinError(
            f"unknown material {name!r}; {hint} (or give it under `materials:` in site.yaml)"
        )
    law = _nearest_law(entry.laws, frequency)
    f_ghz = frequency / 1e9
    return MaterialValues(
        name=name,
        # Below 1 the law has left physics behind; P.2040 gives no material under vacuum.
        relative_permittivity=max(1.0, law.a * f_ghz**law.b),
        conductivity=law.c * f_ghz**law.d,
        scattering_coefficient=entry.scattering_coefficient,
        thickness=entry.thickness,
        extrapolated=not law.low <= frequency <= law.high,
    )


def literal_material(name: str, thickness: float, values: Mapping[str, float]) -> MaterialValues:
    """A material of these values, which are the fields of a `MaterialEntry`.

    Raises TwinError naming the value that is out of its range, and the range.
    """
    try:
        entry = MaterialEntry(thickness=thickness, **values)
    except ValidationError as error:
        wrong = [f"{e['loc'][0]} is {e['input']:g}: {e['msg'].lower()}" for e in error.errors()]
        raise TwinError(f"material {name!r}: {'; '.join(wrong)}") from None
    return material_values(name, 1.0, {name: entry})


def _nearest_law(laws: tuple[FrequencyLaw, ...], frequency: float) -> FrequencyLaw:
    def octaves_outside(law: FrequencyLaw) -> float:
        return max(0.0, math.log2(law.low / frequency), math.log2(frequency / law.high))

    return min(laws, key=octaves_outside)
