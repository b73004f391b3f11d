"""Warnings against the fades that came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from visrftwin_ros.beams.fade_warnings import WARN_DB, FadeWarning
from visrftwin_ros.beams.hand_over_plan import Service, rates
from visrftwin_ros.beams.service_warnings import ServiceWarning
from visrftwin_ros.evaluation.scores.service import Course
from visrftwin_ros.site.model import Radio
from visrftwin_ros.twin.forecast import HORIZONS

LEADS = (0.5, 1.0)
"""s before its onset that a fade is to be announced."""
_SLACK = 1.0
"""s after a warning's interval in which its fade may still come."""
_APART = 0.3
"""s: a loss that comes back within this after it went is the same fade, with a fringe in it."""


@dataclass(frozen=True)
class AnnouncementScore:
    """Of fades deeper than asked for: how many, the share announced each of LEADS before its
    onset, warnings in all, false ones, of how many seconds it is known whether a warning that was issued
    then was false, and the lead of each announced one, s before its onset."""

    fades: int
    announced: tuple[float, ...]
    warnings: int
    false: int
    known_seconds: float
    leads: tuple[float, ...]

    @property
    def lead(self) -> float:
        """s, median; nan where none was announced."""
        return float(np.median(self.leads)) if self.leads else np.nan

    @property
    def false_a_minute(self) -> float:
        """nan where it is known of no moment."""
        return self.false / (self.known_seconds / 60) if self.known_seconds else np.nan


@dataclass(frozen=True)
class DeepFade:
    """Of one link: onset and deepest moment [s], depth, s since the link's last fade ended (inf =
    none before), and s before the onset that it was announced, -inf where it was not."""

    link: int
    onset: float
    deepest: float
    depth_db: float
    since_last: float
    lead: float


def deep_fades(
    time: Float[np.ndarray, " t"],
    loss_db: Float[np.ndarray, "t l"],
    warnings: Sequence[FadeWarning],
    deep_db: float = 10.0,
) -> tuple[DeepFade, ...]:
    """The fades that count, as `announcement_score` has them, link by link."""
    found = []
    for link in range(loss_db.shape[1]):
        issued = [w.at for w in warnings if w.link == link]
        ended = -np.inf
        for start, end in _runs(time, loss_db[:, link] > WARN_DB):
            onset, course = _crossing(time, loss_db[:, link], start), loss_db[start : end + 1, link]
            if start > 0 and np.nanmax(course) > deep_db:
                lowest = int(np.nanargmax(course))
                fitting = [at for at in issued if ended < at <= onset]
                found.append(
                    DeepFade(
                        link=link,
                        onset=onset,
                        deepest=float(time[start + lowest]),
                        depth_db=float(course[lowest]),
                        since_last=onset - ended,
                        lead=onset - min(fitting) if fitting else -np.inf,
                    )
                )
            ended = float(time[end])
    return tuple(found)


def announcement_score(
    time: Float[np.ndarray, " t"],
    loss_db: Float[np.ndarray, "t l"],
    warnings: Sequence[FadeWarning],
    deep_db: float = 10.0,
) -> AnnouncementScore:
    """Warnings against the true loss of L links at T times [s].

    A fade lasts while the loss is over WARN_DB and counts where it gets deeper than `deep_db` and
    its onset is in the recording. It is announced by a warning that names its link and came after
    the link's last fade ended and the lead before the onset. A warning is false where the loss
    stays under WARN_DB from its issue to _SLACK after the end of its interval. That is not known of those
    of the last seconds, whose interval the recording may end in: they count neither way.
    """
    false, known_until = 0, time[-1] - HORIZONS[-1] - _SLACK
    for warning in warnings:
        window = (time >= warning.at) & (time <= warning.ends + _SLACK)
        came = (loss_db[window, warning.link] > WARN_DB).any()
        false += int(warning.at <= known_until and not came)
    lead = np.array([fade.lead for fade in deep_fades(time, loss_db, warnings, deep_db)])
    return AnnouncementScore(
        fades=len(lead),
        announced=tuple(float((lead >= least).mean()) if len(lead) else np.nan for least in LEADS),
        warnings=len(warnings),
        false=false,
        known_seconds=max(float(known_until - time[0]), 0.0),
        leads=tuple(lead[np.isfinite(lead)].tolist()),
    )


def outage_score(
    course: Course, warnings: Sequence[ServiceWarning], radio: Radio, service: Service
) -> AnnouncementScore:
    """Warnings that no access point will serve a robot, against its true rates, as `announcement_score` has it; an
    outage counts where it lasts as long as a hand-over."""
    served = np.any(rates(course.snr_db, radio) >= service.rate, axis=0, keepdims=True)[0]
    as_loss = np.where(served, 0.0, 1.5 * WARN_DB)
    for start, end in _runs(course.time, ~served):
        if course.time[end] - course.time[start] >= service.interruption:
            as_loss[start : end + 1][~served[start : end + 1]] = 10 * WARN_DB
    told = [FadeWarning(0, w.at, w.begins, w.ends, w.probability) for w in warnings]
    return announcement_score(course.time, as_loss[:, None], told, deep_db=2 * WARN_DB)


def _crossing(time: Float[np.ndarray, " t"], loss_db: Float[np.ndarray, " t"], row: int) -> float:
    """When the loss passes WARN_DB, straight between the last row under it and this one [s]."""
    before = loss_db[max(row - 1, 0)]
    if not before < WARN_DB:
        return float(time[row])
    share = (WARN_DB - before) / (loss_db[row] - before)
    return float(time[row - 1] + share * (time[row] - time[row - 1]))


def _runs(time: Float[np.ndarray, " t"], over: np.ndarray) -> list[tuple[int, int]]:
    """(first, last) rows of each fade."""
    edge = np.diff(np.concatenate([[False], over, [False]]).astype(int))
    runs: list[tuple[int, int]] = []
    for start, after in zip(np.flatnonzero(edge == 1), np.flatnonzero(edge == -1), strict=True):
        if runs and time[start] - time[runs[-1][1]] <= _APART:
            runs[-1] = (runs[-1][0], int(after) - 1)
        else:
            runs.append((int(start), int(after) - 1))
    return runs
