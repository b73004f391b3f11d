"""What killed processes leave in shared memory is removed, and nothing that is in use."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from visrftwin_ros.operations.shared_memory import (
    FOLDER,
    SURELY_MADE,
    left_over,
    remove_left_over,
)
from visrftwin_ros.site.loading import config_path

LONG_AGO = time.time() - 2 * SURELY_MADE


def segment(folder: Path, name: str, age: float = 2 * SURELY_MADE) -> Path:
    file, lock = folder / f"fastrtps_{name}", folder / f"fastrtps_{name}_el"
    file.write_bytes(bytes(8192))
    lock.touch()
    os.utime(lock, (time.time() - age,) * 2)
    return file


def test_only_what_nobody_holds_is_removed(tmp_path: Path) -> None:
    gone, kept = segment(tmp_path, "01"), segment(tmp_path, "02")
    fresh, port = segment(tmp_path, "03", age=1.0), segment(tmp_path, "port7412")
    (tmp_path / "sem.other").touch()
    with (tmp_path / "fastrtps_02_el").open() as own:
        fcntl.flock(own, fcntl.LOCK_EX)
        assert left_over(tmp_path) == remove_left_over(tmp_path) == 8192
    assert not gone.exists() and not (tmp_path / "fastrtps_01_el").exists()
    assert kept.exists() and fresh.exists() and port.exists()
    assert remove_left_over(tmp_path) == 8192  # its owner has ended since
    assert left_over(tmp_path / "nowhere") == 0


def test_a_killed_node_leaves_a_segment_that_goes_and_a_living_one_keeps_its_own() -> None:
    """As Fast DDS names and locks them."""
    program = (
        "import rclpy, time; rclpy.init(); n = rclpy.create_node('n'); print(1); time.sleep(60)"
    )
    profile = {"FASTRTPS_DEFAULT_PROFILES_FILE": str(config_path("fastdds_images.xml"))}
    own = []
    for _ in range(2):
        command = [sys.executable, "-u", "-c", program]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, **profile})
        assert process.stdout is not None and process.stdout.readline()
        own.append((process, locked_by(process.pid)))
    (dead, left), (alive, kept) = own
    try:
        assert left and kept
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        for lock in (*left, *kept):
            os.utime(lock, (LONG_AGO, LONG_AGO))
        remove_left_over()
        assert not any(lock.exists() for lock in left)
        assert all(lock.exists() for lock in kept)
    finally:
        alive.kill()
        alive.wait()
        remove_left_over()


def locked_by(pid: int) -> list[Path]:
    """The locks of segments that a process has open."""
    files = [Path(os.readlink(link)) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return [
        f for f in files if f.parent == FOLDER and f.name.endswith("_el") and "port" not in f.name
    ]
