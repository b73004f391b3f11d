"""What a people update costs against a full solve: 4 APs x 10 robots, 5 walkers, a small lobby.

    python bench/people_update.py [--updates 300] [--json FILE]

The full solve has the walkers as boxes in the scene and the same settings, on this machine, in
this run. Prints one row; `ratio` is full over median update.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import yaml

from visrftwin_ros.bodies.people import BODY_DEPTH, BODY_HEIGHT, BODY_WIDTH, Bodies
from visrftwin_ros.propagation.engine import TwinEngine
from visrftwin_ros.propagation.scene import surface_meshes
from visrftwin_ros.propagation.sionna_solver import Devices, solve
from visrftwin_ros.site.model import Site

SURFACES = """
- {name: floor, kind: ground, center: [10, 7.5, 0], size: [20, 15], material: concrete}
- {name: ceiling, kind: ground, center: [10, 7.5, 3.5], size: [20, 15], material: ceiling_board}
- {name: south, kind: box, center: [10, -0.1, 1.75], size: [20, 0.2, 3.5], material: plasterboard}
- {name: north, kind: box, center: [10, 15.1, 1.75], size: [20, 0.2, 3.5], material: plasterboard}
- {name: west, kind: box, center: [-0.1, 7.5, 1.75], size: [0.2, 15, 3.5], material: plasterboard}
- {name: east, kind: box, center: [20.1, 7.5, 1.75], size: [0.2, 15, 3.5], material: plasterboard}
- {name: desk, kind: box, center: [5, 12, 0.55], size: [4, 0.8, 1.1], material: wood}
- {name: sofa, kind: box, center: [14, 4, 0.4], size: [2.2, 0.9, 0.8], material: chipboard}
- {name: panel, kind: box, center: [12, 10, 1], size: [3, 0.02, 2], material: glass}
"""
AP_PLACES = [(0.5, 0.5, 2.8), (19.5, 0.5, 2.8), (0.5, 14.5, 2.8), (19.5, 14.5, 2.8)]


def lobby(robots: int = 10) -> Site:
    """20 x 15 m: floor, ceiling, four walls, a desk, a sofa and a glass panel."""
    places = np.random.default_rng(0).uniform((1, 1), (19, 14), (robots, 2))
    return Site.model_validate(
        {
            "name": "lobby",
            "scene": yaml.safe_load(SURFACES),
            "access_points": [{"name": f"ap{i}", "position": p} for i, p in enumerate(AP_PLACES)],
            "robots": [
                {"name": f"robot{i}", "position": tuple(place), "antenna_height": 1.0}
                for i, place in enumerate(places.tolist())
            ],
        }
    )


def walkers(place: np.ndarray, velocity: np.ndarray) -> Bodies:
    count = len(place)
    flat = np.zeros(count)
    return Bodies(
        ids=tuple(f"p{i}" for i in range(count)),
        position=np.column_stack([place, flat]),
        velocity=np.column_stack([velocity, flat]),
        width=np.full(count, BODY_WIDTH),
        depth=np.full(count, BODY_DEPTH),
        height=np.full(count, BODY_HEIGHT),
        heading=np.arctan2(velocity[:, 1], velocity[:, 0]),
    )


def full_solve_seconds(site: Site, bodies: Bodies, repeats: int = 3) -> float:
    """Median of solves with the people as boxes, after one that compiles."""
    boxes = [
        {
            "name": f"body{i}",
            "kind": "box",
            "material": "skin",
            "yaw": float(bodies.heading[i]),
            "center": (*bodies.position[i, :2], BODY_HEIGHT / 2),
            "size": (BODY_DEPTH, BODY_WIDTH, BODY_HEIGHT),
        }
        for i in range(len(bodies))
    ]
    crowded = Site.model_validate(
        {
            **site.model_dump(exclude={"scene"}),
            "scene": [s.model_dump() for s in site.scene] + boxes,
        }
    )
    meshes = surface_meshes(crowded)
    aps = Devices(
        tuple(a.name for a in site.access_points),
        np.array([a.position for a in site.access_points]),
    )
    places = np.array([(*r.position, r.antenna_height) for r in site.robots if r.position])
    robots = Devices(tuple(r.name for r in site.robots), places)
    times = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        solve(meshes, aps, robots, site.radio.frequency, site.propagation)
        times.append(time.perf_counter() - began)
    return float(np.median(times[1:]))


def run(updates: int, people: int = 5) -> dict[str, object]:
    site = lobby()
    engine = TwinEngine(site)
    engine.configure()
    rng = np.random.default_rng(1)
    place = rng.uniform((2, 2), (18, 13), (people, 2))
    velocity = 1.2 * np.stack([np.cos(a := rng.uniform(0, 6.28, people)), np.sin(a)], axis=1)
    times, affected = [], []
    for tick in range(updates):
        place = place + velocity * 0.1
        velocity = np.where((place < (1, 1)) | (place > (19, 14)), -velocity, velocity)
        bodies = walkers(place, velocity)
        began = time.perf_counter()
        state = engine.update(tick * 100_000_000, bodies)
        times.append(time.perf_counter() - began)
        affected.append(state.affected_links)
    full = full_solve_seconds(site, bodies)
    median = float(np.median(times))
    return {
        "name": "4 APs x 10 standing robots, 5 walkers",
        "links": len(engine.links),
        "people": people,
        "paths": sum(len(group.paths) for group in state.groups),
        "full_ms": round(full * 1e3, 1),
        "update_ms_median": round(median * 1e3, 2),
        "update_ms_p99": round(float(np.percentile(times, 99)) * 1e3, 2),
        "ratio": round(full / median, 1),
        "affected_links": round(float(np.mean(affected)), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--updates", type=int, default=300)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    row = run(arguments.updates)
    for key, value in row.items():
        print(f"{key:18} {value}")
    if arguments.json:
        arguments.json.write_text(json.dumps([row], indent=2))


if __name__ == "__main__":
    main()
