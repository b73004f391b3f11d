"""Who serves each robot, and when another access point should: the state behind `hand_overs`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from visrftwin_ros.beams.hand_over_plan import LinksAhead, Plan, Service, hand_over_plan
from visrftwin_ros.beams.snr_correction import SnrCorrection
from visrftwin_ros.site.model import Radio

LEAST_CONFIDENCE = 0.5
"""Share of the futures that a hand-over must be better in."""
LEAST_GAIN = 0.1
"""s of service that a hand-over must gain over the time looked ahead, its cost taken off."""
_AGREES = 0.5
"""s by which advice may move without being given again."""


@dataclass(frozen=True)
class Advice:
    """Let `to_ap` serve `robot` instead of `from_ap` from `at` s (of the caller's clock) on, for
    `duration` s (inf = for good). gain_bits: bit/s; confidence: 0 to 1; reason: in words."""

    robot: str
    from_ap: str
    to_ap: str
    at: float
    duration: float
    gain_bits: float
    confidence: float
    reason: str


@dataclass(frozen=True)
class NetworkState:
    """What is known of a network while it works; every change is a new one.

    serving: robot to (s when it was so, access point, whether somebody reported it). correction: of
    predicted by measured SNRs. advised: the advice that stands, by robot.
    """

    serving: Mapping[str, tuple[float, str, bool]] = field(default_factory=dict)
    correction: SnrCorrection = field(default_factory=SnrCorrection)
    advised: Mapping[str, Advice] = field(default_factory=dict)

    def associated(self, robot: str, ap: str, at: float) -> NetworkState:
        """Somebody reports that `ap` serves `robot`, "" for none; older reports change nothing."""
        last = self.serving.get(robot)
        if last is not None and last[2] and at < last[0]:
            return self
        return replace(self, serving={**self.serving, robot: (at, ap, True)})

    def measured(
        self, link: tuple[str, str], at: float, measured_db: float, predicted_db: float
    ) -> NetworkState:
        """With one more measured SNR, and what was predicted for its time."""
        correction = self.correction.measured(link, at, measured_db, predicted_db)
        return replace(self, correction=correction)

    def served_by(self, robot: str, ahead: LinksAhead, now: float) -> int:
        """The row of `ahead` that serves: reported, else as last advised, else the strongest now."""
        _, ap, reported = self.serving.get(robot, (0.0, "", False))
        advice = self.advised.get(robot)
        if advice is not None and not reported and advice.at <= now:
            ap = advice.to_ap
        if ap in ahead.aps:
            return ahead.aps.index(ap)
        return int(np.nan_to_num(ahead.snr_db[:, :, 0].mean(axis=1), nan=-np.inf).argmax())

    def corrected(self, robot: str, ahead: LinksAhead, now: float) -> LinksAhead:
        """`ahead` with what radios measured blended in."""
        add = [self.correction.ahead((ap, robot), now, ahead.times) for ap in ahead.aps]
        return replace(ahead, snr_db=ahead.snr_db + np.stack(add)[:, None])

    def advise(
        self, robot: str, ahead: LinksAhead, now: float, radio: Radio, service: Service
    ) -> tuple[NetworkState, Advice | None]:
        """Advice for `robot`, where there is any that has not been given yet.

        ahead: predicted; measured SNRs are blended in here.
        """
        here = self.served_by(robot, ahead, now)
        ahead = self.corrected(robot, ahead, now)
        plan = hand_over_plan(ahead, here, radio, service)
        state = self._served(robot, ahead.aps[here], now)
        last = self.advised.get(robot)
        if plan.to == here or plan.confidence < LEAST_CONFIDENCE or plan.gain < LEAST_GAIN:
            others = {name: one for name, one in self.advised.items() if name != robot}
            return replace(state, advised=others), None
        new = Advice(
            robot=robot,
            from_ap=ahead.aps[here],
            to_ap=ahead.aps[plan.to],
            at=now + plan.at,
            duration=plan.duration,
            gain_bits=plan.gain_bits,
            confidence=plan.confidence,
            reason=_reason(ahead, here, plan),
        )
        if (
            last is not None
            and (last.from_ap, last.to_ap) == (new.from_ap, new.to_ap)
            and abs(last.at - new.at) <= _AGREES
        ):
            return state, None
        return replace(state, advised={**self.advised, robot: new}), new

    def _served(self, robot: str, ap: str, now: float) -> NetworkState:
        """With `ap` serving, where nobody reports who does."""
        if self.serving.get(robot, (0.0, "", False))[2]:
            return self
        return replace(self, serving={**self.serving, robot: (now, ap, False)})


def _reason(ahead: LinksAhead, here: int, plan: Plan) -> str:
    def lowest(row: int) -> float:
        return float(np.median(ahead.snr_db[row], axis=0).min())

    when = "now" if plan.at == 0 else f"in {plan.at:.1f} s"
    return (
        f"{ahead.aps[here]} is expected down to {lowest(here):.0f} dB of SNR within"
        f" {ahead.times[-1]:.0f} s, {ahead.aps[plan.to]} stays over {lowest(plan.to):.0f} dB:"
        f" change {when}, better in {plan.confidence:.0%} of the futures"
    )
