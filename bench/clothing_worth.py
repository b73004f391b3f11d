"""What it is worth to know what people wear, against taking everybody for bare skin.

python bench/clothing_worth.py [--sites lobby ...] [--seeds 3080 ...] [--people N] [--seconds S] [--json FILE]

Of every seed of the lab people walk in clothes of their own. On the direct paths from each access point to each
standing robot the truth of the shadow is the wave marched past their meshes, and of the echo physical optics on
the meshes' facets (`lab/radio/`); both know the cloth as the twin's table has it, lying on the skin. The twin is told
everything of the people but limbs and bags, and of what they wear

- worn: what they wear;
- skin: that all are bare;
- wrong: another cloth of the table, drawn.

Shadows: RMSE over the samples of fades to 30 dB, as in `bench/shadow_truth.py`. Echoes: of those that turn by 30 to
150 degrees, as in `bench/body_echo.py` (less is the shadow's own field, where optics on facets says nothing), and carry
a thousandth of the direct path and more in truth, the power of all of one body over time, in dB off. FILE is written
anew after every seed; seeds that it has are not computed again.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from shadow_truth import figures, interval
from validation_walk import line_of_sight

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.evaluation.shadow_scores import Trace
from visrftwin_ros.lab.people.avatars import make_avatars
from visrftwin_ros.lab.people.walks import MATERIALS, plan_walks
from visrftwin_ros.lab.radio.body_echo import Facets, echo
from visrftwin_ros.lab.radio.body_truth import body_fields
from visrftwin_ros.lab.radio.crowd import Crowd
from visrftwin_ros.lab.world.world import load_world
from visrftwin_ros.propagation.fields.free_space import free_space_amplitude, wavelength_of
from visrftwin_ros.propagation.paths.path_segments import path_segments
from visrftwin_ros.propagation.people.body_reflection import ellipsoid_bounces
from visrftwin_ros.propagation.people.people_update import PeopleUpdate

TICK = 0.1
TOLD = ("worn", "skin", "wrong")
LEAST_ECHO = 1e-3
TURNS = np.deg2rad([30.0, 150.0])
FLOOR_DB = 60.0


def dressed(bodies: Bodies, told: str, wrong: tuple[str, ...]) -> Bodies:
    """The people as `told` has them."""
    if told == "worn":
        return bodies
    return replace(bodies, material=("skin",) * len(bodies) if told == "skin" else wrong)


def turned(bodies: Bodies, tx: np.ndarray, rx: np.ndarray) -> np.ndarray:
    """Whether what comes to each body at half its height leaves within TURNS of straight on."""
    middle = bodies.position + np.array([0.0, 0.0, 0.5]) * bodies.height[:, None]
    to, on = middle - tx, rx - middle
    cosine = (to * on).sum(axis=1) / (np.linalg.norm(to, axis=1) * np.linalg.norm(on, axis=1))
    turn = np.arccos(np.clip(cosine, -1.0, 1.0))
    return np.asarray((turn >= TURNS[0]) & (turn <= TURNS[1]))


def loss_db(field: complex) -> float:
    return float(-20 * np.log10(max(abs(field), 10 ** (-FLOOR_DB / 20))))


def scores(site: str, seed: int, people: int, seconds: float) -> dict[str, tuple[float, float]]:
    """By what is told: dB RMSE of shadows, and dB that bodies' echoes are off, RMS over bodies and links."""
    world = load_world(site, seed)
    avatars = make_avatars(plan_walks(world, people, seconds, seed), seed)
    crowd, wavelength = Crowd(avatars), wavelength_of(world.site.radio.frequency)
    draw = np.random.default_rng([seed, 9])
    worn = avatars.walks.material
    wrong = tuple(str(draw.choice([m for m in MATERIALS if m != own])) for own in worn)
    ends = [
        (np.array(ap.position, float), np.array((*robot.position, robot.antenna_height)))
        for ap in world.site.access_points
        for robot in world.site.robots
        if robot.position is not None
    ]
    paths = [line_of_sight(np.array([[tx], [rx]])) for tx, rx in ends]
    updates = [{told: PeopleUpdate(path, wavelength) for told in TOLD} for path in paths]
    time = np.arange(0.0, seconds, TICK)
    true = np.zeros((len(ends), len(time)))
    found = {told: np.zeros_like(true) for told in TOLD}
    true_echo = np.zeros((len(ends), people))
    echoes = {told: np.zeros_like(true_echo) for told in TOLD}
    for n, t in enumerate(time.tolist()):
        persons, there = crowd.at(t), avatars.walks.at(t)
        facets = [Facets.of(person) for person in persons]
        for k, (tx, rx) in enumerate(ends):
            true[k, n] = loss_db(body_fields(path_segments(paths[k]), persons, 1, wavelength)[0])
            direct = free_space_amplitude(np.linalg.norm(rx - tx), wavelength)
            back = [
                echo(some, person.material, tx, rx, wavelength)
                for some, person in zip(facets, persons, strict=True)
            ]
            power = np.array([0.0 if one is None else abs(one.transfer) ** 2 for one in back])
            counts = (power >= LEAST_ECHO * direct**2) & turned(there, tx, rx)
            true_echo[k] += power * counts
            for told in TOLD:
                known = dressed(there, told, wrong)
                found[told][k, n] = loss_db(updates[k][told].update(known).field[0])
                body = np.arange(people)
                place = [np.tile(end, (people, 1)) for end in (tx, rx)]
                bounce = ellipsoid_bounces(*place, known, body, wavelength)
                sent = np.where(bounce.found, np.abs(bounce.transfer[:, 0, 0]) ** 2, 0.0)
                echoes[told][k] += sent * counts
    made = {}
    for told in TOLD:
        some = [Trace("ap", str(k), time, found[told][k], true[k]) for k in range(len(ends))]
        both = (true_echo > 0) & (echoes[told] > 0)
        off = 10 * np.log10(echoes[told][both] / true_echo[both])
        made[told] = (
            figures(some).up_to_30,
            float(np.sqrt(np.mean(off**2))) if both.any() else np.nan,
        )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", nargs="+", default=["lobby", "lecture_room", "street"])
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(3080, 3088)))
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    found: dict[str, dict[str, tuple[float, float]]] = {}
    if given.json and given.json.exists():
        found = json.loads(given.json.read_text())
    for site in given.sites:
        for seed in given.seeds:
            if f"{site} {seed}" not in found:
                found[f"{site} {seed}"] = scores(site, seed, given.people, given.seconds)
                print(site, seed, found[f"{site} {seed}"], flush=True)
            if given.json:
                given.json.write_text(json.dumps(found, indent=1) + "\n")
    print("| told | shadows, dB | echoes, dB |\n|---|---|---|")
    for told in TOLD:
        cells = [interval([one[told][k] for one in found.values()]) for k in (0, 1)]
        print(f"| {told} | {' | '.join(cells)} |")
    for told in TOLD[1:]:
        cells = [
            interval([one[told][k] - one["worn"][k] for one in found.values()]) for k in (0, 1)
        ]
        print(f"| {told} less worn | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
