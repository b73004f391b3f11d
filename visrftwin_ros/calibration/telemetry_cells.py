"""What radios report while they work, gathered by link and place, with what cannot be true left out.

A report is a power gain without people and of isotropic antennas: what the twin predicts of these, plus
what was measured over its prediction with people and the beams in use. Shadows that it foresees are thus
taken off; the deeper one is, the less its reports count.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from visrftwin_ros.calibration.soundings import Soundings

Key = tuple[str, str, int, int, int]
"""tx, rx and the cell."""

CELL = 0.5
"""Metres: places within are one."""
MOST_KEPT = 5000
_READING_DB = 2.0
"""Standard deviation of one reading: fading within a cell, and the radio's own (802.11 asks for 5 dB)."""
_LEAST_DB = 0.5
"""Below which readings of one cell, which share its fading, do not take a cell's."""
_SHADOW_SHARE = 0.5
"""Of a predicted shadow's dB: standard deviation of its error."""
_FORGETTING = 1 / 600
"""dB^2/s by which what is known of a cell grows old."""
_FAR = 3.0
"""Standard deviations from its cell beyond which a reading moves it no more."""
_WINDOW = 40
"""Readings of a link that are looked at for what cannot be true."""
_COMPARED = 10
"""Readings of a link after which it is compared again with those of other robots: one by one, of many
robots, that would be most of the work."""
_MOVED_DB = 3.0
"""Standard deviation of the prediction over which a measurement that stands still is stuck."""
_SWAPPED = 0.25
"""Of the variance of two robots' errors, to which exchanging them must bring it."""


@dataclass(frozen=True, eq=False)
class Reading:
    """at: s. place: (3,) m of the receiver's antenna. measured_db, predicted_db: of the same beams, with
    people. free_db: predicted power gain without people between isotropic antennas. shadow_db: predicted
    of people."""

    at: float
    tx: str
    rx: str
    place: Float[np.ndarray, " 3"]
    measured_db: float
    predicted_db: float
    free_db: float
    shadow_db: float

    @property
    def usable(self) -> bool:
        numbers = (self.measured_db, self.predicted_db, self.free_db, self.shadow_db, *self.place)
        return bool(np.isfinite(numbers).all())


@dataclass(frozen=True, eq=False)
class Cell:
    """One link's readings in one place: a Kalman filter of its power gain [dB] that slowly forgets.

    recent_db, recent: mean and count of the readings since it was last looked at; before_db: the mean
    then, NaN for one that is new.
    """

    place: Float[np.ndarray, " 3"]
    mean_db: float
    variance: float
    at: float
    count: int
    recent_db: float
    recent: int
    before_db: float = float("nan")

    def with_reading(self, one: Reading, value_db: float) -> Cell:
        """With one more of `value_db`."""
        variance = self.variance + _FORGETTING * max(one.at - self.at, 0.0)
        noise = _READING_DB**2 + (_SHADOW_SHARE * one.shadow_db) ** 2
        far = _FAR * np.sqrt(variance + noise)
        step = float(np.clip(value_db - self.mean_db, -far, far))
        gain = variance / (variance + noise)
        total = self.recent_db * self.recent + value_db
        return Cell(
            self.place,
            self.mean_db + gain * step,
            max(variance * (1 - gain), _LEAST_DB**2),
            max(one.at, self.at),
            self.count + 1,
            total / (self.recent + 1),
            self.recent + 1,
            self.before_db,
        )


@dataclass
class TelemetryCells:
    """cells: by link and place. refused: by link or robot, why its reports are not believed."""

    cells: dict[Key, Cell] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    _window: dict[tuple[str, str], deque[Reading]] = field(default_factory=dict)
    _uncompared: Counter[tuple[str, str]] = field(default_factory=Counter)

    def hear(self, one: Reading) -> None:
        """Takes a reading in; one with a number that is none is none."""
        if not one.usable:
            return
        link = one.tx, one.rx
        window = self._window.setdefault(link, deque(maxlen=_WINDOW))
        if window and one.at <= window[-1].at:
            return
        window.append(one)
        if len(window) == _WINDOW:
            self._judge(link)
        if f"{one.tx}-{one.rx}" in self.refused or one.rx in self.refused:
            return
        x, y, z = (int(v) for v in np.floor(one.place / CELL))
        key = (one.tx, one.rx, x, y, z)
        value = one.free_db + one.measured_db - one.predicted_db
        cell = self.cells.get(key)
        if cell is None:
            noise = _READING_DB**2 + (_SHADOW_SHARE * one.shadow_db) ** 2
            self.cells[key] = Cell(one.place, value, noise, one.at, 1, value, 1)
        else:
            self.cells[key] = cell.with_reading(one, value)

    def looked_at(self) -> None:
        """What comes from now on is recent; of too many cells the oldest go."""
        for key in sorted(self.cells, key=lambda key: self.cells[key].at)[:-MOST_KEPT]:
            del self.cells[key]
        for key, cell in self.cells.items():
            self.cells[key] = replace(cell, recent_db=0.0, recent=0, before_db=cell.mean_db)

    def forget(self, keys: Sequence[Key]) -> None:
        """Has these begin anew with their recent readings."""
        for key in keys:
            old = self.cells.pop(key)
            if old.recent:
                variance = max(_READING_DB**2 / old.recent, _LEAST_DB**2)
                self.cells[key] = Cell(
                    old.place, old.recent_db, variance, old.at, old.recent, 0.0, 0
                )

    def _judge(self, link: tuple[str, str]) -> None:
        """Whether reports of the link, or of its robot, can be true."""
        name, window = "-".join(link), self._window[link]
        measured = np.array([one.measured_db for one in window])
        predicted = np.array([one.predicted_db for one in window])
        if np.ptp(measured) == 0 and predicted.std() > _MOVED_DB:
            self.refused[name] = f"{name} reports {measured[0]:g} dB whatever happens"
        else:
            self.refused.pop(name, None)
        tx, rx = link
        self._uncompared[link] += 1
        if self._uncompared[link] < _COMPARED:
            return
        self._uncompared[link] = 0
        for other in [other for ap, other in self._window if ap == tx and other != rx]:
            self._judge_pair(tx, rx, other)

    def _judge_pair(self, tx: str, one: str, other: str) -> None:
        """Whether two robots report under each other's names."""
        mine, theirs = self._window[tx, one], self._window[tx, other]
        if len(theirs) < _WINDOW:
            return
        times = np.array([r.at for r in mine])
        theirs_at = np.array([r.at for r in theirs])

        def column(readings: deque[Reading], name: str) -> Float[np.ndarray, " w"]:
            return np.array([getattr(r, name) for r in readings])

        def as_mine(name: str) -> Float[np.ndarray, " w"]:
            return np.interp(times, theirs_at, column(theirs, name))

        pairs = {
            (a, b): np.var(m - p)
            for a, m in (
                (one, column(mine, "measured_db")),
                (other, as_mine("measured_db")),
            )
            for b, p in (
                (one, column(mine, "predicted_db")),
                (other, as_mine("predicted_db")),
            )
        }
        own = pairs[one, one] + pairs[other, other]
        swapped = pairs[one, other] + pairs[other, one]
        for robot, partner in ((one, other), (other, one)):
            if own > 2 * _MOVED_DB**2 and swapped < _SWAPPED * own:
                self.refused[robot] = f"{robot} and {partner} report under each other's names"
            elif partner in self.refused.get(robot, ""):
                del self.refused[robot]


def soundings_of(cells: Mapping[Key, Cell]) -> Soundings:
    """One of each cell, in their order; they resolve no delays."""
    count = len(cells)
    return Soundings(
        tuple(key[0] for key in cells),
        np.array([cell.place for cell in cells.values()]).reshape(count, 3),
        np.array([cell.mean_db for cell in cells.values()]),
        np.full(count, np.nan),
        np.full(count, np.inf),
    )
