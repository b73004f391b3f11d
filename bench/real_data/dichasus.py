"""Measured gains over a floor of a university building: the twin as it comes, before any calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import Bool, Float, Int
from tqdm import tqdm

from real_data.page import Inputs, Section, run_command, table
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.cache import cache_folder
from visrftwin_ros.calibration.calibration import TracedCampaign, traced_campaign
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.evaluation.baselines.geometry import meshes_of_one_material
from visrftwin_ros.evaluation.baselines.inh import inh_path_loss_db
from visrftwin_ros.evaluation.baselines.itu import meshes_of_itu_materials
from visrftwin_ros.evaluation.link_targets import Questions, snapshot_questions
from visrftwin_ros.evaluation.ray_prediction import RayPredictor
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.scene.visibility import Visibility
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site

RADIO = "--frequency 3.438GHz --bandwidth 50MHz"
SITE_OPTIONS = f"--access-point array_1=1.109,27.718,1.505 --robot sounder=1.04 {RADIO}"
BAG_OPTIONS = (
    f"--tx array_1 --rx sounder {RADIO} --noise-floor nan --gain-reference relative "
    "--start 0 --rate 1"
)
COLUMNS = """rows: power
gain: {column: gain_db, unit: dB}
rx_position: {columns: [x_m, y_m], unit: m}
"""
AUTHORS = {
    "nvidia_itu_db": "the authors' tracer, ITU materials (theirs)",
    "nvidia_learned_db": "the authors' tracer, three materials learnt (theirs)",
    "nvidia_neural_db": "the authors' tracer, neural material field (theirs)",
}
THICK = "the same tracer, ITU materials 0.1 m thick"
SEEDS = range(8)
SHARE = 0.2
"""Of the cells, or of the blocks: what sets each offset, and what learns, learns from."""
BLOCK = 4.0
"""Metres: cells of one block err alike, and are drawn together."""
RESAMPLED = 1000
ASKED = 171
"""Cells, drawn at random, that are predicted and scored: a quarter, as a trace of a place takes long."""

Losses = Mapping[str, Float[np.ndarray, " n"]]
"""By method: (N,) predicted path loss, dB, up to one offset."""


@dataclass(frozen=True)
class Cells:
    """N cells. measured: (N,) path loss, dB, up to one offset. questions: of each. block: (N,) number
    of its BLOCK x BLOCK square."""

    site: Site
    questions: Questions
    measured: Float[np.ndarray, " n"]
    block: Int[np.ndarray, " n"]


def imported(folder: Path, work: Path) -> tuple[str, str]:
    """The site and the campaign of the data in `folder`, made in `work` by the product's importers."""
    (work / "columns.yaml").write_text(COLUMNS)
    site, bag = str(work / "inue"), str(work / "bag")
    run_command("site", "import", f"{folder}/inue_simple.xml", "--out", site, *SITE_OPTIONS.split())
    run_command("import", "csv", folder / "array_1.csv", "--columns", work / "columns.yaml",
                "--site", site, "--out", bag, *BAG_OPTIONS.split())  # fmt: skip
    return site, bag


def traced_cells(data: Path) -> TracedCampaign:
    """All cells of the data set with their paths."""
    prepare(threads=1)
    with TemporaryDirectory() as place:
        folder, bag = imported(data, Path(place))
        site = load_site(folder)
        campaign = read_campaign(bag, site)
        rng, bar = np.random.default_rng(0), tqdm(desc="tracing", total=len(campaign.snapshots))
        told = (cache_folder("paths"), rng, None, lambda n, _: bar.update(n - bar.n))
        return traced_campaign(campaign, site, *told)


def read(folder: Path) -> tuple[Cells, Losses]:
    """The cells by way of the product's importers, and what the data's authors predicted there."""
    csv = folder / "array_1.csv"
    with TemporaryDirectory() as place:
        site, bag = imported(folder, Path(place))
        known = load_site(site)
        snapshots = read_campaign(bag, known).snapshots
        drawn = np.sort(np.random.default_rng(0).permutation(len(snapshots))[:ASKED])
        snapshots = tuple(snapshots[i] for i in drawn)
        questions = snapshot_questions(snapshots, known, Visibility(surface_meshes(known)))
        meshes = {
            "twin, materials by name, nothing calibrated": surface_meshes(known),
            THICK: meshes_of_itu_materials(known),
            "the same tracer, concrete everywhere": meshes_of_one_material(known),
        }
    loss = -np.array([s.paths.gain_db[0] for s in snapshots])
    squares = np.floor(questions.rx_position[:, :2] / BLOCK)
    block = np.unique(squares, axis=0, return_inverse=True)[1].reshape(-1)
    rows = np.genfromtxt(csv, delimiter=",", names=True)[drawn]
    predicted = {
        name: RayPredictor(known, surfaces)
        .answers(questions, PeopleTimeline(), with_paths=False)
        .metrics.path_loss_db
        for name, surfaces in meshes.items()
    }
    seen, frequency = questions.line_of_sight, questions.frequency
    predicted["3GPP InH - Office, line of sight known"] = inh_path_loss_db(
        questions.distance, frequency, seen
    )
    wavelength = wavelength_of(known.radio.frequency)
    predicted["free space"] = 20 * np.log10(4 * np.pi * questions.distance / wavelength)
    predicted |= {label: -rows[column] for column, label in AUTHORS.items()}
    return Cells(known, questions, loss, block), predicted


def training(cells: Cells, seed: int, blocks: bool) -> Bool[np.ndarray, " n"]:
    """(N,) the cells of one draw: a SHARE of them, or of their blocks."""
    rng = np.random.default_rng(seed)
    label = cells.block if blocks else np.arange(len(cells.measured))
    each = np.unique(label)
    return np.isin(label, rng.permutation(each)[: round(SHARE * len(each))])


def errors(cells: Cells, predicted: Losses, train: Bool[np.ndarray, " n"]) -> Losses:
    """(N,) predicted minus measured, dB, after the offset that is the median over the cells of `train`;
    NaN on these."""
    known = {**predicted, **learnt(cells, train)}
    return {
        name: np.where(
            train, np.nan, loss - cells.measured - np.median((loss - cells.measured)[train])
        )
        for name, loss in known.items()
    }


def learnt(cells: Cells, train: Bool[np.ndarray, " n"]) -> Losses:
    """What knows measured cells: a law of the distance with two numbers, and the nearest cell."""
    distance, place = np.log10(cells.questions.distance), cells.questions.rx_position
    slope, start = np.polyfit(distance[train], cells.measured[train], 1)
    apart = np.linalg.norm(place[:, None] - place[None, train], axis=2)
    return {
        "log-distance, fitted": slope * distance + start,
        "the nearest known cell": cells.measured[train][apart.argmin(axis=1)],
    }


def scores(cells: Cells, predicted: Losses, blocks: bool) -> dict[str, np.ndarray]:
    """By method (3, 3): RMSE, median and 90 % of the absolute error, dB, each with 5 and 95 % of draws
    of a seed and, with replacement, of blocks."""
    draws = [errors(cells, predicted, training(cells, seed, blocks)) for seed in SEEDS]
    rng = np.random.default_rng(0)
    numbers = np.unique(cells.block)
    members = [np.flatnonzero(cells.block == number) for number in numbers]
    resamples = [
        (int(rng.integers(len(draws))),
         np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))]))
        for _ in range(RESAMPLED)
    ]  # fmt: skip
    found = {}
    for name in draws[0]:
        middle = np.mean([_three(draw[name]) for draw in draws], axis=0)
        spread = np.array([_three(draws[seed][name][rows]) for seed, rows in resamples])
        found[name] = np.column_stack([middle, *np.quantile(spread, (0.05, 0.95), axis=0)])
    return found


def _three(error: Float[np.ndarray, " n"]) -> Float[np.ndarray, " 3"]:
    size = np.abs(error[np.isfinite(error)])
    return np.array([np.sqrt(np.mean(size**2)), np.median(size), np.quantile(size, 0.9)])


def _cell(values: Float[np.ndarray, " 3"]) -> str:
    middle, low, high = values
    return f"**{middle:.1f}** ({low:.1f} to {high:.1f})"


def section(inputs: Inputs) -> Section:
    prepare(threads=1)
    cells, predicted = read(inputs.data / "channel/dichasus_inue")
    at_random, by_block = (scores(cells, predicted, blocks) for blocks in (False, True))
    rows = [(name, *map(_cell, at_random[name]), _cell(by_block[name][0])) for name in at_random]
    seen = cells.questions.line_of_sight
    twin = next(iter(predicted))
    best = min(at_random, key=lambda name: at_random[name][0, 0])
    return Section(
        title="Gains over a floor of offices: DICHASUS",
        source="DICHASUS dc01, array 1, INUE building, University of Stuttgart (Euchner, Gauger et al., "
        "arXiv 2206.15302), 3.438 GHz, 50 MHz; gains, scene and predictions read from the published "
        "maps of NVIDIA's diff-rt-calibration (Hoydis et al., arXiv 2311.18558).",
        licence="NVIDIA licence, non-commercial research; cited, not redistributed.",
        text=f"{len(cells.measured)} of 684 cells of about 0.57 x 0.13 m, drawn at random, "
        f"{seen.sum()} with a line of sight in the scene, the mean of 32 antennas, in one unknown "
        "reference. The site is the authors' own scene (floor, ceiling and walls, three material names of "
        "ITU's, no furniture, no doors, no people), "
        "read by\n\n"
        f"    visrftwin site import inue_simple.xml --out inue {SITE_OPTIONS}\n"
        f"    visrftwin import csv array_1.csv --columns columns.yaml --site inue {BAG_OPTIONS} --out bag\n"
        "    visrftwin evaluate bag --site inue --people none --out scores\n\n"
        "with `rows: power`, `gain` of `gain_db` and `rx_position` of `[x_m, y_m]` in `columns.yaml`. Below "
        "is the power of all paths by the same predictors, cell by cell. Of each method one offset, the "
        f"median over {SHARE:.0%} of the cells, is taken off; it is scored on the others. Mean of "
        f"{len(SEEDS)} draws; in brackets 5 to 95 % over draws and over squares of {BLOCK:g} m, as "
        "neighbours err alike. The last column draws whole squares, so that nothing learnt has its "
        "answer next door.\n\n"
        + table(("path loss", "RMSE (dB)", "median error (dB)", "90 % (dB)",
                 "RMSE (dB), whole squares known"), rows)
        + "\n\n"
        "Nothing was fitted to these data, yet the first row is luck as much as knowledge: the twin takes the "
        "walls for slabs of plasterboard, 12.5 mm with 10 % to either side, which is near a quarter wave in "
        "it; how much a wall reflects hangs on that, nobody measured it, and the row with 0.1 m shows "
        "what a wrong guess costs. The authors' learnt materials know 5,000 soundings of the same floor.",
        shows="What a scene with three material names is worth on real measurements, before anything is "
        "calibrated, beside a law of the distance and beside what others made of the same scene.",
        cannot="Delay spread and angles: the published maps have gains alone. Millimetre waves, people and "
        "beams: it is 3.4 GHz and an empty floor. The gains were read from a picture, in steps of 0.16 dB, "
        "and cells average over places.",
        headline=(
            ("DICHASUS, path loss, RMSE, twin uncalibrated", f"{at_random[twin][0, 0]:.1f} dB",
             f"walls of 0.1 m: {at_random[THICK][0, 0]:.1f} dB; "
             f"log-distance {at_random['log-distance, fitted'][0, 0]:.1f} dB; best, {best}: "
             f"{at_random[best][0, 0]:.1f} dB"),
        ),
    )  # fmt: skip
