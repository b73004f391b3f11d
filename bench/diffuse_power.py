"""Write docs/diffuse_power.md: how much of the received power is diffuse, measured and in the twin.

VISRFTWIN_TEST_DATA=../shared/data python bench/diffuse_power.py [--out docs]
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from diffuse_sites import medians, sites, sites_table
from numpy.typing import NDArray
from qd_library import Reflector, diffuse_over_cursor, draw, read_library
from real_data.page import spread, table
from scipy.constants import speed_of_light

from visrftwin_ros.materials.table import MaterialValues, material_values
from visrftwin_ros.propagation.fields.free_space import free_space_amplitude, wavelength_of
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import DIFFUSE, SPECULAR, PathSet
from visrftwin_ros.propagation.tracing.sionna_solver import traced_paths
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Propagation

Array = NDArray[np.float64]

FREQUENCY = 60.5e9
CLUSTERS = 20_000
"""Draws of each reflector of a library."""
LATE = 15.0
"""ns after the specular ray by which a library's 16 rays have come: our samples are counted as long."""
NARROW = np.deg2rad(10.0)
"""About three of the libraries' angular spreads (`sigmaAlpha`, 2 to 4 degrees)."""
FIT, JUDGE = "LectureRoom", "DataCenter"
"""The library from which S is estimated, and the one that it is judged on."""


@dataclass(frozen=True)
class Plane:
    """A surface of `size` m and where the ends of links off it are drawn, uniform: metres from it, and
    along it; as in rooms of 3 m height with antennas 2.5 m and 1.6 m high."""

    upright: bool
    size: tuple[float, float]
    near: tuple[float, float]
    far: tuple[float, float]


WALL = Plane(True, (20.0, 3.0), (1.0, 6.0), (1.0, 6.0))
CEILING = Plane(False, (20.0, 10.0), (0.5, 0.5), (1.4, 1.4))
TABLES = Plane(False, (3.0, 0.6), (1.75, 1.75), (0.85, 0.85))

PLANES: Mapping[str, tuple[Plane, tuple[str, ...]]] = {
    "walls": (WALL, ("plasterboard", "concrete", "brick")),
    "ceiling and floor": (CEILING, ("ceiling_board", "carpet_tile", "concrete")),
    "tables": (TABLES, ("wood", "chipboard")),
    "racks": (WALL, ("metal",)),
}
"""Classes of reflectors, and materials of ours that may be meant: the libraries name none."""
CLASS_OF: Mapping[str, str] = {
    "RightWall": "walls", "LeftWall": "walls", "TopWall": "walls", "BottomWall": "walls",
    "WallandColumn": "walls", "Ceiling": "ceiling and floor", "Tables": "tables",
    "Rackside": "racks",
}  # fmt: skip
"""Floors repeat their library's ceiling; rack tops have no rays, and we have no curtain."""


@dataclass(frozen=True)
class Bounces:
    """Links off one plane: loss of the specular ray against Friis of its length, dB; power of the
    diffuse samples over the specular ray's, all and those that arrive within LATE and NARROW of it."""

    loss_db: Array
    diffuse: Array
    narrow: Array


def links_off(plane: Plane, material: MaterialValues, count: int = 6, seed: int = 3) -> Bounces:
    """Of count^2 links, one bounce, by the engine's solver."""
    random = np.random.default_rng(seed)
    half = plane.size[0] / 2

    def ends(away: tuple[float, float], level: float, side: float) -> Array:
        along = side * random.uniform(0.1 * half, 0.5 * half, count)
        off = random.uniform(*away, count)
        if plane.upright:
            return np.column_stack([along, off, np.full(count, level)])
        across = random.uniform(-0.1, 0.1, count) * plane.size[1]
        return np.column_stack([along, across, off])

    tx, rx = ends(plane.near, 2.5, -1.0), ends(plane.far, 1.6, 1.0)
    a, b = half, plane.size[1] / 2
    if plane.upright:
        corners = [(-a, 0, 0), (a, 0, 0), (a, 0, 2 * b), (-a, 0, 2 * b)]
    else:
        corners = [(-a, -b, 0), (a, -b, 0), (a, b, 0), (-a, b, 0)]
    mesh = SurfaceMesh(
        "plane", np.array(corners, float), np.array([[0, 1, 2], [0, 2, 3]]), material
    )
    settings = Propagation(max_depth=1, samples=400_000, refraction=False, diffraction=False)
    names = [tuple(f"{end}{i}" for i in range(count)) for end in ("tx", "rx")]
    paths = traced_paths((mesh,), Devices(names[0], tx), Devices(names[1], rx), FREQUENCY, settings)
    rows = [_one(paths, index) for index in range(len(paths.links))]
    return Bounces(*np.array([row for row in rows if row is not None]).T)


def _one(paths: PathSet, index: int) -> tuple[float, float, float] | None:
    rows = paths.of_link(index)
    kind, power, delay = paths.interactions[rows, 0], paths.power[rows], paths.delay[rows]
    mirror = np.flatnonzero(kind == SPECULAR)
    if not len(mirror):
        return None
    specular, arrives = power[mirror[0]], delay[mirror[0]]
    free = free_space_amplitude(np.array(arrives * speed_of_light), wavelength_of(FREQUENCY)) ** 2
    scattered = kind == DIFFUSE
    aside = np.arccos(np.clip(paths.arrival[rows] @ paths.arrival[rows][mirror[0]], -1, 1))
    narrow = scattered & (delay < arrives + LATE * 1e-9) & (aside < NARROW)
    return (
        float(-10 * np.log10(specular / free)),
        float(power[scattered].sum() / specular),
        float(power[narrow].sum() / specular),
    )


def share(over: Array) -> Array:
    """Of a cluster's power, what is diffuse."""
    return over / (1 + over)


def coefficient_for(wanted: float, bounces: Bounces, material: MaterialValues) -> float:
    """S with which the mean share of diffuse power of the links becomes `wanted`: the diffuse power over
    the specular ray's goes with S^2 / (1 - S^2)."""
    own = material.scattering_coefficient**2
    per_unit = bounces.diffuse / (own / (1 - own))
    low, high = 0.0, 1e4
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if share(per_unit * middle).mean() < wanted else (low, middle)
    return float(np.sqrt(low / (1 + low)))


def libraries(data: Path) -> tuple[Reflector, ...]:
    folder = data / "channel/nist_qd"
    return tuple(
        reflector
        for name in (FIT, JUDGE)
        for reflector in read_library(folder / f"materialLibrary{name}.csv")
    )


def measured_shares(reflector: Reflector) -> Array:
    return share(diffuse_over_cursor(reflector, CLUSTERS, seed=7))


def measured_table(reflectors: Sequence[Reflector]) -> str:
    random = np.random.default_rng(5)
    rows = []
    for reflector in reflectors:
        if reflector.name not in CLASS_OF:
            continue
        loss, shares = draw(reflector.loss_db, CLUSTERS, random), measured_shares(reflector)
        k_only = np.mean(10 ** (-draw(reflector.sides[1].k_db, CLUSTERS, random) / 10))
        rows.append((reflector.library, reflector.name, CLASS_OF[reflector.name], spread(loss),
                     f"{loss.mean():.1f} ({reflector.mean_loss_db:.1f})", spread(shares * 100, 0),
                     f"{shares.mean():.0%}", f"{k_only / (1 + k_only):.0%}"))  # fmt: skip
    head = ("library", "reflector", "class", "reflection loss, 10 / 50 / 90 % (dB)",
            "mean (printed)", "diffuse share of a cluster, 10 / 50 / 90 % (%)", "mean",
            "1 / (1 + K) of one ray")  # fmt: skip
    return table(head, rows)


def reach(values: Sequence[float], digits: str) -> str:
    low, high = format(min(values), digits), format(max(values), digits)
    return low if low == high else f"{low} to {high}"


def materials_table(
    bounces: Mapping[tuple[str, str], Bounces], reflectors: Sequence[Reflector]
) -> str:
    rows = []
    for (kind, material), found in bounces.items():
        values = material_values(material, FREQUENCY)
        beside = [r for r in reflectors if CLASS_OF.get(r.name) == kind]
        losses = [r.mean_loss_db for r in beside]
        shares = [measured_shares(r).mean() for r in beside]
        rows.append((kind, f"`{material}`", f"{values.scattering_coefficient:g}",
                     spread(found.loss_db), reach(losses, ".1f"),
                     f"{share(found.diffuse).mean():.1%}", f"{share(found.narrow).mean():.1%}",
                     reach(shares, ".0%")))  # fmt: skip
    head = ("class", "ours", "S", "reflection loss, 10 / 50 / 90 % (dB)", "NIST, means (dB)",
            "diffuse share of a cluster, mean", "what of it is near the mirror's ray",
            "NIST, means")  # fmt: skip
    return table(head, rows)


@dataclass(frozen=True)
class AsBuilt:
    """kind: of reflectors. material: ours. coefficients: S of each reflector of FIT. predicted: mean
    diffuse share with their mean S. measured: of JUDGE's, mean, 10 and 90 %. of_table: with our S."""

    kind: str
    material: str
    coefficients: tuple[float, ...]
    predicted: float
    measured: tuple[float, float, float]
    of_table: float

    @property
    def coefficient(self) -> float:
        return float(np.mean(self.coefficients))


def as_built(
    bounces: Mapping[tuple[str, str], Bounces], reflectors: Sequence[Reflector]
) -> tuple[AsBuilt, ...]:
    """S from one library, judged on the other, where both have the class."""
    rows = []
    for (kind, material), found in bounces.items():
        fit, judge = (
            [measured_shares(r) for r in reflectors
             if CLASS_OF.get(r.name) == kind and r.library == library]
            for library in (FIT, JUDGE)
        )  # fmt: skip
        values = material_values(material, FREQUENCY)
        if not fit or not judge or values.scattering_coefficient == 0:
            continue
        coefficients = tuple(coefficient_for(s.mean(), found, values) for s in fit)
        own = values.scattering_coefficient**2
        unit = found.diffuse / (own / (1 - own))
        mean = np.mean(coefficients) ** 2
        measured = np.concatenate(judge)
        rows.append(
            AsBuilt(kind, material, coefficients, float(share(unit * mean / (1 - mean)).mean()),
                    (float(measured.mean()), *(float(q) for q in np.quantile(measured, (0.1, 0.9)))),
                    float(share(found.diffuse).mean()))
        )  # fmt: skip
    return tuple(rows)


def as_built_table(rows: Sequence[AsBuilt]) -> str:
    return table(
        ("class, our material", "S of the table", f"S as {FIT} has it", f"{JUDGE}: share with it",
         "with the table's S", "measured, mean (10 to 90 %)"),
        [(f"{r.kind}, `{r.material}`",
          f"{material_values(r.material, FREQUENCY).scattering_coefficient:g}",
          f"**{r.coefficient:.2f}** ({reach(r.coefficients, '.2f')})",
          f"{r.predicted:.0%}", f"{r.of_table:.1%}",
          f"{r.measured[0]:.0%} ({r.measured[1]:.0%} to {r.measured[2]:.0%})") for r in rows],
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs"))
    out = parser.parse_args().out
    prepare("auto", 1)
    reflectors = libraries(Path(os.environ["VISRFTWIN_TEST_DATA"]))
    bounces = {
        (kind, material): links_off(plane, material_values(material, FREQUENCY))
        for kind, (plane, materials) in PLANES.items()
        for material in materials
    }
    built = as_built(bounces, reflectors)
    wall = next(row for row in built if row.material == "plasterboard")
    found = sites(wall.coefficient)
    text = (Path(__file__).parent / "diffuse_power.md.in").read_text()
    filled = text.format(
        measured=measured_table(reflectors),
        materials=materials_table(bounces, reflectors),
        built=as_built_table(built),
        sites=sites_table(found, wall.coefficient),
        before=medians(found, built=False),
        after=medians(found, built=True),
        wall=f"{wall.coefficient:.2f}",
        room=f"{np.mean([measured_shares(r).mean() for r in reflectors if r.library == FIT]):.0%}",
        loss=f"{-10 * np.log10(1 - wall.coefficient**2):.1f}",
        thin=f"{wall.of_table:.1%}",
    )
    (out / "diffuse_power.md").write_text(filled)
    print(out / "diffuse_power.md")


if __name__ == "__main__":
    main()
