"""What an update of the twin costs, and how far it is from a full solve with the people in it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from visrftwin_ros.benchmarks.agreement import Agreement, agreement
from visrftwin_ros.benchmarks.correctness import cases
from visrftwin_ros.benchmarks.lobby import (
    DRIVING_SPEED,
    WALKING_SPEED,
    Crowd,
    crowded,
    lobby,
)
from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing import path_solver
from visrftwin_ros.propagation.tracing.sionna_solver import traced_paths
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.channel_state import ChannelState
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.mounts import RobotPose

MOST_PAIRS = 500
PAPER_SECONDS = 0.33
"""A pair, median over 500 of them (VisRFTwin, section 6)."""
_TICK = 0.1
_FIRST_DISCOVERY = 300.0
"""Seconds that the background solver may take for the first paths of all moving robots."""


@dataclass(frozen=True)
class Size:
    """One line of the bench."""

    name: str
    aps: int
    robots: int
    people: int
    robots_move: bool = False


SIZES = (
    Size("4 APs x 10 standing robots, 5 walkers", 4, 10, 5),
    Size("4 APs x 10 moving robots, 5 walkers", 4, 10, 5, robots_move=True),
    Size("10 APs x 40 standing robots, 20 walkers", 10, 40, 20),
)
MORE_PEOPLE = tuple(
    Size(f"4 APs x 10 standing robots, {n} walkers", 4, 10, n) for n in (1, 10, 20, 40)
)


@dataclass(frozen=True)
class Row:
    """What one size measured; the keys of the JSON. The agreement's are those of `Agreement`."""

    name: str
    links: int
    people: int
    robots_move: bool
    full_ms: float
    update_ms_median: float
    update_ms_p99: float
    ratio: float
    matched_power: float
    gain_diff_db_p99: float
    gain_diff_db_p99_own_vertices: float
    law_diff_db_p99: float
    delay_diff_s_p99: float
    diffuse_power_diff_db: float
    affected_links: float


class Lobby:
    """The lobby of one size, its twin, and who moves in it."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.people = Crowd(size.people, WALKING_SPEED, seed=1)
        self.robots = Crowd(size.robots, DRIVING_SPEED, seed=0)
        self.site = lobby(size.aps, self.robots.position, standing=not size.robots_move)
        self.engine = TwinEngine(self.site)
        self._tick = 0

    def tick(self, moving: bool = True) -> tuple[ChannelState, Bodies, float]:
        """The state after a tenth of a second, the people then, and seconds that it took."""
        self._tick += 1
        if moving:
            self.people.step(_TICK)
        if moving and self.size.robots_move:
            self.robots.step(_TICK)
        bodies = self.people.bodies()
        poses = {
            robot.name: RobotPose(np.append(place, 0.0), 0.0)
            for robot, place in zip(self.site.robots, self.robots.position, strict=True)
        }
        began = time.perf_counter()
        state = self.engine.update(round(self._tick * _TICK * 1e9), bodies, poses)
        return state, bodies, time.perf_counter() - began

    def wait_for_paths(self) -> None:
        """Until every robot's paths are known, standing where they are."""
        deadline = time.monotonic() + _FIRST_DISCOVERY
        while any(self.tick(moving=False)[0].fault):
            if time.monotonic() > deadline:
                raise TwinError(f"no paths to the moving robots within {_FIRST_DISCOVERY:.0f} s")
            time.sleep(_TICK)

    def full_solve(self, bodies: Bodies) -> tuple[PathSet, float]:
        """Sionna's paths with the people as boxes in the scene, and seconds that they took."""
        site = crowded(self.site, bodies, self.robots.position)
        meshes = surface_meshes(site)
        aps, robots = _devices(site)
        began = time.perf_counter()
        paths = traced_paths(meshes, aps, robots, site.radio.frequency, site.propagation)
        return paths, time.perf_counter() - began


def measure(size: Size, updates: int = 200, solves: int = 4) -> tuple[Row, Agreement]:
    """One size, in one run: updates as people (and robots) move on, then full solves of the end.

    Robots that move are driven at the pace of the clock, as discovery runs beside them.
    """
    place = Lobby(size)
    try:
        if size.robots_move:
            place.wait_for_paths()
        times, affected = [], []
        for _ in range(updates):
            began = time.monotonic()
            state, bodies, seconds = place.tick()
            times.append(seconds)
            affected.append(state.affected_links)
            if size.robots_move:
                time.sleep(max(0.0, _TICK - (time.monotonic() - began)))
    finally:
        place.engine.close()
    # The first solve compiles.
    solved = [place.full_solve(bodies) for _ in range(solves)][1:]
    full = float(np.median([seconds for _, seconds in solved]))
    scene = ReplayScene(surface_meshes(place.site), place.site.radio.frequency)
    found = agreement(state, solved[0][0], bodies, scene)
    median = float(np.median(times))
    row = Row(
        name=size.name,
        links=len(state.links),
        people=size.people,
        robots_move=size.robots_move,
        full_ms=round(full * 1e3, 1),
        update_ms_median=round(median * 1e3, 2),
        update_ms_p99=round(float(np.percentile(times, 99)) * 1e3, 2),
        ratio=round(full / median, 1),
        matched_power=found.matched_power,
        gain_diff_db_p99=found.gain_diff_db_p99,
        gain_diff_db_p99_own_vertices=found.gain_diff_db_p99_own_vertices,
        law_diff_db_p99=found.law_diff_db_p99,
        delay_diff_s_p99=found.delay_diff_s_p99,
        diffuse_power_diff_db=found.diffuse_power_diff_db,
        affected_links=round(float(np.mean(affected)), 1),
    )
    return row, found


def milliseconds_over_links(
    robots: tuple[int, ...] = (10, 20, 40), updates: int = 100
) -> Iterator[tuple[int, int, float]]:
    """Links, paths evaluated and median update [ms] as robots are added that nobody is near.

    One person walks to and fro across the paths of the first ten robots; the others stand in a
    corner hall of their own.
    """
    for count in robots:
        place = Lobby(Size("", 4, count, 1))
        few = place.site.robots[:10]
        times, evaluated = [], []
        near = np.array(few[0].position) + np.array([0.0, 0.8])
        for tick in range(updates):
            place.people.position[0] = near + (0.3 * np.sin(tick), 0.0)
            bodies = place.people.bodies()
            began = time.perf_counter()
            state = place.engine.update(tick, bodies)
            times.append(time.perf_counter() - began)
            evaluated.append(state.retraced_paths)
        yield len(state.links), int(np.mean(evaluated)), float(np.median(times)) * 1e3


@dataclass(frozen=True)
class PairTimes:
    """Medians over transmitter-receiver pairs, seconds: a first solve of the pair alone, and its share
    of an update of all."""

    pairs: int
    first: float
    update: float


def pair_times(size: Size = SIZES[-1], updates: int = 50) -> PairTimes:
    """As the paper has its run time, over at most MOST_PAIRS pairs."""
    place = Lobby(size)
    place.engine.close()
    share = [place.tick()[2] / len(place.engine.links) for _ in range(updates)]
    meshes = surface_meshes(place.site)
    aps, robots = _devices(place.site)
    pairs = [(i, k) for i in range(len(aps.names)) for k in range(len(robots.names))][:MOST_PAIRS]
    radio, settings = place.site.radio, place.site.propagation
    first = []
    for i, k in pairs[:1] + pairs:  # The first of all compiles.
        ends = _only(aps, i), _only(robots, k)
        began = time.perf_counter()
        path_solver.solve(meshes, *ends, radio.frequency, settings)
        first.append(time.perf_counter() - began)
    return PairTimes(len(pairs), float(np.median(first[1:])), float(np.median(share)))


def run(updates: int) -> list[Row]:
    """Prints the table, what is exact and what is not, and the curves; the table's rows."""
    rows = []
    print("correctness: the largest error from exact fields (60.48 GHz)")
    print(f"  {'case':32} {'ours':>10} {'Sionna':>10}")
    for case in cases():
        theirs = "no path" if np.isinf(case.sionna) else f"{case.sionna:.2g}"
        print(f"  {case.name:32} {case.ours:10.2g} {theirs:>10} {case.unit}")
    for size in SIZES:
        row, found = measure(size, updates)
        rows.append(row)
        print(f"\n{row.name}")
        for key, value in list(asdict(row).items())[1:]:
            print(f"  {key:30} {value:.4g}" if isinstance(value, float) else f"  {key:30} {value}")
        print(f"  {'gain p99 by power, dB':30} {found.gain_diff_db_p99_by_power:.4g}")
        print(f"  {'power found by us only':30} {found.extra_power:.4g}")
    paired = pair_times()
    print(f"\nrun time, median over {paired.pairs} transmitter-receiver pairs")
    print(f"  {'first solve of a pair':30} {paired.first:.3g} s")
    print(f"  {'update, a pair':30} {paired.update * 1e3:.3g} ms, ten times a second")
    print(
        f"  {'the paper, a pair':30} {PAPER_SECONDS} s on a GPU (4e6 rays, depth 5), once a second"
    )
    print("\nupdate over people (4 APs x 10 standing robots)")
    for size in MORE_PEOPLE:
        place = Lobby(size)
        times = [place.tick()[2] for _ in range(updates)]
        print(f"  {size.people:3} people  {np.median(times) * 1e3:7.2f} ms")
    print("\nupdate over links (one person near the same place)")
    for links, evaluated, took in milliseconds_over_links():
        print(f"  {links:4} links  {evaluated:6} paths evaluated  {took:7.2f} ms")
    return rows


def _devices(site: Site) -> tuple[Devices, Devices]:
    places = [(*robot.position, robot.antenna_height) for robot in site.robots if robot.position]
    return (
        Devices(
            tuple(ap.name for ap in site.access_points),
            np.array([ap.position for ap in site.access_points], float),
        ),
        Devices(tuple(robot.name for robot in site.robots), np.array(places)),
    )


def _only(devices: Devices, number: int) -> Devices:
    return Devices(devices.names[number : number + 1], devices.positions[number : number + 1])
