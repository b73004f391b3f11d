"""LiDARs of a site: placed or on TF, and what is wrong with one is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.site_check import describe
from visrftwin_ros.site.loading import find_site_file, load_site


def site_with(folder: Path, lidars: list[dict[str, Any]]) -> str:
    content = yaml.safe_load(find_site_file("pets_campus").read_text())
    file = folder / "site.yaml"
    file.write_text(yaml.safe_dump({**content, "lidars": lidars}))
    return str(file)


def test_lidars_stand_or_are_where_tf_says(tmp_path: Path) -> None:
    lidars = [{"name": "mast", "position": [1, 2, 3], "rpy": [0, 0.1, 0]}, {"name": "rover"}]
    site = load_site(site_with(tmp_path, lidars))
    assert site.lidar("rover").tf_frame == "rover"
    text = describe(site)
    assert "mast: at (1.00, 2.00, 3.00) m" in text
    assert "rover: is where TF says" in text


@pytest.mark.parametrize(
    ("lidars", "named"),
    [
        ([{"name": "mast", "position": [1, 2]}], "lidars.0.position"),
        ([{"name": "mast", "min_range": 50, "max_range": 40}], "min_range 50 m"),
        ([{"name": "mast"}, {"name": "mast"}], "lidars: two entries are named mast"),
        ([{"name": "view1"}], "a camera and a LiDAR share the name view1"),
        ([{"name": "mast", "beams": 64}], "lidars.0.beams"),
    ],
)
def test_a_wrong_lidar_is_named(tmp_path: Path, lidars: list[dict[str, Any]], named: str) -> None:
    with pytest.raises(TwinError, match=named):
        load_site(site_with(tmp_path, lidars))
