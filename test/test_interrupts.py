"""Signals wait where following them at once would break something."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from visrftwin_ros.interrupts import left_to_us, uninterrupted

WHILE_IMPORTED = """
import os, signal, sys
from visrftwin_ros.scene.ray_device import prepare

class Asks:
    def find_spec(self, name, path=None, target=None):
        if name == "drjit":
            os.kill(os.getpid(), signal.SIGTERM)

def leave(number, frame):
    raise KeyboardInterrupt

sys.meta_path.insert(0, Asks())
signal.signal(signal.SIGTERM, leave)
try:
    prepare("llvm")
except KeyboardInterrupt:
    print(all(name in sys.modules for name in ("drjit", "mitsuba")))
"""


def test_a_signal_waits_until_the_end_and_is_followed_then() -> None:
    followed: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: followed.append(number))
    try:
        with uninterrupted((signal.SIGINT, signal.SIGTERM)):
            os.kill(os.getpid(), signal.SIGTERM)
            assert followed == []
        assert followed == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)
    done = False
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        os.kill(os.getpid(), signal.SIGINT)
        done = True
    assert done


def test_a_ray_tracer_is_loaded_whole_before_its_process_leaves() -> None:
    command = [sys.executable, "-c", WHILE_IMPORTED]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)
    assert said.stdout == "True\n"


def test_ctrl_c_while_a_child_begins_is_followed_after_and_the_child_does_not_hear_it() -> None:
    lines = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    said = ""
    with pytest.raises(KeyboardInterrupt), left_to_us():
        os.kill(os.getpid(), signal.SIGINT)
        said = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True).stdout
    assert "SIGINT" in said
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
