"""What a tick runs is compiled before the first one: none waits seconds for the compiler."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import gc, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from numba.core.dispatcher import Dispatcher
from made_up import boxes, people, small_site
from visrftwin_ros.twin.engine import TwinEngine

def compiled():
    own = [one for one in gc.get_objects() if isinstance(one, Dispatcher)]
    own = [one for one in own if one.py_func.__module__.startswith("visrftwin_ros")]
    return {(one.py_func.__qualname__, repr(s)) for one in own for s in one.signatures}

loop = {"waypoints": [(-6.0, -6.0), (-2.0, -6.0), (-2.0, -4.0)], "speed": 1.0}
site = small_site(
    propagation={"samples": 2000, "max_depth": 2, "diffuse": True},
    robots=[{"name": "stands", "position": (5, 4)}, {"name": "drives", "path": loop}],
)
engine = TwinEngine(site, None, threads=2)
before = compiled()
assert len(before) > 20
covariance = 0.01 * np.eye(4)
for tick in range(4):
    bodies = people((0.0, -5.0), (2.0, -3.0), (-3.0, -8.0))
    if tick == 1:
        bodies = people()
    if tick == 2:
        bodies = boxes((0.0, -5.0), (1.0, -3.0))
    engine.update(tick * 400_000_000, bodies)
    engine.forecast(bodies, np.tile(covariance, (len(bodies), 1, 1)))
late = sorted(name for name, _ in compiled() - before)
assert not late, late
engine.close()
"""


def test_no_tick_compiles() -> None:
    """In a process of its own: this one has compiled for other tests."""
    support = str(Path(__file__).parents[1] / "support")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, support],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
