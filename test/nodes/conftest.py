"""A bench of nodes for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from node_bench import NodeBench

from visrftwin_ros.site.loading import find_site_file


@pytest.fixture
def bench(ros: None) -> Iterator[NodeBench]:
    bench = NodeBench()
    yield bench
    bench.close()


@pytest.fixture
def small_site(tmp_path: Path) -> Path:
    """A site that solves in a second: a floor and a wall, one AP, a robot that stands, one on TF,
    and the camera of pets_campus."""
    pets = yaml.safe_load(find_site_file("pets_campus").read_text())
    array = {"rows": 1, "columns": 2}
    content: dict[str, Any] = {
        "name": "small",
        "propagation": {
            "max_depth": 1,
            "samples": 3000,
            "diffuse": False,
            "refraction": False,
            "diffraction": False,
        },
        "scene": [
            {"name": "floor", "kind": "ground", "size": [60, 60], "material": "concrete"},
            {
                "name": "wall",
                "kind": "box",
                "center": [0, 12, 2],
                "size": [20, 1, 4],
                "material": "brick",
            },
        ],
        "access_points": [{"name": "ap", "position": [-8, -6, 3], "array": array}],
        "robots": [
            {"name": "standing", "position": [0, -6], "array": array},
            {"name": "roving", "array": array},
        ],
        "cameras": pets["cameras"],
    }
    file = tmp_path / "small" / "site.yaml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump(content))
    return file
