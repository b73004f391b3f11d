"""What a twin writes of people, and what it trusts when it reads it again, is its user's alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from visrftwin_ros.cli import main

WRITING_NODE = """
import sys
from pathlib import Path
from visrftwin_ros.errors import TwinError
from visrftwin_ros.nodes.shared.twin_node import TwinNode, run

class Writing(TwinNode):
    def configure(self):
        Path("made").mkdir()
        Path("made/embeddings").write_text("of people")
        raise TwinError("enough")

run(Writing, "writing")
"""


@pytest.fixture(autouse=True)
def usual_mask() -> Iterator[None]:
    """As most machines have it: others may read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    paths = {str(path.relative_to(folder)): path for path in (folder, *folder.rglob("*"))}
    return {name: stat.S_IMODE(path.stat().st_mode) for name, path in paths.items()}


def test_a_command_writes_for_its_user_alone_and_leaves_the_mask_as_it_was(tmp_path: Path) -> None:
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 7, (768, 576))
    for _ in range(3):
        writer.write(np.random.default_rng(1).integers(0, 255, (576, 768, 3), np.uint8))
    writer.release()
    out = tmp_path / "made" / "tracks.csv"
    given = ["--site", "pets_campus", "--video", str(film), "--detector", "motion"]
    assert main(["track", *given, "--out", str(out)]) == 0
    assert modes(out.parent) == {".": 0o700, "tracks.csv": 0o600}
    assert os.umask(0o022) == 0o022


def test_a_node_writes_for_its_user_alone(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", WRITING_NODE], cwd=tmp_path, timeout=60)
    assert done.returncode == 3
    assert modes(tmp_path / "made") == {".": 0o700, "embeddings": 0o600}
