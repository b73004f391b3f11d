"""Start the twin by the real `ros2 launch`, and use it by the real `ros2`: what docs/ros.md says, one by one.

python scripts/try_ros2_tools.py [--ros2 ros2] [--bag BAG]

Wants a sourced ROS 2, or any command that is one, and the package installed beside it. Prints a line a step, and
ends with the number of those that did not answer as documented. Nothing leaves this machine: the DDS domain is one
that nobody is in.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from visrftwin_ros.lab import shipped
from visrftwin_ros.operations.domain import apart

UP_WITHIN, ANSWERS_WITHIN, LISTENS = 180.0, 120.0, 30.0
"""s until a twin that was launched has channels; that one call of `ros2` may take; that `hz` is let run."""
SITE = "lobby"
MODEL = "/channel_predictor"


class Trial:
    """Steps, each a call of `ros2`, and what came of them."""

    def __init__(self, ros2: str) -> None:
        self._ros2 = ros2.split()
        self.failed = 0

    def call(self, *words: str) -> str:
        """What a call prints; it is asked to end where it does not by itself."""
        process = subprocess.Popen(
            [*self._ros2, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            return process.communicate(timeout=LISTENS if "hz" in words else ANSWERS_WITHIN)[0]
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            return process.communicate(timeout=20.0)[0]

    def told(self, what: str, held: bool, seen: str) -> None:
        self.failed += not held
        print(f"{'ok   ' if held else 'WRONG'} {what}: {seen}", flush=True)

    def step(self, expected: str, *words: str) -> None:
        """A call, and the pattern that its answer has to hold."""
        answer = self.call(*words)
        found = re.search(expected, answer)
        seen = found.group(0) if found else answer[-300:]
        self.told(f"ros2 {' '.join(words)}", bool(found), " ".join(seen.split()))

    @contextmanager
    def launched(self, what: str, *arguments: str, topic: str = "/channels") -> Iterator[None]:
        """A twin that is up meanwhile, and leaves on Ctrl-C."""
        words = ["launch", "visrftwin_ros", "twin.launch.py", f"site:={SITE}", "viewer:=false"]
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(
                [*self._ros2, *words, *arguments], stdout=said, stderr=said, start_new_session=True
            )
            try:
                began = time.monotonic()
                up = self._until(lambda: self._speaks(topic), UP_WITHIN)
                self.told(
                    f"ros2 launch {what}", up, f"{topic} after {time.monotonic() - began:.0f} s"
                )
                if not up:
                    said.seek(0)
                    print(said.read()[-2000:])
                yield
            finally:
                asked = time.monotonic()
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does
                code = process.wait(30.0)
                seconds = time.monotonic() - asked
            held = code == 0 and seconds < 5.0
            self.told("Ctrl-C", held, f"launch left after {seconds:.1f} s with {code}")

    def _speaks(self, topic: str) -> bool:
        return "stamp:" in self.call("topic", "echo", "--once", topic, "--field", "header")

    @staticmethod
    def _until(holds: Callable[[], bool], patience: float) -> bool:
        began = time.monotonic()
        while time.monotonic() - began < patience:
            if holds():
                return True
        return False


def at(x: float, y: float, z: float) -> str:
    """A PoseStamped in YAML."""
    position = f"{{x: {x}, y: {y}, z: {z}}}"
    return f"{{header: {{frame_id: world}}, pose: {{position: {position}}}}}"


def tried(trial: Trial, bag: str) -> None:
    replay = (f"bag:={bag}", "loop:=true")
    with trial.launched("plain", *replay):
        trial.step(r"/channel_predictor\b", "node", "list")
        trial.step(r"visrftwin_ros/msg/LinkChannels", "topic", "info", "/channels")
        trial.step(r"average rate: [\d.]+", "topic", "hz", "/channels", "--window", "10")
        trial.step(r"path_loss_db: [\d.]*\d", "topic", "echo", "--once", "/channels")
        trial.step(r"\bactive\b", "lifecycle", "get", MODEL)
        trial.step(r"Double value is: 0\.5", "param", "get", MODEL, "stale_after")
        trial.step(r"Set parameter successful", "param", "set", MODEL, "stale_after", "0.8")
        trial.step(r"Setting parameter failed.*", "param", "set", MODEL, "stale_after", "-1.0")
        trial.step(r"Setting parameter failed.*", "param", "set", MODEL, "site", "street")
        trial.step(r"stale_after: 0\.8", "param", "dump", MODEL)
        link = f"{{tx: {at(4.0, 4.0, 2.5)}, rx: {at(8.0, 6.0, 1.2)}}}"
        trial.step(
            r"success=True",
            *("service", "call", "/predict_link", "visrftwin_ros/srv/PredictLink", link),
        )
        goal = "{height: 1.2, cell: 2.0, outage_rate: 1.0e9}"
        trial.step(
            r"Goal finished with status: SUCCEEDED",
            *("action", "send_goal", "/get_radio_map", "visrftwin_ros/action/GetRadioMap", goal),
        )
        trial.step(r"Transitioning successful", "lifecycle", "set", MODEL, "deactivate")
        trial.step(r"Transitioning successful", "lifecycle", "set", MODEL, "activate")
    with trial.launched("namespace:=hall", *replay, "namespace:=hall", topic="/hall/channels"):
        trial.step(r"/hall/channel_predictor", "node", "list")
        with trial.launched("beside it", *replay, "namespace:=yard", topic="/yard/channels"):
            for root in ("/hall", "/yard"):
                trial.step(r"Publisher count: 1\b", "topic", "info", f"{root}/channels")
    other = "remap:=/channels:=/radio/predicted"
    with trial.launched(other, *replay, other, topic="/radio/predicted"):
        trial.step(r"Subscription count: [1-9]", "topic", "info", "/radio/predicted")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "own.yaml"
        file.write_text("/**/channel_predictor:\n  ros__parameters: {stale_after: 0.7}\n")
        with trial.launched("params_file:=own.yaml", *replay, f"params_file:={file}"):
            trial.step(r"Double value is: 0\.7", "param", "get", MODEL, "stale_after")
            trial.step(r"Boolean value is: True", "param", "get", MODEL, "use_sim_time")
            trial.step(r"sec: \d+", "topic", "echo", "--once", "/clock")


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ros2", default="ros2", help="command, with blanks between its words")
    parser.add_argument(
        "--bag", default=str(shipped.BAG), help="recording that is played over and over"
    )
    given = parser.parse_args(words)
    trial = Trial(given.ros2)
    with apart():
        try:
            tried(trial, given.bag)
        finally:
            trial.call("daemon", "stop")
    print(f"{trial.failed} steps did not answer as documented")
    return min(trial.failed, 1)


if __name__ == "__main__":
    sys.exit(main())
