"""What a radio map costs and how far it is from full solves: `python bench/radio_map_cost.py [SITE]`.

425 cells or so of one access point with five people, the first time, then with the people
elsewhere, and after a restart; 24 of the cells solved in full.
"""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.scene.visibility import Visibility
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.twin.map_solver import MapSolver
from visrftwin_ros.twin.on_demand_links import PeopleModel, channels_of
from visrftwin_ros.twin.radio_map import MapGrid, MapQuestion, RadioMap

CELLS = 425
CHECKED = 24
HEIGHT = 1.2


def main() -> None:
    with ExitStack() as stack:
        measured(stack)


def measured(stack: ExitStack) -> None:
    site = load_site(sys.argv[1] if len(sys.argv) > 1 else "pets_campus")
    meshes = surface_meshes(site)
    prepare("auto", threads=1)
    corners = np.concatenate([mesh.vertices for mesh in meshes])[:, :2]
    cell = float(np.sqrt(np.ptp(corners, axis=0).prod() / CELLS))
    grid = MapGrid.over(meshes, HEIGHT, cell)
    model = PeopleModel(site.radio.frequency, materials=site.materials)
    ap = site.access_points[0]
    draw = np.random.default_rng(1)
    kept = Path(stack.enter_context(TemporaryDirectory()))
    maps = MapSolver(folder=kept)
    people = crowd(grid, draw)
    for told, outage in (
        ("first", 0.0),
        ("next, the people elsewhere", 0.0),
        ("next again", 0.0),
        ("first with the outage probability", 1e9),
        ("next with it", 1e9),
        ("first after a restart", 0.0),
    ):
        if "restart" in told:
            maps = MapSolver(folder=kept)
        people = crowd(grid, draw)
        covariance = np.tile(np.diag([0.01, 0.01, 0.04, 0.04]), (5, 1, 1))
        question = MapQuestion.checked(
            site, meshes, model, (ap.name,), grid, people, 0, covariance, outage
        )
        began = time.process_time(), time.perf_counter()
        found = RadioMap.of(question, [maps.tile(question, tile) for tile in question.tiles])
        cpu, wall = time.process_time() - began[0], time.perf_counter() - began[1]
        print(f"{told}: {grid.rows * grid.columns} cells, {cpu:.2f} s of CPU, {wall:.2f} s")
    free = np.flatnonzero(np.isfinite(found.loss_db).ravel())
    some = draw.choice(free, CHECKED, replace=False)
    ends = (
        Devices((ap.name,), np.array([ap.position], float)),
        Devices(tuple(f"cell{i}" for i in range(CHECKED)), grid.centres[some]),
    )
    paths = solve(meshes, *ends, site.radio.frequency, site.propagation)
    full = channels_of(paths, *ends, people, 0, Visibility(meshes), model)
    off = found.loss_db.ravel()[some] - full.metrics.path_loss_db
    for least, most in ((0, 110), (110, 130), (130, 400)):
        near = (full.metrics.path_loss_db >= least) & (full.metrics.path_loss_db < most)
        if near.any():
            print(
                f"{near.sum()} cells of {least} to {most} dB: off by {off[near].mean():+.2f} dB in the"
                f" mean, {np.sqrt((off[near] ** 2).mean()):.2f} rms, {np.abs(off[near]).max():.2f} at most"
            )


def crowd(grid: MapGrid, draw: np.random.Generator) -> Bodies:
    """Five people anywhere."""
    low = grid.origin[:2]
    place = low + draw.random((5, 2)) * np.array([grid.columns, grid.rows]) * grid.cell
    position = np.column_stack([place, np.zeros(5)])
    velocity = np.column_stack([draw.normal(0, 1, (5, 2)), np.zeros(5)])
    size = np.full(5, 0.45), np.full(5, 0.25), np.full(5, 1.75), np.zeros(5)
    return Bodies(tuple(f"p{i}" for i in range(5)), position, velocity, *size)


if __name__ == "__main__":
    main()
