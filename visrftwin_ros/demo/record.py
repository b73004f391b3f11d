"""What a run of the graph gave, and the numbers drawn from it. ROS-free."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

EVENT_THRESHOLD_DB = 3.0
"""A shadow event is a stretch above this loss (3 dB width, as measured fades are reported)."""
EVENT_GAP = 0.3
"""Dips shorter than this, s, do not end an event: fringes at the edge of a body."""


def link_name(tx: str, rx: str) -> str:
    """By which a link is kept and shown."""
    return f"{tx} > {rx}"


@dataclass(frozen=True)
class WarningHeard:
    """A fade to come: when it was said, and when it is to begin and be over, ROS nanoseconds."""

    link: str
    heard_ns: int
    begins_ns: int
    ends_ns: int
    probability: float


@dataclass(frozen=True)
class HandOverHeard:
    """Advice to let an access point serve a robot from `at_ns` on, ROS nanoseconds."""

    robot: str
    to_ap: str
    at_ns: int


@dataclass
class GraphRecord:
    """Filled by a listener while the graph runs; times are ROS nanoseconds.

    latency: seconds from image stamp to publish, by stage. shadow, snr_db, throughput: (stamp, value)
    by link, dB and bit/s. boxes: by stamp, (N, 4) px. robots: antenna positions by stamp.
    """

    image_stamps: list[int] = field(default_factory=list)
    latency: dict[str, list[float]] = field(default_factory=dict)
    people_ids: set[str] = field(default_factory=set)
    most_people: int = 0
    link_updates: int = 0
    affected_updates: int = 0
    stale_updates: int = 0
    shadow: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    snr_db: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    throughput: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    fade_warnings: list[WarningHeard] = field(default_factory=list)
    hand_overs: list[HandOverHeard] = field(default_factory=list)
    boxes: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    robots: dict[str, list[tuple[int, tuple[float, float, float]]]] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    detector: str = ""

    def add_latency(self, stage: str, seconds: float) -> None:
        self.latency.setdefault(stage, []).append(seconds)


@dataclass(frozen=True)
class ShadowEvent:
    """One fade of one link. start, duration: s from the first image; depth_db: its deepest loss."""

    link: str
    start: float
    duration: float
    depth_db: float
    deepest_ns: int

    def as_dict(self) -> dict[str, object]:
        return {
            "link": self.link,
            "start_s": round(self.start, 3),
            "duration_s": round(self.duration, 3),
            "depth_db": round(self.depth_db, 2),
        }


def shadow_events(link: str, series: list[tuple[int, float]], first_ns: int) -> list[ShadowEvent]:
    """The stretches of `series` (stamp, dB) above EVENT_THRESHOLD_DB, in order of time.

    A duration runs from the first sample above the threshold to the first one below it.
    """
    if not series:
        return []
    stamps = np.array([stamp for stamp, _ in series])
    loss = np.array([value for _, value in series])
    above = np.flatnonzero(loss > EVENT_THRESHOLD_DB)
    if not len(above):
        return []
    gaps = np.diff(stamps[above]) > max(EVENT_GAP * 1e9, 1.5 * np.median(np.diff(stamps)))
    events = []
    for rows in np.split(above, np.flatnonzero(gaps) + 1):
        after = min(rows[-1] + 1, len(stamps) - 1)
        deepest = rows[np.argmax(loss[rows])]
        start = stamps[rows[0]]
        events.append(
            ShadowEvent(
                link=link,
                start=(start - first_ns) * 1e-9,
                duration=(stamps[after] - start) * 1e-9,
                depth_db=float(loss[deepest]),
                deepest_ns=int(stamps[deepest]),
            )
        )
    return events


def all_events(record: GraphRecord) -> list[ShadowEvent]:
    first = min(record.image_stamps, default=0)
    found = [
        e for link, series in record.shadow.items() for e in shadow_events(link, series, first)
    ]
    return sorted(found, key=lambda event: event.start)


def summary(record: GraphRecord) -> dict[str, object]:
    """The content of summary.json."""
    return {
        "detector": record.detector,
        "frames": len(record.image_stamps),
        "people": {"tracks": len(record.people_ids), "most_at_once": record.most_people},
        "links": sorted(record.shadow),
        "link_updates": record.link_updates,
        "share_of_link_updates_affected": (
            round(record.affected_updates / record.link_updates, 4) if record.link_updates else None
        ),
        "stale_link_updates": record.stale_updates,
        "latency_ms": latency_ms(record),
        "throughput_gbps_median": {
            link: round(float(np.median([v for _, v in series])) * 1e-9, 3)
            for link, series in sorted(record.throughput.items())
        },
        "fade_warnings": len(record.fade_warnings),
        "hand_overs_advised": len(record.hand_overs),
        "shadow_events": [event.as_dict() for event in all_events(record)],
        "warnings": record.warnings,
    }


def latency_ms(record: GraphRecord) -> dict[str, dict[str, float]]:
    """Median and 99th percentile of each stage, milliseconds."""
    return {
        stage: {
            "p50": round(1e3 * float(np.percentile(values, 50)), 1),
            "p99": round(1e3 * float(np.percentile(values, 99)), 1),
            "samples": len(values),
        }
        for stage, values in record.latency.items()
    }
