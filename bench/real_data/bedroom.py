"""MATLAB's ray tracer in a furnished bedroom, and the twin's in the same mesh."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from scipy.constants import speed_of_light

from real_data.nist_room import unit
from real_data.page import Inputs, Section, draw_shares, run_command, table
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.importers.cir_paths import rms_delay_spread
from visrftwin_ros.campaign.snapshot import Snapshot
from visrftwin_ros.evaluation.baselines.inh import INH_OFFICE, inh_path_loss_db
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.tracing.sionna_solver import traced_paths
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Propagation

FREQUENCY = 2.412e9
RADIO = "--frequency 2.412GHz --bandwidth 20MHz"
SITE_OPTIONS = f"--access-point ap=-1.5,0,2.7 --robot receiver=0.001 --material =metal {RADIO}"
BAG_OPTIONS = (
    f"--variable subdataset --tx ap --rx receiver {RADIO} --noise-floor nan "
    "--gain-reference absolute --start 0 --rate 1"
)
COLUMNS = """rows: paths
snapshot: {column: record}
gain: {column: RxChanPerRay, unit: complex}
aoa_from: {columns: ["LastXPts(1)", "LastXPts(2)", "LastXPts(3)"], unit: m}
tx_position: {columns: ["TxPos(1)", "TxPos(2)", "TxPos(3)"], unit: m, of: antenna}
rx_position: {columns: ["RxPos(1)", "RxPos(2)", "RxPos(3)"], unit: m, of: antenna}
"""
STEP = 4
"""Every so many places are solved."""
PLACES_A_SOLVE = 8
SPECULAR = Propagation(max_depth=1, diffuse=False, refraction=False, diffraction=False)
"""As the file is: lines of sight and single bounces off perfect reflectors."""
NEAR, ALIKE = 0.01, np.deg2rad(0.5)
"""Metres and rad within which two paths are one."""
SEEDS, SHARE = range(8), 0.2
RESAMPLED = 1000


@dataclass(frozen=True)
class Paths:
    """P paths of a place: length m, power gain, and the direction that each comes from, (P, 3)."""

    length: Float[np.ndarray, " p"]
    power: Float[np.ndarray, " p"]
    way: Float[np.ndarray, "p 3"]

    def figures(self) -> Float[np.ndarray, " 3"]:
        """Path loss dB, RMS delay spread ns, RMS azimuth spread deg (of the resultant, as the twin's)."""
        level = (
            self.way[:, :2] / np.maximum(np.linalg.norm(self.way[:, :2], axis=1), 1e-12)[:, None]
        )
        mean = np.linalg.norm(self.power @ level) / self.power.sum()
        return np.array(
            [
                -10 * np.log10(self.power.sum()),
                rms_delay_spread(self.length / speed_of_light, self.power) * 1e9,
                np.rad2deg(np.sqrt(max(0.0, -2 * np.log(min(1.0, mean))))),
            ]
        )


def read(folder: Path) -> tuple[tuple[SurfaceMesh, ...], list[Snapshot], list[Paths]]:
    """The records by way of the product's importers. A perfect reflector takes nothing, so a path's
    gain is Friis' of its length, which the file leaves out."""
    with TemporaryDirectory() as place:
        work = Path(place)
        (work / "columns.yaml").write_text(COLUMNS)
        run_command(
            "site", "import", folder / "Bedroom.stl", "--out", work / "bedroom",
            *SITE_OPTIONS.split(),
        )  # fmt: skip
        run_command(
            "import", "mat-struct", folder / "dataset_bedroom.mat", "--columns",
            work / "columns.yaml", "--site", work / "bedroom", "--out", work / "bag",
            *BAG_OPTIONS.split(), status=2,
        )  # fmt: skip
        site = load_site(str(work / "bedroom"))
        snapshots = list(read_campaign(work / "bag", site).snapshots)
        meshes = surface_meshes(site)
        wavelength = speed_of_light / FREQUENCY
        theirs = [
            Paths(
                wavelength / (4 * np.pi) * 10 ** (-s.paths.gain_db / 20),
                10 ** (s.paths.gain_db / 10),
                unit(s.paths.aoa_azimuth, s.paths.aoa_elevation),
            )
            for s in snapshots
        ]
    return meshes, snapshots, theirs


def solved(meshes: tuple[SurfaceMesh, ...], snapshots: list[Snapshot]) -> list[Paths]:
    """By the twin's solver, SPECULAR, at the places of the records."""
    found: list[Paths] = []
    for first in range(0, len(snapshots), PLACES_A_SOLVE):
        some = snapshots[first : first + PLACES_A_SOLVE]
        names = tuple(f"place{i}" for i in range(len(some)))
        paths = traced_paths(
            meshes,
            Devices(("ap",), some[0].tx_position[None]),
            Devices(names, np.array([s.rx_position for s in some])),
            FREQUENCY,
            SPECULAR,
        )
        for link in range(len(some)):
            rows = paths.of_link(link)
            found.append(
                Paths(paths.delay[rows] * speed_of_light, paths.power[rows], paths.arrival[rows])
            )
    return found


def matched(ours: Paths, theirs: Paths) -> Bool[np.ndarray, " p"]:
    """(P,) of theirs, which ones ours has, each of ours counted once."""
    free = np.ones(len(ours.length), bool)
    found = np.zeros(len(theirs.length), bool)
    for i in np.argsort(theirs.length):
        angle = np.arccos(np.clip(ours.way @ theirs.way[i], -1, 1))
        off = np.abs(ours.length - theirs.length[i])
        near = np.flatnonzero(free & (off < NEAR) & (angle < ALIKE))
        if len(near):
            free[near[off[near].argmin()]] = False
            found[i] = True
    return found


def baselines(snapshots: list[Snapshot], truth: Float[np.ndarray, "n 3"]) -> dict[str, np.ndarray]:
    """(N, 3) figures by method: of a law of the distance, of free space, of the nearest place known,
    (S, N, 3) over SEEDS with NaN where known."""
    place = np.array([s.rx_position for s in snapshots])
    distance = np.linalg.norm(place - snapshots[0].tx_position, axis=1)
    frequency, count = np.full(len(place), FREQUENCY), len(place)
    seen = np.ones(count, bool)
    spreads = INH_OFFICE.spreads(frequency, seen)
    inh = [inh_path_loss_db(distance, frequency, seen), spreads[0] * 1e9, np.rad2deg(spreads[1])]
    free = 20 * np.log10(4 * np.pi * distance * FREQUENCY / speed_of_light)
    nearest = np.full((len(SEEDS), count, 3), np.nan)
    for seed in SEEDS:
        drawn = np.random.default_rng(seed).permutation(count)
        known, asked = np.split(drawn, [round(SHARE * count)])
        apart = np.linalg.norm(place[asked, None] - place[None, known], axis=2)
        nearest[seed, asked] = truth[known][apart.argmin(axis=1)]
    return {
        "3GPP InH - Office": np.column_stack(inh)[None],
        "free space": np.column_stack([free, np.zeros((count, 2))])[None],
        f"the nearest of {SHARE:.0%} of the places": nearest,
    }


def score(predicted: Float[np.ndarray, "s n 3"], truth: Float[np.ndarray, "n 3"]) -> list[str]:
    """Median absolute error of the three figures, with 5 to 95 % of draws of a seed and of places."""
    error = np.abs(predicted - truth)
    rng = np.random.default_rng(0)
    draws = [
        np.nanmedian(
            error[rng.integers(len(error))][rng.integers(len(truth), size=len(truth))], axis=0
        )
        for _ in range(RESAMPLED)
    ]
    low, high = np.quantile(draws, (0.05, 0.95), axis=0)
    middle = np.mean(np.nanmedian(error, axis=1), axis=0)
    return [f"**{m:.2f}** ({a:.2f} to {b:.2f})" for m, a, b in zip(middle, low, high, strict=True)]


def section(inputs: Inputs) -> Section:
    prepare(threads=1)
    meshes, every, all_theirs = read(inputs.data / "channel/newrf_bedroom")
    snapshots, theirs = every[::STEP], all_theirs[::STEP]
    ours = solved(meshes, snapshots)
    hits = [matched(o, t) for o, t in zip(ours, theirs, strict=True)]
    back = [matched(t, o) for o, t in zip(ours, theirs, strict=True)]
    found, known = np.concatenate(hits), np.concatenate(back)
    count = np.array([len(hit) for hit in hits])
    share = np.array([hit.sum() for hit in hits])
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(hits), size=(RESAMPLED, len(hits)))
    low, high = np.quantile(share[drawn].sum(axis=1) / count[drawn].sum(axis=1), (0.05, 0.95))
    power = np.concatenate([t.power / t.power.sum() for t in theirs])
    phases = np.concatenate([s.paths.phase for s in every])
    lengths = np.concatenate([t.length for t in all_theirs])
    turns = 2 * (phases / (2 * np.pi) + lengths * FREQUENCY / speed_of_light)
    closes = np.abs(turns - np.rint(turns)) / 2 * 360
    truth = np.array([t.figures() for t in theirs])
    twin = np.array([o.figures() for o in ours])[None]
    rows = [
        (name, *score(values, truth))
        for name, values in {
            "twin, perfect conductor, one bounce": twin, **baselines(snapshots, truth)
        }.items()
    ]  # fmt: skip
    facts = [
        ("places; solved here", f"{len(every)}; {len(theirs)}"),
        ("paths, MATLAB", len(found)),
        ("paths, the twin's solver", len(known)),
        ("of MATLAB's, found by the twin", f"{found.mean():.1%} ({low:.1%} to {high:.1%})"),
        ("share of MATLAB's power in those", f"{power[found].sum() / len(theirs):.1%}"),
        ("of the twin's, known to MATLAB", f"{known.mean():.1%}"),
        ("places at which both have the same paths",
         f"{np.mean([h.all() and b.all() for h, b in zip(hits, back, strict=True)]):.1%}"),
        ("MATLAB's phase against its length, half turns aside, median (90 %)",
         f"{np.median(closes):.2g} ({np.quantile(closes, 0.9):.2g}) degrees"),
    ]  # fmt: skip

    def draw(axes: Any) -> None:
        for axis, column, name in zip(axes, (1, 2), ("delay spread (ns)", "azimuth spread (deg)"),
                                      strict=True):  # fmt: skip
            draw_shares(axis, {"MATLAB": truth[:, column], "twin": twin[0, :, column]})
            axis.set(xlabel=name)

    picture = inputs.figure("bedroom", "Spreads of both ray tracers over the bedroom", 2, draw)
    return Section(
        title="Another ray tracer in a furnished room: MATLAB's bedroom",
        source="NeWRF (Lu et al., ICML 2024; LuHaofan/NeWRF), `dataset_bedroom.mat` and `Bedroom.stl`: "
        "MATLAB's `raytrace` by the image method, perfect reflectors, 2.412 GHz. "
        "Simulated, not measured.",
        licence="MIT.",
        text=f"A bedroom of 5 x 4.8 x 3 m, a mesh of {sum(len(m.faces) for m in meshes)} triangles with "
        "furniture, one transmitter under the ceiling. Read by\n\n"
        f"    visrftwin site import Bedroom.stl --out bedroom {SITE_OPTIONS}\n"
        "    visrftwin import mat-struct dataset_bedroom.mat --columns columns.yaml --site bedroom \\\n"
        f"        {BAG_OPTIONS} --out bag\n\n"
        "with the `columns.yaml` of [importing.md](importing.md); the 99 records without a ray are left "
        "out and named. The file has each path's complex gain and the last point it touched, no delay: as "
        "the reflectors take nothing, the gain gives the length, which the phase confirms. The file has "
        "lines of sight and single bounces, and the twin was asked for these (the script published beside "
        "it asks for two bounces, in another room). A path of one "
        f"is the other's within {NEAR * 100:g} cm and {np.rad2deg(ALIKE):g} degrees of arrival.\n\n"
        + table(("paths", ""), facts)
        + "\n\n"
        + table(("median error against MATLAB", "path loss (dB)", "delay spread (ns)",
                 "azimuth spread (deg)"), rows)
        + f"\n\nIn brackets 5 to 95 % over places, and over {len(SEEDS)} draws of what is known.\n\n{picture}",
        shows="That an STL, a struct of MATLAB and directions given as points are read rightly, and how far "
        "two image methods written apart agree among furniture of a thousand triangles.",
        cannot="Reality, and materials: perfect reflectors have none. Diffraction, diffuse scattering and what "
        "goes through furniture are switched off on both sides.",
        headline=(
            ("MATLAB bedroom, paths of MATLAB that the solver finds", f"{found.mean():.1%}",
             f"of {len(found)}; {power[found].sum() / len(theirs):.1%} of the power"),
        ),
    )  # fmt: skip
