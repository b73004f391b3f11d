"""STL, ASCII and binary: its triangles, nothing else of it."""

from __future__ import annotations

import re

import numpy as np
from jaxtyping import Float, Int

_HEADER = 84
_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_VERTEX = re.compile(rb"^\s*vertex\s+(\S+)\s+(\S+)\s+(\S+)\s*$", re.MULTILINE)


def read_stl(
    content: bytes,
) -> tuple[Float[np.ndarray, "vertices 3"], Int[np.ndarray, "faces 3"]]:
    """Vertices, three to each face, and the faces.

    Raises ValueError where it is no STL or ends early. A binary file is told by its length, since
    its free header may begin with the `solid` of the text form.
    """
    count = int.from_bytes(content[_HEADER - 4 : _HEADER], "little")
    if len(content) >= _HEADER and len(content) == _HEADER + count * _FACET.itemsize:
        corners = np.frombuffer(content, _FACET, count, _HEADER)["corners"].astype(float)
    elif content.lstrip().startswith(b"solid"):
        rows = _VERTEX.findall(content)
        if len(rows) % 3 or b"endsolid" not in content:
            raise ValueError(f"its text ends after {len(rows)} vertices, within a facet")
        corners = np.array([[float(value) for value in row] for row in rows])
    else:
        raise ValueError(
            f"it is no STL: neither text from `solid` on, nor the {_HEADER + count * _FACET.itemsize} "
            f"bytes of the {count} facets that its header promises, but {len(content)}"
        )
    vertices = corners.reshape(-1, 3)
    return vertices, np.arange(len(vertices)).reshape(-1, 3)
