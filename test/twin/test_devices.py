"""The GPU answers as the CPU does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene import ray_device

SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from made_up import people, small_site
from visrftwin_ros.twin.engine import TwinEngine
engine = TwinEngine(small_site(), None, threads=2)
free = engine.update(0, people((30.0, 30.0))).metrics
crossed = engine.update(1, people((0.0, -5.0), (2.0, -3.0))).metrics
print(json.dumps([free.path_loss_db.tolist(), crossed.path_loss_db.tolist()]))
engine.close()
"""


def path_losses(device: str) -> np.ndarray:
    """dB of each link of a small site, without and with people; in a process of its own, since one
    can have one device."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(Path(__file__).parents[1] / "support")],
        env={**os.environ, ray_device.DEVICE_VARIABLE: device},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    return np.array(json.loads(done.stdout.splitlines()[-1]))


def test_cuda_and_llvm_answer_within_a_hundredth_of_a_decibel() -> None:
    import drjit as dr

    if not ray_device._cuda_driver_loads() or not dr.has_backend(dr.JitBackend.CUDA):
        pytest.skip("not run: no CUDA GPU here")
    np.testing.assert_allclose(path_losses("cuda"), path_losses("llvm"), atol=0.01)


def test_auto_is_what_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ray_device.DEVICE_VARIABLE, "gpu")
    with pytest.raises(TwinError, match=r"VISRFTWIN_DEVICE is 'gpu'.*auto, cuda, llvm"):
        ray_device.prepare()
    monkeypatch.setattr(ray_device, "_cuda_driver_loads", lambda: False)
    monkeypatch.setenv(ray_device.DEVICE_VARIABLE, "cuda")
    with pytest.raises(TwinError, match="no CUDA GPU"):
        ray_device.prepare()
    monkeypatch.setenv(ray_device.DEVICE_VARIABLE, "llvm")
    assert ray_device.prepare() == "llvm"
