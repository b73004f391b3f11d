"""Machine code is kept between processes, and does without a place to keep it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import event

from visrftwin_ros.compiled import FEW, compiled, on_two_cores, sources_digest

MODULE = """
from visrftwin_ros.compiled import compiled

@compiled
def doubled(values):
    for i in range(len(values)):
        values[i] *= 2
"""
RUN = "import numpy, doubling; a = numpy.arange(3.0); doubling.doubled(a); print(a.tolist())"


@pytest.mark.parametrize("writable", [True, False])
def test_compiled_code_is_kept_where_that_is_possible(tmp_path: Path, writable: bool) -> None:
    (tmp_path / "doubling.py").write_text(MODULE, encoding="utf-8")
    kept = tmp_path / "cache"
    if not writable:
        kept.write_text("no folder", encoding="utf-8")
    environment = os.environ | {"XDG_CACHE_HOME": str(kept)}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", RUN],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode, done.stdout) == (0, "[0.0, 2.0, 4.0]\n"), done.stderr
    assert writable == any(kept.rglob("*.nbc"))
    assert not (writable and list((tmp_path / "__pycache__").glob("*.nb*")))


def test_two_cores_find_what_one_does() -> None:
    numbers = np.arange(4 * FEW + 1)
    for count in (0, 1, FEW, FEW + 1, len(numbers)):
        found = on_two_cores(lambda rows: numbers[rows] ** 2, count)
        np.testing.assert_array_equal(found, numbers[:count] ** 2)


def test_machine_code_is_not_kept_past_a_change_to_what_it_calls(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("x = 1", encoding="utf-8")
    (tmp_path / "doubling.py").write_text(MODULE, encoding="utf-8")
    before = sources_digest(tmp_path)
    (tmp_path / "plain.py").write_text("x = 2", encoding="utf-8")
    assert sources_digest(tmp_path) == before
    (tmp_path / "doubling.py").write_text(MODULE.replace("2", "3"), encoding="utf-8")
    assert sources_digest(tmp_path) != before


class _CtrlC(event.Listener):
    """One at the start of a compilation."""

    def on_start(self, event: event.Event) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    def on_end(self, event: event.Event) -> None:
        pass


def test_ctrl_c_while_a_loop_is_compiled_is_followed_once_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))  # an earlier run's is not loaded

    @compiled
    def tripled(values: np.ndarray) -> None:
        for i in range(len(values)):
            values[i] *= 3

    numbers = np.arange(3.0)
    with event.install_listener("numba:compile", _CtrlC()), pytest.raises(KeyboardInterrupt):
        tripled(numbers)
    assert numbers.tolist() == [0.0, 1.0, 2.0]
    assert len(tripled.overloads) == 1  # type: ignore[attr-defined]
    tripled(numbers)
    assert numbers.tolist() == [0.0, 3.0, 6.0]
