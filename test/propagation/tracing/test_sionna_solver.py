import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from made_up import FREQUENCY, WAVELENGTH, small_site

from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import material_names, material_values
from visrftwin_ros.propagation.paths import path_set
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.propagation.tracing.sionna_solver import in_turns, traced_paths
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import SurfaceMesh, fingerprint, surface_meshes
from visrftwin_ros.site.model import Site


def test_the_line_of_sight_has_friis_gain_and_no_cross_polarisation(traced: PathSet) -> None:
    direct = np.flatnonzero(traced.line_of_sight)
    assert len(direct) >= 4
    distance = np.linalg.norm(traced.vertices[direct, 0] - traced.vertices[direct, 1], axis=1)
    np.testing.assert_allclose(
        np.abs(traced.transfer[direct, 0, 0]), WAVELENGTH / (4 * np.pi * distance), rtol=1e-5
    )
    assert np.abs(traced.transfer[direct, 0, 1] / traced.transfer[direct, 0, 0]).max() < 1e-6


def test_the_ground_reflection_is_where_the_mirror_image_says(traced: PathSet) -> None:
    on_floor = (
        (traced.interactions[:, 0] == path_set.SPECULAR)
        & (traced.n_vertices == 3)
        & (traced.objects[:, 0] == 0)
    )
    link = traced.links.index(("ap_a", "r2"))
    row = np.flatnonzero(on_floor & (traced.link == link))
    assert len(row) == 1
    tx, point, rx = traced.vertices[row[0], :3]
    expected = tx + (rx - tx) * tx[2] / (tx[2] + rx[2])
    np.testing.assert_allclose(point[:2], expected[:2], atol=1e-4)
    assert traced.delay[row[0]] == pytest.approx(
        np.linalg.norm(tx - rx * [1, 1, -1]) / 299_792_458, abs=1e-13
    )


def test_every_kind_is_found_and_vertices_are_padded_with_the_receiver(
    traced: PathSet, site: Site
) -> None:
    kinds = set(np.unique(traced.interactions))
    assert kinds == {
        path_set.NONE,
        path_set.SPECULAR,
        path_set.DIFFUSE,
        path_set.REFRACTION,
        path_set.DIFFRACTION,
    }
    for row in range(len(traced)):
        n = traced.n_vertices[row]
        assert (traced.vertices[row, n - 1 :] == traced.vertices[row, n - 1]).all()
    active = traced.interactions > 0
    assert (traced.objects[active] >= 0).all() and (traced.objects[~active] == -1).all()
    np.testing.assert_allclose(np.linalg.norm(traced.normals[active], axis=1), 1, atol=1e-6)
    assert (np.diff(traced.link) >= 0).all()


def test_equal_input_gives_equal_paths(traced: PathSet, site: Site, meshes, aps: Devices) -> None:
    robots = Devices(
        tuple(r.name for r in site.robots),
        np.array([(*r.position, r.antenna_height) for r in site.robots if r.position]),
    )
    again = traced_paths(meshes, aps, robots, FREQUENCY, site.propagation)
    for f in fields(PathSet):
        if f.name != "links":
            np.testing.assert_array_equal(getattr(again, f.name), getattr(traced, f.name))


def test_our_table_agrees_with_sionnas_where_that_has_the_material(site: Site) -> None:
    import mitsuba as mi
    from sionna.rt.radio_materials.itu import ITU_MATERIALS_PROPERTIES, itu_material

    compared = 0
    for name in material_names():
        values = material_values(name, FREQUENCY)
        ranges = ITU_MATERIALS_PROPERTIES.get(name, {})
        if any(low <= FREQUENCY / 1e9 <= high for low, high in ranges):
            permittivity, conductivity = (
                float(v[0]) for v in itu_material(name, mi.Float(FREQUENCY))
            )
            assert values.relative_permittivity == pytest.approx(permittivity, rel=1e-5), name
            assert values.conductivity == pytest.approx(conductivity, rel=1e-5), name
            compared += 1
    assert compared >= 7


def test_depth_0_gives_lines_of_sight_and_no_receivers_give_nothing(
    site: Site, meshes, aps: Devices
) -> None:
    flat = site.propagation.model_copy(update={"max_depth": 0, "diffuse": False})
    near = Devices(("r",), np.array([[5.0, 4.0, 1.2]]))
    assert traced_paths(meshes, aps, near, FREQUENCY, flat).n_vertices.tolist() == [2, 2]
    nobody = Devices((), np.zeros((0, 3)))
    assert len(traced_paths(meshes, aps, nobody, FREQUENCY, flat)) == 0


def test_a_sealed_link_has_no_path_rather_than_an_invented_one(aps: Devices) -> None:
    shelter = {
        "name": "safe",
        "kind": "box",
        "center": (0, -10, 3),
        "size": (2, 2, 2),
        "material": "metal",
    }
    sealed = small_site(scene=[shelter])
    inside = Devices(("ap",), np.array([[0.0, -10.0, 3.0]]))
    outside = Devices(("r",), np.array([[5.0, 4.0, 1.2]]))
    found = traced_paths(surface_meshes(sealed), inside, outside, FREQUENCY, sealed.propagation)
    assert found.power.sum() < 1e-16


def test_meshes_are_read_and_bad_ones_named(tmp_path: Path) -> None:
    def with_mesh(file: str) -> Site:
        wall = {"name": "wall", "kind": "mesh", "file": file, "material": "glass"}
        return small_site(scene=[wall], folder=tmp_path)

    (tmp_path / "wall.obj").write_text("v 0 0 0\nv 4 0 0\nv 4 0 3\nv 0 0 3\nf 1 2 3\nf 1 3 4\n")
    (mesh,) = surface_meshes(with_mesh("wall.obj"))
    assert len(mesh.faces) == 2
    np.testing.assert_allclose(np.abs(mesh.face_normals), [[0, 1, 0], [0, 1, 0]], atol=1e-9)
    (tmp_path / "line.obj").write_text("v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n")
    (tmp_path / "not.ply").write_text("not a mesh")
    for file, what in [
        ("gone.ply", "no mesh file"),
        ("line.obj", "zero area"),
        ("not.ply", "readable"),
        ("a.xyz", "no .ply, .obj or .stl"),
    ]:
        with pytest.raises(TwinError, match=what):
            surface_meshes(with_mesh(file))


def test_an_unknown_material_names_surface_and_site() -> None:
    with pytest.raises(TwinError, match=r"small.*floor.*concret"):
        surface_meshes(
            small_site(
                scene=[{"name": "floor", "kind": "ground", "size": (9, 9), "material": "concret"}]
            )
        )


def test_the_fingerprint_sees_geometry_material_and_settings(
    meshes: tuple[SurfaceMesh, ...],
) -> None:
    moved = small_site(
        scene=[{"name": "floor", "kind": "ground", "size": (60, 61), "material": "concrete"}]
    )
    base = fingerprint(meshes, {"depth": 3})
    assert base == fingerprint(meshes, {"depth": 3})
    assert base != fingerprint(meshes, {"depth": 4})
    assert base != fingerprint(surface_meshes(moved), {"depth": 3})


def test_without_a_new_enough_llvm_there_is_an_error_and_no_abort(tmp_path: Path) -> None:
    old = tmp_path / "libLLVM-14.so"
    old.symlink_to("/lib/x86_64-linux-gnu/libc.so.6")
    script = (
        "from visrftwin_ros.propagation.tracing.sionna_solver import prepare\n"
        "from visrftwin_ros.errors import TwinError\n"
        "try:\n    prepare('llvm')\n"
        "except TwinError as error:\n    print('said:', error)\n"
    )
    for library in (str(tmp_path / "none.so"), str(old)):
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True,
            env={**os.environ, "DRJIT_LIBLLVM_PATH": library},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "said: Sionna RT on the CPU needs libLLVM" in done.stdout
        assert "libllvm19" in done.stdout


def test_importing_the_package_imports_no_solver() -> None:
    script = (
        "import sys\n"
        "import visrftwin_ros.twin.engine, visrftwin_ros.commands.channel_table\n"
        "import visrftwin_ros.beams.selection\n"
        "print(sorted({'sionna', 'mitsuba', 'drjit', 'torch', 'rclpy'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_asking_for_a_gpu_that_is_not_there_is_an_error() -> None:
    import drjit as dr

    prepare(threads=2)
    if dr.has_backend(dr.JitBackend.CUDA):
        pytest.skip("this machine has a CUDA GPU")
    with pytest.raises(TwinError, match="cuda"):
        prepare("cuda")


def test_a_ctrl_c_in_a_loop_of_the_solver_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as cause:
            raise RuntimeError("dr.while_loop(): encountered an exception (see above).") from cause

    site = small_site()
    aps = Devices(("ap",), np.array([[1.0, 1.0, 2.0]]))
    prepare("llvm", 2)
    monkeypatch.setattr("sionna.rt.PathSolver.__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        traced_paths(surface_meshes(site), aps, aps, FREQUENCY, site.propagation, "llvm")


def test_in_turns_every_link_gets_the_paths_between_its_own_ends() -> None:
    site = small_site()
    # At two million rays of depth 5, one transmitter at a time.
    settings = site.propagation.model_copy(update={"samples": 2_000_000, "max_depth": 5})
    asked = []

    def straight(some: Devices, others: Devices) -> PathSet:
        asked.append((len(some.names), len(others.names)))
        links = tuple((tx, rx) for tx in some.names for rx in others.names)
        link = np.arange(len(links), dtype=np.int32)
        vertices = np.zeros((len(links), 7, 3))
        vertices[:, 0] = np.repeat(some.positions, len(others.names), axis=0)
        vertices[:, 1:] = np.tile(others.positions, (len(some.names), 1))[:, None]
        nothing = np.zeros((len(links), 5), np.uint8)
        return PathSet(
            links, link, vertices, np.full(len(links), 2, np.int32), nothing,
            nothing.astype(np.int32) - 1, np.zeros((len(links), 5, 3)),
            np.zeros((len(links), 2, 2), complex), path_set.path_delay(vertices),
        )  # fmt: skip

    def row(name: str, count: int, y: float) -> Devices:
        places = np.column_stack([np.arange(count), np.full(count, y), np.ones(count)])
        return Devices(tuple(f"{name}{i}" for i in range(count)), places)

    tx, rx = row("t", 3, 0.0), row("r", 40, 5.0)
    paths = in_turns(tx, rx, settings, straight)
    assert len(asked) == 9 and max(asked) == (1, 14)
    whole = straight(tx, rx)
    assert paths.links == whole.links
    for f in fields(PathSet):
        if f.name != "links":
            np.testing.assert_array_equal(getattr(paths, f.name), getattr(whole, f.name))
