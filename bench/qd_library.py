"""NIST's measured material libraries: what a surface reflects, and what diffuses round each reflection.

A reflected cluster is one specular ray, the cursor, and diffuse rays before and after it (Lecci et al.,
"Quasi-deterministic channel model for mmWaves: mathematical formalization and validation", GLOBECOM
2020). Every parameter of a file is Rician: `s_` is its distance from zero, `sigma_` its spread.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rician = tuple[float, float]


@dataclass(frozen=True)
class Rays:
    """The diffuse rays on one side of a cursor. count: drawn. k_db: cursor over the first of them.
    decay: ns, of their power. spread: nepers, of each one's power. rate: arrivals a ns."""

    count: int
    k_db: Rician
    decay: Rician
    spread: Rician
    rate: Rician

    @property
    def measured(self) -> bool:
        """Whether the library has any on this side: else all is zero."""
        return self.decay != (0, 0) and self.rate != (0, 0)


@dataclass(frozen=True)
class Reflector:
    """loss_db: of the reflection; its printed mean is mean_loss_db. sides: before, after."""

    library: str
    name: str
    loss_db: Rician
    mean_loss_db: float
    sides: tuple[Rays, Rays]


def read_library(file: Path) -> tuple[Reflector, ...]:
    """Raises ValueError where the file has no measured rays: NIST's other libraries are permittivities."""
    with file.open() as stream:
        rows = list(csv.DictReader(stream))
    if not rows or "s_K_Postcursor" not in rows[0]:
        raise ValueError(f"{file}: no measured rays in it; expected a column s_K_Postcursor")
    library = file.stem.removeprefix("materialLibrary")
    return tuple(
        Reflector(library, row["Reflector"], _rician(row, "RL"), float(row["mu_RL"]),
                  (_rays(row, "Precursor"), _rays(row, "Postcursor")))
        for row in rows
    )  # fmt: skip


def draw(parameter: Rician, size: int, random: np.random.Generator) -> Array:
    """(size,) Rician."""
    distance, spread = parameter
    return np.hypot(
        distance + spread * random.standard_normal(size), spread * random.standard_normal(size)
    )


def diffuse_over_cursor(
    reflector: Reflector, size: int, seed: int, window: float = np.inf
) -> Array:
    """(size,) power of a cluster's diffuse rays over that of its cursor, of rays within `window` ns.

    Ray i has 10^(-K/10) exp(-t_i / decay + S_i) of the cursor's power, t_i a Poisson process.
    """
    random = np.random.default_rng(seed)
    total = np.zeros(size)
    for rays in reflector.sides:
        if not rays.measured:
            continue
        k_db, decay, spread, rate = (
            draw(p, size, random)[:, None] for p in (rays.k_db, rays.decay, rays.spread, rays.rate)
        )
        shape = size, rays.count
        after = np.cumsum(random.exponential(size=shape), axis=1) / rate
        power = np.exp(-after / decay + spread * random.standard_normal(shape)) * 10 ** (-k_db / 10)
        total += np.where(after < window, power, 0.0).sum(axis=1)
    return total


def _rician(row: Mapping[str, str], name: str) -> Rician:
    return float(row[f"s_{name}"]), float(row[f"sigma_{name}"])


def _rays(row: Mapping[str, str], side: str) -> Rays:
    k_db, decay, spread, rate = (
        _rician(row, f"{name}_{side}") for name in ("K", "gamma", "sigmaS", "lambda")
    )
    return Rays(int(row[f"n_{side}"]), k_db, decay, spread, rate)
