"""Score a twin that nobody typed or calibrated: mapped from a drive, materials off its pictures.

python bench/zero_shot.py --json FILE --cache FOLDER [--sites lobby lecture_room] [--seeds 3004 ...]
python bench/zero_shot.py --json FILE --page          write docs/zero_shot.md of what FILE has of the judge seeds

Of every seed the lab's robot drives through its room for a minute with a simulated LiDAR and two panoramas on the way;
`mapping/build.py`, which is what `visrftwin map` runs, makes a site of that with the packaged reader of materials. On
that one geometry the twin's solver predicts every link from the access points to PLACES places of the drive four times:

- twin: the materials that were seen;
- default: each surface of ITU's entry that is usual for its kind (DEFAULTS), as thick as Sionna takes it;
- concrete: everything of concrete, as `geometry only` of `visrftwin evaluate`;
- true: each surface of the slab that is nearest to what is really there, which no recording says: what is left
  then is geometry and solver.

All four are told the same: the map, where the access points were surveyed, and where the robot's localisation has it.
The truth is the lab's own (`lab/radio/static_truth.py`): its walls, clutter and edges, nobody there. FILE is written
anew after every seed; seeds that it has already are not computed again.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from mapping_score import driven
from material_data import DRIVE, lab_room
from scipy.spatial import cKDTree
from scipy.stats import t as student

from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.evaluation.baselines.geometry import meshes_of_one_material
from visrftwin_ros.evaluation.baselines.itu import SLAB
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics, magnitudes
from visrftwin_ros.evaluation.ray_prediction import RayPredictor
from visrftwin_ros.lab.radio.static_truth import Fineness, StaticTruth, solved_paths
from visrftwin_ros.lab.recording.robot_drive import Drive, plan_drive
from visrftwin_ros.lab.world.data_sets import seeds_of
from visrftwin_ros.lab.world.world import World
from visrftwin_ros.mapping.build import MapPlan, build_site
from visrftwin_ros.mapping.map_site import entries_of
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.paths.link_metrics import LinkMetrics, link_sums
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surface_samples import surface_samples
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import Site

PAGE = Path(__file__).parents[1] / "docs" / "zero_shot.md"
TEMPLATE = Path(__file__).with_name("zero_shot.md.in")
SITES = ("lobby", "lecture_room")
PANORAMAS, PLACES = 2, 8
DEFAULTS: Mapping[str, str] = {
    "floor": "concrete", "ceiling": "ceiling_board", "wall": "plasterboard", "panel": "wood", "box": "wood",
}  # fmt: skip
"""ITU's entry for a surface of which only the kind is known: what is usual indoors, stated before any score."""
MATERIALS = ("twin", "default", "concrete", "true")
QUANTITIES = {"delay_spread_ns": "delay spread (ns)", "path_loss_db": "path loss (dB)"}
Scores = dict[str, dict[str, dict[str, float]]]
"""By material, quantity and "median" or "p75": of absolute errors over one seed's links."""


def scored(site: str, seed: int, cache: Path) -> Scores:
    """Of one seed."""
    room = lab_room(site, seed, PANORAMAS, cache)
    world = room.world
    drive = plan_drive(world, DRIVE, seed)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"mapped_{seed}"
        plan = MapPlan(out, entries_of(world.site, out, f"{site} {seed}, mapped"))
        mapped, _ = build_site(
            driven(site, seed, "tf").scan, room.pictures, plan, _tell, lambda *_: None
        )
        rows = np.unique(np.linspace(0, len(drive) - 1, PLACES).astype(int))
        height = next(r.antenna_height for r in world.site.robots if r.name == drive.robot)
        truth = true_metrics(world, drive, rows, height, cache / "paths")
        questions = asked(mapped, drive, rows, height)
        found: Scores = {}
        for name, meshes in choices(mapped, room.meshes).items():
            _tell(f"{site} {seed}: {name}")
            answer = RayPredictor(mapped, meshes).answers(questions, PeopleTimeline(), False)
            errors = magnitudes(_metrics(answer.metrics), truth)
            found[name] = {
                quantity: {
                    "median": float(np.nanmedian(errors[quantity])),
                    "p75": float(np.nanpercentile(errors[quantity], 75)),
                }
                for quantity in QUANTITIES
            }
        found["truth"] = {
            "links": {"median": float(len(questions))},
            "delay_spread_ns": {"median": float(1e9 * np.nanmedian(truth.delay_spread))},
        }
    return found


def choices(mapped: Site, true: Sequence[SurfaceMesh]) -> dict[str, tuple[SurfaceMesh, ...]]:
    """The map's surfaces in each of MATERIALS."""
    own, carrier = surface_meshes(mapped), mapped.radio.frequency
    default = tuple(
        replace(
            mesh,
            material=replace(
                material_values(DEFAULTS[mesh.name.rpartition("_")[0]], carrier),
                thickness=SLAB,
                thickness_spread=0.0,
                scattering_coefficient=0.0,
            ),
        )
        for mesh in own
    )
    samples = [surface_samples(mesh.vertices, mesh.faces, 0.1) for mesh in true]
    owner = np.repeat(np.arange(len(true)), [len(some) for some in samples])
    tree = cKDTree(np.concatenate(samples))
    nearest = []
    for mesh in own:
        rows = owner[tree.query(surface_samples(mesh.vertices, mesh.faces, 0.25))[1]]
        nearest.append(replace(mesh, material=true[np.bincount(rows).argmax()].material))
    return {
        "twin": own,
        "default": default,
        "concrete": meshes_of_one_material(mapped),
        "true": tuple(nearest),
    }


def true_metrics(
    world: World, drive: Drive, rows: np.ndarray, height: float, cache: Path
) -> SnapshotMetrics:
    """Of every link from each access point to the places where the robot really is, place by place."""
    places = np.column_stack([drive.position[rows], np.full(len(rows), height)])
    alone = [r for r in world.true_site.robots if r.name == drive.robot]
    site = world.true_site.model_copy(update={"robots": alone})
    found = solved_paths(site, drive.robot, places, Fineness(), cache, lambda _: None)
    static = StaticTruth(site, world.walls, drive.robot, places, found)
    wavelength = wavelength_of(site.radio.frequency)
    parts = []
    for place in places:
        paths = static.driven_to(place)
        parts.append(link_sums(paths, np.ones(len(paths), complex)).metrics(wavelength))
    return SnapshotMetrics(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in SnapshotMetrics.__dataclass_fields__
        )
    )


def asked(site: Site, drive: Drive, rows: np.ndarray, height: float) -> Questions:
    """The same links as a twin is asked about them: the robot where its localisation has it."""
    places = np.column_stack([drive.fix_position[rows], np.full(len(rows), height)])
    aps, count = site.access_points, len(site.access_points) * len(places)
    return Questions(
        stamp_ns=np.repeat(np.arange(len(places)), len(aps)),
        tx=tuple(ap.name for ap in aps) * len(places),
        rx=(drive.robot,) * count,
        tx_position=np.tile([ap.position for ap in aps], (len(places), 1)).astype(float),
        rx_position=np.repeat(places, len(aps), axis=0),
        frequency=np.full(count, site.radio.frequency),
        bandwidth=np.full(count, site.radio.bandwidth),
        line_of_sight=np.zeros(count, bool),
    )


def _metrics(found: LinkMetrics) -> SnapshotMetrics:
    return SnapshotMetrics(*(getattr(found, name) for name in SnapshotMetrics.__dataclass_fields__))


def seed_rows(found: Mapping[str, Mapping[str, Scores]]) -> str:
    """A line a seed: median and 75th percentile of each choice of materials."""
    head = " | ".join(f"{name}" for name in MATERIALS)
    lines = [f"| room, seed | quantity | {head} |", "|---|---|" + "---|" * len(MATERIALS)]
    for site, seeds in found.items():
        for seed, scores in sorted(seeds.items()):
            for quantity, called in QUANTITIES.items():
                cells = [
                    f"{scores[m][quantity]['median']:.2f} / {scores[m][quantity]['p75']:.2f}"
                    for m in MATERIALS
                ]
                lines.append(f"| {site}, {seed} | {called} | {' | '.join(cells)} |")
    return "\n".join(lines)


def pair_rows(found: Mapping[str, Mapping[str, Scores]]) -> str:
    """The twin's error less the other's, paired over seeds."""
    lines = [
        "| room | quantity | against | median | better on | 75th percentile | better on |",
        "|---|---|---|---|---|---|---|",
    ]
    rooms = {site: list(seeds.values()) for site, seeds in found.items() if seeds}
    if len(rooms) > 1:
        rooms["all"] = [scores for seeds in rooms.values() for scores in seeds]
    for site, scores in rooms.items():
        for quantity, called in QUANTITIES.items():
            for other in MATERIALS[1:]:
                cells = []
                for which in ("median", "p75"):
                    gaps = np.array(
                        [s["twin"][quantity][which] - s[other][quantity][which] for s in scores]
                    )
                    cells += [_interval(gaps), f"{(gaps < 0).sum()} of {len(gaps)}"]
                lines.append(f"| {site} | {called} | {other} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _interval(gaps: np.ndarray) -> str:
    """Mean over seeds, and 95 % of Student's t where there are two and more."""
    mean = float(gaps.mean())
    if len(gaps) < 2:
        return f"{mean:+.2f}"
    low, high = student.interval(0.95, len(gaps) - 1, mean, gaps.std(ddof=1) / np.sqrt(len(gaps)))
    return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"


def write_page(found: Mapping[str, Mapping[str, Scores]]) -> None:
    """docs/zero_shot.md, of judge seeds alone."""
    judges = {
        site: {s: v for s, v in seeds.items() if int(s) in seeds_of("judge")}
        for site, seeds in found.items()
    }
    if not any(judges.values()):
        raise SystemExit("no judge seed was scored yet: the page is of those alone")
    text = TEMPLATE.read_text()
    links = int(
        sum(v["truth"]["links"]["median"] for seeds in judges.values() for v in seeds.values())
    )
    filled = {
        "{pairs}": pair_rows(judges),
        "{rows}": seed_rows(judges),
        "{links}": str(links),
        "{seeds}": str(sum(map(len, judges.values()))),
    }
    for mark, value in filled.items():
        assert mark in text, mark
        text = text.replace(mark, value)
    PAGE.write_text(text)


def _tell(text: str) -> None:
    print(f"{time.process_time():.0f} s: {text}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, required=True, help="of what was scored")
    parser.add_argument("--cache", type=Path, help="folder of rendered panoramas and true paths")
    parser.add_argument("--sites", nargs="*", default=SITES)
    parser.add_argument("--seeds", nargs="*", type=int, default=[])
    parser.add_argument("--page", action="store_true", help="write docs/zero_shot.md")
    arguments = parser.parse_args()
    found = json.loads(arguments.json.read_text()) if arguments.json.exists() else {}
    prepare("llvm", 1)
    for seed in arguments.seeds:
        for site in arguments.sites:
            if str(seed) in found.setdefault(site, {}):
                continue
            if arguments.cache is None:
                parser.error("--cache: a folder for panoramas and paths")
            found[site][str(seed)] = scored(site, seed, arguments.cache)
            arguments.json.write_text(json.dumps(found, indent=1) + "\n")
    if arguments.page:
        write_page(found)
    print(f"{pair_rows(found)}\n\n{seed_rows(found)}")


if __name__ == "__main__":
    main()
