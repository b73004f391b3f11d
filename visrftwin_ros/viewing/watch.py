"""What somebody who keeps watch has to see: who serves whom, what is in trouble, what is coming."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.site.model import Site

FADE_DB = 6.0
"""Shadow loss over which a link is in a fade, as in the messages FadeWarning."""
MOST_SHOWN = 12
"""Links of the table, those in most trouble first."""
_GAP_NS = 500_000_000
"""Between two decisions on beams; what is longer is a pause and counts for neither."""
_KEPT_NS = 3_000_000_000
"""For which an alert stays after its time."""
_ALERTS = 50
_ALERTS_SHOWN = 6
"""Of those in force, the soonest: the table stays in sight under them."""
_OLD = "What they rest on is too old."

Link = tuple[str, str]


@dataclass(frozen=True)
class Coming:
    """Predicted shadow loss of a link: horizon (H,) s ahead, mean and upper bound (H,) dB, NaN of one
    without a path."""

    horizon: Float[np.ndarray, " h"]
    mean_db: Float[np.ndarray, " h"]
    upper_db: Float[np.ndarray, " h"]

    @property
    def worst_db(self) -> float:
        """The most of the mean; 0 where there is none."""
        return float(np.max(self.mean_db, initial=0.0, where=np.isfinite(self.mean_db)))

    @property
    def fades_in(self) -> float:
        """Seconds until the mean passes FADE_DB; inf where it does not."""
        over = np.flatnonzero(self.mean_db > FADE_DB)
        return float(self.horizon[over[0]]) if len(over) else np.inf


NOTHING = Coming(np.zeros(0), np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class LinkState:
    """The newest of a link. shadow_db: loss by people now. rate: bit/s, NaN where no beams were told.
    beam: of the access point, -1 for none. serves: the access point serves the robot."""

    shadow_db: float = np.nan
    stale: bool = True
    why: str = "no channels yet"
    rate: float = np.nan
    snr_db: float = np.nan
    beam: int = -1
    coming: Coming = NOTHING
    serves: bool = False

    @property
    def trouble(self) -> tuple[bool, bool, float]:
        """What sorts links: those that serve first; without a rate or a channel; by loss now or soon."""
        losses = [loss for loss in (self.shadow_db, self.coming.worst_db) if np.isfinite(loss)]
        return self.serves, self.stale or self.rate == 0, max(losses, default=0.0)


@dataclass(frozen=True)
class Alert:
    """at: ns when it begins. until: ns. link: of which it speaks, None for an advice."""

    at: int
    until: int
    text: str
    link: Link | None = None


@dataclass
class Outage:
    """Seconds without a rate of the access points that serve a robot, and of the first one that did."""

    first: str = ""
    watched: float = 0.0
    out: float = 0.0
    without: float = 0.0


@dataclass
class Watch:
    """Keeps the newest of each link of `site`; what has another name is left out. advised: by robot, when [ns]
    to hand over to whom."""

    site: Site
    links: dict[Link, LinkState] = field(default_factory=dict)
    serving: dict[str, str] = field(default_factory=dict)
    alerts: deque[Alert] = field(default_factory=lambda: deque(maxlen=_ALERTS))
    outage: dict[str, Outage] = field(default_factory=dict)
    reported: set[str] = field(default_factory=set)
    advised: dict[str, tuple[int, str]] = field(default_factory=dict)
    _last_ns: int = 0

    def __post_init__(self) -> None:
        for robot in self.site.robots:
            self.outage[robot.name] = Outage()
            for ap in self.site.access_points:
                self.links[ap.name, robot.name] = LinkState()

    def hear_channel(self, link: Link, shadow_db: float, stale: bool, why: str) -> None:
        self._change(link, shadow_db=shadow_db, stale=stale, why=why or _OLD)

    def hear_coming(self, link: Link, coming: Coming) -> None:
        self._change(link, coming=coming)

    def hear_beams(
        self, stamp_ns: int, beams: Mapping[Link, tuple[float, float, int]], stale: bool
    ) -> None:
        """rate [bit/s], SNR [dB] and the access point's beam of each link; what they come to is
        added to the outages unless it is `stale`."""
        for link, (rate, snr_db, beam) in beams.items():
            self._change(link, rate=rate, snr_db=snr_db, beam=beam)
        for robot, (at, ap) in list(self.advised.items()):
            if at <= stamp_ns:
                del self.advised[robot]
                self.hear_serving(robot, ap, reported=False)
        passed = stamp_ns - self._last_ns if self._last_ns else 0
        self._last_ns = stamp_ns
        for robot, outage in self.outage.items():
            rates = {tx: rate for (tx, rx), (rate, _, _) in beams.items() if rx == robot}
            if not rates:
                continue
            if robot not in self.serving:
                self.hear_serving(robot, max(rates, key=lambda tx: rates[tx]), reported=False)
            outage.first = outage.first or self.serving[robot]
            if stale or not 0 < passed <= _GAP_NS:
                continue
            outage.watched += passed * 1e-9
            outage.out += passed * 1e-9 * (rates.get(self.serving[robot], 0.0) <= 0)
            outage.without += passed * 1e-9 * (rates.get(outage.first, 0.0) <= 0)

    def hear_serving(self, robot: str, ap: str, *, reported: bool) -> None:
        """Who serves it; `reported` by radios, which comes before what was advised."""
        if robot not in self.outage or (robot in self.reported and not reported):
            return
        if reported:
            self.reported.add(robot)
        self.serving[robot] = ap
        for tx, rx in self.links:
            if rx == robot:
                self._change((tx, rx), serves=tx == ap)

    def hear_advice(self, robot: str, at: int, ap: str) -> None:
        """Taken as followed at that time [ns], unless radios report who serves."""
        if robot in self.outage:
            self.advised[robot] = at, ap

    def hear_alert(self, alert: Alert) -> None:
        """A fade of a link takes the place of that link's last one."""
        for one in list(self.alerts):
            if alert.link is not None and one.link == alert.link:
                self.alerts.remove(one)
        self.alerts.append(replace(alert, until=max(alert.until, alert.at + _KEPT_NS)))

    def by_trouble(self) -> list[tuple[Link, LinkState]]:
        """Worst first."""
        return sorted(self.links.items(), key=lambda item: item[1].trouble, reverse=True)

    def serves(self, link: Link) -> bool:
        return link in self.links and self.links[link].serves

    def loss_of(self, robot: str) -> float:
        """Shadow loss, dB, of the link that serves a robot, now or at its worst ahead; NaN where nobody
        serves it, or that link is stale."""
        state = self.links.get((self.serving.get(robot, ""), robot))
        if state is None or state.stale:
            return np.nan
        return state.trouble[-1]

    def text(self, now_ns: int) -> str:
        """The panel, in Markdown."""
        return "\n\n".join(
            part
            for part in (self._banner(now_ns), self._alerts(now_ns), self._table(), self._outages())
            if part
        )

    def _change(self, link: Link, **values: Any) -> None:
        if link in self.links:
            self.links[link] = replace(self.links[link], **values)

    def _banner(self, now_ns: int) -> str:
        """With the time, by which a page that lags shows it."""
        silent = [state for state in self.links.values() if state.stale]
        if not silent:
            return f"## live, {datetime.fromtimestamp(now_ns * 1e-9, UTC):%H:%M:%S} UTC"
        return f"# STALE: {len(silent)} of {len(self.links)} links\n\n{silent[0].why}"

    def _alerts(self, now_ns: int) -> str:
        """Of links that serve, and of advice: what fades where nobody is served disturbs nobody."""
        in_force = [one for one in self.alerts if now_ns <= one.until and self._matters(one)]
        in_force.sort(key=lambda one: one.at)
        lines = [f"- **{self._when(one, now_ns)}** {one.text}" for one in in_force[:_ALERTS_SHOWN]]
        left = len(in_force) - len(lines)
        if left:
            lines.append(f"- {left} more")
        return "\n".join(["**Alerts**", "", *lines]) if lines else "No alert."

    def _when(self, alert: Alert, now_ns: int) -> str:
        if alert.at > now_ns:
            return f"in {(alert.at - now_ns) * 1e-9:.1f} s"
        state = None if alert.link is None else self.links.get(alert.link)
        has_come = state is None or state.shadow_db > FADE_DB
        return "now" if has_come else "any moment"

    def _matters(self, alert: Alert) -> bool:
        if alert.link is None or alert.link[1] not in self.serving:
            return True
        return self.serves(alert.link)

    def _table(self) -> str:
        rows = [
            "| robot | access point | Gbit/s | SNR | shadow now | next 3 s |",
            "|---|---|---|---|---|---|",
        ]
        for (tx, rx), state in self.by_trouble()[:MOST_SHOWN]:
            served = f"**{tx}** serves" if state.serves else tx
            rate = "?" if np.isnan(state.rate) else f"{state.rate * 1e-9:.2f}"
            known = np.isfinite(state.coming.mean_db).any()
            ahead = f"{state.coming.worst_db:.0f} dB" if known else "?"
            if np.isfinite(state.coming.fades_in):
                ahead = f"**{ahead} in {state.coming.fades_in:.1f} s**"
            now = "stale" if state.stale else f"{_db(state.shadow_db)} dB"
            if state.shadow_db > FADE_DB and not state.stale:
                now = f"**{now}**"
            rows.append(f"| {rx} | {served} | {rate} | {_db(state.snr_db)} dB | {now} | {ahead} |")
        left = len(self.links) - MOST_SHOWN
        return "\n".join(rows) + (f"\n\n{left} more links are in less trouble." if left > 0 else "")

    def _outages(self) -> str:
        lines = []
        for robot, one in self.outage.items():
            if one.watched < 1:
                continue
            told = "as radios report" if robot in self.reported else "if advice is followed"
            lines.append(
                f"- {robot}: {one.out:.1f} s without service of {one.watched:.0f} ({told}); "
                f"staying with {one.first}: {one.without:.1f} s"
            )
        return "\n".join(["**Outage, by the twin's own estimate**", "", *lines]) if lines else ""


def in_trouble(watch: Watch, most: int = 3) -> Sequence[tuple[Link, Coming]]:
    """Of the links in most trouble, those with a forecast, and what is coming."""
    found = [
        (link, state.coming)
        for link, state in watch.by_trouble()
        if len(state.coming.horizon)
        and np.isfinite([state.coming.mean_db, state.coming.upper_db]).all()
        and not state.stale
    ]
    return found[:most]


def _db(value: float) -> str:
    return f"{round(value)}" if np.isfinite(value) else "?"
