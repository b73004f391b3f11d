"""What is read from mesh files, and that nothing in one crashes."""

import struct
from pathlib import Path

import numpy as np
import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.mesh_files import read_mesh
from visrftwin_ros.scene.ray_device import prepare

CORNERS = np.array([[0, 0, 0], [4, 0, 0], [4, 0, 3], [0, 0, 3], [0, 2, 0], [4, 2, 0]], float)
QUADS = [[0, 1, 2, 3], [0, 1, 5, 4]]
TRIANGLES = [[0, 1, 2], [0, 2, 3], [0, 1, 5], [0, 5, 4]]
MIXED = [[0, 1, 2, 3], [0, 1, 5], [0, 5, 4]]


def header(form: str, vertices: int, faces: int, number: str = "float") -> str:
    return (
        f"ply\nformat {form} 1.0\ncomment made by hand\nelement vertex {vertices}\n"
        f"property {number} x\nproperty {number} y\nproperty {number} z\nproperty uchar red\n"
        f"element face {faces}\nproperty list uchar int vertex_indices\nend_header\n"
    )


def ply(form: str, faces: list[list[int]], number: str = "float") -> bytes:
    head = header(form, len(CORNERS), len(faces), number).encode()
    if form == "ascii":
        lines = [f"{x} {y} {z} 7" for x, y, z in CORNERS]
        lines += [f"{len(face)} {' '.join(map(str, face))}" for face in faces]
        return head + "\n".join(lines).encode() + b"\n"
    order = "<" if "little" in form else ">"
    letter = "f" if number == "float" else "d"
    body = b"".join(struct.pack(f"{order}3{letter}B", *corner, 7) for corner in CORNERS)
    body += b"".join(struct.pack(f"{order}B{len(face)}i", len(face), *face) for face in faces)
    return head + body


def written(folder: Path, content: bytes | str, name: str = "m.ply") -> Path:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def places(vertices: np.ndarray, faces: np.ndarray) -> set[tuple]:
    """The triangles, whatever their vertices' numbers and order."""
    return {tuple(sorted(map(tuple, vertices[face].tolist()))) for face in faces}


EXPECTED = places(CORNERS, np.array(TRIANGLES))


@pytest.mark.parametrize("faces", [QUADS, TRIANGLES, MIXED], ids=["quads", "triangles", "mixed"])
@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize("number", ["float", "double"])
def test_every_kind_of_ply_gives_its_triangles(
    tmp_path: Path, form: str, number: str, faces: list[list[int]]
) -> None:
    assert places(*read_mesh(written(tmp_path, ply(form, faces, number)), "m")) == EXPECTED


def test_an_obj_may_count_backwards_and_name_texture_and_normals(tmp_path: Path) -> None:
    lines = [f"v {x} {y} {z}" for x, y, z in CORNERS]
    lines += ["vt 0 0", "vn 0 0 1", "f 1/1/1 2/1/1 3/1/1 4/1/1", "f -6 -5 -1 -2"]
    assert places(*read_mesh(written(tmp_path, "\n".join(lines), "m.obj"), "m")) == EXPECTED


def test_faces_that_meet_in_a_place_share_its_vertex(tmp_path: Path) -> None:
    """As exporters write them that give each triangle corners of its own."""
    soup = "".join(f"v {x} {y} {z}\n" for face in TRIANGLES for x, y, z in CORNERS[face]) + "".join(
        f"f {3 * i + 1} {3 * i + 2} {3 * i + 3}\n" for i in range(4)
    )
    vertices, faces = read_mesh(written(tmp_path, soup, "m.obj"), "m")
    assert len(vertices) == 6 and places(vertices, faces) == EXPECTED


def test_the_tracers_own_reader_finds_the_same(tmp_path: Path) -> None:
    prepare("llvm", threads=1)
    import mitsuba as mi

    file = written(tmp_path, ply("binary_little_endian", TRIANGLES))
    buffers = mi.traverse(mi.load_dict({"type": "ply", "filename": str(file)}))
    theirs = np.array(buffers["vertex_positions"], float).reshape(-1, 3)
    assert places(theirs, np.array(buffers["faces"]).reshape(-1, 3)) == places(
        *read_mesh(file, "m")
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (ply("ascii", [[0, 1, 600]]), r"triangle 0 has the vertices \[0, 1, 600\].* are 6"),
        (ply("binary_little_endian", [[0, 1, 2], [0, 1, 2**31 - 1]]), "triangle 1 has"),
        (ply("binary_big_endian", [[0, 1, -1]]), r"\[0, 1, -1\]"),
        (ply("ascii", TRIANGLES).replace(b"4.0", b"nan"), "vertex 1 is not finite"),
        (ply("binary_little_endian", TRIANGLES)[:-3], "ends before the last"),
        (ply("ascii", TRIANGLES)[:-12], "ends"),
        (header("ascii", 10**12, 1), "promises 1000000000000 x vertex"),
        (header("binary_little_endian", 0, 0), "no triangles"),
        (ply("ascii", [[0, 1]]), "fewer than three"),
        (ply("ascii", TRIANGLES).replace(b"vertex_indices", b"corners"), "no faces with"),
        (ply("ascii", TRIANGLES).replace(b"format ascii", b"format morse"), "names no format"),
        (ply("ascii", TRIANGLES).replace(b"uchar int", b"uchar lint"), "header has the line"),
        (b"", "begin with the header"),
    ],
)
def test_what_is_wrong_with_a_ply_is_named_with_surface_and_file(
    tmp_path: Path, content: bytes | str, what: str
) -> None:
    with pytest.raises(TwinError, match=f"'wall'.*m.ply.*{what}"):
        read_mesh(written(tmp_path, content), "wall")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", r"\[0, 1, 8\]"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 0 1 2\n", r"\[-1, 0, 1\]"),
        ("v 0 0\n", "line 1, 'v 0 0'"),
        ("v 0 0 0\nf 1 x 1\n", "line 2"),
        ("v 0 0 0\n", "no triangles"),
    ],
)
def test_what_is_wrong_with_an_obj_is_named(tmp_path: Path, content: str, what: str) -> None:
    with pytest.raises(TwinError, match=what):
        read_mesh(written(tmp_path, content, "m.obj"), "wall")


def test_no_bytes_at_all_crash_the_reader(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    good = [ply(form, MIXED) for form in ("ascii", "binary_little_endian", "binary_big_endian")]
    refused = 0
    for trial in range(600):
        content = bytearray(good[trial % 3] if trial % 4 else rng.bytes(400))
        start = content.find(b"end_header") if trial % 2 else 0
        for place in rng.integers(max(start, 0), len(content), 1 + trial % 12):
            content[place] = rng.integers(256)
        content = content[: rng.integers(1, len(content) + 1)] if trial % 5 == 0 else content
        for name in ("m.ply", "m.obj"):
            try:
                vertices, faces = read_mesh(written(tmp_path, bytes(content), name), "m")
            except TwinError:
                refused += 1
            else:
                assert faces.min() >= 0 and faces.max() < len(vertices)
                assert np.isfinite(vertices).all()
    assert refused > 600
