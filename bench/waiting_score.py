"""What it is worth that a robot which drives waits where it is warned that no access point will serve it.

python bench/waiting_score.py [--sites street ...] [--seeds 3040 ...] [--json FILE]

Of every seed of the lab a robot drives its way of --way s among --people people: without a stop; as
`service_warnings` say, standing from a warning to slow down until what it is warned of should be over, --patience s
in all at most; and, twice, standing at random as often and as long. The truth are the lab's channels at the places
where the robot then is; it is out of service where no access point gives 1 Gbit/s. It tells its plan and measures
every access point, like those of `visrftwin decide`; the strongest one serves it always. The lab's people make way
for the robot that does not stop. FILE is written anew after every seed; seeds that it has are not played again.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from visrftwin_ros.beams.hand_over_advice import NetworkState
from visrftwin_ros.beams.hand_over_plan import LinksAhead, Service, links_ahead, rates
from visrftwin_ros.beams.service_warnings import ServiceWarnings
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.cache import cache_folder
from visrftwin_ros.evaluation.decisions import true_snrs_db
from visrftwin_ros.evaluation.observed_people import RATE, observed_people
from visrftwin_ros.lab.radio.channel_truth import ChannelTruth
from visrftwin_ros.lab.radio.crowd import Crowd
from visrftwin_ros.lab.radio.static_truth import StaticTruth, solved_paths
from visrftwin_ros.lab.recording.request import Cast, Request, cast, stamp_of
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.track_bodies import bodies_of
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.mounts import RobotPose
from visrftwin_ros.twin.way_ahead import RobotPlan

ACCESS_POINTS = {"street": 2, "lobby": 3, "lecture_room": 4}
SERVICE = Service()
STEP = 1 / RATE
PLANNED_EVERY = 0.25
LONGEST_SOLVE = 120.0
DRAWS = 2000


class Place:
    """A lab world, its true channels and the twin that watches it."""

    def __init__(self, site: str, seed: int, people: int, seconds: float) -> None:
        request = Request(site, people, seconds, seed, access_points=ACCESS_POINTS[site])
        self.made: Cast = cast(request)
        world, drive = self.made.world, self.made.drive
        true = world.true_site
        self.robot = next(r for r in true.robots if r.name == drive.robot)
        rows = drive.soundings[::2]
        places = np.column_stack(
            [drive.position[rows], np.full(len(rows), self.robot.antenna_height)]
        )
        cache = cache_folder("lab")
        solved = solved_paths(true, drive.robot, places, request.fineness, cache, lambda _: None)
        static = StaticTruth(true, world.walls, drive.robot, places, solved)
        self._aps = {ap.name: np.array(ap.position, float) for ap in true.access_points}
        self._truth = ChannelTruth(static, self._aps, true.radio)
        self._crowd = Crowd(self.made.people)
        self._standing = {
            r.name: np.array([*r.position, r.antenna_height]) for r in true.robots if r.position
        }
        times = np.arange(0, seconds, 0.05)
        walks = [(stamp_of(t), self.made.walks.at(t)) for t in times]
        self.people: list[People] = list(
            observed_people(PeopleTimeline(walks), stamp_of(0.0), seconds, seed)
        )

    def snr_db(self, t: float, along: float) -> dict[str, float]:
        """True SNR of each access point at `t` s, with the robot where its drive has it at `along` s."""
        world, drive = self.made.world, self.made.drive
        where, yaw = drive.pose(along)
        ends = {**self._standing, drive.robot: np.append(where, self.robot.antenna_height)}
        now = self._truth.at(ends, self._crowd.at(t), self._crowd.scene)
        found = {}
        for channel in now.channels(stamp_of(t), world.true_site.radio, ends):
            if channel.rx == drive.robot:
                there = [replace(channel, rx_yaw=yaw)]
                found[channel.tx] = true_snrs_db(there, channel.tx, world.site)[0]
        return found

    def ahead(self, engine: TwinEngine, k: int, along: float, way: float) -> LinksAhead | None:
        """The twin's forecast at step `k` for the robot there, which goes on."""
        drive, tracked = self.made.drive, self.people[k]
        where, yaw = drive.pose(along)
        stamp, bodies = tracked.stamp_ns, bodies_of(tracked)
        robots = {drive.robot: RobotPose(np.append(where, 0.0), yaw)}
        engine.update(stamp, bodies, robots)
        given_up = time.monotonic() + LONGEST_SOLVE
        while engine.is_behind and time.monotonic() < given_up:
            time.sleep(0.02)
            engine.update(stamp, bodies, robots)
        coming = np.arange(along, way, PLANNED_EVERY)
        plans = {}
        if len(coming) > 1:
            places = np.array([drive.pose(s)[0] for s in coming])
            plans = {drive.robot: RobotPlan(places, stamp * 1e-9 + coming - along)}
        forecast = engine.forecast(bodies, tracked.covariance, plans)
        snr_db = forecast.snr_db(engine.links, engine.site)
        return links_ahead(engine.links, forecast.horizons, snr_db).get(drive.robot)


def driven(
    place: Place, way: float, patience: float, engine: TwinEngine | None, stops: np.ndarray
) -> dict[str, Any]:
    """Seconds on the way, out of service and waited; with an engine the robot waits as warned, else at `stops`."""
    radio, robot = place.made.world.true_site.radio, place.made.drive.robot
    state, warnings = NetworkState(), ServiceWarnings()
    noise = np.random.default_rng(3)
    along, until, waited, out, k, begun = 0.0, 0.0, 0.0, 0.0, 0, []
    while along < way and k < len(place.people):
        now = k * STEP
        true = place.snr_db(now, along)
        served = max(rates(np.array(list(true.values())), radio)) >= SERVICE.rate
        out += 0.0 if served else STEP
        if engine is not None:
            links = place.ahead(engine, k, along, way)
            for ap, snr_db in true.items():
                measured = snr_db + float(noise.normal())
                state = state.hears((ap, robot), now, measured)
                if links is not None and ap in links.aps:
                    told = float(np.median(links.snr_db[links.aps.index(ap), :, 0]))
                    state = state.measured((ap, robot), now, measured, told)
            if links is not None:
                foreseen = {robot: state.corrected(robot, links, now, SERVICE)}
                warnings, new = warnings.ahead(now, foreseen, radio, SERVICE, {robot})
                for one in new:
                    if one.what == "slow down" and now >= until:
                        until = one.ends
                        begun.append(now)
        stands = now < until if engine is not None else bool(stops[k])
        if stands and waited < patience:
            waited += STEP
        else:
            along += STEP
        k += 1
    return {"seconds": k * STEP, "out": out, "waited": waited, "stops": begun}


def at_random(waited: float, stops: int, seconds: float, seed: int) -> np.ndarray:
    """Steps at which a robot stands that stops as often and as long, at moments drawn evenly."""
    rng, steps = np.random.default_rng([seed, 5]), round(seconds / STEP)
    stands = np.zeros(4 * steps, bool)
    each = round(waited / max(stops, 1) / STEP)
    for first in rng.integers(0, steps, stops).tolist():
        stands[first : first + each] = True
    return stands


def played(site: str, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    place = Place(site, seed, given.people, given.way + given.patience + 0.5)
    never = np.zeros(10_000, bool)
    engine = TwinEngine(place.made.world.site, cache_folder("paths"), threads=1)
    try:
        warned = driven(place, given.way, given.patience, engine, never)
    finally:
        engine.close()
    waited, stops = warned["waited"], len(warned["stops"])
    if not waited:
        return {"drives on": warned, "waits as warned": warned, "waits at random": []}
    random = [
        driven(place, given.way, given.patience, None, at_random(waited, stops, given.way, draw))
        for draw in range(2)
    ]
    return {
        "drives on": driven(place, given.way, given.patience, None, never),
        "waits as warned": warned,
        "waits at random": random,
    }


def report(found: dict[str, dict[str, Any]]) -> str:
    """What was out of service, with 95 % of a bootstrap over seeds."""
    rows = []
    for one in found.values():
        on, warned, random = (one[k] for k in ("drives on", "waits as warned", "waits at random"))
        chance = np.mean([r["out"] for r in random]) if random else on["out"]
        rows.append([on["out"], warned["out"], chance, warned["waited"], on["seconds"]])
    table = np.array(rows, float)
    draws = np.random.default_rng(7).integers(0, len(table), (DRAWS, len(table)))
    lines = [
        f"{len(table)} drives, {table[:, 4].sum():.1f} s on the way, {table[:, 3].sum():.1f} s waited"
    ]
    for name, column in (("drives on", 0), ("waits as warned", 1), ("waits at random", 2)):
        saved = (table[:, 0] - table[:, column])[draws].sum(axis=1)
        low, high = np.quantile(saved, (0.025, 0.975))
        lines.append(
            f"{name}: {table[:, column].sum():.1f} s out of service; saves "
            f"{(table[:, 0] - table[:, column]).sum():.1f} s ({low:.1f} to {high:.1f})"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", nargs="+", default=["street"], choices=list(ACCESS_POINTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(3040, 3048)))
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument(
        "--way", type=float, default=12.0, help="s that the way takes without a stop"
    )
    parser.add_argument("--patience", type=float, default=5.0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    prepare("llvm", 1)
    found: dict[str, dict[str, Any]] = {}
    if given.json and given.json.exists():
        found = json.loads(given.json.read_text())
    for site in given.sites:
        for seed in given.seeds:
            if f"{site} {seed}" not in found:
                found[f"{site} {seed}"] = played(site, seed, given)
                print(site, seed, found[f"{site} {seed}"], flush=True)
            if given.json:
                given.json.write_text(json.dumps(found, indent=1) + "\n")
    print(report(found))


if __name__ == "__main__":
    main()
