"""Where to sound: the place that tells most, against a regular grid and places at random, on a measured floor.

python bench/active_sounding.py DATA [--draws 20]

DATA: as of calibration_dichasus.py, whose page has the table too. The site's materials stay as they
come; what is scored is the map of residuals from so many cells, on all the others. The place that tells
most is chosen by the covariance fitted to the cells before it (before the first ten, by the prior's), from
five cells at random.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from real_data.dichasus import traced_cells
from real_data.page import table

from visrftwin_ros.calibration.calibration import TracedCampaign
from visrftwin_ros.calibration.model_error import ModelError
from visrftwin_ros.calibration.next_sounding import Covariance, most_telling
from visrftwin_ros.calibration.residuals import FittedResiduals, fitted_residuals
from visrftwin_ros.calibration.sounding_model import SoundingModel

BUDGETS = (10, 20, 40, 80, 160)
START = 5
"""Cells at random before the first choice."""

Rows = Int[np.ndarray, " k"]


class Floor:
    """All cells, what the twin expects of each, and the error of a map from some of them."""

    def __init__(self, traced: TracedCampaign) -> None:
        self.soundings = traced.soundings
        self.places = traced.soundings.position
        model = SoundingModel(
            traced.sounded, traced.soundings, ("array_1",), "relative", np.zeros(1)
        )
        self._expected = model.powers_db(np.zeros(len(model.mean)))
        self._expected += np.median(self.soundings.power_db - self._expected)

    def fitted(self, rows: Rows) -> FittedResiduals:
        own = self.soundings.take(rows)
        return fitted_residuals(own, self._expected[rows], ("array_1",), 30.0)

    def error_db(self, rows: Rows) -> float:
        """RMS over the cells that are not `rows`."""
        rest = np.setdiff1d(np.arange(len(self.places)), rows)
        asked = self.soundings.take(rest)
        off = self._expected[rest] + self.fitted(rows).at(asked) - asked.power_db
        return float(np.sqrt(np.mean(off**2)))


def at_random(floor: Floor, seed: int) -> list[Rows]:
    order = np.random.default_rng(seed).permutation(len(floor.places))
    return [np.sort(order[:budget]) for budget in BUDGETS]


def on_a_grid(floor: Floor, seed: int) -> list[Rows]:
    """By budget: the cells nearest to a square grid whose phase is drawn, the closest so many."""
    rng = np.random.default_rng(seed)
    low, size = floor.places[:, :2].min(axis=0), np.ptp(floor.places[:, :2], axis=0)
    found = []
    for budget in BUDGETS:
        phase = rng.uniform(0, 1, 2)
        for spacing in np.geomspace(1.5, 0.2, 60) * np.sqrt(size.prod() / budget):
            axes = [np.arange(phase[k] * spacing, size[k], spacing) + low[k] for k in (0, 1)]
            points = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 1, 2)
            apart = np.linalg.norm(points - floor.places[:, :2], axis=2)
            near = np.unique(apart.argmin(axis=1)[apart.min(axis=1) < spacing / 2])
            if len(near) >= budget:
                break
        found.append(np.sort(rng.permutation(near)[:budget]))
    return found


def most_told(floor: Floor, seed: int) -> list[Rows]:
    rows = np.random.default_rng(seed).permutation(len(floor.places))[:START]
    found = []
    for budget in BUDGETS:
        law: Covariance = ModelError() if len(rows) == START else floor.fitted(rows).residuals
        more, _ = most_telling(floor.places, floor.places[rows], law, budget - len(rows))
        rows = np.concatenate([rows, more])
        found.append(np.sort(rows))
    return found


TELLING = "the place that tells most"
WAYS = {"at random": at_random, "a regular grid": on_a_grid, TELLING: most_told}


def curves(floor: Floor, draws: int) -> dict[str, Float[np.ndarray, "d b"]]:
    """By way of choosing: RMS error, dB, of each draw and budget."""
    return {
        name: np.array(
            [[floor.error_db(rows) for rows in way(floor, seed)] for seed in range(draws)]
        )
        for name, way in WAYS.items()
    }


def active_table(traced: TracedCampaign, draws: int) -> str:
    """Markdown: medians, 5 to 95 % of the draws in brackets, and what the choice saves."""
    found, rows = curves(Floor(traced), draws), []
    for name, errors in found.items():
        low, middle, high = np.quantile(errors, (0.05, 0.5, 0.95), axis=0)
        cells = zip(low, middle, high, strict=True)
        rows.append([name, *(f"**{m:.2f}** ({a:.2f} to {b:.2f})" for a, m, b in cells)])
    drawn, told = (np.median(found[name], axis=0) for name in ("at random", TELLING))
    budgets = np.log(np.array(BUDGETS, float))
    saved = []
    for budget, error in list(zip(BUDGETS, drawn, strict=True))[2:]:
        needed = np.exp(np.interp(-error, -told, budgets))
        saved.append(f"{needed:.0f} for that of {budget} ({needed / budget:.0%})")
    said = f"For the error of cells at random the places that tell most need {', '.join(saved)}."
    head = ["RMS error, dB", *(f"{budget} cells" for budget in BUDGETS)]
    return f"{table(head, rows)}\n\n{said}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--draws", type=int, default=20)
    arguments = parser.parse_args()
    print(active_table(traced_cells(arguments.data), arguments.draws))


if __name__ == "__main__":
    main()
