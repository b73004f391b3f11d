"""Access points that die without a word: whom robots no longer hear, while they hear others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Link = tuple[str, str]

HEARD_DB = -15.0
"""SNR of the weakest beacon: under that an access point is not heard (802.11ad's control PHY takes -11)."""
FRESH = 1.0
"""s for which a measurement tells of now."""
_MISSED = 3.0
"""Times the usual distance of two reports, after which the next one is missing."""
_LEAST_REPORTS = 3
TRY_AGAIN = 30.0
"""s after which one that fell silent is taken to be there again, if nobody has heard of it since."""


@dataclass(frozen=True)
class _Reports:
    """count: since `first` s; last: s of the last one; snr_db: that it told."""

    first: float
    last: float
    count: int
    snr_db: float

    def with_one_more(self, at: float, snr_db: float) -> _Reports:
        newest = (at, snr_db) if at >= self.last else (self.last, self.snr_db)
        return replace(self, last=newest[0], count=self.count + 1, snr_db=newest[1])

    def is_missing(self, now: float) -> bool:
        """The next one should have come."""
        if self.count < _LEAST_REPORTS:
            return False
        usual = (self.last - self.first) / (self.count - 1)
        return now - self.last > max(FRESH, _MISSED * usual)


@dataclass(frozen=True)
class SignsOfLife:
    """heard: reports of links (access point, robot), as radios hear them. own: of access points that
    report who is theirs. lost: since when [s] a link has been silent that served."""

    heard: Mapping[Link, _Reports] = field(default_factory=dict)
    own: Mapping[str, _Reports] = field(default_factory=dict)
    lost: Mapping[Link, float] = field(default_factory=dict)

    def hears(self, link: Link, at: float, snr_db: float) -> SignsOfLife:
        """A robot measured an access point; one that it does not hear is no sign of life, nor is an SNR that is
        no number."""
        if not HEARD_DB <= snr_db < math.inf:
            return self
        last = self.heard.get(link)
        new = last.with_one_more(at, snr_db) if last else _Reports(at, at, 1, snr_db)
        lost = {other: since for other, since in self.lost.items() if other != link}
        return replace(self, heard={**self.heard, link: new}, lost=lost)

    def speaks(self, ap: str, at: float) -> SignsOfLife:
        """An access point reported something itself."""
        last = self.own.get(ap)
        new = last.with_one_more(at, 0.0) if last else _Reports(at, at, 1, 0.0)
        return replace(self, own={**self.own, ap: new})

    def serves(self, link: Link, now: float) -> SignsOfLife:
        """That link serves: where it has fallen silent it is lost.

        Only one that serves: many radios report on no other, and a robot that left has no more to
        say. A robot that fell silent altogether says nothing of its access point.
        """
        mine, (ap, robot) = self.heard.get(link), link
        if link in self.lost or mine is None or not mine.is_missing(now):
            return self
        others = [one for other, one in self.heard.items() if other[1] == robot and other[0] != ap]
        if not any(now - one.last <= FRESH for one in others):
            return self
        return replace(self, lost={**self.lost, link: now})

    def heard_by(self, robot: str, now: float) -> dict[str, float]:
        """SNR [dB] of every access point that this robot hears and that is not silent, as last heard, if that
        is fresh."""
        return {
            ap: one.snr_db
            for (ap, hears), one in self.heard.items()
            if hears == robot and now - one.last <= FRESH and not self.is_silent((ap, robot), now)
        }

    def is_silent(self, link: Link, now: float) -> bool:
        """It fell silent while it served this robot; or another one, and nobody hears it; or it no
        longer says who is its own while others do."""
        ap, _ = link
        lost = [other for other, since in self.lost.items() if now - since <= TRY_AGAIN]
        if link in lost:
            return True
        if any(other[0] == ap for other in lost) and not any(
            other[0] == ap and now - one.last <= FRESH for other, one in self.heard.items()
        ):
            return True
        own = self.own.get(ap)
        if own is None or not own.is_missing(now) or now - own.last > TRY_AGAIN:
            return False
        return any(
            not one.is_missing(now) and one.last > own.last
            for other, one in self.own.items()
            if other != ap
        )
