"""Score the twin's shadows on direct paths against the lab's walking meshes.

python bench/shadow_truth.py [--sites lobby ...] [--seeds 9001 ...] [--people N] [--seconds S]
    [--json FILE]

FILE is written anew after every seed.

Of every seed people walk through the site as the lab draws them: their gait, build, clothes and
bags. On the direct path from each access point to each standing robot the truth is the wave marched
past their meshes (`lab/radio/body_truth.py`); the twin and the flat screen (Fresnel's strip, each
person for itself) are told where everybody is, which way they face, width, depth, height and
material of the clothes. They are not told limbs, gait and bags. Nothing else is on the links: no
wall, no echo; so fades are as deep as shadows are, deeper than on a link with reflections.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from validation_page import table
from validation_walk import line_of_sight

from visrftwin_ros.evaluation.shadow_scores import Trace, fades, matched_fades, shadow_score
from visrftwin_ros.lab.people.avatars import make_avatars
from visrftwin_ros.lab.people.walks import plan_walks
from visrftwin_ros.lab.radio.body_truth import body_fields
from visrftwin_ros.lab.radio.crowd import Crowd
from visrftwin_ros.lab.world.world import load_world
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.paths.path_segments import path_segments
from visrftwin_ros.propagation.people.people_update import PeopleUpdate
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel

Array = NDArray[np.float64]

MODELS: tuple[BlockageModel, ...] = ("thick", "fresnel")
TICK = 0.05
FLOOR_DB = 60.0
"""Loss that deeper ones count as."""
BANDS = ((0.0, 20.0), (20.0, 30.0), (30.0, FLOOR_DB))
"""Fades by their true depth, dB."""
_BESIDE = 0.3
"""Seconds around a fade that belong to it, as in `shadow_scores`."""


@dataclass(frozen=True)
class Figures:
    """Of one model on one seed: RMSE dB in fades of each of BANDS and of all up to 30 dB; onset
    errors in ms; share of the predicted fades that are invented; true fades."""

    up_to_20: float
    from_20_to_30: float
    deeper: float
    up_to_30: float
    onset: float
    onset_90: float
    invented: float
    fades: int


def traces(site: str, seed: int, people: int, seconds: float) -> dict[str, list[Trace]]:
    """One a direct path, of each model."""
    world = load_world(site, seed)
    avatars = make_avatars(plan_walks(world, people, seconds, seed), seed)
    crowd, wavelength = Crowd(avatars), wavelength_of(world.site.radio.frequency)
    links = [
        (ap, robot)
        for ap in world.site.access_points
        for robot in world.site.robots
        if robot.position is not None
    ]
    paths = [
        line_of_sight(np.array([[ap.position], [(*robot.position, robot.antenna_height)]], float))
        for ap, robot in links
    ]
    segments = [path_segments(path) for path in paths]
    twins = {
        model: [PeopleUpdate(p, wavelength, model, joint=model == "thick") for p in paths]
        for model in MODELS
    }
    time = np.arange(0.0, seconds, TICK)
    true = np.zeros((len(links), len(time)))
    found = {model: np.zeros_like(true) for model in MODELS}
    for n, t in enumerate(time):
        persons, bodies = crowd.at(float(t)), avatars.walks.at(float(t))
        for k, segment in enumerate(segments):
            true[k, n] = _loss_db(body_fields(segment, persons, 1, wavelength)[0])
            for model in MODELS:
                found[model][k, n] = _loss_db(twins[model][k].update(bodies).field[0])
    return {
        model: [
            Trace(ap.name, robot.name, time, found[model][k], true[k])
            for k, (ap, robot) in enumerate(links)
        ]
        for model in MODELS
    }


def figures(some: Sequence[Trace]) -> Figures:
    score = shadow_score(some)
    predicted = sum(len(fades(trace.time, trace.predicted_db)) for trace in some)
    onset = [
        abs(ours.start - theirs.start)
        for trace in some
        for ours, theirs in matched_fades(
            fades(trace.time, trace.predicted_db), fades(trace.time, trace.true_db)
        )
        if not (ours.begun or theirs.begun)
    ]
    return Figures(
        *(_rmse(some, *band) for band in BANDS),
        up_to_30=_rmse(some, 0.0, 30.0),
        onset=1e3 * float(np.quantile(onset, 0.5)) if onset else np.nan,
        onset_90=1e3 * float(np.quantile(onset, 0.9)) if onset else np.nan,
        invented=score.false / predicted if predicted else np.nan,
        fades=score.fades,
    )


def _rmse(some: Sequence[Trace], above: float, up_to: float) -> float:
    """Over the samples of fades whose depth is in between, without those of deeper ones."""
    errors = []
    for trace in some:
        depth = np.zeros(len(trace.time))
        for fade in fades(trace.time, trace.true_db):
            inside = (trace.time >= fade.start - _BESIDE) & (trace.time <= fade.end + _BESIDE)
            depth[inside] = np.maximum(depth[inside], fade.depth_db)
        taken = (depth > above) & (depth <= up_to)
        errors.append((trace.predicted_db - trace.true_db)[taken])
    every = np.concatenate(errors)
    return float(np.sqrt(np.mean(every**2))) if len(every) else np.nan


def _loss_db(field: complex) -> float:
    return float(-20 * np.log10(max(abs(field), 10 ** (-FLOOR_DB / 20))))


def interval(values: Sequence[float]) -> str:
    """Mean over the seeds, and the 95 % interval of it by resampling seeds."""
    known = np.array([v for v in values if np.isfinite(v)])
    if not len(known):
        return "-"
    drawn = np.random.default_rng(0).choice(known, (2000, len(known))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{known.mean():.1f} ({low:.1f}-{high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", nargs="+", default=["lobby", "lecture_room", "street"])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(9001, 9009)))
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found: dict[str, dict[str, list[Figures]]] = {}
    for site in given.sites:
        found[site] = {model: [] for model in MODELS}
        for seed in tqdm(given.seeds, desc=site):
            for model, some in traces(site, seed, given.people, given.seconds).items():
                found[site][model].append(figures(some))
            if given.json:
                given.json.write_text(json.dumps(_plain(found), indent=1) + "\n")
    head = ("site, model", "fades", "to 20 dB", "20 to 30 dB", "to 30 dB", "deeper", "onset ms",
            "90 % ms", "invented %")  # fmt: skip
    rows: list[tuple[object, ...]] = []
    for site, by_model in found.items():
        for model, seeds in by_model.items():
            rows.append((f"{site}, {model}", sum(s.fades for s in seeds),
                         *(interval([getattr(s, name) for s in seeds])
                           for name in ("up_to_20", "from_20_to_30", "up_to_30", "deeper", "onset",
                                        "onset_90")),
                         interval([100 * s.invented for s in seeds])))  # fmt: skip
    print(f"{len(given.seeds)} seeds, {given.people} people, {given.seconds:g} s; RMSE in dB")
    print(table(head, rows))


def _plain(found: dict[str, dict[str, list[Figures]]]) -> dict[str, dict[str, list[object]]]:
    return {s: {m: [asdict(f) for f in fs] for m, fs in b.items()} for s, b in found.items()}


if __name__ == "__main__":
    main()
