"""Score the scene watcher: furniture moved in rooms of the lab, under a LiDAR, with people walking about.

python bench/scene_changes_score.py [--sites lobby lecture_room] [--seeds 201 202 203] [--links]

Of each site and seed one thing is carried to another place, which takes two seconds; six seconds later the next
seed begins. --links: also the gains of the links searched again against a full solve of the changed site, and the
processor seconds of both.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.recording.lidar import LidarModel, LidarSimulator
from visrftwin_ros.lab.recording.mast import LIDAR_HEIGHT
from visrftwin_ros.lab.world.floor_plan import FloorPlan, Ways, floor_plan
from visrftwin_ros.lab.world.ray_scene import RayScene
from visrftwin_ros.lab.world.world import World, load_world
from visrftwin_ros.perception.lidar.furniture import Thing, movable_things
from visrftwin_ros.perception.lidar.scene_watcher import SceneWatcher
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet, differing_links
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.local_search import searched_locally
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.scene.changes import (
    SceneChange,
    SeenChange,
    changed_site,
    moved_points,
    moved_surface,
)
from visrftwin_ros.scene.surfaces import BOX_FACES, box_corners, surface_meshes
from visrftwin_ros.site.frames import Pose
from visrftwin_ros.site.model import Box, Site

LIDAR = LidarModel(beams=64, step=np.deg2rad(0.5), range_noise=0.015)
PERIOD, BEFORE, CARRIED, AFTER = 0.25, 4.0, 2.0, 6.0
"""s between sweeps, before a thing is taken away, until it stands again, and after."""
WALKERS, SPEED, GAP = 3, 1.2, 0.35
TRACKED = 0.1
"""m, standard deviation of where people are tracked."""
FOUND = 0.2
"""m by which a corner may be elsewhere than it is."""
RECEIVERS = 6


@dataclass(frozen=True)
class Score:
    """after: s from standing still until it was said, NaN where it was not; off: m, of its worst corner.
    false: changes, each once, that were said of what is as in the site. seconds: that were watched."""

    thing: str
    after: float
    off: float
    false: tuple[str, ...]
    seconds: float


def drawn_move(world: World, thing: Thing, plan: FloorPlan, draw: np.random.Generator) -> Pose:
    """To a place with room for it, at least a metre off."""
    corners = thing.parts.corners[:, :2]
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    reach = float(np.hypot(*(corners - middle).T).max())
    ways = Ways(plan, min(reach + 0.05, float(plan.clearance.max()) - 0.15))
    for _ in range(200):
        place = ways.place(draw)
        if np.hypot(*(place - middle)) > 1.0:
            turn = Rotation.from_euler("z", draw.uniform(-np.pi, np.pi))
            return Pose(np.append(place, 0.0) - turn.apply([*middle, 0.0]), turn)
    raise TwinError(f"{world.name} has no room for {thing.surfaces[0]} elsewhere")


def things_that_fit(world: World, plan: FloorPlan) -> list[Thing]:
    """Of the furniture that stands on the floor: what is neither too large for the free floor nor fixed."""
    widest = float(plan.clearance.max()) - 0.2
    found = []
    for thing in movable_things(world.site, surface_meshes(world.site)):
        corners = thing.parts.corners
        half = np.hypot(*np.ptp(corners[:, :2], axis=0)) / 2
        if corners[:, 2].min() < 0.3 and 0.3 < half < widest and np.ptp(corners[:, 2]) > 0.3:
            found.append(thing)
    return found


def with_legs(world: World, thing: Thing, motion: Pose | None) -> Site:
    """The place as it is with a thing, and what belongs to it, moved; None: out of sight."""
    scene = []
    for surface in world.true_site.scene:
        if surface.name.startswith(thing.surfaces):
            if motion is None:
                continue
            surface = moved_surface(surface, motion)
        scene.append(surface)
    return world.true_site.model_copy(update={"scene": scene})


class Walkers:
    """People as upright boxes on ways over the floor, there and back."""

    def __init__(self, plan: FloorPlan, draw: np.random.Generator) -> None:
        ways = Ways(plan, GAP)
        self._ways = [ways.way(ways.place(draw), ways.place(draw)) for _ in range(WALKERS)]

    def places(self, when: float) -> Float[np.ndarray, "k 2"]:
        found = []
        for way in self._ways:
            length = np.append(0.0, np.cumsum(np.hypot(*np.diff(way, axis=0).T)))
            along = np.abs((SPEED * when + length[-1]) % (2 * max(length[-1], 0.1)) - length[-1])
            found.append([np.interp(along, length, column) for column in way.T])
        return np.array(found)

    def vertices(self, when: float) -> Float[np.ndarray, "v 3"]:
        people = [
            Box(name="p", kind="box", center=(x, y, 0.87), size=(0.45, 0.3, 1.74), material="wood")
            for x, y in self.places(when).tolist()
        ]
        return np.concatenate([box_corners(box) for box in people])

    @property
    def scene(self) -> RayScene:
        faces = np.concatenate([BOX_FACES + 8 * k for k in range(WALKERS)])
        return RayScene(self.vertices(0.0), faces)


def watched(site: str, seed: int) -> tuple[Score, World, SceneChange]:
    """One thing carried elsewhere, and what was said of it."""
    world, draw = load_world(site, seed), np.random.default_rng(seed)
    plan = floor_plan(world)
    choice = things_that_fit(world, plan)
    thing = choice[draw.integers(len(choice))]
    motion = drawn_move(world, thing, plan, draw)
    truth = SceneChange(moved=dict.fromkeys(thing.surfaces, motion))
    walkers = Walkers(plan, draw)
    origin = np.append(Ways(plan, GAP).place(draw), LIDAR_HEIGHT)
    watcher = SceneWatcher(world.site, "lidar")
    phases = (
        (0.0, BEFORE, world.true_site),
        (BEFORE, BEFORE + CARRIED, with_legs(world, thing, None)),
        (BEFORE + CARRIED, BEFORE + CARRIED + AFTER, with_legs(world, thing, motion)),
    )
    after, off, false, number = np.nan, np.nan, set(), 0
    for begin, end, place in phases:
        simulator = LidarSimulator(LIDAR, surface_meshes(place), walkers.scene, seed)
        for when in np.arange(begin, end, PERIOD):
            cloud = simulator.sweep(number, when, lambda _: (origin, 0.0), walkers.vertices)
            number += 1
            people = walkers.places(when) + TRACKED * draw.standard_normal((WALKERS, 2))
            watcher.look(cloud.xyz + origin, origin, round(when * 1e9), people)
            seen = watcher.changes
            false |= set(untrue(world, thing, seen))
            here = error(world.site, thing, truth, seen)
            if when >= BEFORE + CARRIED and here < FOUND and np.isnan(after):
                after, off = when - BEFORE - CARRIED, here
    return Score(thing.surfaces[0], after, off, tuple(sorted(false)), number * PERIOD), world, truth


def error(site: Site, thing: Thing, truth: SceneChange, seen: Sequence[SeenChange]) -> float:
    """m, of the worst corner of a thing; infinite where it is not said to have moved."""
    told = {one.surface: one.motion for one in seen if one.motion is not None}
    if not set(thing.surfaces) <= set(told):
        return float("inf")
    worst = 0.0
    for mesh in surface_meshes(site):
        if mesh.name in thing.surfaces:
            there, true = (
                moved_points(mesh.vertices, motion)
                for motion in (told[mesh.name], truth.moved[mesh.name])
            )
            apart = np.linalg.norm(there[:, None] - true, axis=2)
            worst = max(worst, float(apart.min(axis=1).max()))
    return worst


def untrue(world: World, thing: Thing, seen: Sequence[SeenChange]) -> Iterator[str]:
    """Names of what is as in the site though it is said to have changed; a box of what a survey left out is
    true."""
    known = {surface.name for surface in world.site.scene}
    clutter = [s for s in world.true_site.scene if isinstance(s, Box) and s.name not in known]
    for one in seen:
        if one.box is None:
            if one.surface not in thing.surfaces:
                yield one.surface
            continue
        low, high = (extreme(box_corners(one.box), axis=0) for extreme in (np.min, np.max))
        if not any(
            ((box_corners(box).max(axis=0) > low) & (box_corners(box).min(axis=0) < high)).all()
            for box in clutter
        ):
            yield one.surface


def agreement(world: World, truth: SceneChange, seed: int) -> tuple[np.ndarray, int, float, float]:
    """dB of the links searched again over a full solve, the links that the change touches, and processor
    seconds of both."""
    site, draw = world.site, np.random.default_rng(seed)
    ways = Ways(floor_plan(world), GAP)
    places = np.array([[*ways.place(draw), 1.2] for _ in range(RECEIVERS)])
    ends = (
        Devices(
            tuple(ap.name for ap in site.access_points),
            np.array([ap.position for ap in site.access_points], float),
        ),
        Devices(tuple(f"r{i}" for i in range(RECEIVERS)), places),
    )
    changed, meshes = changed_site(site, truth)
    scenes = [ReplayScene(m, site.radio.frequency) for m in (surface_meshes(site), meshes)]
    known = solve(surface_meshes(site), *ends, site.radio.frequency, site.propagation)
    begun = time.process_time()
    local = searched_locally(known, *scenes, *ends, site.propagation)
    searched = time.process_time()
    full = solve(meshes, *ends, site.radio.frequency, changed.propagation)
    took = searched - begun, time.process_time() - searched
    apart = gains_db(local) - gains_db(full)
    return apart, int(differing_links(known, local).sum()), *took


def gains_db(paths: PathSet) -> np.ndarray:
    power = np.bincount(paths.link, paths.power, len(paths.links))
    return np.asarray(10 * np.log10(np.maximum(power, 1e-30)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", nargs="+", default=["lobby", "lecture_room"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[201, 202, 203])
    parser.add_argument("--links", action="store_true")
    arguments = parser.parse_args()
    print("| site | seed | thing | said after (s) | worst corner (m) | false | links |")
    print("|---|---|---|---|---|---|---|")
    scores, apart = [], []
    for site in arguments.sites:
        for seed in arguments.seeds:
            score, world, truth = watched(site, seed)
            scores.append(score)
            links = ""
            if arguments.links:
                db, touched, local, full = agreement(world, truth, seed)
                apart.append(db)
                links = f"{touched} of {len(db)} searched in {local:.1f} s of {full:.1f}"
            row = f"{score.after:.2f} | {score.off:.2f} | {', '.join(score.false)}"
            print(f"| {site} | {seed} | {score.thing} | {row} | {links} |", flush=True)
    after = np.array([score.after for score in scores])
    minutes = sum(score.seconds for score in scores) / 60
    print(f"\nwithin 3 s: {(after <= 3).sum()} of {len(after)}")
    print(f"false changes a minute: {sum(len(score.false) for score in scores) / minutes:.2f}")
    if apart:
        off = np.abs(np.concatenate(apart))
        print(f"gain against a full solve (dB): median {np.median(off):.3f}, ", end="")
        print(f"99 % {np.percentile(off, 99):.3f}, worst {off.max():.3f}")


if __name__ == "__main__":
    main()
