"""Who serves each robot, and when another access point should: the state behind `hand_overs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from visrftwin_ros.beams.hand_over_plan import (
    NO_SIGNAL_DB,
    LinksAhead,
    Plan,
    Service,
    hand_over_plan,
)
from visrftwin_ros.beams.late_recovery import recovers_late
from visrftwin_ros.beams.signs_of_life import FRESH, SignsOfLife
from visrftwin_ros.beams.snr_correction import SnrCorrection
from visrftwin_ros.site.model import Radio

LEAST_CONFIDENCE = 0.5
"""Share of the futures that a hand-over must be better in."""
LEAST_GAIN = 0.1
"""s of service that a hand-over must gain over the time looked ahead, its cost taken off."""
ASSOCIATION_LASTS = 30.0
"""s for which a report of who serves is believed."""
_AGREES = 0.5
"""s by which advice may move without being given again."""
_REPEATED = 1.0
"""s after which advice that is due and was not followed is given again; then twice as long each time."""
_LONGEST_WAIT = 32.0
_SETTLED = 1.0
"""s after a hand-over in which going back must gain twice as much."""


@dataclass(frozen=True)
class Advice:
    """Let `to_ap` serve `robot` instead of `from_ap` ("": beside who does) from `at` s (of the caller's clock) on, for
    `duration` s (inf = for good). gain_bits: bit/s; confidence: 0 to 1; reason: in words."""

    robot: str
    from_ap: str
    to_ap: str
    at: float
    duration: float
    gain_bits: float
    confidence: float
    reason: str

    def followed_by(self, aps: tuple[str, ...]) -> tuple[str, ...]:
        """Who serves a robot of `aps` that does as it is told."""
        if self.to_ap in aps:
            return aps
        return (*(ap for ap in aps if ap != self.from_ap), self.to_ap)


@dataclass(frozen=True)
class Serving:
    """`aps` serve, as was so at `at` s; by: who reported it, None where nobody did. before: who served
    until `since` s."""

    at: float
    aps: tuple[str, ...]
    by: str | None
    before: tuple[str, ...] = ()
    since: float = -np.inf


@dataclass(frozen=True)
class Given:
    """Advice that stands, and when [s] and how often it was given."""

    advice: Advice
    last: float
    times: int = 1

    def is_given_again(self, new: Advice, now: float) -> bool:
        """Whether `new`, between the same two, is worth saying."""
        if self.advice.at <= now and new.at <= now + _AGREES:
            wait = min(_REPEATED * 2 ** (self.times - 1), _LONGEST_WAIT)
            return now - self.last >= wait
        return abs(self.advice.at - new.at) > _AGREES


@dataclass(frozen=True)
class NetworkState:
    """What is known of a network while it works; every change is a new one.

    serving: by robot. correction: of predicted by measured SNRs. signs: who was heard when. given: the
    advice that stands, by robot. foreseen: what each robot's newest plan went by.
    """

    serving: Mapping[str, Serving] = field(default_factory=dict)
    correction: SnrCorrection = field(default_factory=SnrCorrection)
    signs: SignsOfLife = field(default_factory=SignsOfLife)
    given: Mapping[str, Given] = field(default_factory=dict)
    foreseen: Mapping[str, LinksAhead] = field(default_factory=dict)

    @property
    def advised(self) -> dict[str, Advice]:
        """The advice that stands, by robot."""
        return {robot: one.advice for robot, one in self.given.items()}

    def associated(
        self, robot: str, ap: str, at: float, by: str = "", also: Sequence[str] = ()
    ) -> NetworkState:
        """`by` reports that `ap`, and those that `also` do, serve `robot`, "" for none; older reports change
        nothing, nor does one that contradicts what the robot itself said less than FRESH before."""
        aps = tuple(dict.fromkeys((ap, *also))) if ap else ()
        state = replace(self, signs=self.signs.speaks(by, at)) if by in aps and by else self
        last = self.serving.get(robot)
        if last is not None and last.by is not None:
            own = last.by == robot and by != robot and last.aps != aps
            if at < last.at or (own and at - last.at < FRESH):
                return state
        return state._served(robot, aps, at, by)

    def hears(self, link: tuple[str, str], at: float, snr_db: float) -> NetworkState:
        """A robot's radio measured an access point: link (access point, robot)."""
        return replace(self, signs=self.signs.hears(link, at, snr_db))

    def measured(
        self, link: tuple[str, str], at: float, measured_db: float, predicted_db: float
    ) -> NetworkState:
        """With one more measured SNR, and what was predicted for its time."""
        correction = self.correction.measured(link, at, measured_db, predicted_db)
        return replace(self, correction=correction)

    def served_by(
        self, robot: str, ahead: LinksAhead, now: float, connections: int = 1
    ) -> tuple[str, ...]:
        """Whom it is served by, that many at most: reported, else as last advised, else the strongest now."""
        known, given = self.serving.get(robot), self.given.get(robot)
        reported = known is not None and known.by is not None and known.aps != ()
        if known is not None and reported and now - known.at <= ASSOCIATION_LASTS:
            return known.aps[:connections]
        if not reported:
            mine = () if known is None else known.aps
            if given is not None and given.advice.at <= now:
                mine = given.advice.followed_by(mine)
            if mine:
                return mine[:connections]
        snr_db = np.nan_to_num(ahead.snr_db[:, :, 0].mean(axis=1), nan=-np.inf)
        strongest = np.argsort(-snr_db, kind="stable")[:connections]
        return tuple(ahead.aps[row] for row in strongest.tolist())

    def corrected(self, robot: str, ahead: LinksAhead, now: float, service: Service) -> LinksAhead:
        """`ahead` with what radios measured blended in and without those that fell silent; where the
        old link serves during a change, links that are down recover late.

        An access point that is heard and has no forecast is taken to stay as it was last heard.
        """
        add = [self.correction.ahead((ap, robot), now, ahead.times) for ap in ahead.aps]
        snr_db = ahead.snr_db + np.stack(add)[:, None]
        snr_db[[self.signs.is_silent((ap, robot), now) for ap in ahead.aps]] = NO_SIGNAL_DB
        known = replace(ahead, snr_db=snr_db)
        if service.old_serves:
            known = recovers_late(known)
        for ap, heard_db in self.signs.heard_by(robot, now).items():
            if ap not in ahead.aps:
                known = known.with_one_more(ap, heard_db)
        return known

    def advise(
        self, robot: str, ahead: LinksAhead, now: float, radio: Radio, service: Service
    ) -> tuple[NetworkState, Advice | None]:
        """Advice for `robot`, where there is any that has not been given yet.

        ahead: predicted; measured SNRs are blended in here. One who serves without a forecast and was not
        heard for a second is taken to be gone.
        """
        serving = self.served_by(robot, ahead, now, service.connections)
        state = self
        for ap in serving:
            state = replace(state, signs=state.signs.serves((ap, robot), now))
        known = state.serving.get(robot)
        if known is None or known.by is None:
            state = state._served(robot, serving, now, None)
        ahead = state.corrected(robot, ahead, now, service)
        for ap in serving:
            if ap not in ahead.aps:
                ahead = ahead.with_one_more(ap, NO_SIGNAL_DB)
        state = replace(state, foreseen={**state.foreseen, robot: ahead})
        plan = hand_over_plan(ahead, [ahead.aps.index(ap) for ap in serving], radio, service)
        if (
            plan.to is None
            or plan.confidence < LEAST_CONFIDENCE
            or plan.gain < state._least_gain(robot, ahead.aps[plan.to], now)
        ):
            others = {name: one for name, one in state.given.items() if name != robot}
            return replace(state, given=others), None
        new = Advice(
            robot=robot,
            from_ap="" if plan.leaves is None else ahead.aps[plan.leaves],
            to_ap=ahead.aps[plan.to],
            at=now + plan.at,
            duration=plan.duration,
            gain_bits=plan.gain_bits,
            confidence=plan.confidence,
            reason=_reason(ahead, plan.leaves, plan.to, plan),
        )
        last = self.given.get(robot)
        if last is not None and (last.advice.from_ap, last.advice.to_ap) == (
            new.from_ap,
            new.to_ap,
        ):
            if not last.is_given_again(new, now):
                return state, None
            given = Given(new, now, last.times + 1)
        else:
            given = Given(new, now)
        return replace(state, given={**state.given, robot: given}), new

    def _served(self, robot: str, aps: tuple[str, ...], at: float, by: str | None) -> NetworkState:
        last = self.serving.get(robot)
        if last is None or last.aps == aps:
            before = ((), -np.inf) if last is None else (last.before, last.since)
        else:
            before = last.aps, at
        return replace(self, serving={**self.serving, robot: Serving(at, aps, by, *before)})

    def _least_gain(self, robot: str, to: str, now: float) -> float:
        """s of service that going there must gain; more where the robot has just come from it."""
        known = self.serving.get(robot)
        back = known is not None and to in known.before and now - known.since < _SETTLED
        return 2 * LEAST_GAIN if back else LEAST_GAIN


def _reason(ahead: LinksAhead, leaves: int | None, to: int, plan: Plan) -> str:
    def lowest(row: int) -> float:
        return float(np.median(ahead.snr_db[row], axis=0).min())

    when = "now" if plan.at == 0 else f"in {plan.at:.1f} s"
    stays = f"{ahead.aps[to]} stays over {lowest(to):.0f} dB"
    if leaves is None:
        return f"{stays}: add it {when}, better in {plan.confidence:.0%} of the futures"
    if (ahead.snr_db[leaves] == NO_SIGNAL_DB).all():
        return f"{ahead.aps[leaves]} is not heard any more, {stays}: change {when}"
    return (
        f"{ahead.aps[leaves]} is expected down to {lowest(leaves):.0f} dB of SNR within"
        f" {ahead.times[-1]:.0f} s, {stays}:"
        f" change {when}, better in {plan.confidence:.0%} of the futures"
    )
