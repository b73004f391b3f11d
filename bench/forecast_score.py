"""Score the shadow forecast and its fade warnings on a recording: does the fade come when it said?

python bench/forecast_score.py VIDEO WEIGHTS [--site pets_campus] [--frames N] [--json FILE]
    [--page docs/forecast_scores.md]

People are tracked frame by frame; each frame's tracks and covariances give a forecast. The truth
is the twin's own loss along the same tracks, smoothed with what came later, in between frames too:
what is scored is how well the next seconds of people are foreseen, not the propagation model,
which validate_blockage.py does. The page comes with a picture, the reliability diagram.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import binomtest
from tqdm import tqdm

from visrftwin_ros.beams.fade_warnings import WARN_DB, FadeWarning, FadeWarnings
from visrftwin_ros.bodies.people import BODY_DEPTH, BODY_WIDTH, Bodies
from visrftwin_ros.cache import cache_folder
from visrftwin_ros.evaluation.figures.reliability import reliability_figure
from visrftwin_ros.evaluation.forecast_scores import coverage, score_forecasts
from visrftwin_ros.evaluation.scores.announcements import (
    LEADS,
    DeepFade,
    announcement_score,
    deep_fades,
)
from visrftwin_ros.evaluation.scores.reliability import Reliability, reliability
from visrftwin_ros.perception.sources.video_tracks import people_in_recording
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.track_bodies import bodies_of
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.forecast import HORIZONS

_BETWEEN = 4
"""Steps of the truth from one frame to the next; at 7 frames/s every horizon is within 18 ms of
one."""
_SMOOTHING = 0.35
"""s, standard deviation of the weights of the local lines through a track."""
_LEAST_FRAMES = 4
"""Of a track that counts as somebody."""
_SHOWN = (0.25, 0.5, 1.0, 2.0, 3.0)
_ROBOTS = ("standing robots", "moving robots")


@dataclass(frozen=True)
class Course:
    """One person's way: the step of the truth at which it begins, (T, 2) m and m/s, height m."""

    first: int
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    height: float


def smoothed(frames: list[People], rate: float) -> dict[str, Course]:
    """Everybody's way at every step of the truth: local linear regression with Gaussian weights
    over the track (Fan and Gijbels, Local Polynomial Modelling, 1996), before and after alike."""
    seen: dict[str, list[tuple[int, int]]] = {}
    for k, people in enumerate(frames):
        for i, name in enumerate(people.ids):
            seen.setdefault(name, []).append((k, i))
    courses = {}
    for name, rows in seen.items():
        if len(rows) < _LEAST_FRAMES:
            continue
        place = np.array([frames[k].position[i, :2] for k, i in rows])
        height = float(np.median([frames[k].height[i] for k, i in rows]))
        first, last = rows[0][0] * _BETWEEN, rows[-1][0] * _BETWEEN
        time = np.arange(first, last + 1) / rate / _BETWEEN
        off = np.array([k for k, _ in rows]) / rate - time[:, None]
        weight = np.exp(-0.5 * (off / _SMOOTHING) ** 2)
        sums = [(weight * off**power).sum(axis=1)[:, None] for power in range(3)]
        mean, slope = weight @ place, (weight * off) @ place
        spread = sums[0] * sums[2] - sums[1] ** 2 + 1e-9
        courses[name] = Course(
            first,
            (sums[2] * mean - sums[1] * slope) / spread,
            (sums[0] * slope - sums[1] * mean) / spread,
            height,
        )
    return courses


def bodies_at(courses: Mapping[str, Course], step: int) -> Bodies:
    """Who is there at a step of the truth, of usual build."""
    there = {
        name: (course, step - course.first)
        for name, course in courses.items()
        if course.first <= step < course.first + len(course.position)
    }
    place, velocity = (
        np.array([getattr(course, what)[row] for course, row in there.values()]).reshape(-1, 2)
        for what in ("position", "velocity")
    )
    count = len(there)
    flat = np.zeros(count)
    return Bodies(
        ids=tuple(there),
        position=np.column_stack([place, flat]),
        velocity=np.column_stack([velocity, flat]),
        width=np.full(count, BODY_WIDTH),
        depth=np.full(count, BODY_DEPTH),
        height=np.array([course.height for course, _ in there.values()]),
        heading=np.arctan2(velocity[:, 1], velocity[:, 0]),
    )


@dataclass(frozen=True)
class Played:
    """A recording: truth: (T, L) dB every `step` s. at: rows of it of the F frames. mean, upper:
    (F, L, H) dB at the horizons above 0. over: (F, L, H) share of the futures over WARN_DB then,
    any: (F, L) with a fade at all. warnings: as they would have gone out live."""

    step: float
    truth: NDArray[np.float64]
    at: NDArray[np.intp]
    mean: NDArray[np.float64]
    upper: NDArray[np.float64]
    over: NDArray[np.float64]
    any: NDArray[np.float64]
    warnings: tuple[FadeWarning, ...]

    @property
    def time(self) -> NDArray[np.float64]:
        return self.step * np.arange(len(self.truth))


_TIMES = np.array(HORIZONS[1:])


def play(engine: TwinEngine, frames: list[People], rate: float) -> Played:
    courses = smoothed(frames, rate)
    state, warnings = FadeWarnings(), []
    truth, mean, upper, over, some = [], [], [], [], []
    for k, people in enumerate(tqdm(frames, desc="forecasting")):
        for step in range(k * _BETWEEN, (k + 1) * _BETWEEN):
            stamp = round(step / _BETWEEN / rate * 1e9)
            there = engine.update(stamp, bodies_at(courses, step))
            truth.append(there.metrics.shadow_loss_db)
            if step == k * _BETWEEN:
                bodies = bodies_of(people)
                now = engine.update(stamp, bodies).metrics.shadow_loss_db
                ahead = engine.forecast(bodies, people.covariance)
                loss = ahead.loss_db[:, :, 1:]
                state, new = state.ahead(k / rate, _TIMES, loss, now)
                warnings += new
                mean.append(ahead.mean_db[:, 1:])
                upper.append(ahead.upper_bound_db[:, 1:])
                over.append((loss > WARN_DB).mean(axis=1))
                some.append((loss > WARN_DB).any(axis=2).mean(axis=1))
    at = np.arange(len(frames)) * _BETWEEN
    columns = (np.array(each) for each in (mean, upper, over, some))
    return Played(1 / rate / _BETWEEN, np.array(truth), at, *columns, tuple(warnings))


def scores(engine: TwinEngine, frames: list[People], rate: float) -> dict[str, Any]:
    played = play(engine, frames, rate)
    robots = np.array([rx for _, rx in engine.links])
    announced = announcement_score(played.time, played.truth, played.warnings)
    moving = np.isin(robots, [r.name for r in engine.site.robots if r.position is None])
    result: dict[str, Any] = {
        "frames": len(frames),
        "links": len(engine.links),
        "announcements": asdict(announced) | {"false_a_minute": announced.false_a_minute},
        "deep_fades": [
            {
                **asdict(fade),
                "link": "-".join(engine.links[fade.link]),
                "reason": ""
                if fade.lead >= max(LEADS)
                else reason(engine, played, frames, rate, fade, bool(moving[fade.link])),
            }
            for fade in deep_fades(played.time, played.truth, played.warnings)
        ],
        "reliability": {
            name: {key: value.tolist() for key, value in asdict(found).items()}
            | {"error": found.error}
            for name, found in diagrams(played).items()
        },
    }
    for name, chosen in zip(_ROBOTS, (~moving, moving), strict=True):
        if not chosen.any():
            continue
        arguments = (played.truth[:, chosen], played.step, played.at, _TIMES)
        mean, upper = played.mean[:, chosen], played.upper[:, chosen]
        result[name] = {
            "fades": [asdict(score_forecasts(*arguments, mean, upper, db)) for db in (3.0, 5.0)],
            "coverage_of_bound": coverage(*arguments, upper).tolist(),
        }
    return result


def diagrams(played: Played) -> dict[str, Reliability]:
    """Of links that are clear now: a fade within the time looked ahead, and at one moment of it."""
    ahead = round(_TIMES[-1] / played.step)
    inside = played.at[played.at + ahead < len(played.truth)]
    clear = played.truth[inside] <= WARN_DB
    window = np.stack([played.truth[inside + k] for k in range(1, ahead + 1)])
    came = (window > WARN_DB).any(axis=0)
    rows = np.stack([inside + round(h / played.step) for h in _TIMES], axis=1)
    then = played.truth[rows].swapaxes(1, 2) > WARN_DB
    count = len(inside)
    return {
        "within 3 s": reliability(played.any[:count][clear], came[clear]),
        "at one moment": reliability(played.over[:count][clear].ravel(), then[clear].ravel()),
    }


def reason(
    engine: TwinEngine,
    played: Played,
    frames: list[People],
    rate: float,
    fade: DeepFade,
    robot_moves: bool,
) -> str:
    """Why a fade was not announced by the longest lead."""
    least = max(LEADS)
    if fade.since_last < least:
        return f"the link's last fade ended {fade.since_last:.1f} s before"
    name = who_shadows(engine, smoothed(frames, rate), fade, played.step)
    first = next((k for k, people in enumerate(frames) if name in people.ids), 0)
    tracked = fade.onset - first / rate
    if tracked < least + 0.5:
        return f"whoever comes is tracked since {tracked:.1f} s before"
    k = round((fade.onset - least) * rate)
    told = f"a second before, {played.any[max(k, 0), fade.link]:.0%} of the futures had a fade"
    return f"{told}; the robot drives" if robot_moves else told


def who_shadows(
    engine: TwinEngine, courses: Mapping[str, Course], fade: DeepFade, step: float
) -> str:
    """The person without whom the fade would be shallowest."""
    row = round(fade.deepest / step)
    there = bodies_at(courses, row)
    left = {}
    for i, name in enumerate(there.ids):
        others = there.take([j for j in range(len(there)) if j != i])
        found = engine.update(round(fade.deepest * 1e9), others).metrics.shadow_loss_db
        left[name] = found[fade.link]
    return min(left, key=left.__getitem__)


def figure(result: dict[str, Any]) -> Figure:
    """The reliability diagram of a result that may have been through JSON."""
    diagrams = {
        name: Reliability(**{key: np.array(one[key], float) for key in ("count", "told", "came")})
        for name, one in result["reliability"].items()
    }
    return reliability_figure(diagrams, f"share that came over {WARN_DB:g} dB")


def page(result: dict[str, Any], video: Path, weights: Path, site: str, picture: str) -> str:
    """The scores as Markdown."""
    head = ("robots", "fade over", "moments a fade came", "warned: mean / bound",
            "false of the warnings: mean / bound", "fades", "warned 0.5 s before: mean / bound",
            "onset error of the mean: median, p90")  # fmt: skip
    rows, covered = [], []
    for name in _ROBOTS:
        if name not in result:
            continue
        for fade in result[name]["fades"]:
            pairs = (f"{fade[key]:.0%} / {fade[other]:.0%}" for key, other in _PAIRS)
            warned, false, before = pairs
            error = f"{fade['onset_error']:+.2f} s, {fade['onset_error_p90']:.2f} s"
            rows.append((name.split()[0], f"{fade['threshold_db']:g} dB", fade["fades"],
                         warned, false, fade["onsets"], before, error))  # fmt: skip
        rows_shown = np.searchsorted(_TIMES, _SHOWN)
        held = " / ".join(f"{result[name]['coverage_of_bound'][row]:.0%}" for row in rows_shown)
        covered.append(f"{name}: {held}")
    told = result["announcements"]
    announced = "\n".join(
        f"- {lead:g} s before the onset: **{round(share * told['fades'])} of {told['fades']}**"
        f" ({share:.0%}; 95 % interval by Wilson {_interval(share, told['fades'])})"
        for lead, share in zip(LEADS, told["announced"], strict=True)
    )
    missed = [
        (f["link"], f"{f['onset']:.1f} s", f"{f['depth_db']:.0f} dB",
         f"{f['lead']:.2f} s" if np.isfinite(f["lead"]) else "none", f["reason"])
        for f in result["deep_fades"] if f["reason"]
    ]  # fmt: skip
    bins = [
        (name, f"{told:.2f}", f"{came:.2f}", count)
        for name, one in result["reliability"].items()
        for told, came, count in zip(one["told"], one["came"], one["count"], strict=True)
        if count
    ]
    return _PAGE.format(
        video=video.name,
        weights=weights.name,
        site=site,
        frames=result["frames"],
        links=result["links"],
        announced=announced,
        false=told["false_a_minute"],
        warnings=told["warnings"],
        lead=told["lead"],
        missed=table(("link", "onset", "depth", "announced before", "why not earlier"), missed),
        picture=picture,
        bins=table(("", "told, mean", "came", "forecasts"), bins),
        table=table(head, rows),
        horizons=" / ".join(f"{h:g}" for h in _SHOWN),
        covered="; ".join(covered),
        warn=WARN_DB,
    )


def table(head: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in lines)


def _interval(share: float, count: int) -> str:
    low, high = binomtest(round(share * count), count).proportion_ci(method="wilson")
    return f"{low:.0%} to {high:.0%}"


_PAIRS = (
    ("hit_rate", "hit_rate_bound"),
    ("false_alarms", "false_alarms_bound"),
    ("onsets_warned", "onsets_warned_by_bound"),
)
_PAGE = """# Does the fade come when the forecast says?

Written by `python bench/forecast_score.py {video} {weights} --page docs/forecast_scores.md`.

People tracked in {frames} frames of {video} on the site `{site}`, {links} links. Every frame gives a
forecast from the tracks' positions, velocities and covariances, and the warnings that the live graph
would publish on `fade_warnings`. The truth is the twin's own loss along the same tracks, smoothed with
what came later (local lines, Gaussian weights of 0.35 s), in between frames too. So this scores the
look-ahead, not the propagation model ([blockage_validation.md](blockage_validation.md) does). How people
walk on and the threshold of the warnings (two futures in three) are assumptions, not fits to this
recording; trials on it had been seen, though, when they were settled.

## Warnings of deep fades

A fade is deep that gets over 10 dB; its onset is where it passes {warn:g} dB. It is announced by a warning
that names the link, issued after the link's last fade ended. Announced were

{announced}

{warnings} warnings went out, **{false:.2f} false ones a minute** over all links: after those the loss stayed
under {warn:g} dB until 1 s after the warning's end. The median lead is {lead:.1f} s.

Not announced a second before:

{missed}

## Is what is called probable as frequent?

Of links that are clear now: a fade within 3 s by the share of the futures that have one, which is the
probability of a warning, and over {warn:g} dB at one of the twelve moments looked at. Forecasts a frame
apart and moments of one forecast are not independent: the bars, 95 % by Wilson as if they were, are too
short.

![Reliability]({picture})

{bins}

## The mean and the bound

A moment counts where the link is clear now and the fade comes within 3 s.

{table}

The 90 % bound held, of the moments at which forecast or truth exceeds 1 dB, {horizons} s ahead:
{covered}.
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("video", type=Path)
    parser.add_argument("weights")
    parser.add_argument("--site", default="pets_campus")
    parser.add_argument("--frames", type=int)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--page", type=Path)
    arguments = parser.parse_args()
    site = load_site(arguments.site)
    engine = TwinEngine(site, cache_folder("paths"), threads=2)
    camera = site.camera()
    frames = people_in_recording(
        camera, arguments.video, "yolo", arguments.weights, frames=arguments.frames
    )
    result = scores(engine, [people for _, people in frames], camera.frame_rate)
    engine.close()
    print(json.dumps(result, indent=2))
    if arguments.page:
        picture = arguments.page.with_name("forecast_reliability.png")
        figure(result).savefig(picture, dpi=110)
        weights = Path(arguments.weights)
        text = page(result, arguments.video, weights, arguments.site, picture.name)
        arguments.page.write_text(text)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
