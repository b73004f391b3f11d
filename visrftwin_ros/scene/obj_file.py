"""Wavefront OBJ: vertices, faces and which material or group each face is of, nothing else of it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def read_obj(
    content: bytes,
) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"]]:
    """Vertices, and faces as triangles counted from 0; polygons are cut into fans.

    Raises ValueError naming the line. Indices may point anywhere: 0, which OBJ does not have, is -1.
    """
    vertices, faces, _ = read_labelled_obj(content)
    return vertices, faces


def read_labelled_obj(
    content: bytes,
) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"], list[str]]:
    """As `read_obj`, and of every triangle the material of its `usemtl` line; in a file without such
    lines the name of its group (`g`) or object (`o`). Empty where neither is given."""
    vertices: list[list[float]] = []
    faces: list[tuple[int, int, int]] = []
    materials: list[str] = []
    groups: list[str] = []
    material = group = ""
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        kind, *values = line.split() or [""]
        try:
            if kind == "v":
                x, y, z = values[:3]
                vertices.append([float(x), float(y), float(z)])
            elif kind == "usemtl":
                material = " ".join(values)
            elif kind in ("g", "o"):
                group = " ".join(values)
            elif kind == "f":
                corners = [int(value.split("/")[0]) for value in values]
                corners = [i + len(vertices) if i < 0 else i - 1 for i in corners]
                if len(corners) < 3:
                    raise ValueError("a face of fewer than three corners")
                faces += [(corners[0], *corners[k : k + 2]) for k in range(1, len(corners) - 1)]  # type: ignore[misc]
                materials += [material] * (len(corners) - 2)
                groups += [group] * (len(corners) - 2)
        except ValueError as error:
            raise ValueError(f"line {number}, {line[:60]!r}: {error}") from error
    return (
        np.array(vertices, float).reshape(-1, 3),
        np.array(faces, np.int64).reshape(-1, 3),
        materials if any(materials) else groups,
    )
