import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import made_up
import numpy as np
import pytest
from made_up import people, small_site

from visrftwin_ros.bodies.people import nobody
from visrftwin_ros.twin.engine import TwinEngine

UPDATES, SETTLED = 5000, 500


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@pytest.mark.long
def test_an_hour_of_moving_people_grows_neither_memory_nor_kernels() -> None:
    # In a process of its own: what earlier tests left in this one is freed and taken at will.
    environment = {**os.environ, "PYTHONPATH": str(Path(made_up.__file__).parent)}
    command = [sys.executable, __file__]
    answer = subprocess.run(
        command, capture_output=True, text=True, timeout=150, check=True, env=environment
    )
    grown = json.loads(answer.stdout.splitlines()[-1])
    assert grown["kernels"] == 0
    assert grown["mib"] < 30


def growth() -> dict[str, float]:
    """Kernels compiled and memory taken by UPDATES updates after the first SETTLED ones."""
    import drjit as dr

    engine = TwinEngine(small_site(propagation={"samples": 1000, "max_depth": 3}), None, threads=2)
    rng = np.random.default_rng(4)
    place = rng.uniform(-8, 8, (4, 2))
    settled, compiled = 0.0, 0
    for tick in range(UPDATES):
        place = np.clip(place + rng.normal(0, 0.2, place.shape), -10, 10)
        names = tuple(f"p{tick // 50 + i}" for i in range(4))  # people come and go
        engine.update(tick * 100_000_000, people(*place, ids=names))
        if tick == SETTLED:
            settled = resident_mib()
            dr.set_flag(dr.JitFlag.KernelHistory, True)
        if tick >= SETTLED:
            # The history itself grows by every launch: read and empty it at once.
            compiled += sum(not kernel.get("cache_hit", True) for kernel in dr.kernel_history())
            dr.kernel_history_clear()
    return {"kernels": compiled, "mib": resident_mib() - settled}


def test_thousands_of_people_finish_in_bounded_memory() -> None:
    engine = TwinEngine(small_site(propagation={"samples": 1000, "max_depth": 3}), None, threads=2)
    rng = np.random.default_rng(3)
    crowd = people(*rng.uniform(-15, 15, (3000, 2)))
    before = resident_mib()
    state = engine.update(0, crowd)
    assert not np.isnan(state.metrics.path_loss_db).any()
    assert resident_mib() - before < 1000
    assert (engine.update(1, nobody()).metrics.shadow_loss_db == 0).all()


if __name__ == "__main__":
    print(json.dumps(growth()))
