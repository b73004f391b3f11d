"""Score the shadow forecast on a recording: does the fade come when it said?

python bench/forecast_score.py VIDEO WEIGHTS [--site pets_campus] [--frames N] [--json FILE]
    [--page docs/forecast_scores.md]

People are tracked frame by frame; each frame's tracks and covariances give a forecast. The truth
is the twin's own loss along the same tracks, in between frames too: what is scored is how well the
next second of people is foreseen, not the propagation model, which validate_blockage.py does.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from visrftwin_ros.bodies.people import BODY_DEPTH, BODY_WIDTH, Bodies
from visrftwin_ros.cache import cache_folder
from visrftwin_ros.evaluation.forecast_scores import coverage, score_forecasts
from visrftwin_ros.perception.sources.video_tracks import people_in_recording
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.twin.engine import TwinEngine
from visrftwin_ros.twin.forecast import HORIZONS

_BETWEEN = 4
"""Steps of the truth from one frame to the next; at 7 frames/s every horizon falls on one."""


def bodies_of(people: People) -> Bodies:
    count = len(people)
    flat = np.zeros(count)
    return Bodies(
        ids=people.ids,
        position=np.column_stack([people.position.reshape(-1, 2), flat]),
        velocity=np.column_stack([people.velocity.reshape(-1, 2), flat]),
        width=np.full(count, BODY_WIDTH),
        depth=np.full(count, BODY_DEPTH),
        height=people.height,
        heading=people.heading,
    )


def between(first: Bodies, second: Bodies, share: float) -> Bodies:
    """Who is in both on the straight line between; who came or went is there on one side only."""
    there = {name: i for i, name in enumerate(second.ids)}
    both = [i for i, name in enumerate(first.ids) if name in there]
    alone = [i for i in range(len(first)) if i not in both] if share < 0.5 else []
    kept = first.take([*both, *alone])
    position = kept.position.copy()
    target = second.position[[there[name] for name in kept.ids[: len(both)]]].reshape(-1, 3)
    position[: len(both)] += share * (target - position[: len(both)])
    return kept.at(position)


def run(engine: TwinEngine, frames: Iterable[People], rate: float) -> dict[str, Any]:
    people = list(frames)
    step = 1 / rate / _BETWEEN
    truth: list[NDArray[np.float64]] = []
    mean, upper = [], []
    for k in tqdm(range(len(people)), desc="forecasting"):
        bodies = bodies_of(people[k])
        after = bodies_of(people[k + 1]) if k + 1 < len(people) else bodies
        for part in range(_BETWEEN):
            stamp = round((k + part / _BETWEEN) / rate * 1e9)
            state = engine.update(stamp, between(bodies, after, part / _BETWEEN))
            truth.append(state.metrics.shadow_loss_db)
            if part == 0:
                ahead = engine.forecast(bodies, people[k].covariance)
                mean.append(ahead.mean_db)
                upper.append(ahead.upper_bound_db)
    loss, at = np.array(truth), np.arange(len(people)) * _BETWEEN
    horizons, means, uppers = np.array(HORIZONS), np.array(mean), np.array(upper)
    robots = np.array([rx for _, rx in engine.links])
    moving = {r.name for r in engine.site.robots if r.position is None}
    result: dict[str, Any] = {"frames": len(people), "links": len(engine.links)}
    for name, chosen in (
        ("standing robots", ~np.isin(robots, list(moving))),
        ("moving robots", np.isin(robots, list(moving))),
    ):
        if not chosen.any():
            continue
        arguments = (loss[:, chosen], step, at, horizons)
        result[name] = {
            "fades": [
                asdict(score_forecasts(*arguments, means[:, chosen], uppers[:, chosen], over))
                for over in (3.0, 5.0)
            ],
            "coverage_of_bound": coverage(*arguments, uppers[:, chosen]).tolist(),
        }
    return result


def page(result: dict[str, Any], video: Path, weights: Path, site: str) -> str:
    """The scores as Markdown."""
    head = ("robots", "fade over", "moments a fade came", "warned: mean / bound",
            "false of the warnings: mean / bound", "fades", "warned 0.5 s before: mean / bound",
            "onset error of the mean: median, p90")  # fmt: skip
    rows, covered = [], []
    for name in ("standing robots", "moving robots"):
        if name not in result:
            continue
        for fade in result[name]["fades"]:
            pairs = (f"{fade[key]:.0%} / {fade[other]:.0%}" for key, other in _PAIRS)
            warned, false, before = pairs
            error = f"{fade['onset_error']:+.2f} s, {fade['onset_error_p90']:.2f} s"
            rows.append((name.split()[0], f"{fade['threshold_db']:g} dB", fade["fades"],
                         warned, false, fade["onsets"], before, error))  # fmt: skip
        held = " / ".join(f"{share:.0%}" for share in result[name]["coverage_of_bound"])
        covered.append(f"{name}: {held}")
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (head, ("---",) * len(head), *rows)]
    horizons = " / ".join(f"{h:g}" for h in HORIZONS)
    return _PAGE.format(
        video=video.name,
        weights=weights.name,
        site=site,
        frames=result["frames"],
        links=result["links"],
        table="\n".join(lines),
        horizons=horizons,
        covered="; ".join(covered),
    )


_PAIRS = (
    ("hit_rate", "hit_rate_bound"),
    ("false_alarms", "false_alarms_bound"),
    ("onsets_warned", "onsets_warned_by_bound"),
)
_PAGE = """# Does the fade come when the forecast says?

Written by `python bench/forecast_score.py {video} {weights} --page docs/forecast_scores.md`.

People tracked in {frames} frames of {video} on the site `{site}`, {links} links. Every frame gives a
forecast from the tracks' velocities and covariances; the truth is the twin's own loss along the same
tracks, in between frames too. So this scores the look-ahead, not the propagation model
([blockage_validation.md](blockage_validation.md) does). A moment counts where the link is clear now and
the fade comes within a second.

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
    result = run(engine, (people for _, people in frames), camera.frame_rate)
    engine.close()
    print(json.dumps(result, indent=2))
    if arguments.page:
        text = page(result, arguments.video, Path(arguments.weights), arguments.site)
        arguments.page.write_text(text)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
