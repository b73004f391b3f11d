"""A small hall, sounded by the propagation engine itself with other materials and a walker."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.spatial.transform import Rotation

from visrftwin_ros.beams.multipath import Multipath
from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.campaign.campaign_writer import CampaignWriter
from visrftwin_ros.campaign.snapshot import MeasuredPaths, Snapshot, TrueChannel
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.ray_prediction import RayAnswers, RayPredictor, site_meshes
from visrftwin_ros.evaluation.solves import Solves
from visrftwin_ros.materials.table import MaterialValues
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site

START = 1_700_000_000_000_000_000
SPEED = 0.5
REFERENCE_DB = 37.0
"""What the made sounder's gains lack."""
FLOOR_DB = -135.0


def hall(folder: Path) -> Site:
    """12 x 8 m with two access points, a cupboard that hides one of them, and a robot on TF."""
    content: dict[str, Any] = {
        "name": "hall",
        "radio": {"frequency": 60.48e9, "bandwidth": 2e9},
        "propagation": {"samples": 5_000, "max_depth": 2, "diffraction": False},
        "scene": [
            {"name": "floor", "kind": "ground", "center": [6, 4, 0], "size": [12, 8], "material": "concrete"},
            {"name": "south", "kind": "box", "center": [6, -0.1, 1.5], "size": [12, 0.2, 3], "material": "wood"},
            {"name": "north", "kind": "box", "center": [6, 8.1, 1.5], "size": [12, 0.2, 3], "material": "glass"},
            {"name": "cupboard", "kind": "box", "center": [9, 5, 1.25], "size": [0.5, 2, 2.5], "material": "metal"},
        ],
        "access_points": [
            {"name": "ap_west", "position": [0.3, 4, 2.5]},
            {"name": "ap_east", "position": [11.7, 6, 2.0], "yaw": 3.14},
        ],
        "robots": [{"name": "robot", "antenna_height": 1.2}],
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "site.yaml").write_text(yaml.safe_dump(content))
    return load_site(str(folder))


def true_materials(site: Site) -> dict[str, MaterialValues]:
    """Each surface's own, perturbed."""
    rng = np.random.default_rng(5)
    found = {}
    for mesh in surface_meshes(site):
        values = mesh.material
        found[mesh.name] = replace(
            values,
            name=mesh.name,
            relative_permittivity=1 + (values.relative_permittivity - 1) * rng.uniform(0.8, 1.25),
            conductivity=values.conductivity * rng.uniform(0.5, 2),
        )
    return found


def walker(seconds: float) -> Bodies:
    """One person who crosses both links, to and fro along y."""
    y = 1.0 + 1.2 * seconds
    return Bodies(
        ids=("p0",),
        position=np.array([[6.2, y, 0.0]]),
        velocity=np.array([[0.0, 1.2, 0.0]]),
        width=np.array([0.45]),
        depth=np.array([0.25]),
        height=np.array([1.75]),
        heading=np.array([np.pi / 2]),
    )


def place(seconds: float) -> np.ndarray:
    """The robot's base."""
    return np.array([6.5 + SPEED * seconds, 3.0 + 0.1 * seconds, 0.0])


def channels(
    site: Site, times: np.ndarray, solves: Solves | None = None
) -> tuple[Questions, RayAnswers]:
    """Both links at these seconds, by the engine with the true materials."""
    prepare(threads=2)
    count = 2 * len(times)
    stamps = START + np.round(np.repeat(times, 2) * 1e9).astype(np.int64)
    questions = Questions(
        stamp_ns=stamps,
        tx=("ap_west", "ap_east") * len(times),
        rx=("robot",) * count,
        tx_position=np.array([ap.position for ap in site.access_points] * len(times), float),
        rx_position=np.repeat([place(t) + [0, 0, 1.2] for t in times], 2, axis=0),
        frequency=np.full(count, site.radio.frequency),
        bandwidth=np.full(count, site.radio.bandwidth),
        line_of_sight=np.ones(count, bool),
    )
    people = PeopleTimeline([(START + k * 50_000_000, walker(k * 0.05)) for k in range(120)])
    meshes, _ = site_meshes(site, true_materials(site))
    return questions, RayPredictor(site, meshes, solves=solves).answers(questions, people)


def sounded(paths: Multipath, rng: np.random.Generator) -> MeasuredPaths:
    """What the made sounder reports of one channel."""
    seen = paths.above(np.array([FLOOR_DB]))
    count = len(seen)
    return MeasuredPaths(
        delay=seen.delay + rng.normal(0, 5e-11, count),
        gain_db=10 * np.log10(seen.power) + REFERENCE_DB + rng.normal(0, 0.2, count),
        phase=np.full(count, np.nan),
        aod_azimuth=seen.departure[:, 0],
        aod_elevation=seen.departure[:, 1],
        aoa_azimuth=seen.arrival[:, 0],
        aoa_elevation=seen.arrival[:, 1],
    )


def record(
    folder: Path, site: Site, seconds: float = 5.0, truth: bool = True, start: float = 0.0
) -> Path:
    """A campaign of both links every quarter second, with truth at 10 Hz, from `start` s on."""
    rng = np.random.default_rng(2)
    facts = {"site": site.name, "gain_reference": "relative", "seed": 2}
    times = start + np.arange(0, seconds, 0.1)
    questions, answers = channels(site, times)
    assert answers.paths is not None
    with CampaignWriter(folder, facts) as writer:
        for k, t in enumerate(times):
            stamp = int(questions.stamp_ns[2 * k])
            turn = Rotation.from_euler("z", 0.2).as_quat()
            writer.transform(stamp, "world", "robot/base_link", place(t), turn)
            if truth:
                writer.truth_people(stamp, "world", walker(t))
                found = [true_channel(questions, answers, i) for i in (2 * k, 2 * k + 1)]
                writer.truth_channels(stamp, "world", found)
            for i in (2 * k, 2 * k + 1) if k % 3 == 0 else ():
                paths = sounded(answers.paths.of(i), rng)
                carrier, width = site.radio.frequency, site.radio.bandwidth
                writer.snapshot(
                    Snapshot(stamp, questions.tx[i], "robot", carrier, width, paths), "world"
                )
        if truth:
            writer.truth_materials(true_materials(site))
    return folder


def true_channel(questions: Questions, answers: RayAnswers, i: int) -> TrueChannel:
    """Of the engine's own answer."""
    m = answers.metrics
    return TrueChannel(
        stamp_ns=int(questions.stamp_ns[i]),
        tx=questions.tx[i],
        rx="robot",
        path_loss_db=float(m.path_loss_db[i]),
        delay_spread=float(m.delay_spread[i]),
        azimuth_spread=float(m.azimuth_spread[i]),
        k_factor_db=float(m.k_factor_db[i]),
        shadow_loss_db=float(m.shadow_loss_db[i]),
        shadow_loss_los_db=float(m.shadow_loss_los_db[i]),
        line_of_sight=bool(m.line_of_sight[i]),
    )
