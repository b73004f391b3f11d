"""What of a bag is played when: topics chosen, time as it passes, messages as they fall due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from visrftwin_ros.bags import topics
from visrftwin_ros.bags.bag_file import BagFile
from visrftwin_ros.errors import TwinError

if TYPE_CHECKING:
    from rosbags.interfaces import Connection

Message = tuple["Connection", int, bytes]
NEVER_PLAYED = frozenset({"/clock", "/rosout", "/parameter_events"})
"""Every node makes these itself; those of the recording would contradict them."""


@dataclass(frozen=True)
class PlaybackClock:
    """The bag's time: `bag_ns` when the wall's clock was at `wall_ns`, going on at `rate`."""

    bag_ns: int
    wall_ns: int
    rate: float
    paused: bool = False

    def at(self, wall_ns: int) -> int:
        """Bag time [ns] at a time of the wall's clock; it stands until `wall_ns` has come."""
        if self.paused:
            return self.bag_ns
        return self.bag_ns + round(max(wall_ns - self.wall_ns, 0) * self.rate)

    def changed(
        self, wall_ns: int, *, rate: float | None = None, paused: bool | None = None
    ) -> PlaybackClock:
        """From now on at another rate, paused, or going on."""
        return PlaybackClock(
            self.at(wall_ns),
            wall_ns,
            self.rate if rate is None else rate,
            self.paused if paused is None else paused,
        )

    def moved(self, wall_ns: int, bag_ns: int) -> PlaybackClock:
        """From now on at another place of the bag."""
        return PlaybackClock(bag_ns, wall_ns, self.rate, self.paused)


def chosen_connections(bag: BagFile, patterns: Sequence[str], truth: bool) -> list[Connection]:
    """The connections with messages to be played: those whose topic fits one of the patterns (shell
    wildcards; none = all), those under `truth/` only where they are asked for.

    TwinError where nothing is left, or a pattern fits nothing.
    """
    there = [c for c in bag.connections if c.msgcount and c.topic not in NEVER_PLAYED]
    names = sorted({c.topic for c in there})
    idle = [p for p in patterns if not any(_fits(name, p) for name in names)]
    if idle:
        raise TwinError(
            f"{bag.path} has no messages of topic {', '.join(idle)}; it has "
            f"{', '.join(names) or 'none'}"
        )
    chosen = [
        c
        for c in there
        if (not patterns or any(_fits(c.topic, p) for p in patterns))
        and (truth or not c.topic.startswith(topics.TRUTH))
    ]
    if not chosen:
        raise TwinError(f"{bag.path} has nothing to play: its topics are {', '.join(names) or '-'}")
    return chosen


def _fits(topic: str, pattern: str) -> bool:
    return fnmatchcase(topic.lstrip("/"), pattern.lstrip("/"))


class Playback:
    """Messages of an open bag in the order of their log time, from wherever it was sought to."""

    def __init__(self, bag: BagFile, connections: Sequence[Connection]) -> None:
        self._bag = bag
        self._connections = list(connections)
        self._next: Message | None = None
        self._messages: Iterator[Message] = iter(())
        self.seek(bag.start_ns)

    @property
    def ended(self) -> bool:
        """Whether all messages were played."""
        return self._next is None

    def seek(self, bag_ns: int) -> list[Message]:
        """Play on from this log time; the newest latched message of each topic from before it."""
        latched: dict[str, Message] = {}
        slow = [c for c in self._connections if topics.is_latched(c.topic)]
        if bag_ns > self._bag.start_ns:
            for message in self._bag.messages(slow):
                if message[1] >= bag_ns:
                    break
                latched[message[0].topic] = message
        self._messages = self._bag.messages(self._connections, start_ns=bag_ns)
        self._next = next(self._messages, None)
        return list(latched.values())

    def due(self, bag_ns: int) -> Iterator[Message]:
        """The messages up to this log time that were not played yet."""
        while self._next is not None and self._next[1] <= bag_ns:
            message = self._next
            self._next = next(self._messages, None)
            yield message
