"""Score the twin's shadows on direct paths against the lab's walking meshes.

python bench/shadow_truth.py [--sites lobby ...] [--seeds 3000 ...] [--people N] [--seconds S]
    [--json FILE] [--page docs/LAB.md]

FILE is written anew after every seed; seeds that it has already are not computed again. The page's
section HEADING becomes the table.

Of every seed people walk through the site as the lab draws them: their gait, build, clothes and
bags. On the direct path from each access point to each standing robot the truth is the wave marched
past their meshes (`lab/radio/body_truth.py`). The twin and the flat screen (Fresnel's strip, each
person for itself) are told of each person either

- true: where it is, which way it faces, width, depth, height and material of the clothes; or
- tracked: what the live tracker makes of places 0.12 m off (standard deviation, each coordinate), ten
  times a second, carried on by their velocities in between; heights 0.1 m off; widths, depths and
  clothes are the twin's own assumptions. Everybody is seen (`evaluation/observed_people.py`).

They are not told limbs, gait and bags. Nothing else is on the links: no wall, no echo; so fades are
as deep as shadows are, deeper than on a link with reflections.
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

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.evaluation.observed_people import observed_people
from visrftwin_ros.evaluation.shadow_scores import Trace, fades, matched_fades, shadow_score
from visrftwin_ros.lab.people.avatars import make_avatars
from visrftwin_ros.lab.people.walks import Walks, plan_walks
from visrftwin_ros.lab.radio.body_truth import body_fields
from visrftwin_ros.lab.radio.crowd import Crowd
from visrftwin_ros.lab.world.data_sets import seeds_of
from visrftwin_ros.lab.world.world import load_world
from visrftwin_ros.perception.tracking.track_bodies import bodies_of
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.paths.path_segments import path_segments
from visrftwin_ros.propagation.people.people_update import PeopleUpdate
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel

Array = NDArray[np.float64]
Found = dict[str, dict[int, dict[str, "Figures"]]]
"""By site, seed, and model and what it is told."""

MODELS: tuple[BlockageModel, ...] = ("thick", "fresnel")
TOLD = ("true", "tracked")
TICK = 0.05
HEADING = "### The twin's shadows against this truth\n"
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
    """One a direct path, of each model and what it is told."""
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
        (model, told): [PeopleUpdate(p, wavelength, model, joint=model == "thick") for p in paths]
        for model in MODELS
        for told in TOLD
    }
    time = np.arange(0.0, seconds, TICK)
    known = told_people(avatars.walks, time, seconds, seed)
    true = np.zeros((len(links), len(time)))
    found = {which: np.zeros_like(true) for which in twins}
    for n, t in enumerate(time):
        persons = crowd.at(float(t))
        for k, segment in enumerate(segments):
            true[k, n] = _loss_db(body_fields(segment, persons, 1, wavelength)[0])
            for which, updates in twins.items():
                found[which][k, n] = _loss_db(updates[k].update(known[which[1]][n]).field[0])
    return {
        f"{model}, {told}": [
            Trace(ap.name, robot.name, time, found[model, told][k], true[k])
            for k, (ap, robot) in enumerate(links)
        ]
        for model, told in twins
    }


def told_people(walks: Walks, time: Array, seconds: float, seed: int) -> dict[str, list[Bodies]]:
    """By TOLD: the people at each time."""
    true = [walks.at(float(t)) for t in time]
    stamps = [round(float(t) * 1e9) for t in time]
    truth = PeopleTimeline(list(zip(stamps, true, strict=True)))
    seen = [(p.stamp_ns, bodies_of(p)) for p in observed_people(truth, 0, seconds, seed)]
    tracked = PeopleTimeline(seen)
    return {"true": true, "tracked": [tracked.at(stamp) for stamp in stamps]}


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
    """Median over the seeds, and the 95 % interval of it by resampling seeds."""
    known = np.array([v for v in values if np.isfinite(v)])
    if not len(known):
        return "-"
    drawn = np.median(np.random.default_rng(0).choice(known, (2000, len(known))), axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{np.median(known):.1f} ({low:.1f} to {high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", nargs="+", default=["lobby", "lecture_room", "street"])
    parser.add_argument(
        "--seeds", nargs="+", type=int, default=list(seeds_of("judge")[:8]), help="default: judges"
    )
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path)
    given = parser.parse_args()
    found: Found = {}
    if given.json and given.json.is_file():
        found = _read(given.json)
    for site in given.sites:
        of_site = found.setdefault(site, {})
        for seed in tqdm([s for s in given.seeds if s not in of_site], desc=site):
            by_model = traces(site, seed, given.people, given.seconds)
            of_site[seed] = {model: figures(some) for model, some in by_model.items()}
            if given.json:
                given.json.write_text(json.dumps(_plain(found), indent=1) + "\n")
    said = section(found, given.sites, given.people, given.seconds)
    print(said)
    if given.page:
        head, there, rest = given.page.read_text().partition(HEADING)
        if not there:
            parser.error(f"{given.page} has no line {HEADING.strip()!r}")
        _, mark, after = rest.partition("\n#")
        given.page.write_text(f"{head}{HEADING}\n{said}{mark}{after}")


def section(found: Found, sites: Sequence[str], people: int, seconds: float) -> str:
    """The table, and how it came about."""
    lines = [
        f"`python bench/shadow_truth.py --sites {' '.join(sites)} --people {people} --seconds {seconds:g}` wrote this. "
        "Of each number the",
        "median of the seeds, with the 95 % interval of that median by resampling seeds (2000 times). RMSE in dB "
        "over the samples of fades",
        "of that depth, 0.3 s around them included; onsets where the loss crosses 3 dB, of each seed their median "
        "and 90th percentile;",
        "invented: predicted fades with no true one within 0.3 s. *Fresnel* is the flat screen of each person by "
        "itself; differences",
        "are of one seed each.",
        "",
        table(*rows_of({site: found[site] for site in sites})),
        "",
    ]
    seeds = {site: sorted(found[site]) for site in sites}
    for site, some in seeds.items():
        lines.append(f"Seeds of {site}: {', '.join(map(str, some))}.")
    return "\n".join([*lines, ""])


def rows_of(found: Found) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Heading and rows of the table: medians over seeds with their intervals."""
    head = ("site", "model, told", "seeds", "fades", "to 20 dB", "20 to 30 dB", "to 30 dB", "deeper",
            "onset ms", "90 % ms", "invented %")  # fmt: skip
    names = ("up_to_20", "from_20_to_30", "up_to_30", "deeper", "onset", "onset_90", "invented")
    rows: list[tuple[object, ...]] = []
    for site, by_seed in found.items():
        for model in next(iter(by_seed.values()), {}):
            seeds = [by_model[model] for by_model in by_seed.values()]
            numbers = [[getattr(s, name) for s in seeds] for name in names]
            rows.append((site, model, len(seeds), sum(s.fades for s in seeds), *_cells(numbers)))
        for told in TOLD if by_seed else ():
            both = [tuple(by[f"{model}, {told}"] for model in MODELS) for by in by_seed.values()]
            numbers = [[getattr(a, name) - getattr(b, name) for a, b in both] for name in names]
            rows.append((site, f"{' less '.join(MODELS)}, {told}", len(both), "", *_cells(numbers)))
    return head, rows


def _cells(numbers: Sequence[Sequence[float]]) -> list[str]:
    """Of each number its interval; the last one, a share, in %."""
    return [*map(interval, numbers[:-1]), interval([100 * share for share in numbers[-1]])]


def _plain(found: Found) -> dict[str, dict[int, dict[str, dict[str, object]]]]:
    return {
        site: {seed: {m: asdict(f) for m, f in by.items()} for seed, by in seeds.items()}
        for site, seeds in found.items()
    }


def _read(file: Path) -> Found:
    return {
        site: {int(seed): {m: Figures(**f) for m, f in by.items()} for seed, by in seeds.items()}
        for site, seeds in json.loads(file.read_text()).items()
    }


if __name__ == "__main__":
    main()
