"""NIST's L-shaped room: the export against Friis, and the twin's solver in the same room."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy.constants import speed_of_light

from real_data.page import Inputs, spread, table
from visrftwin_ros.campaign.importers.cir_paths import rms_delay_spread
from visrftwin_ros.campaign.importers.nist_qd import read_nist_qd
from visrftwin_ros.campaign.importers.sounding import Sounding
from visrftwin_ros.campaign.snapshot import MeasuredPaths, Snapshot
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.tracing.sionna_solver import traced_paths
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Propagation

NIST_LIGHT = 3.0e8
"""m/s, what the delays of the export are made with: with it they close to micrometres."""
FREQUENCY = 60e9
LOSS_A_BOUNCE = 15.0
"""dB: what the export takes off Friis for every reflection."""
STEP = 8
"""Every so many time steps are solved."""

TX = np.array([0.0, 0.0, 3.0])
FLOOR = 0.003
"""Metres: where the export's floor lies, as its images say."""
WALLS = {
    "west": ((-0.5, -0.5), (-0.5, 5.5)),
    "south": ((-0.5, -0.5), (9.5, -0.5)),
    "east": ((9.5, -0.5), (9.5, 16.0)),
    "north": ((-0.5, 5.5), (5.5, 5.5)),
    "inner": ((5.5, 5.5), (5.5, 16.0)),
}
"""Ends of each wall on the ground, metres, transmitter over the origin. The planes are those on which
the export's first-order images lie; `inner` is seen by second-order paths only, and the arm's far end
by none."""


def imported(file: Path, rate: float) -> tuple[Snapshot, ...]:
    """From node 0 to node 1, through the importer; NIST's gains are absolute, at 60 GHz."""
    said = Sounding(frequency=FREQUENCY, bandwidth=np.inf, noise_floor_dbm=np.nan,
                    gain_reference="absolute", start=0.0, rate=rate)  # fmt: skip
    reading = read_nist_qd(file, said, {0: "node0", 1: "node1"})
    if reading.problems:
        raise RuntimeError(f"{file}: {reading.problems[0]}")
    return tuple(s for s in reading.snapshots if s.tx == "node0")


def unit(azimuth: Float[np.ndarray, " n"], elevation: Float[np.ndarray, " n"]) -> np.ndarray:
    level = np.cos(elevation)
    return np.column_stack([level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation)])


def over_friis_db(paths: MeasuredPaths) -> Float[np.ndarray, " p"]:
    """dB that each path has over free space of its own length."""
    free = speed_of_light / FREQUENCY / (4 * np.pi * speed_of_light * paths.delay)
    return np.asarray(paths.gain_db - 20 * np.log10(free))


def bounces(paths: MeasuredPaths) -> Int[np.ndarray, " p"]:
    return np.rint(-over_friis_db(paths) / LOSS_A_BOUNCE).astype(int)


def receiver(paths: MeasuredPaths) -> Float[np.ndarray, " 3"] | None:
    """Where the receiver stands, from the line of sight, else from the image behind the east wall;
    None where the export has neither."""
    order = bounces(paths)
    images = TX + NIST_LIGHT * paths.delay[:, None] * unit(paths.aod_azimuth, paths.aod_elevation)
    direct = np.flatnonzero(order == 0)
    if len(direct):
        return np.asarray(images[direct[0]])
    east = np.flatnonzero((order == 1) & (images[:, 0] > 9.5))
    if not len(east):
        return None
    image = images[east[0]]
    return np.array([2 * 9.5 - image[0], image[1], image[2]])


def room() -> tuple[SurfaceMesh, ...]:
    """Floor and walls. The export's ceiling is left out: its transmitter stands in it, at 3.000 m, so
    that what a ceiling does with its rays is a matter of rounding."""
    concrete = material_values("concrete", FREQUENCY)
    corners = np.array([(-1.0, -1.0), (10.0, -1.0), (10.0, 17.0), (-1.0, 17.0)])
    floor = np.column_stack([corners, np.full(4, FLOOR)])
    surfaces = {"floor": floor}
    for name, (a, b) in WALLS.items():
        surfaces[name] = np.array([(*a, 0.0), (*b, 0.0), (*b, 4.0), (*a, 4.0)])
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    return tuple(SurfaceMesh(name, np.asarray(v, float), faces, concrete)
                 for name, v in surfaces.items())  # fmt: skip


def solved(places: Float[np.ndarray, "n 3"]) -> PathSet:
    """By the twin's solver: specular only, two bounces, as the export."""
    settings = Propagation(max_depth=2, diffuse=False, refraction=False, diffraction=False)
    names = tuple(f"step{i}" for i in range(len(places)))
    return traced_paths(
        room(), Devices(("tx",), TX[None]), Devices(names, places), FREQUENCY, settings
    )


@dataclass(frozen=True)
class Agreement:
    """Over all steps: paths of both, ours and theirs; of the matched ones the differences, (M,):
    length m, direction rad. order_theirs, order_missed: bounces of their paths, of those missed;
    over_ceiling: missed ones off floor and ceiling. steps: that were compared."""

    ours: int
    theirs: int
    length: Float[np.ndarray, " m"]
    direction: Float[np.ndarray, " m"]
    order_theirs: Int[np.ndarray, " t"]
    order_missed: Int[np.ndarray, " u"]
    over_ceiling: int
    steps: int


def agreement(snapshots: tuple[Snapshot, ...], found: PathSet) -> Agreement:
    """A path of theirs is matched by ours within 1 cm and 0.2 degrees."""
    length, direction, missed, orders = [], [], [], []
    theirs = over_ceiling = 0
    for index, snapshot in enumerate(snapshots):
        rows = found.of_link(index)
        ours_length = found.delay[rows] * speed_of_light
        ways = unit(snapshot.paths.aod_azimuth, snapshot.paths.aod_elevation)
        order = bounces(snapshot.paths)
        for way, far, count in zip(ways, snapshot.paths.delay * NIST_LIGHT, order, strict=True):
            theirs += 1
            orders.append(count)
            angle = np.arccos(np.clip(found.departure[rows] @ way, -1, 1))
            off = np.abs(ours_length - far)
            near = np.flatnonzero((off < 0.01) & (angle < np.deg2rad(0.2)))
            if len(near):
                best = near[off[near].argmin()]
                length.append(off[best])
                direction.append(angle[best])
            else:
                missed.append(count)
                over_ceiling += TX[2] + far * way[2] < -3.0
    return Agreement(len(found), theirs, np.array(length), np.array(direction), np.array(orders),
                     np.array(missed, int), int(over_ceiling), len(snapshots))  # fmt: skip


def read(inputs: Inputs) -> tuple[Snapshot, ...]:
    return imported(inputs.data / "channel/nist_qd/L-Room_qdOutput.json", 10.0)


def text(snapshots: tuple[Snapshot, ...], both: Agreement) -> str:
    counts = np.array([len(s.paths) for s in snapshots])
    seen = [s for s in snapshots if (bounces(s.paths) == 0).any()]
    direct = np.array([np.abs(over_friis_db(s.paths)[bounces(s.paths) == 0][0]) for s in seen])
    spreads = [
        rms_delay_spread(s.paths.delay, 10 ** (s.paths.gain_db / 10)) * 1e9 for s in snapshots
    ]
    of: dict[bool, list[float]] = {True: [], False: []}
    for snapshot, value in zip(snapshots, spreads, strict=True):
        of[bool((bounces(snapshot.paths) == 0).any())].append(value)
    rows = [
        ("time steps; with line of sight", f"{len(snapshots)}; {len(seen)}"),
        ("paths a step, 10 / 50 / 90 %", spread(counts, 0)),
        ("line of sight against Friis at 60 GHz", f"within {direct.max():.4f} dB"),
        ("RMS delay spread, line of sight, 10 / 50 / 90 %", spread(np.array(of[True])) + " ns"),
        ("RMS delay spread, none, 10 / 50 / 90 %", spread(np.array(of[False])) + " ns"),
    ]
    matched = len(both.length)
    compared = [
        ("time steps solved", both.steps),
        ("paths, NIST", both.theirs),
        ("paths, the twin's solver", both.ours),
        ("of NIST's, found by the twin", f"{matched / both.theirs:.1%}"),
        *((f"... of its paths with {k} bounce(s)",
           f"{1 - (both.order_missed == k).sum() / max((both.order_theirs == k).sum(), 1):.1%} of "
           f"{(both.order_theirs == k).sum()}") for k in range(3)),
        ("not found: by way of floor and ceiling; others",
         f"{both.over_ceiling}; {len(both.order_missed) - both.over_ceiling}"),
        ("of the twin's, known to NIST", f"{matched / both.ours:.1%}"),
        ("length of matched paths, largest difference", f"{both.length.max() * 1e3:.3f} mm"),
        ("direction of departure, largest difference",
         f"{np.rad2deg(both.direction).max():.4f} degrees"),
    ]  # fmt: skip
    return (
        "**An L-shaped room**, a receiver that walks round the corner:\n\n"
        f"{table(('the export, read by `visrftwin import nist-qd`', ''), rows)}\n\n"
        "Every reflection costs exactly 15 dB in this export, whatever the wall and the angle, so its "
        "gains say nothing about materials. Its geometry does: first-order images give walls and "
        "floor, and the twin's solver in that room (specular, two bounces, every "
        f"{STEP}th step from which the receiver's place can be told) has to find the rest:\n\n"
        f"{table(('', ''), compared)}\n\n"
        "The transmitter stands exactly in the export's ceiling, which was therefore left out: NIST's "
        "paths off floor and ceiling are missed for that."
    )
