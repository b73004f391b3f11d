import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import made_up
import numpy as np
import pytest
from made_up import FREQUENCY

from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.tracing import solver_process
from visrftwin_ros.propagation.tracing.background_solver import BackgroundSolver, Found
from visrftwin_ros.site.model import Site

HERE = Devices(("r",), np.array([[5.0, 4.0, 1.2]]))


def wait_for(solver: BackgroundSolver, seconds: float = 60.0) -> Found:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = solver.poll()
        if found is not None:
            return found
        time.sleep(0.05)
    raise AssertionError("no answer from the background solver")


def test_it_answers_without_ever_blocking_and_survives_its_process(
    site: Site, meshes, aps: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(solver_process, "_RESTART_PAUSE", 0.0)
    solver = BackgroundSolver(meshes, aps, FREQUENCY, site.propagation)
    try:
        assert solver.idle and solver.poll() is None
        began = time.perf_counter()
        solver.request(HERE, stamp_ns=7)
        assert not solver.idle
        solver.poll()
        assert time.perf_counter() - began < 1.0
        with pytest.raises(RuntimeError, match="busy"):
            solver.request(HERE, stamp_ns=8)
        found = wait_for(solver)
        assert found.stamp_ns == 7 and found.failure == ""
        assert found.paths is not None and found.paths.line_of_sight.sum() == 2

        solver.request(HERE, stamp_ns=9)
        assert solver.pid is not None
        os.kill(solver.pid, signal.SIGKILL)
        lost = wait_for(solver)
        assert lost.paths is None and "ended" in lost.failure
        solver.request(HERE, stamp_ns=10)
        assert wait_for(solver).paths is not None
    finally:
        solver.close()


def test_started_ahead_it_takes_requests_as_ever(site: Site, meshes, aps: Devices) -> None:
    solver = BackgroundSolver(meshes, aps, FREQUENCY, site.propagation)
    try:
        solver.start()
        ahead = solver.pid
        assert ahead is not None and solver.idle and solver.poll() is None
        nicer = os.getpriority(os.PRIO_PROCESS, ahead) - os.getpriority(os.PRIO_PROCESS, 0)
        assert nicer == 5 or os.getpriority(os.PRIO_PROCESS, ahead) == 19
        solver.request(HERE, stamp_ns=7)
        assert wait_for(solver).paths is not None
        assert solver.pid == ahead
    finally:
        solver.close()


def test_a_solve_that_fails_is_reported_and_the_next_one_works(
    site: Site, meshes, aps: Devices
) -> None:
    solver = BackgroundSolver(meshes, aps, FREQUENCY, site.propagation)
    try:
        solver.request(Devices(("r",), np.array([[np.nan, 0.0, 1.0]])), 1)
        failed = wait_for(solver)
        assert failed.paths is None and "finite" in failed.failure
        solver.request(HERE, 2)
        assert wait_for(solver).paths is not None
    finally:
        solver.close()


def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, signal, sys\n"
        f"sys.path.insert(0, {str(Path(made_up.__file__).parent)!r})\n"
        "import numpy as np\n"
        "from made_up import FREQUENCY, small_site\n"
        "from visrftwin_ros.propagation.tracing.background_solver import BackgroundSolver\n"
        "from visrftwin_ros.scene.surfaces import surface_meshes\n"
        "from visrftwin_ros.propagation.tracing.sionna_solver import Devices\n"
        "if __name__ == '__main__':\n"
        "    site = small_site()\n"
        "    ap = Devices(('ap',), np.array([[0.0, -10.0, 3.0]]))\n"
        "    solver = BackgroundSolver(surface_meshes(site), ap, FREQUENCY, site.propagation)\n"
        "    solver.request(Devices(('r',), np.array([[5.0, 4.0, 1.2]])), 1)\n"
        "    print(solver.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.run(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        timeout=60,
    )
    child = int(parent.stdout)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and _alive(child):
        time.sleep(0.1)
    assert not _alive(child)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"
