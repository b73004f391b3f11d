"""What a demo says at its end, in order: what was seen, what the twin knew before, what that was worth, what next."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from visrftwin_ros.beams.fade_warnings import WARN_DB
from visrftwin_ros.demo.record import GraphRecord, all_events, latency_ms
from visrftwin_ros.demo.source import Source
from visrftwin_ros.demo.worth import OWN, Known, Worth
from visrftwin_ros.evaluation.scores.announcements import LEADS
from visrftwin_ros.lab import shipped

STAGES = {
    "detector": "people found",
    "tracker": "people in metres",
    "channels (end to end)": "radio channels",
    "beams": "best beams",
}
STALE_SHARE = 0.2
"""Of the updates, over which it is told. On a quiet machine some are while the graph starts."""
_POLICIES = {
    "stay": "stay with the first access point",
    "react at 3 dB": "change once another is measured 3 dB stronger",
    "twin": "do as the twin advised",
    "oracle": "know all that comes",
}


def words(record: GraphRecord, found: Worth, source: Source, out: Path) -> str:
    """The whole of it."""
    parts = (
        _seen(record),
        _known_before(found),
        _worth(found),
        [f"Warning from {name}: {text}" for name, text in record.warnings.items()],
        _weights(record),
        _next(source, out),
    )
    return "\n".join(["", *(line for part in parts for line in part)])


def _seen(record: GraphRecord) -> Iterator[str]:
    yield (
        f"What you see: {len(record.image_stamps)} frames, up to {record.most_people} people at once "
        f"({record.detector} detector), {len(record.shadow)} radio links between access points and robots."
    )
    share = record.affected_updates / max(record.link_updates, 1)
    yield (
        f"  People or a moving robot touched {share:.0%} of the links' updates; the others were not computed "
        "again. From a camera picture to"
    )
    latency = latency_ms(record)
    for stage, name in STAGES.items():
        if stage in latency:
            p50, p99 = latency[stage]["p50"], latency[stage]["p99"]
            yield f"    {name:<18}{p50:4.0f} ms, 99 % under {p99:.0f} ms"
    updates = record.link_updates + record.stale_updates
    if record.stale_updates > STALE_SHARE * updates:
        yield (
            f"  {record.stale_updates / updates:.0%} of the links' updates were stale, and count for nothing below: "
            "this machine is too busy, or too slow, to follow."
        )
    events = all_events(record)
    if not events:
        yield "  Nobody shadowed a link by more than 3 dB."
        return
    deepest = max(events, key=lambda event: event.depth_db)
    yield (
        f"  {len(events)} times somebody shadowed a link by more than 3 dB; the deepest: {deepest.link} at "
        f"{deepest.start:.1f} s, {deepest.depth_db:.0f} dB for {deepest.duration:.1f} s."
    )


def _known_before(found: Worth) -> Iterator[str]:
    known: Known = found.known
    yield f"What the twin knew before ({found.by}):"
    if not known.fades:
        yield f"  no link faded by more than {WARN_DB:.0f} dB, and it warned of {known.warnings}."
        return
    lead = "" if known.lead is None else f" (at the median {known.lead:.1f} s)"
    yield (
        f"  {known.fades} times a link faded by more than {WARN_DB:.0f} dB; it had warned of {known.announced} of them "
        f"{LEADS[0]:g} s before{lead}."
    )
    yield f"  Of its {known.warnings} warnings {known.false} came to nothing."


def _worth(found: Worth) -> Iterator[str]:
    yield f"What that was worth ({found.by}):"
    if not found.out:
        yield "  no robot heard two access points for long enough to tell."
        return
    yield f"  seconds under {found.service.rate * 1e-9:g} Gbit/s, all robots together, of {found.seconds:.0f} s:"
    for policy, text in _POLICIES.items():
        if found.by != OWN or policy in ("stay", "twin"):
            yield f"    {text:<46}{found.out[policy]:6.1f}"
    if not found.out["stay"]:
        yield "  No robot was ever out of service: there was nothing to gain. `visrftwin lab record` makes longer"
        yield "  drives with more people, `visrftwin decide` plays every policy over them."


def _weights(record: GraphRecord) -> Iterator[str]:
    if record.detector != "motion":
        return
    yield "The motion detector needs no weights and sees whoever moves. With weights that know people (AGPL-3.0):"
    yield f"  {_bin('yolo')} export model=yolov8n.pt format=openvino   # fetches them from Ultralytics"
    yield "  make demo WEIGHTS=yolov8n_openvino_model"


def _next(source: Source, out: Path) -> Iterator[str]:
    program = _bin("visrftwin")
    yield f"Every link over time: {out / 'shadow_loss.png'}; all numbers: {out / 'summary.json'}. Next:"
    yield f"  {_bin('rerun')} {out / 'twin.rrd'}   # look at it again, second by second"
    if source.bag:
        yield f"  {program} up --site {source.site_name} --bag {source.bag} --loop   # the same, live on a page"
    else:
        lab = f"--site {shipped.SITE} --bag {shipped.BAG} --out {out}_lab"
        yield f"  {program} demo {lab}   # where the true channels are known"
    yield f"  {program} site new my_room   # a place of your own, from ten questions"


def _bin(name: str) -> Path:
    """A program beside this Python, from here where that is shorter."""
    path = Path(sys.prefix) / "bin" / name
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
