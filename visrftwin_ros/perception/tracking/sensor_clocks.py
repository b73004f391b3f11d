"""Which measurements come at a time that can be true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from visrftwin_ros.perception.tracking.tracker_config import TrackerConfig

Kind = Literal["take", "repeat", "refuse", "restart"]


@dataclass(frozen=True)
class Verdict:
    """take; repeat: the sensor said so already; refuse: the others' clocks go on, and this one jumped
    or is late; restart: time itself jumped, and `reason` says how."""

    kind: Kind
    reason: str = ""


class SensorClocks:
    """Knows when every sensor last spoke, and takes a jump for true only if all make it.

    A lone sensor is believed at once. One of several is refused while the others go on; when they
    jump as well, or fall silent for `jump_back` seconds of its time, it is believed.

    Where it is told what time it is, who comes about now is right however late the others are, and who
    comes late waits for them to be late as well.
    """

    def __init__(self, config: TrackerConfig) -> None:
        self._config = config
        self._newest: dict[str, int] = {}
        self._jumped: dict[str, int] = {}

    def judged(
        self, sensor: str, stamp_ns: int, state_ns: int | None, now_ns: int | None = None
    ) -> Verdict:
        """What to do with a measurement, given the time of the tracker's state. now_ns: ROS time at
        which it came; None where nobody knows, as of a recording."""
        config, before = self._config, self._newest.get(sensor)
        if state_ns is None:
            return self._taken(sensor, stamp_ns)
        if before is not None and abs(stamp_ns - before) * 1e-9 < config.least_interval:
            return Verdict("repeat")
        offset = (stamp_ns - state_ns) * 1e-9
        recent = state_ns - round(config.jump_back * 1e9)
        others = {name for name, at in self._newest.items() if at >= recent} - {sensor}
        on_time = self._is_about(now_ns, stamp_ns)
        limit = config.jump_back if others and not on_time else config.longest_gap
        if -config.jump_back <= offset <= limit:
            return self._taken(sensor, stamp_ns)
        first = self._jumped.setdefault(sensor, stamp_ns)
        insists = abs(stamp_ns - first) * 1e-9 >= config.jump_back
        insists = insists and not self._is_about(now_ns, state_ns)
        how = f"jumped back by {-offset:.2f} s" if offset < 0 else f"is {offset:.1f} s ahead"
        if others - set(self._jumped) and not insists and not on_time:
            why = f"the clock of {sensor!r} {how} of the other sensors': set its clock"
            if now_ns is not None and offset < 0:
                late = (now_ns - stamp_ns) * 1e-9
                why = f"{sensor!r} comes {late:.1f} s late, the others do not: is it slow, or its clock?"
            return Verdict("refuse", why)
        if 0 < offset <= config.longest_gap:
            return self._taken(sensor, stamp_ns)
        self._newest = {sensor: stamp_ns}
        self._jumped = {}
        if offset < 0:
            return Verdict("restart", f"time jumped back by {-offset:.2f} s")
        return Verdict("restart", f"no measurement for {offset:.1f} s")

    def _is_about(self, now_ns: int | None, stamp_ns: int) -> bool:
        return now_ns is not None and abs(now_ns - stamp_ns) * 1e-9 <= self._config.jump_back

    def _taken(self, sensor: str, stamp_ns: int) -> Verdict:
        self._newest[sensor] = max(stamp_ns, self._newest.get(sensor, stamp_ns))
        self._jumped = {}
        return Verdict("take")
