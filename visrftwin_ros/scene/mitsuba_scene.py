"""The shapes of a Mitsuba scene file, the format of Sionna RT's scenes, in world coordinates.

Read are shapes of the types ply, obj, rectangle and cube with `to_world`, and the names, types and
radio parameters of their BSDFs; emitters, sensors, integrators and textures are nobody's here. Axes are
taken as they stand: Sionna's scenes have z up, in metres.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.mesh_files import MeshPart, checked_mesh, read_mesh_parts
from visrftwin_ros.scene.xml_elements import Element, read_xml

MESHES = ("ply", "obj")
LONGEST_DEFAULT, MOST_DEFAULTS = 4096, 64
"""Characters of a <default>, and how many an attribute may name: more is no scene but grows without end."""
_QUAD = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], float)
_CUBE = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
_CUBE_FACES = np.array(
    [
        [0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1],
        [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3],
    ]
)  # fmt: skip
_SHAPES: Mapping[str, tuple[np.ndarray, np.ndarray]] = {
    "rectangle": (_QUAD, np.array([[0, 1, 2], [0, 2, 3]])),
    "cube": (_CUBE, _CUBE_FACES),
}
"""Mitsuba's own: the square and the cube from -1 to 1."""


@dataclass(frozen=True)
class SceneMaterial:
    """A BSDF: its id, its plugin's type, its numbers (`thickness`, `conductivity`, ...) and texts (`type`)
    by name. where: file and line."""

    name: str
    plugin: str
    where: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ScenePart:
    """A surface: vertices in metres in the world, and its one material."""

    name: str
    mesh: MeshPart
    material: SceneMaterial


def read_scene(file: Path) -> tuple[ScenePart, ...]:
    """The surfaces of a scene file, in its order.

    An OBJ whose shape has no BSDF gives a surface for each of its own materials. Raises TwinError with
    file and line where the file cannot be read, names what is missing or lies outside its folder, or has
    shapes of other types.
    """
    scene = read_xml(file)
    if scene.tag != "scene":
        raise TwinError(f"{file}: <{scene.tag}>; expected a <scene> of Mitsuba or Sionna RT")
    _refuse_includes(scene, file)
    scene = _filled_in(scene, _defaults(scene, file), file)
    materials = {
        element.attributes.get("id", ""): _material(element, file) for element in scene.all("bsdf")
    }
    parts: list[ScenePart] = []
    for index, shape in enumerate(scene.all("shape"), 1):
        parts += _parts(shape, index, materials, file)
    if not parts:
        raise TwinError(f"{file}: no <shape> in it")
    return tuple(parts)


def mesh_scene(file: Path) -> tuple[ScenePart, ...]:
    """The surfaces of a mesh file alone, whose materials or groups stand for BSDFs."""
    return tuple(
        ScenePart(
            "_".join(filter(None, (file.stem, part.label))),
            part,
            SceneMaterial(part.label, "", str(file)),
        )
        for part in read_mesh_parts(file, file.stem)
    )


def _parts(
    shape: Element, index: int, materials: Mapping[str, SceneMaterial], file: Path
) -> list[ScenePart]:
    where = f"{file}, line {shape.line}"
    kind = shape.attributes.get("type", "")
    name = shape.attributes.get("id", f"shape_{index}")
    material = _material_of(shape, materials, file)
    if kind in MESHES:
        meshes = read_mesh_parts(_mesh_file(shape, kind, file), name)
        if material is not None:
            meshes = (_joined(meshes),)
    elif kind in _SHAPES:
        meshes = (MeshPart("", *_SHAPES[kind]),)
    else:
        raise TwinError(
            f"{where}: shape {name!r} is of type {kind!r}; read are "
            f"{', '.join((*MESHES, *_SHAPES))}: make a mesh of it"
        )
    turn = _to_world(shape, file)
    found = []
    for mesh in meshes:
        own = material or SceneMaterial(mesh.label, "", where)
        if not own.name:
            raise TwinError(f"{where}: shape {name!r} has no BSDF: give it a <ref> to one")
        placed = mesh.vertices @ turn[:3, :3].T + turn[:3, 3]
        vertices, faces = checked_mesh(placed, mesh.faces, f"{where}: shape {name!r}")
        label = name if material else f"{name}_{mesh.label}"
        found.append(ScenePart(label, MeshPart(mesh.label, vertices, faces), own))
    return found


def _joined(parts: tuple[MeshPart, ...]) -> MeshPart:
    starts = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    faces = [part.faces + start for part, start in zip(parts, starts, strict=True)]
    return MeshPart("", np.concatenate([p.vertices for p in parts]), np.concatenate(faces))


def _mesh_file(shape: Element, kind: str, file: Path) -> Path:
    where = f"{file}, line {shape.line}"
    entry = shape.first("string", name="filename")
    given = entry.attributes.get("value", "") if entry else ""
    if not given:
        raise TwinError(f"{where}: the {kind} shape has no <string name='filename' value='...'/>")
    folder = file.parent.resolve()
    mesh = (folder / given).resolve()
    if not mesh.is_relative_to(folder):
        raise TwinError(
            f"{where}: the mesh {given!r} lies outside {folder}: only files beside the scene are read"
        )
    if mesh.suffix.lower() != f".{kind}":
        raise TwinError(f"{where}: a shape of type {kind} names {given!r}: expected a .{kind} file")
    if not mesh.is_file():
        raise TwinError(f"{where}: there is no mesh file {mesh}")
    return mesh


def _material_of(
    shape: Element, materials: Mapping[str, SceneMaterial], file: Path
) -> SceneMaterial | None:
    """Of its reference or its own BSDF; None where it has neither."""
    own = shape.first("bsdf")
    if own is not None:
        return _material(own, file)
    for reference in shape.all("ref"):
        if reference.attributes.get("name", "bsdf") != "bsdf":
            continue
        name = reference.attributes.get("id", "")
        if name not in materials:
            known = ", ".join(filter(None, materials)) or "none"
            raise TwinError(
                f"{file}, line {reference.line}: no BSDF {name!r} in the scene; it has {known}"
            )
        return materials[name]
    return None


def _material(element: Element, file: Path) -> SceneMaterial:
    where = f"{file}, line {element.line}"
    numbers = {
        child.attributes.get("name", ""): _number(child, "value", file)
        for child in element.all("float")
    }
    texts = {
        child.attributes.get("name", ""): child.attributes.get("value", "")
        for child in element.all("string")
    }
    plugin = element.attributes.get("type", "")
    name = element.attributes.get("id", "")
    if not name and plugin == "itu-radio-material":
        name = texts.get("type", "")
    return SceneMaterial(name, plugin, where, numbers, texts)


def _to_world(shape: Element, file: Path) -> Float[np.ndarray, "4 4"]:
    """All steps of the shape's transform, the first of the file applied first."""
    whole = np.eye(4)
    transform = shape.first("transform", name="to_world")
    for step in transform.children if transform else ():
        whole = _step(step, file) @ whole
    if abs(np.linalg.det(whole[:3, :3])) < 1e-12:
        raise TwinError(f"{file}, line {shape.line}: its to_world flattens the shape to nothing")
    return whole


def _step(step: Element, file: Path) -> Float[np.ndarray, "4 4"]:
    where = f"{file}, line {step.line}"
    matrix = np.eye(4)
    if step.tag == "translate":
        matrix[:3, 3] = _vector(step, 0.0, file)
    elif step.tag == "scale":
        matrix[:3, :3] = np.diag(_vector(step, 1.0, file))
    elif step.tag == "rotate":
        axis = _vector(step, 0.0, file)
        length = np.linalg.norm(axis)
        if length == 0:
            raise TwinError(f"{where}: a rotation about no axis: expected x, y or z")
        turn = axis / length * np.deg2rad(_number(step, "angle", file))
        matrix[:3, :3] = Rotation.from_rotvec(turn).as_matrix()
    elif step.tag == "matrix":
        values = _numbers(step.attributes.get("value", ""), where)
        if len(values) not in (9, 16):
            raise TwinError(f"{where}: a matrix of {len(values)} numbers; expected 16, or 9")
        size = 4 if len(values) == 16 else 3
        matrix[:size, :size] = np.reshape(values, (size, size))
        if not np.array_equal(matrix[3], [0, 0, 0, 1]):
            raise TwinError(f"{where}: the last row of the matrix is no 0 0 0 1")
    else:
        raise TwinError(
            f"{where}: <{step.tag}> in to_world; read are translate, rotate, scale and matrix"
        )
    return matrix


def _vector(step: Element, otherwise: float, file: Path) -> Float[np.ndarray, " 3"]:
    """`value` of one or three numbers, or x, y and z, each `otherwise` where it is not given."""
    if "value" in step.attributes:
        where = f"{file}, line {step.line}"
        values = _numbers(step.attributes["value"], where)
        if len(values) not in (1, 3):
            raise TwinError(f"{where}: {len(values)} numbers in <{step.tag}>; expected 1 or 3")
        return np.broadcast_to(np.array(values), 3).copy()
    given = [_number(step, axis, file) if axis in step.attributes else otherwise for axis in "xyz"]
    return np.array(given)


def _number(element: Element, name: str, file: Path) -> float:
    where = f"{file}, line {element.line}"
    values = _numbers(element.attributes.get(name, ""), where)
    if len(values) != 1:
        raise TwinError(f"{where}: <{element.tag}> needs one number as {name!r}")
    return values[0]


def _numbers(text: str, where: str) -> list[float]:
    try:
        values = [float(part) for part in re.split(r"[\s,]+", text.strip()) if part]
    except ValueError:
        raise TwinError(f"{where}: {text[:60]!r} is no list of numbers") from None
    if not np.isfinite(values).all():
        raise TwinError(f"{where}: {text[:60]!r} is not finite")
    return values


def _refuse_includes(element: Element, file: Path) -> None:
    for child in element.children:
        if child.tag == "include":
            raise TwinError(
                f"{file}, line {child.line}: <include> is not followed: merge the files"
            )
        _refuse_includes(child, file)


def _defaults(scene: Element, file: Path) -> dict[str, str]:
    found = {}
    for entry in scene.all("default"):
        value = entry.attributes.get("value", "")
        if len(value) > LONGEST_DEFAULT:
            raise TwinError(
                f"{file}, line {entry.line}: a <default> of {len(value)} characters; at most "
                f"{LONGEST_DEFAULT} are read"
            )
        found[entry.attributes.get("name", "")] = value
    return found


def _filled_in(element: Element, defaults: Mapping[str, str], file: Path) -> Element:
    """With every `$name` replaced by its <default>."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in defaults:
            raise TwinError(
                f"{file}, line {element.line}: ${match[1]} has no <default> in the file"
            )
        return defaults[match[1]]

    if any(text.count("$") > MOST_DEFAULTS for text in element.attributes.values()):
        raise TwinError(
            f"{file}, line {element.line}: over {MOST_DEFAULTS} $names in one attribute"
        )
    attributes = {k: re.sub(r"\$(\w+)", value, v) for k, v in element.attributes.items()}
    children = [_filled_in(child, defaults, file) for child in element.children]
    return replace(element, attributes=attributes, children=children)
