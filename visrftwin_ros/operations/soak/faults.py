"""What can be done to a running graph, and when: by a seed, the same every time."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from visrftwin_ros.errors import TwinError

EVERY = "every sensor"
"""The target of a fault that meets all cameras and LiDARs at once."""
TF = "tf"
"""The sensor that tells where robots are."""
CLOCK = "system clock"
SHIFT = 5.0
"""s by which stamps are wrong, or the clock is set."""

OF_NODES = {"kill": 0.0, "freeze": 9.0, "slow": 5.0}
"""kind -> s that it lasts at most; a frozen node is ended by its supervisor before."""
OF_SENSORS = {
    "freeze": 4.0,
    "flood": 4.0,
    "shift ahead": 4.0,
    "shift behind": 4.0,
    "blind": 4.0,
    "repeat": 5.0,
}
OF_THE_CLOCK = {"clock ahead": 0.0, "clock back": 0.0}
KINDS = ("kill", "freeze", "slow", "flood", "shift", "blind", "repeat", "clock")
"""By their first words, as the command takes them."""
SILENT = ("kill", "freeze")
"""What is done to a node that then says nothing."""
PICTURELESS = frozenset({"blind", "repeat"})
"""Faults that TF cannot have: its messages show nothing."""


@dataclass(frozen=True)
class Fault:
    """kind: of the tables above. target: a node's full name, a sensor, EVERY or CLOCK.

    lasts: s. stale: outputs that must be stale or silent meanwhile. named: who has to tell of it on
    /diagnostics, by beginnings of `node: subject`; empty where nobody has to.
    """

    kind: str
    target: str
    lasts: float
    stale: tuple[str, ...] = ()
    named: tuple[str, ...] = ()

    @property
    def of_node(self) -> bool:
        return self.target.startswith("/")


@dataclass(frozen=True)
class Cast:
    """Who is there to be harmed. nodes: full names. sensors: of cameras and LiDARs, those first that
    are fast enough for people to be fresh by them alone; `fast` is their number."""

    nodes: tuple[str, ...]
    sensors: tuple[str, ...]
    fast: int
    clock: bool


WITHOUT = {
    "channel_predictor": ("channels", "beams"),
    "people_tracker": ("channels", "beams"),
    "beam_selector": ("beams",),
}
"""Outputs that are not to be had without a node, by its executable."""


def all_faults(
    cast: Cast, kinds: Sequence[str] = KINDS, targets: Sequence[str] = ("*",)
) -> list[Fault]:
    """Every fault of these kinds, done to targets that fit one of these shell patterns, once; nodes
    first.

    Raises TwinError on a kind that is none.
    """
    wrong = sorted(set(kinds) - set(KINDS))
    if wrong:
        raise TwinError(f"no fault {', '.join(wrong)}: expected some of {', '.join(KINDS)}")
    found = [_of_node(node, kind) for node in cast.nodes for kind in OF_NODES]
    for target in (*cast.sensors, TF, EVERY):
        found += [
            _of_sensor(cast, target, kind)
            for kind in OF_SENSORS
            if target != TF or kind not in PICTURELESS
        ]
    if cast.clock:
        told = tuple(f"{node.strip('/')}: time" for node in cast.nodes)
        found += [Fault(kind, CLOCK, 0.0, named=told) for kind in OF_THE_CLOCK]
    return [
        fault
        for fault in found
        if fault.kind.split()[0] in kinds
        and any(fnmatchcase(fault.target, pattern) for pattern in targets)
    ]


def _of_node(node: str, kind: str) -> Fault:
    without = WITHOUT.get(node.rpartition("/")[2], ()) if kind in SILENT else ()
    return Fault(kind, node, OF_NODES[kind], stale=without)


def _of_sensor(cast: Cast, target: str, kind: str) -> Fault:
    stale: tuple[str, ...] = ()
    if target == EVERY and kind != "flood":
        stale = ("channels", "beams")
    return Fault(kind, target, OF_SENSORS[kind], stale, _told_by(cast, target, kind))


def _told_by(cast: Cast, target: str, kind: str) -> tuple[str, ...]:
    """A sensor that is slower than the limits of silence is told of all the time, and one that floods
    with what it sent before does no harm."""
    if kind == "flood":
        return ()
    if target == TF:
        return ("channel_predictor: links", "channel_predictor: input tf")
    if target == EVERY:
        return tuple(f"{name}/" for name in cast.sensors[: cast.fast])
    return (f"{target}/",) if target in cast.sensors[: cast.fast] else ()


def schedule(
    faults: Sequence[Fault], seed: int, every: float, hours: float
) -> Iterator[tuple[float, Fault]]:
    """(s from the beginning, fault): all of them in an order of the seed's, then in another one.

    The time between two is uniform from half of `every` to one and a half.
    """
    chance = random.Random(seed)
    at, deck = 0.0, list[Fault]()
    while faults:
        at += every * chance.uniform(0.5, 1.5)
        if at > hours * 3600.0:
            return
        if not deck:
            deck = chance.sample(list(faults), len(faults))
        yield at, deck.pop()
