"""Many twins on several hosts, and one twin on two: what is seen of a lost host, a partition, a late one, lost packets.

python bench/many_twins.py [--twins 8] [--hosts 4] [--parts fleet,split,server] [--page]
    some ten minutes, as root; hosts are network namespaces of this machine (bench/network_hosts.py), whose
    processors they share; --page: write docs/hosts.md

fleet: every host has its share of the twins, each fed with the people of a recording; `visrftwin fleet` watches
from a host of its own. split: a camera's replay and detector on one host, the rest of the twin on another. server:
the same through a router that lets no multicast through, by Fast DDS's discovery server.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from network_hosts import Host, Network

from visrftwin_ros.cameras.site_video import find_video
from visrftwin_ros.lab import shipped
from visrftwin_ros.site.loading import load_site

PAGE = Path(__file__).parents[1] / "docs" / "hosts.md"
TEMPLATE = Path(__file__).with_name("hosts.md.in")
PORT = "11811"
SERVER = (  # of ROS's wheels, whose libraries it finds where rclpy has been imported
    "import os, sys, rclpy; from pathlib import Path;"
    "program = str(Path(sys.executable).with_name('fast-discovery-server'));"
    "os.execv(program, [program, *sys.argv[1:]])"
)
ROLES = str(Path(__file__).with_name("host_roles.py"))
CLI = (sys.executable, "-m", "visrftwin_ros.cli")
OF_A_TWIN = "channel_predictor,beam_selector"
SPLIT_SITE = "pets_campus"
UP_WITHIN, SOON, AWAY = 300.0, 60.0, 8.0
"""s until twins are up; until a change has shown; that a cable is out."""
LOSS = 5
"""Percent of packets."""
FRESH = 1.0
"""s between two fresh channels of a twin that is up."""
Rows = list[tuple[str, str, str]]
"""What, what was asked ('' where nothing was), what was seen."""


@dataclass(frozen=True)
class Told:
    """One look at the fleet. at: s by this machine's clock."""

    at: float
    twins: Mapping[str, Mapping[str, object]]

    def well(self, names: Sequence[str]) -> bool:
        return all(
            name in self.twins
            and not self.twins[name]["lost"]
            and not self.twins[name]["complaints"]
            and bool(self.twins[name]["links"])
            for name in names
        )

    def lost(self, name: str) -> bool:
        return name in self.twins and bool(self.twins[name]["lost"])


class Watch:
    """`visrftwin fleet --watch` of a host, and what it has told."""

    def __init__(self, host: Host, folder: Path) -> None:
        self._file = folder / "fleet"
        self._read, self.told = 0, list[Told]()
        words = [*CLI, "fleet", "--json", "--watch", "--seconds", "1", "--open-network"]
        self._log = self._file.open("w")
        host.start(words, self._log)

    def newest(self) -> Told | None:
        lines = self._file.read_text().splitlines()
        for line in lines[self._read :]:
            if line.startswith("["):
                twins = {str(twin["name"]): twin for twin in json.loads(line)}
                self.told.append(Told(time.monotonic(), twins))
        self._read = len(lines)
        return self.told[-1] if self.told else None

    def until(self, holds: Callable[[Told], bool], patience: float) -> float:
        """s until something holds; NaN where it does not come to hold."""
        began = time.monotonic()
        while time.monotonic() - began < patience:
            told = self.newest()
            if told is not None and told.at >= began and holds(told):
                return told.at - began
            time.sleep(0.05)
        return float("nan")


def seconds(value: float, digits: int = 1) -> str:
    """NaN: it never came."""
    return "never" if math.isnan(value) else f"{value:.{digits}f} s"


def after(value: float, digits: int = 1) -> str:
    return "never" if math.isnan(value) else f"after {seconds(value, digits)}"


def fleet_part(twins: int, hosts: int, folder: Path) -> Rows:
    """Twins by turns over the hosts, the last of which comes late."""
    names = [f"t{number + 1}" for number in range(twins)]
    of_host = [names[number::hosts] for number in range(hosts)]
    with Network(hosts + 1) as network, (folder / "twins.log").open("w") as log:
        *_, watching = network.hosts
        watch = Watch(watching, folder)

        def up(number: int) -> None:
            host, own = network.hosts[number], of_host[number]
            host.start([sys.executable, ROLES, "people", str(shipped.BAG), *own], log, OPEN)
            for name in own:
                words = ["up", "--site", shipped.SITE, "--video", "none", "--no-viewer"]
                words += ["--namespace", name, "--only", OF_A_TWIN, "--open-network"]
                host.start([*CLI, *words], log)

        early = [f"/{name}" for own in of_host[:-1] for name in own]
        late = [f"/{name}" for name in of_host[-1]]
        everybody = [*early, *late]
        for number in range(hosts - 1):
            up(number)
        came_up = watch.until(lambda told: told.well(early), UP_WITHIN)
        up(hosts - 1)
        came_late = watch.until(lambda told: told.well(everybody), UP_WITHIN)
        before, began = network.received(hosts), time.monotonic()
        time.sleep(10.0)
        rate = (network.received(hosts) - before) / (time.monotonic() - began) / twins
        network.cut(hosts - 1)
        named = watch.until(lambda told: all(told.lost(name) for name in late), SOON)
        others = watch.newest()
        still = others is not None and others.well(early)
        time.sleep(AWAY)
        network.mend(hosts - 1)
        again = watch.until(lambda told: told.well(everybody), SOON)
        network.lose(LOSS)
        first = len(watch.told)
        time.sleep(60.0)
        watch.newest()
        during = watch.told[first:]
        falsely = sum(any(told.lost(name) for name in everybody) for told in during)
        network.lose(0)
    return [
        (f"{len(early)} twins on {hosts - 1} hosts: all well", "", after(came_up, 0)),
        (f"a late host with {len(late)} more: all {twins} well", "", after(came_late, 0)),
        ("to the host that watches, for one twin", "50 kB/s", f"{rate / 1e3:.1f} kB/s"),
        ("a host's cable is out: its twins are named as lost", "5 s", seconds(named)),
        ("the other twins meanwhile", "well", "well" if still else "not well"),
        ("the cable is back: all well", "", after(again)),
        (
            f"{LOSS} % of packets are lost for 60 s: looks with a twin called lost",
            "0",
            f"{falsely} of {len(during)}",
        ),
    ]


class Listener:
    """Channels as a host hears them."""

    def __init__(self, host: Host, folder: Path, environment: Mapping[str, str]) -> None:
        self._file = folder / "channels"
        self._log = self._file.open("w")
        words = [sys.executable, ROLES, "listen", "/channels"]
        host.start(words, self._log, environment)

    def fresh(self) -> list[float]:
        """When fresh channels came, s by this machine's clock."""
        lines = [line.split() for line in self._file.read_text().splitlines()]
        return [float(line[0]) for line in lines if len(line) == 3 and line[2] == "0"]

    def since(self, at: float) -> float:
        """When the first fresh one after a time came; waits for it, NaN where none comes."""
        while time.monotonic() < at + UP_WITHIN:
            later = [one for one in self.fresh() if one > at]
            if later:
                return later[0]
            time.sleep(0.1)
        return float("nan")

    def gaps(self, first: float, last: float) -> list[float]:
        inside = [one for one in self.fresh() if first <= one <= last]
        edges = [first, *inside, last]
        return [b - a for a, b in pairwise(edges)]


def split_part(folder: Path, video: str, routed: bool) -> Rows:
    """A camera's host and the twin's host; routed: by the discovery server, on the twin's host."""
    folder.mkdir(exist_ok=True)
    what = "by the discovery server, no multicast" if routed else "by multicast"
    with Network(2, routed) as network, (folder / "twin.log").open("w") as log:
        camera, twin = network.hosts
        environment = dict(OPEN)
        if routed:
            twin.start([sys.executable, "-c", SERVER, "-i", "0", "-l", "0.0.0.0", "-p", PORT], log)
            environment["ROS_DISCOVERY_SERVER"] = f"{network.address(1)}:{PORT}"
        up = [*CLI, "up", "--site", SPLIT_SITE, "--video", video, "--loop"]
        up += ["--no-viewer", "--open-network"]
        began = time.monotonic()
        twin.start([*up, "--only", f"site_frames,people_tracker,{OF_A_TWIN}"], log, environment)
        camera.start([*up, "--only", "view1/*"], log, environment)
        listener = Listener(twin, folder, environment)
        up_after = listener.since(began) - began
        time.sleep(20.0)
        quiet = time.monotonic()
        time.sleep(20.0)
        whole = listener.gaps(quiet, time.monotonic())
        network.cut(0)
        cut_at = time.monotonic()
        time.sleep(AWAY)
        during = [one for one in listener.fresh() if one > cut_at]
        stale_after = (during[-1] if during else cut_at) - cut_at
        network.mend(0)
        mended_at = time.monotonic()
        again = listener.since(mended_at) - mended_at
        time.sleep(10.0)
        network.lose(LOSS)
        lossy_at = time.monotonic()
        time.sleep(30.0)
        lossy = listener.gaps(lossy_at, time.monotonic())
        network.lose(0)
    return [
        (f"{what}: first fresh channels", "", after(up_after, 0)),
        (f"{what}: longest without fresh ones in 20 s", f"{FRESH:g} s", f"{max(whole):.1f} s"),
        ("the camera's cable is out: last fresh channels", "1 s", after(stale_after)),
        ("the cable is back: fresh again", "", after(again)),
        (f"{LOSS} % of packets are lost for 30 s: longest without", "", f"{max(lossy):.1f} s"),
    ]


OPEN = {**os.environ, "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}
PARTS = ("fleet", "split", "server")


def table(rows: Rows) -> str:
    lines = ["| what | at most | was |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _end_once(number: int, _: object) -> None:
    """A second signal would leave processes in the hosts."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise SystemExit(128 + number)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--twins", type=int, default=8)
    parser.add_argument("--hosts", type=int, default=4)
    parser.add_argument("--parts", default=",".join(PARTS), help="some of " + ",".join(PARTS))
    parser.add_argument("--keep", type=Path, help="folder for what the processes print")
    parser.add_argument("--page", action="store_true", help="write docs/hosts.md")
    given = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_once)
    video = find_video(load_site(SPLIT_SITE), "auto")
    found = dict[str, str]()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for part in given.parts.split(","):
            if part == "fleet":
                rows = fleet_part(given.twins, given.hosts, folder)
            else:
                rows = split_part(folder / part, video, routed=part == "server")
            found[part] = table(rows)
            print(f"{part}\n{found[part]}\n", flush=True)
    if given.page:
        PAGE.write_text(TEMPLATE.read_text().format_map(found))


if __name__ == "__main__":
    main()
