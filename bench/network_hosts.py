"""Hosts on one machine: a network namespace each, with a memory of its own for DDS to share, on one switch.

Wants root, `unshare`, `nsenter`, `ip` (iproute2), and `nft` (nftables) where packets are to be lost. Nothing of
the machine's own network is touched: the switch is in a namespace of its own, and all of it ends with this process.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import IO, Any, Self

from visrftwin_ros.errors import TwinError

NETWORK = "10.77.{number}"
"""Of the hosts; of each host where each is in a network of its own."""


class Host:
    """One namespace, kept open by a process that only waits."""

    def __init__(self, name: str, stack: ExitStack) -> None:
        self.name, self._stack = name, stack
        self._running = list[subprocess.Popen[str]]()
        wait = "mount -t tmpfs none /dev/shm && echo up && exec sleep infinity"
        words = ["unshare", "--net", "--mount", "--uts", "sh", "-c", f"hostname {name}; {wait}"]
        self._keeper = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        stack.callback(self._end)
        if not self._keeper.stdout or self._keeper.stdout.readline() != "up\n":
            raise TwinError(f"no network namespace for {name}: expected to be root, with unshare")
        self.call("ip", "link", "set", "lo", "up")

    def _end(self) -> None:
        self._keeper.kill()
        self._keeper.wait()

    @property
    def keeper(self) -> int:
        return self._keeper.pid

    def words(self, words: Sequence[str]) -> list[str]:
        """The command that runs another one in this host."""
        return ["nsenter", f"--target={self.keeper}", "--net", "--mount", "--uts", *words]

    def call(self, *words: str) -> str:
        """What a command prints; TwinError where it fails."""
        done = subprocess.run(self.words(words), capture_output=True, text=True)
        if done.returncode:
            raise TwinError(f"{self.name}: {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def start(
        self, words: Sequence[str], log: IO[str], environment: Mapping[str, str] = os.environ
    ) -> subprocess.Popen[str]:
        """A process in this host, with a session of its own, that ends with the hosts."""
        process = subprocess.Popen(
            self.words(words),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
            env=dict(environment),
            start_new_session=True,
        )
        self._stack.callback(_ended, process)
        self._running.append(process)
        return process

    def ask_to_end(self) -> None:
        for process in self._running:
            process.terminate()


def _ended(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(20.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Network:
    """So many hosts, 10.77.0.1 and on, and the switch between them; or, `routed`, a router between networks
    of one host each, through which no multicast goes."""

    def __init__(self, count: int, routed: bool = False) -> None:
        lacking = [name for name in ("unshare", "nsenter", "ip") if not shutil.which(name)]
        if lacking or os.geteuid():
            raise TwinError(f"hosts want root and {', '.join(lacking) or 'unshare, nsenter, ip'}")
        self._stack = ExitStack()
        self.routed = routed
        try:
            self._switch = Host("switch", self._stack)
            if routed:
                self._switch.call("sysctl", "-qw", "net.ipv4.ip_forward=1")
            else:
                self._switch.call(
                    "ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0"
                )
                self._switch.call("ip", "link", "set", "br0", "up")
            self.hosts = tuple(self._added(number) for number in range(count))
        except BaseException:
            self._stack.close()
            raise

    def _added(self, number: int) -> Host:
        host = Host(f"host{number + 1}", self._stack)
        port = _port(number)
        self._switch.call(
            *("ip", "link", "add", port, "type", "veth"),
            *("peer", "name", "eth0", "netns", str(host.keeper)),
        )
        host.call("ip", "address", "add", f"{self.address(number)}/24", "dev", "eth0")
        host.call("ip", "link", "set", "eth0", "up")
        if self.routed:
            gateway = f"{NETWORK.format(number=number)}.254"
            self._switch.call("ip", "address", "add", f"{gateway}/24", "dev", port)
        else:
            self._switch.call("ip", "link", "set", port, "master", "br0")
        self._switch.call("ip", "link", "set", port, "up")
        if self.routed:
            host.call("ip", "route", "add", "default", "via", gateway)
        return host

    def address(self, number: int) -> str:
        if self.routed:
            return f"{NETWORK.format(number=number)}.1"
        return f"{NETWORK.format(number=0)}.{number + 1}"

    def cut(self, number: int) -> None:
        """Pulls the cable of a host."""
        self._switch.call("ip", "link", "set", _port(number), "down")

    def mend(self, number: int) -> None:
        self._switch.call("ip", "link", "set", _port(number), "up")

    def lose(self, percent: int) -> None:
        """Each packet that comes to a host from another is lost with this probability; 0: none is."""
        for host in self.hosts:
            host.call("nft", "flush", "ruleset")
            if percent:
                host.call("nft", "add table inet t")
                host.call("nft", "add chain inet t in { type filter hook input priority 0; }")
                rule = f"iifname eth0 numgen random mod 100 < {percent} drop"
                host.call("nft", f"add rule inet t in {rule}")

    def received(self, number: int) -> int:
        """Bytes that came to a host by its cable so far."""
        lines = self.hosts[number].call("cat", "/proc/net/dev").splitlines()
        (counts,) = (line.split(":")[1] for line in lines if line.strip().startswith("eth0:"))
        return int(counts.split()[0])

    def close(self) -> None:
        for host in self.hosts:
            host.ask_to_end()
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _port(number: int) -> str:
    return f"port{number + 1}"
