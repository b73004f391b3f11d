"""Scenes of Sionna RT and Mitsuba, and meshes of several materials, become sites."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.scene.mesh_files import read_mesh, read_mesh_parts
from visrftwin_ros.scene.mitsuba_scene import read_scene
from visrftwin_ros.scene.ply_file import ply_of
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site

TRIANGLE = "v 0 0 0\nv 2 0 0\nv 0 1 0\n"
ROOM = f"{TRIANGLE}v 0 0 3\nusemtl itu_concrete\nf 1 2 3\nusemtl mat-Door\nf 1 2 4\nf 1 3 4\n"
BSDFS = """
<bsdf type="twosided" id="mat-itu_concrete"><bsdf type="diffuse"/></bsdf>
<bsdf type="itu-radio-material" id="thin"><string name="type" value="glass"/>
  <float name="thickness" value="0.004"/></bsdf>
<bsdf type="radio-material" id="mat-Panel"><float name="relative_permittivity" value="2.5"/>
  <float name="conductivity" value="0.02"/></bsdf>
"""
TURN = """<transform name="to_world"><scale x="2" z="0.5"/><rotate x="0.6" y="0.8" angle="35"/>
  <translate value="1, 2 3"/><matrix value="0 -1 0 5  1 0 0 0  0 0 1 0  0 0 0 1"/></transform>"""
SHAPES = f"""
<shape type="rectangle" id="mesh-floor"><ref id="mat-itu_concrete" name="bsdf"/>{TURN}</shape>
<shape type="cube" id="mesh-Desk.001"><ref id="thin"/>{TURN}</shape>
<shape type="obj" id="mesh-wing"><string name="filename" value="meshes/wing.obj"/>
  <ref id="mat-Panel"/>{TURN}</shape>
<shape type="ply" id="mesh-leaf"><string name="filename" value="meshes/leaf.ply"/>
  <bsdf type="itu-radio-material"><string name="type" value="wood"/></bsdf>{TURN}</shape>
"""
Write = Callable[[str], Path]


@pytest.fixture
def scene(tmp_path: Path) -> Write:
    folder = tmp_path / "theirs"
    (folder / "meshes").mkdir(parents=True)
    (folder / "meshes/wing.obj").write_text(f"{TRIANGLE}f 1 2 3\n")
    corners = np.array([[0, 0, 0], [1, 0, 0.5], [0, 3, 0]], float)
    (folder / "meshes/leaf.ply").write_bytes(ply_of(corners, np.array([[0, 1, 2]])))

    def _scene(content: str, head: str = "") -> Path:
        (folder / "scene.xml").write_text(f'{head}<scene version="2.1.0">{content}</scene>')
        return folder / "scene.xml"

    return _scene


def imported(file: Path, *more: str) -> Site:
    out = file.parent.parent / "our_site"
    options = [
        "--frequency=3.5GHz",
        "--bandwidth=100MHz",
        "--access-point=ap=0,0,5",
        "--robot=cart=1",
    ]
    assert main(["site", "import", str(file), "--out", str(out), *options, *more]) == 0
    assert main(["site", "check", "--site", str(out)]) == 0
    return load_site(str(out))


def test_a_scene_becomes_a_site_of_its_shapes_and_materials(scene: Write) -> None:
    site = imported(scene(BSDFS + SHAPES))
    meshes = {mesh.name: mesh for mesh in surface_meshes(site)}
    assert list(meshes) == ["floor", "desk_001", "wing", "leaf"]
    assert site.robots[0].antenna_height == 1 and site.access_points[0].position == (0, 0, 5)
    concrete, glass = (material_values(name, 3.5e9) for name in ("concrete", "glass"))
    assert meshes["floor"].material == concrete
    assert meshes["desk_001"].material.thickness == 0.004
    assert meshes["desk_001"].material.conductivity == pytest.approx(glass.conductivity)
    assert meshes["wing"].material.relative_permittivity == 2.5
    assert meshes["leaf"].material.name == "wood"


def test_shapes_stand_where_mitsuba_puts_them(scene: Write) -> None:
    prepare("llvm", threads=1)
    import mitsuba as mi

    diffuse = '<bsdf type="diffuse" id="mat-itu_concrete"/>'
    file = scene(diffuse + SHAPES.replace("Desk.001", "desk").replace('"thin"', '"mat-itu_concrete"')
                 .replace('"mat-Panel"', '"mat-itu_concrete"')
                 .replace("<bsdf type=\"itu-radio-material\"><string name=\"type\" value=\"wood\"/></bsdf>",
                          '<ref id="mat-itu_concrete"/>'))  # fmt: skip
    theirs = {
        shape.id(): shape.bbox() for shape in mi.load_file(str(file), optimize=False).shapes()
    }
    ours = {part.name: part.mesh.vertices for part in read_scene(file)}
    assert theirs.keys() == ours.keys()
    for name, box in theirs.items():
        np.testing.assert_allclose(ours[name].min(axis=0), np.array(box.min).ravel(), atol=1e-5)
        np.testing.assert_allclose(ours[name].max(axis=0), np.array(box.max).ravel(), atol=1e-5)


def test_names_of_a_scene_that_itu_has_not_are_asked_for(
    scene: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    file = scene(
        '<bsdf type="diffuse" id="mat-Sofa"/><shape type="cube"><ref id="mat-Sofa"/></shape>'
    )
    with pytest.raises(AssertionError):
        imported(file)
    said = capsys.readouterr().err
    assert "line 1: surface 'shape_1' has the material 'mat-Sofa'" in said
    assert "--material 'mat-Sofa'=NAME" in said
    assert not (file.parent.parent / "our_site").exists()
    site = imported(file, "--material", "mat-Sofa=plywood")
    assert site.scene[0].material == "plywood"


def test_a_mesh_of_several_materials_becomes_a_surface_of_each(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    file = tmp_path / "theirs/room.obj"
    file.write_text(ROOM)
    site = imported(file, "--material", "mat-Door=wood")
    assert [(s.name, s.material) for s in site.scene] == [
        ("room_itu_concrete", "concrete"),
        ("room_mat_door", "wood"),
    ]
    assert [len(mesh.faces) for mesh in surface_meshes(site)] == [1, 2]


def test_groups_tell_the_faces_apart_where_no_material_does(tmp_path: Path) -> None:
    file = tmp_path / "room.obj"
    file.write_text(f"{TRIANGLE}v 0 0 3\ng wall\nf 1 2 3\ng roof\nf 1 2 4\ng wall\nf 1 3 4\n")
    parts = read_mesh_parts(file, "room")
    assert [(part.label, len(part.faces)) for part in parts] == [("wall", 2), ("roof", 1)]
    assert len(parts[1].vertices) == 3


def test_an_obj_of_a_scene_keeps_its_own_materials_where_the_shape_has_none(scene: Write) -> None:
    shape = '<shape type="obj" id="room"><string name="filename" value="room.obj"/></shape>'
    file = scene(shape)
    (file.parent / "room.obj").write_text(ROOM)
    parts = read_scene(file)
    assert [(part.name, part.material.name) for part in parts] == [
        ("room_itu_concrete", "itu_concrete"),
        ("room_mat-Door", "mat-Door"),
    ]
    whole = read_scene(scene(BSDFS + shape.replace("</shape>", '<ref id="thin"/></shape>')))
    assert [(len(part.mesh.faces), part.material.name) for part in whole] == [(3, "thin")]


def test_a_default_fills_in_for_its_name(scene: Write) -> None:
    text = '<default name="high" value="4"/><shape type="cube"><ref id="thin"/>{}</shape>'
    raised = '<transform name="to_world"><translate z="$high"/></transform>'
    (part,) = read_scene(scene(BSDFS + text.format(raised)))
    assert part.mesh.vertices[:, 2].max() == 5
    with pytest.raises(TwinError, match=r"\$low has no <default>"):
        read_scene(scene(BSDFS + text.format(raised.replace("high", "low"))))


BOMB = '<!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
CUBE = '<shape type="cube"><ref id="thin"/>{}</shape>'
MESH = '<shape type="ply" id="m"><string name="filename" value="{}"/><ref id="thin"/></shape>'
TO_WORLD = '<transform name="to_world">{}</transform>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            CUBE.replace("thin", "thick").format(""),
            "no BSDF 'thick' in the scene; it has mat-itu_c",
        ),
        (CUBE.replace('<ref id="thin"/>', "").format(""), "shape 'shape_1' has no BSDF"),
        (CUBE.replace("cube", "sphere").format(""), "is of type 'sphere'; read are ply, obj, rect"),
        (MESH.format("meshes/none.ply"), "line 7: there is no mesh file"),
        (MESH.format("../our.ply"), "lies outside"),
        (MESH.format("/etc/passwd"), "lies outside"),
        (MESH.format("meshes/wing.obj"), "expected a .ply file"),
        (MESH.format("scene.xml").replace('"ply"', '"obj"'), "expected a .obj file"),
        (
            MESH.replace("<string", "<text").format("").replace("</string", "</text"),
            "has no <string",
        ),
        (MESH.format("meshes/torn.ply"), "is not a readable mesh: it ends"),
        (CUBE.format(TO_WORLD.format('<scale value="0"/>')), "flattens the shape to nothing"),
        (CUBE.format(TO_WORLD.format('<scale value="1 2"/>')), "2 numbers in <scale>"),
        (CUBE.format(TO_WORLD.format('<translate x="nan"/>')), "is not finite"),
        (CUBE.format(TO_WORLD.format('<rotate angle="5"/>')), "a rotation about no axis"),
        (CUBE.format(TO_WORLD.format('<rotate x="1"/>')), "needs one number as 'angle'"),
        (CUBE.format(TO_WORLD.format('<matrix value="1 2"/>')), "a matrix of 2 numbers"),
        (CUBE.format(TO_WORLD.format("<lookat/>")), "<lookat> in to_world"),
        (f'<default name="a" value="{"1" * 5000}"/>', "a <default> of 5000 characters"),
        (CUBE.format(TO_WORLD.format(f'<scale value="{"$a" * 65}"/>')), "over 64 $names in one"),
        ('<include filename="more.xml"/>', "<include> is not followed"),
        ("<emitter/>", "no <shape> in it"),
        ("<shape>", "not valid XML"),
        ("<a>" * 80 + "</a>" * 80, "nested more than 64 deep"),
    ],
)
def test_a_scene_that_cannot_be_read_says_where_and_why(
    scene: Write, content: str, said: str
) -> None:
    file = scene(BSDFS + content)
    whole = (file.parent / "meshes/leaf.ply").read_bytes()
    (file.parent / "meshes/torn.ply").write_bytes(whole[:-4])
    with pytest.raises(TwinError, match=r"scene\.xml|torn\.ply") as caught:
        read_scene(file)
    assert said in str(caught.value)


@pytest.mark.parametrize("head", [BOMB, EXTERNAL])
def test_entities_are_refused_before_they_grow(scene: Write, head: str) -> None:
    with pytest.raises(TwinError, match=r"line 1: a document type .* is not read"):
        read_scene(scene("<shape>&a;</shape>", head))


def test_a_link_that_leads_out_of_the_scenes_folder_is_refused(scene: Write) -> None:
    file = scene(BSDFS + MESH.format("meshes/link.ply"))
    (file.parent / "meshes/link.ply").symlink_to("/etc/passwd")
    with pytest.raises(TwinError, match="lies outside"):
        read_scene(file)


@pytest.mark.parametrize(
    ("bsdf", "said"),
    [
        ('<bsdf type="diffuse" id="itu_cheese"/>', "'itu_cheese', which is none of ITU-R P.2040's"),
        ('<bsdf type="radio-material" id="a"><float name="conductivity" value="1"/></bsdf>',
         "the radio-material has no relative_permittivity"),
        ('<bsdf type="radio-material" id="a"><float name="conductivity" value="1"/>'
         '<float name="relative_permittivity" value="0.5"/></bsdf>', "greater than or equal to 1"),
    ],
)  # fmt: skip
def test_a_wrong_material_leaves_no_site(
    scene: Write, bsdf: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    name = bsdf.split('id="')[1].split('"')[0]
    file = scene(f'{bsdf}<shape type="cube"><ref id="{name}"/></shape>')
    with pytest.raises(AssertionError):
        imported(file)
    assert said in capsys.readouterr().err
    assert [entry.name for entry in file.parent.parent.iterdir()] == ["theirs"]


def test_a_site_that_is_there_stays_unless_forced(
    scene: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    file = scene(BSDFS + SHAPES)
    imported(file)
    with pytest.raises(AssertionError):
        imported(file)
    assert "--force" in capsys.readouterr().err
    imported(file, "--force")
    (file.parent.parent / "our_site/notes.txt").write_text("mine")
    with pytest.raises(AssertionError):
        imported(file, "--force")
    assert "it holds notes.txt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--access-point=ap=1,2", "expected NAME=X,Y,Z in metres"),
        ("--robot=cart", "expected NAME=HEIGHT in metres"),
        ("--robot=Cart=1", "should match pattern"),
        ("--material=Sofa", "expected THEIRS=OURS"),
        ("--material=thin=cheese", "unknown material 'cheese'"),
    ],
)
def test_a_wrong_option_says_what_is_expected(
    scene: Write, option: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AssertionError):
        imported(scene(BSDFS + SHAPES), option)
    assert said in capsys.readouterr().err


FACETS = np.array([[[0, 0, 0], [2, 0, 0], [0, 1, 0]], [[0, 0, 0], [0, 1, 0], [0, 0, 3]]], float)


def stl(binary: bool) -> bytes:
    if binary:
        rows = b"".join(struct.pack("<12fH", 0, 0, 0, *facet.ravel(), 0) for facet in FACETS)
        return b"solid but binary".ljust(80) + struct.pack("<I", len(FACETS)) + rows
    text = "solid s\n"
    for facet in FACETS:
        corners = "".join(f"  vertex {x} {y} {z:e}\n" for x, y, z in facet)
        text += f"facet normal 0 0 1\n outer loop\n{corners} endloop\nendfacet\n"
    return f"{text}endsolid s\n".encode()


@pytest.mark.parametrize("binary", [True, False])
def test_both_kinds_of_stl_give_their_triangles(tmp_path: Path, binary: bool) -> None:
    (tmp_path / "m.stl").write_bytes(stl(binary))
    vertices, faces = read_mesh(tmp_path / "m.stl", "m")
    assert len(vertices) == 4
    np.testing.assert_array_equal(vertices[faces], FACETS)
    (tmp_path / "m.stl").write_bytes(stl(binary)[:-60])
    with pytest.raises(TwinError, match="not a readable mesh: it"):
        read_mesh(tmp_path / "m.stl", "m")
