"""A yard that was sounded by the textbook: line of sight, floor and two walls, each slab by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml
from scipy.constants import epsilon_0, speed_of_light

from visrftwin_ros.campaign.campaign_writer import CampaignWriter
from visrftwin_ros.campaign.snapshot import Campaign, MeasuredPaths, Snapshot
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site

CARRIER = 28e9
HEIGHT = 1.5
AP = np.array([1.0, 4.0, HEIGHT])
REFERENCE_DB = 37.0
"""What the sounder's gains lack."""
TRUTH = {"slab": (7.5, 0.5, 0.2), "panel": (4.4, 0.08, 0.02)}
"""Permittivity, conductivity [S/m], thickness [m]."""
NOISE_DB = 0.4
START = 1_700_000_000_000_000_000


def yard(folder: Path) -> Site:
    """20 x 12 m, walls to the south and the north, a shed behind one of them."""
    walls = {"kind": "box", "size": [20, 0.2, 3], "material": "panel"}
    content: dict[str, Any] = {
        "name": "yard",
        "radio": {"frequency": CARRIER, "bandwidth": 1e9},
        "propagation": {
            "samples": 20_000, "max_depth": 1, "diffuse": False, "refraction": False, "diffraction": False,
        },
        "materials": {
            "slab": {"relative_permittivity": 5.0, "conductivity": 0.5, "thickness": 0.2},
            "panel": {"relative_permittivity": 2.8, "conductivity": 0.08, "thickness": 0.02},
        },
        "scene": [
            {"name": "floor", "kind": "ground", "center": [10, 6, 0], "size": [20, 12], "material": "slab"},
            {"name": "south", "center": [10, -0.1, 1.5], **walls},
            {"name": "north", "center": [10, 12.1, 1.5], **walls},
            {"name": "shed", "kind": "box", "center": [10, 14, 0.5], "size": [1, 1, 1], "material": "wood"},
        ],
        "access_points": [{"name": "mast", "position": AP.tolist()}],
        "robots": [{"name": "robot", "antenna_height": HEIGHT}],
    }  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "site.yaml").write_text(yaml.safe_dump(content))
    return load_site(str(folder))


def slab_power(cosine: float, material: str, tm: bool) -> float:
    """|R|^2 of ITU-R P.2040-4 (37), its mean over 401 thicknesses within a tenth."""
    permittivity, conductivity, thickness = TRUTH[material]
    eps = permittivity - 1j * conductivity / (2 * np.pi * CARRIER * epsilon_0)
    root = np.sqrt(eps - (1 - cosine**2))
    scale = eps if tm else 1.0
    face = (scale * cosine - root) / (scale * cosine + root)
    depth = thickness * np.linspace(0.9, 1.1, 401)
    turn = np.exp(-4j * np.pi * depth * CARRIER / speed_of_light * root)
    return float(np.mean(np.abs(face * (1 - turn) / (1 - face**2 * turn)) ** 2))


def sounding(place: np.ndarray, rng: np.random.Generator, stamp: int) -> Snapshot:
    """What the sounder reports of the direct path and three mirror images."""
    images = [
        (AP, None, False),
        (AP * [1, 1, -1], "slab", True),
        (AP * [1, -1, 1], "panel", False),
        (AP * [1, -1, 1] + [0, 24, 0], "panel", False),
    ]
    gain, delay = [], []
    for image, material, upright in images:
        step = place - image
        length = np.linalg.norm(step)
        cosine = abs(step[2] if upright else step[1]) / length
        loss = (speed_of_light / CARRIER / (4 * np.pi * length)) ** 2
        gain.append(loss * (slab_power(cosine, material, upright) if material else 1.0))
        delay.append(length / speed_of_light)
    common = rng.normal(0, NOISE_DB)
    level = 10 * np.log10(gain) + REFERENCE_DB + common + rng.normal(0, NOISE_DB, 4)
    unknown = np.full(4, np.nan)
    paths = MeasuredPaths(np.array(delay), level, *(unknown,) * 5)
    return Snapshot(stamp, "mast", "robot", CARRIER, 1e9, paths, rx_position=place)


def campaign(places: np.ndarray, seed: int = 3) -> Campaign:
    rng = np.random.default_rng(seed)
    snapshots = tuple(sounding(place, rng, i) for i, place in enumerate(places))
    return Campaign(Path("yard.mcap"), {"gain_reference": "relative"}, snapshots)


def places(count: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    return np.column_stack(
        [rng.uniform(3, 19, count), rng.uniform(0.5, 11.5, count), np.full(count, HEIGHT)]
    )


def recorded(bag: Path, count: int, **more: str) -> Path:
    """A campaign of `count` soundings, a second apart, with `more` facts."""
    upright = np.array([0.0, 0.0, 0.0, 1.0])
    facts = {"site": "yard", "gain_reference": "relative", **more}
    with CampaignWriter(bag, facts) as writer:
        for i, snapshot in enumerate(campaign(places(count)).snapshots):
            stamp = START + i * 10**9
            ground = snapshot.rx_position - [0, 0, HEIGHT]
            writer.transform(stamp, "world", "robot/base_link", ground, upright)
            stamped = {**vars(snapshot), "stamp_ns": stamp}
            writer.snapshot(type(snapshot)(**stamped), "world")
    return bag
