"""Ctrl-C where it cannot be followed at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from visrftwin_ros.interrupts import left_to_us


def test_ctrl_c_while_a_child_begins_is_followed_after_and_the_child_does_not_hear_it() -> None:
    lines = "import signal; print(signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    said = ""
    with pytest.raises(KeyboardInterrupt), left_to_us():
        os.kill(os.getpid(), signal.SIGINT)
        said = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True).stdout
    assert "SIGINT" in said
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
