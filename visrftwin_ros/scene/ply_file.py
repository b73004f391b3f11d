"""PLY, ASCII and binary, read and written: the places of its vertices and its faces, nothing else of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2",
    "ushort": "u2", "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_FACES = ("vertex_indices", "vertex_index")
_LONGEST_HEADER = 65536

Rows = dict[str, np.ndarray]
"""By property: (n,) of a number, (n, 3) of a list, as triangles."""


@dataclass(frozen=True)
class _Property:
    """counts: the type of a list's length; empty: a single number."""

    name: str
    kind: str
    counts: str = ""


@dataclass(frozen=True)
class _Element:
    name: str
    count: int
    properties: tuple[_Property, ...]


def read_ply(
    content: bytes,
) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"]]:
    """Vertices, and faces as triangles counted from 0; polygons are cut into fans.

    Raises ValueError where it is no PLY, ends early, or has no vertices or faces. Indices may point
    anywhere.
    """
    rows = _rows(content)
    places, face = _places(rows), rows.get("face")
    corners = next((face[name] for name in _FACES if face and name in face), None)
    if corners is None:
        raise ValueError(f"it has no faces with {' or '.join(_FACES)}")
    return places, corners.astype(np.int64).reshape(-1, 3)


def ply_has_faces(content: bytes) -> bool:
    """Whether its header promises a face; one without is a cloud. Raises ValueError where it is no PLY."""
    return any(element.name == "face" and element.count for element in _header(content)[1])


def read_ply_places(content: bytes) -> Float[np.ndarray, "vertices 3"]:
    """Vertices alone, as of a cloud. Raises ValueError as `read_ply`."""
    return _places(_rows(content))


def ply_of(vertices: Float[np.ndarray, "vertices 3"], faces: Int[np.ndarray, "faces 3"]) -> bytes:
    """A binary PLY of these triangles, in double precision."""
    head = (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {len(vertices)}\n"
        "property double x\nproperty double y\nproperty double z\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    rows = np.zeros(len(faces), [("n", "u1"), ("corners", "<i4", 3)])
    rows["n"], rows["corners"] = 3, faces
    return head.encode() + np.ascontiguousarray(vertices, "<f8").tobytes() + rows.tobytes()


def _rows(content: bytes) -> dict[str, Rows]:
    order, elements, body = _header(content)
    return _ascii_rows(elements, body) if not order else _binary_rows(elements, body, order)


def _places(rows: dict[str, Rows]) -> Float[np.ndarray, "vertices 3"]:
    vertex = rows.get("vertex")
    if vertex is None or any(axis not in vertex for axis in "xyz"):
        raise ValueError("it has no vertices with x, y and z")
    return np.stack([vertex[axis].astype(float) for axis in "xyz"], axis=1)


def _header(content: bytes) -> tuple[str, list[_Element], bytes]:
    """Byte order (empty: ASCII), the elements, and what follows."""
    head, mark, body = content[:_LONGEST_HEADER].partition(b"end_header")
    lines = head.decode("ascii", "replace").splitlines()
    if not mark or not lines or lines[0].strip() != "ply":
        raise ValueError("it does not begin with the header of a PLY file")
    body = content[len(head) + len(mark) :]
    body = body[2:] if body.startswith(b"\r\n") else body[1:]
    order, elements = None, []
    for line in lines[1:]:
        match line.split():
            case ["format", name, *_]:
                order = _ORDERS.get(name)
            case ["element", name, count]:
                elements.append(_Element(name, int(count), ()))
            case ["property", "list", counts, kind, name] if (
                elements and counts in _TYPES and kind in _TYPES
            ):
                elements[-1] = _with(elements[-1], _Property(name, _TYPES[kind], _TYPES[counts]))
            case ["property", kind, name] if elements and kind in _TYPES:
                elements[-1] = _with(elements[-1], _Property(name, _TYPES[kind]))
            case ["comment" | "obj_info", *_] | []:
                continue
            case _:
                raise ValueError(f"its header has the line {line[:60]!r}")
    if order is None:
        raise ValueError(f"its header names no format of {', '.join(_ORDERS)}")
    for element in elements:
        # Each takes a byte at least: what claims more is not worth the memory.
        if not 0 <= element.count <= len(body) or not element.properties:
            raise ValueError(
                f"its header promises {element.count} x {element.name} in {len(body)} bytes"
            )
    return order, elements, body


def _with(element: _Element, more: _Property) -> _Element:
    return _Element(element.name, element.count, (*element.properties, more))


def _ascii_rows(elements: list[_Element], body: bytes) -> dict[str, Rows]:
    lines = [line for line in body.decode("ascii", "replace").splitlines() if line.strip()]
    rows, at = {}, 0
    for element in elements:
        own = lines[at : at + element.count]
        if len(own) < element.count:
            raise ValueError(f"it ends after {len(own)} of {element.count} x {element.name}")
        at += element.count
        if not any(p.counts for p in element.properties):
            table = np.array([[float(value) for value in line.split()] for line in own], float)
            table = table.reshape(element.count, -1)
            if table.shape[1] < len(element.properties):
                raise ValueError(f"a {element.name} lacks some of its properties")
            rows[element.name] = {p.name: table[:, i] for i, p in enumerate(element.properties)}
        else:
            rows[element.name] = _ascii_lists(element, own)
    return rows


def _ascii_lists(element: _Element, lines: list[str]) -> Rows:
    found: dict[str, list[list[int]]] = {p.name: [] for p in element.properties if p.counts}
    for line in lines:
        values, at = line.split(), 0
        for p in element.properties:
            length = int(float(values[at])) if p.counts and at < len(values) else 1
            at += bool(p.counts)
            if length < 0 or at + length > len(values):
                raise ValueError(f"a {element.name} ends early: {line[:60]!r}")
            if p.counts:
                found[p.name].append([int(float(v)) for v in values[at : at + length]])
            at += length
    return {name: _fans(lists) for name, lists in found.items()}


def _binary_rows(elements: list[_Element], body: bytes, order: str) -> dict[str, Rows]:
    rows, at = {}, 0
    for element in elements:
        rows[element.name], at = _binary_element(element, body, at, order)
    return rows


def _binary_element(element: _Element, body: bytes, at: int, order: str) -> tuple[Rows, int]:
    """Its rows, and where it ends; at once where all lists are as long as the first row's."""
    if not element.count:
        return {p.name: np.zeros((0, 3) if p.counts else 0) for p in element.properties}, at
    layout, lengths = [], {}
    place = at
    for p in element.properties:
        if p.counts:
            length = _number(body, place, order + p.counts)
            lengths[p.name] = length
            layout += [(f"n {p.name}", order + p.counts), (p.name, order + p.kind, (length,))]
            place += np.dtype(p.counts).itemsize + length * np.dtype(p.kind).itemsize
        else:
            layout.append((p.name, order + p.kind))
            place += np.dtype(p.kind).itemsize
        if place > len(body):
            raise ValueError(f"it ends within the first {element.name}")
    size = np.dtype(layout).itemsize * element.count
    if at + size <= len(body):
        table = np.frombuffer(body, np.dtype(layout), element.count, at)
        if all((table[f"n {name}"] == length).all() for name, length in lengths.items()):
            return {
                p.name: _fans(table[p.name]) if p.counts else table[p.name]
                for p in element.properties
            }, at + size
    if not lengths:
        raise ValueError(f"it ends before the last of {element.count} x {element.name}")
    return _lists_of_any_length(element, body, at, order)


def _lists_of_any_length(element: _Element, body: bytes, at: int, order: str) -> tuple[Rows, int]:
    found: dict[str, list[np.ndarray]] = {p.name: [] for p in element.properties if p.counts}
    for _ in range(element.count):
        for p in element.properties:
            length = 1
            if p.counts:
                length = _number(body, at, order + p.counts)
                at += np.dtype(p.counts).itemsize
            kind = np.dtype(order + p.kind)
            if length < 0 or at + length * kind.itemsize > len(body):
                raise ValueError(f"it ends before the last of {element.count} x {element.name}")
            if p.counts:
                found[p.name].append(np.frombuffer(body, kind, length, at))
            at += length * kind.itemsize
    return {name: _fans(lists) for name, lists in found.items()}, at


def _number(body: bytes, at: int, kind: str) -> int:
    if at + np.dtype(kind).itemsize > len(body):
        raise ValueError("it ends within a list's length")
    number = int(np.frombuffer(body, kind, 1, at)[0])
    if number < 0:
        raise ValueError("a list has a negative length")
    return number


def _fans(lists: np.ndarray | list[list[int]] | list[np.ndarray]) -> np.ndarray:
    """(T, 3) triangles of polygons."""
    if isinstance(lists, np.ndarray):
        groups = [lists]
    else:
        of_length: dict[int, list[np.ndarray | list[int]]] = {}
        for one in lists:
            of_length.setdefault(len(one), []).append(one)
        groups = [np.array(same) for same in of_length.values()]
    parts = [np.zeros((0, 3), np.int64)]
    for polygons in groups:
        corners = polygons.shape[1] if polygons.size else 3
        if corners < 3:
            raise ValueError("a face of fewer than three corners")
        parts += [polygons[:, [0, k, k + 1]] for k in range(1, corners - 1) if polygons.size]
    return np.concatenate(parts)
