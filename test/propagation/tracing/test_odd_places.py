"""Odd places and settings give an error that says so or no path, never a crash."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_up import FREQUENCY, WAVELENGTH, small_site

from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.fields.gas_absorption import amplitude_decay
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.tracing.path_solver import solve
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site

AP = (0.0, -10.0, 3.0)


def paths(site: Site, *places: tuple[float, float, float], **changes: object) -> PathSet:
    ends = (
        Devices(("ap",), np.array([AP])),
        Devices(tuple(f"r{i}" for i in range(len(places))), np.array(places)),
    )
    settings = site.propagation.model_copy(update={"samples": 2000} | changes)
    found = solve(surface_meshes(site), *ends, FREQUENCY, settings)
    assert np.isfinite(found.transfer).all() and np.isfinite(found.vertices).all()
    return found


def test_ends_on_inside_and_upon_each_other_give_finite_paths_or_none() -> None:
    kiosk, on_the_floor, at_the_ap = (8.0, -3.0, 1.0), (3.0, 3.0, 0.0), AP
    odd = paths(small_site(), kiosk, on_the_floor, at_the_ap, (1e5, 0.0, 1.0), (0.0, 12.0, 4.0))
    # Metal lets nothing in; two ends at one place have no way between them.
    assert odd.power[odd.of_link(0)].sum() < 1e-16
    assert not odd.line_of_sight[odd.of_link(2)].any()


def test_with_no_surface_in_view_there_is_the_line_of_sight_alone() -> None:
    speck = {"name": "far", "kind": "ground", "center": (9e3, 9e3, -50), "size": (0.1, 0.1)}
    site = small_site(scene=[speck | {"material": "concrete"}])
    alone = paths(site, (5.0, 4.0, 1.2))
    assert alone.line_of_sight.tolist() == [True]
    distance = np.linalg.norm(np.subtract((5.0, 4.0, 1.2), AP))
    through_air = np.exp(-amplitude_decay(FREQUENCY) * distance)
    friis = WAVELENGTH / (4 * np.pi * distance)
    assert np.sqrt(alone.power[0]) == pytest.approx(friis * through_air, rel=1e-6)


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("max_depth: 9", "max_depth"),
        ("max_depth: -1", "max_depth"),
        ("samples: 10", "samples"),
        ("samples: 100000000", "samples"),
        ("diffuse_cell: 2.0", "diffuse_cell"),
        ("diffuse_cell: .nan", "diffuse_cell"),
    ],
)
def test_settings_out_of_range_are_named(setting: str, what: str, tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(
        f"name: small\npropagation: {{{setting}}}\n"
        "scene: [{name: floor, kind: ground, size: [9, 9], material: concrete}]\n"
        "access_points: [{name: ap, position: [0, 0, 3]}]\n"
    )
    with pytest.raises(TwinError, match=rf"propagation.*{what}|{what}"):
        load_site(str(file))
