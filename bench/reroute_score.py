"""What it is worth that a robot's planner goes by `outage_map`.

python bench/reroute_score.py [--sites street ...] [--seeds 3060 ...] [--json FILE]

Of every seed of the lab TRIPS ways between places that are drawn are planned over the free floor three times, by
Dijkstra's algorithm: the shortest; where a metre in a cell of the twin's outage map counts as 1 + PENALTY metres
(times the probability); and the same where a metre without a line of sight to any access point does. Both know the
survey as it is given, not the true place, and the map ITU's materials. What counts are the metres of each way on
which no access point gives 1 Gbit/s by the lab's true static channels, looked at each SPACING m; nobody walks
there. FILE is written anew after every seed; seeds that it has are not planned again.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from visrftwin_ros.beams.hand_over_plan import Service, rates
from visrftwin_ros.bodies.people import nobody
from visrftwin_ros.cache import cache_folder
from visrftwin_ros.evaluation.decisions import true_snrs_db
from visrftwin_ros.lab.radio.channel_truth import ChannelTruth
from visrftwin_ros.lab.radio.static_truth import Fineness, StaticTruth, solved_paths
from visrftwin_ros.lab.recording.request import stamp_of
from visrftwin_ros.lab.world.floor_plan import CELL, Ways, floor_plan
from visrftwin_ros.lab.world.sight import hidden
from visrftwin_ros.lab.world.world import World, load_world
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.model import Box, Robot
from visrftwin_ros.twin.map_solver import MapSolver
from visrftwin_ros.twin.on_demand_links import PeopleModel
from visrftwin_ros.twin.radio_map import MapGrid, MapQuestion, RadioMap

ACCESS_POINTS = {"street": 2, "lobby": 3, "lecture_room": 4}
SERVICE = Service()
TRIPS, FARTHER_THAN = 3, 8.0
GAP, SPACING, MAP_CELL = 0.5, 1.0, 1.0
PENALTY = 5.0
EVERY = 2
"""Cells of the floor plan between two places of the planner."""
DRAWS = 2000


class Planner:
    """Shortest ways over the free floor where a metre counts as many as `cost` says."""

    def __init__(self, world: World) -> None:
        plan = floor_plan(world)
        free = plan.clearance[::EVERY, ::EVERY] >= GAP
        self._index = np.where(free, np.cumsum(free.ravel()).reshape(free.shape) - 1, -1)
        self.places = plan.origin + CELL * EVERY * np.argwhere(free)
        self._edges = []
        for dx, dy in ((1, 0), (0, 1), (1, 1), (1, -1)):
            wide, high = free.shape
            here = self._index[: wide - dx, max(-dy, 0) : high - max(dy, 0)]
            there = self._index[dx:, max(dy, 0) : high - max(-dy, 0)]
            ok = (here >= 0) & (there >= 0)
            self._edges.append((here[ok], there[ok], np.hypot(dx, dy) * CELL * EVERY))

    def way(self, start: np.ndarray, end: np.ndarray, cost: np.ndarray) -> np.ndarray | None:
        """(K, 2) m; None where there is none. cost: of each of `places`."""
        rows, columns = (np.concatenate([edge[i] for edge in self._edges]) for i in (0, 1))
        metres = np.concatenate([np.full(len(edge[0]), edge[2]) for edge in self._edges])
        data = metres * (cost[rows] + cost[columns]) / 2
        size = (len(self.places),) * 2
        first, last = (int(np.linalg.norm(self.places - p, axis=1).argmin()) for p in (start, end))
        graph = coo_array((data, (rows, columns)), shape=size).tocsr()
        away, before = dijkstra(graph, False, indices=last, return_predecessors=True)
        if not np.isfinite(away[first]):
            return None
        cells = [first]
        while cells[-1] != last:
            cells.append(int(before[cells[-1]]))
        return np.asarray(self.places[cells])


def outage_cost(world: World, robot: Robot, places: np.ndarray) -> np.ndarray:
    """Of each place, by the twin's map of the survey without people."""
    site = world.site
    meshes = surface_meshes(site)
    grid = MapGrid.over(meshes, robot.antenna_height, MAP_CELL)
    model = PeopleModel(site.radio.frequency, materials=site.materials)
    question = MapQuestion.checked(
        site, meshes, model, [], grid, nobody(), 0, outage_rate=SERVICE.rate
    )
    solver = MapSolver("llvm", cache_folder("maps"))
    found = RadioMap.of(question, [solver.tile(question, tile) for tile in question.tiles])
    assert found.outage is not None
    cells = np.floor((places - grid.origin[:2]) / grid.cell).astype(int)
    cells = np.clip(cells, 0, [grid.columns - 1, grid.rows - 1])
    return 1 + PENALTY * np.nan_to_num(found.outage[cells[:, 1], cells[:, 0]])


def sight_cost(world: World, robot: Robot, places: np.ndarray) -> np.ndarray:
    """Of each place, by whether the survey leaves a line of sight to some access point."""
    boxes = [surface for surface in world.site.scene if isinstance(surface, Box)]
    ends = np.column_stack([places, np.full(len(places), robot.antenna_height)])
    unseen = [
        hidden(boxes, np.tile(ap.position, (len(ends), 1)), ends) for ap in world.site.access_points
    ]
    return 1 + PENALTY * np.all(unseen, axis=0)


def out_of_service(world: World, robot: Robot, way: np.ndarray) -> tuple[float, float]:
    """Metres of the way, and of these without service in truth."""
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(way, axis=0), axis=1))])
    at = np.arange(0.0, along[-1], SPACING)
    places = np.column_stack([np.interp(at, along, way[:, i]) for i in (0, 1)])
    there = np.column_stack([places, np.full(len(places), robot.antenna_height)])
    site = world.true_site.model_copy(update={"robots": [robot]})
    solved = solved_paths(site, robot.name, there, Fineness(), None, lambda _: None)
    static = StaticTruth(site, world.walls, robot.name, there, solved)
    aps = {ap.name: np.array(ap.position, float) for ap in site.access_points}
    truth, out = ChannelTruth(static, aps, site.radio), 0
    course = np.diff(places, axis=0, append=2 * places[-1:] - places[-2:-1])
    for place, (dx, dy) in zip(there, course, strict=True):
        ends = {robot.name: place}
        snr_db = [
            true_snrs_db([replace(c, rx_yaw=float(np.arctan2(dy, dx)))], c.tx, world.site)[0]
            for c in truth.at(ends, (), None).channels(stamp_of(0.0), site.radio, ends)
        ]
        out += max(rates(np.array(snr_db), site.radio)) < SERVICE.rate
    return float(along[-1]), float(out * SPACING)


def planned(name: str, seed: int) -> list[dict[str, tuple[float, float]]]:
    """Of each trip, by planner: metres, and metres out of service."""
    world = load_world(name, seed, ACCESS_POINTS[name])
    robot = next(r for r in world.true_site.robots if r.is_on_tf)
    planner, ways = Planner(world), Ways(floor_plan(world), GAP)
    costs = {
        "shortest": np.ones(len(planner.places)),
        "outage map": outage_cost(world, robot, planner.places),
        "line of sight": sight_cost(world, robot, planner.places),
    }
    rng, trips = np.random.default_rng([seed, 0x5EED]), []
    while len(trips) < TRIPS:
        start, end = ways.place(rng), ways.place(rng)
        if np.linalg.norm(end - start) < FARTHER_THAN:
            continue
        found = {who: planner.way(start, end, cost) for who, cost in costs.items()}
        if any(way is None for way in found.values()):
            continue
        known: dict[bytes, tuple[float, float]] = {}
        for way in found.values():
            if way.tobytes() not in known:
                known[way.tobytes()] = out_of_service(world, robot, way)
        trips.append({who: known[way.tobytes()] for who, way in found.items()})
    return trips


def report(found: dict[str, list[dict[str, tuple[float, float]]]]) -> str:
    """Metres, metres out of service, and what is saved with 95 % of a bootstrap over seeds."""
    draws = np.random.default_rng(7).integers(0, len(found), (DRAWS, len(found)))
    lines = [f"{len(found)} places, {sum(map(len, found.values()))} trips"]
    base = np.array([sum(trip["shortest"][1] for trip in trips) for trips in found.values()])
    for who in ("shortest", "line of sight", "outage map"):
        metres = sum(trip[who][0] for trips in found.values() for trip in trips)
        out = np.array([sum(trip[who][1] for trip in trips) for trips in found.values()])
        low, high = np.quantile((base - out)[draws].sum(axis=1), (0.025, 0.975))
        worse = sum(
            trip[who][1] > trip["shortest"][1] for trips in found.values() for trip in trips
        )
        lines.append(
            f"{who}: {metres:.0f} m, {out.sum():.1f} m out of service; saves {(base - out).sum():.1f} m"
            f" ({low:.1f} to {high:.1f}), worse than the shortest on {worse} trips"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", nargs="+", default=["street"], choices=list(ACCESS_POINTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(range(3060, 3068)))
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    prepare("llvm", 1)
    found = json.loads(given.json.read_text()) if given.json and given.json.exists() else {}
    for site in given.sites:
        for seed in given.seeds:
            if f"{site} {seed}" not in found:
                found[f"{site} {seed}"] = planned(site, seed)
                print(site, seed, found[f"{site} {seed}"], flush=True)
            if given.json:
                given.json.write_text(json.dumps(found, indent=1) + "\n")
    print(report(found))


if __name__ == "__main__":
    main()
