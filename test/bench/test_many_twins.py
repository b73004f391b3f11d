"""Hosts that are network namespaces, and a fleet of twins on them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from visrftwin_ros.errors import TwinError

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "bench"))

import many_twins  # noqa: E402
import network_hosts  # noqa: E402
from network_hosts import Network  # noqa: E402

TOOLS = ("unshare", "nsenter", "ip")
LACKING = [name for name in TOOLS if not shutil.which(name)]
pytestmark = pytest.mark.skipif(
    bool(LACKING) or os.geteuid() != 0, reason=f"hosts want root and {', '.join(TOOLS)}"
)

SENDS = "import socket, sys; s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'x' * 1000, (sys.argv[1], 9))"


@pytest.fixture(params=[False, True], ids=["switched", "routed"])
def network(request: pytest.FixtureRequest) -> Iterator[Network]:
    with Network(2, request.param) as network:
        yield network


def arrived(network: Network) -> bool:
    """Whether a datagram from the first host comes to the second."""
    before = network.received(1)
    network.hosts[0].call(sys.executable, "-S", "-c", SENDS, network.address(1))
    return network.received(1) - before >= 1000


def test_what_one_host_sends_comes_to_the_other_while_the_cable_is_in(network: Network) -> None:
    assert arrived(network)
    network.cut(1)
    assert not arrived(network)
    network.mend(1)
    assert arrived(network)
    # Neither shares memory with the other, nor with this machine.
    network.hosts[0].call("touch", "/dev/shm/of_the_first_host")
    assert "of_the_first_host" not in network.hosts[1].call("ls", "/dev/shm")
    assert not Path("/dev/shm/of_the_first_host").exists()


def test_what_runs_in_a_host_ends_with_it(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log, Network(1) as network:
        running = network.hosts[0].start(["sleep", "1000"], log)
        assert running.poll() is None
    assert running.poll() is not None


def test_who_is_not_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_hosts.os, "geteuid", lambda: 1000)
    with pytest.raises(TwinError, match="hosts want root"):
        Network(1)


@pytest.mark.graph
@pytest.mark.timeout(240)
def test_a_fleet_names_the_twin_whose_host_is_lost_and_has_it_back(tmp_path: Path) -> None:
    up = [*many_twins.CLI, "up", "--site", "pets_campus", "--video", "none", "--no-viewer"]
    with (tmp_path / "log").open("w") as log, Network(3) as network:
        *hosts, watching = network.hosts
        watch = many_twins.Watch(watching, tmp_path)
        for name, host in zip(("hall", "yard"), hosts, strict=True):
            words = ["--only", "site_frames,beam_selector", "--namespace", name, "--open-network"]
            host.start([*up, *words], log)

        def speak(told: many_twins.Told) -> bool:
            there = [told.twins.get(name, {}) for name in ("/hall", "/yard")]
            return all(twin.get("nodes") == 2 and not twin["lost"] for twin in there)

        assert watch.until(speak, 90.0) < 90.0, (tmp_path / "log").read_text()
        network.cut(1)
        seconds = watch.until(lambda told: told.lost("/yard"), 30.0)
        assert seconds < 7.0  # 5 s where the machine has time
        newest = watch.newest()
        assert newest is not None and not newest.lost("/hall")
        network.mend(1)
        assert watch.until(speak, 30.0) < 30.0
