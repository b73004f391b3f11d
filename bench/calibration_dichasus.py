"""Score `visrftwin calibrate` on a measured floor of offices: a few cells known, the rest predicted.

python bench/calibration_dichasus.py DATA [--draws 20] [--page docs/calibration.md]

DATA: the folder with array_1.csv, inue_simple.xml and meshes/. The paths of all cells are traced once,
some minutes (kept in the cache); a draw is a fit, of which a fifth of the known cells is kept aside.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from active_sounding import active_table
from jaxtyping import Float, Int
from real_data.dichasus import traced_cells
from real_data.page import table
from tqdm import tqdm

from visrftwin_ros.calibration.calibration import TracedCampaign
from visrftwin_ros.calibration.model_error import ModelError
from visrftwin_ros.calibration.sounding_model import SoundingModel, reference_db
from visrftwin_ros.calibration.soundings import Soundings

COUNTS = (10, 30, 100, 200)
"""Of cells that are known."""
AIMS = {30: 2.0, 200: 1.6}
"""By count: RMS error, dB, that was aimed at."""
TEMPLATE = Path(__file__).with_name("calibration.md.in")
Z90 = 1.6449
"""Standard deviations of a normal's 90 %."""
UNCALIBRATED = "the twin as it comes"
MATERIALS = "calibrated, its materials alone"
WITH_MAP = "calibrated: the site that `visrftwin calibrate` writes"

FEW = 6
"""Draws of a count that no aim is set for."""

Results = dict[str, dict[str, list[list[float]]]]
Guess = tuple[Float[np.ndarray, " m"], Float[np.ndarray, " m"]]
"""Powers, dB, and the standard deviation of a sounding around them; NaN: none is given."""


def kriged(trend: Callable[[Soundings], Float[np.ndarray, "n k"]]) -> Callable[..., Guess]:
    """Kriging of what a trend, of unknown coefficients, leaves: the map's own covariance and likelihood
    without the twin."""

    def guess(known: Soundings, asked: Soundings) -> Guess:
        power, columns, at = known.power_db, 30 * trend(known), 30 * trend(asked)
        trust, error = np.ones(len(known)), ModelError()
        error = error.fitted_to(known, trust, power - power.mean(), columns)
        covariance = error.of_powers(known, trust) + columns @ columns.T
        across = error.between(asked, known) + at @ columns.T
        weights = np.linalg.solve(covariance, across.T).T
        left = error.shared_db**2 + (at**2).sum(axis=1) - (weights * across).sum(axis=1)
        sd = np.sqrt(error.alone_db**2 + np.maximum(left, 0))
        return power.mean() + weights @ (power - power.mean()), sd

    return guess


def scored(traced: TracedCampaign, rows: Int[np.ndarray, " k"], seed: int) -> Mapping[str, Guess]:
    """By method: what it makes of the cells that are not `rows`, which it knows."""
    rest = np.setdiff1d(np.arange(len(traced.soundings)), rows)
    known, asked = traced.soundings.take(rows), traced.soundings.take(rest)
    names = ("array_1",)
    reference = reference_db(traced.sounded.take(rows), known, names)
    model = SoundingModel(traced.sounded.take(rest), asked, names, "relative", reference)
    found = traced.calibration(np.random.default_rng(seed), rows)
    if not found.estimate.complete:  # Ctrl-C, which a fit takes for its end
        raise KeyboardInterrupt
    own = replace(model, start_db=found.known.start_db)
    by_materials, by_map, sd = found.predicted_db(own)
    nothing = np.full(len(rest), np.nan)
    distance = [np.log10(np.linalg.norm(s.position - AP, axis=1)) for s in (known, asked)]
    slope, start = np.polyfit(distance[0], known.power_db, 1)
    nearest = np.linalg.norm(asked.position[:, None] - known.position[None], axis=2).argmin(axis=1)
    return {
        UNCALIBRATED: (model.powers_db(np.zeros(len(model.mean))), nothing),
        MATERIALS: (by_materials, nothing),
        WITH_MAP: (by_map, sd),
        "kriging, constant mean": kriged(lambda s: np.ones((len(s), 1)))(known, asked),
        "kriging, mean by log-distance": kriged(_of_distance)(known, asked),
        "log-distance": (slope * distance[1] + start, nothing),
        "the nearest known cell": (known.power_db[nearest], nothing),
    }


AP = np.array([1.109, 27.718, 1.505])


def _of_distance(soundings: Soundings) -> Float[np.ndarray, "n 2"]:
    distance = np.linalg.norm(soundings.position - AP, axis=1)
    return np.column_stack([np.ones(len(distance)), np.log10(distance)])


def run(traced: TracedCampaign, draws: int, kept: Path | None) -> Results:
    """By count of known cells and method: of each draw RMS error [dB] and coverage of the 90 %
    interval. kept: JSON file, written after each draw. Ctrl-C ends with the draws until then."""
    count_all = len(traced.soundings)
    results: Results = {str(count): {} for count in COUNTS}
    rounds = [(seed, count) for seed in range(draws) for count in COUNTS]
    try:
        for seed, count in tqdm([r for r in rounds if r[1] in AIMS or r[0] < FEW]):
            rows = np.sort(np.random.default_rng(seed).permutation(count_all)[:count])
            truth = np.delete(traced.soundings.power_db, rows)
            for name, (guess, sd) in scored(traced, rows, seed).items():
                error = guess - truth
                inside = np.mean(np.abs(error) < Z90 * sd) if np.isfinite(sd).all() else np.nan
                figures = [float(np.sqrt(np.mean(error**2))), float(inside)]
                results[str(count)].setdefault(name, []).append(figures)
            if kept is not None:
                kept.write_text(json.dumps(results))
    except KeyboardInterrupt:
        print("stopped: of the draws until then")
    return results


def results_table(results: Results) -> str:
    """Markdown: medians over the draws, 5 to 95 % of them in brackets, coverage."""
    head = ["RMS error of path loss, dB"]
    for count, of_count in results.items():
        head.append(f"{count} cells, {len(next(iter(of_count.values())))} draws")
    rows = []
    for name in next(iter(results.values())):
        row = [name]
        for of_count in results.values():
            figures = np.array(of_count[name])
            low, middle, high = np.quantile(figures[:, 0], (0.05, 0.5, 0.95))
            inside = np.median(figures[:, 1])
            told = f"; {inside:.0%}" if np.isfinite(inside) else ""
            row.append(f"**{middle:.2f}** ({low:.2f} to {high:.2f}){told}")
        rows.append(row)
    return table(head, rows)


def verdict(results: Results) -> str:
    """Whether the aims were reached."""
    said = []
    for name, words in ((WITH_MAP, "The new site"), (MATERIALS, "its materials alone")):
        parts = []
        for count, aim in AIMS.items():
            middle = np.median(np.array(results[str(count)][name])[:, 0])
            reached = "reached" if middle <= aim else "missed"
            parts.append(f"{middle:.2f} dB by {count} cells, {reached}")
        said.append(f"{words}: {'; '.join(parts)}")
    return ". ".join(s[0].upper() + s[1:] for s in said) + "."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path)
    arguments = parser.parse_args()
    traced = traced_cells(arguments.data)
    results = run(traced, arguments.draws, arguments.json)
    text = results_table(results)
    print(text)
    if arguments.page:
        active = active_table(traced, arguments.draws)
        filled = {"table": text, "verdict": verdict(results), "active": active}
        page = TEMPLATE.read_text()
        for name, value in filled.items():
            page = page.replace(f"{{{name}}}", value)
        arguments.page.write_text(page)


if __name__ == "__main__":
    main()
