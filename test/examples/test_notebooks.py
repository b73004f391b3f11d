"""The notebooks run from top to bottom and draw something.

Their cells are plain Python, so a process that executes them in order is what a kernel would do; no notebook
program is among the packages of this project.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
NOTEBOOKS = sorted((CHECKOUT / "examples").glob("*.ipynb"))
RUNNER = """
import json, sys
for number, source in enumerate(json.load(sys.stdin)):
    exec(compile(source, f"code cell {number}", "exec"), globals())
from matplotlib import pyplot
for number in pyplot.get_fignums():
    figure = pyplot.figure(number)
    figure.savefig(f"figure_{number}.png")
    print("drawn", sum(axes.has_data() for axes in figure.axes))
"""


def cells(notebook: Path, kind: str) -> list[dict[str, Any]]:
    found = json.loads(notebook.read_text())["cells"]
    return [cell for cell in found if cell["cell_type"] == kind]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_runs_and_draws(notebook: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=json.dumps(["".join(cell["source"]) for cell in cells(notebook, "code")]),
        cwd=tmp_path,
        env=os.environ | {"MPLBACKEND": "Agg", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    drawn = [int(number) for number in re.findall(r"^drawn (\d+)$", done.stdout, re.MULTILINE)]
    assert drawn and min(drawn) > 0, done.stdout


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_notebook_is_kept_without_what_a_run_leaves(notebook: Path) -> None:
    for cell in cells(notebook, "code"):
        assert cell["outputs"] == [] and cell["execution_count"] is None


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_the_pages_that_a_notebook_names_are_there(notebook: Path) -> None:
    text = "\n".join("".join(cell["source"]) for cell in cells(notebook, "markdown"))
    pages = re.findall(r"`(docs/[\w.]+|test/[\w./]+)`", text)
    assert [page for page in pages if not (CHECKOUT / page).exists()] == []


def test_there_is_one_for_each_thing_that_is_done_without_ros() -> None:
    assert [notebook.stem for notebook in NOTEBOOKS] == [
        "evaluate_a_campaign",
        "map_and_calibrate_a_room",
        "predict_a_link",
    ]
