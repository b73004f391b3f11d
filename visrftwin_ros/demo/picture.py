"""The picture of a run: shadow loss of every link over time, and the frames of two fades."""

from __future__ import annotations

from pathlib import Path

import cv2
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from visrftwin_ros.cameras.camera_models import fixed_camera
from visrftwin_ros.demo.record import EVENT_THRESHOLD_DB, GraphRecord, ShadowEvent, all_events
from visrftwin_ros.demo.source import Source

LINK_COLOR = (255, 40, 220)
BOX_COLOR = (0, 220, 255)


def draw(record: GraphRecord, source: Source, out: Path) -> None:
    """Writes the PNG; frames are looked up in the recording by their stamps' order."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    links = sorted(record.shadow)
    first = min(record.image_stamps, default=0)
    shown = _two_events(all_events(record))
    figure = pyplot.figure(figsize=(15, 1.35 * max(len(links), 4) + 1.2), constrained_layout=True)
    left, right = figure.subfigures(1, 2, width_ratios=[1.5, 1])
    rows = np.atleast_1d(left.subplots(max(len(links), 1), 1, sharex=True, sharey=True))
    for axes, link in zip(rows, links, strict=False):
        series = record.shadow[link]
        _draw_link(axes, link, np.array(series), first)
        for number, event in enumerate(shown, start=1):
            if event.link == link:
                when = (event.deepest_ns - first) * 1e-9
                axes.annotate(str(number), (when, event.depth_db), color="crimson", weight="bold")
    rows[-1].set_xlabel("time since the first frame, s")
    left.suptitle(f"{source.site.name}: shadow loss of each AP-robot link, dB (positive = loss)")
    frames = np.atleast_1d(right.subplots(2, 1))
    for number, axes in enumerate(frames, start=1):
        axes.axis("off")
        if number <= len(shown):
            event = shown[number - 1]
            axes.imshow(_event_frame(record, source, event))
            axes.set_title(
                f"{number}: {event.link.replace(' > ', ' to ')}, {event.start:.1f} s, "
                f"{event.depth_db:.0f} dB deep, {event.duration:.1f} s long",
                fontsize=10,
            )
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=110)
    pyplot.close(figure)


def _draw_link(axes: Axes, link: str, series: NDArray[np.float64], first_ns: int) -> None:
    time = (series[:, 0] - first_ns) * 1e-9
    axes.plot(time, series[:, 1], linewidth=0.9, color="tab:blue")
    axes.fill_between(
        time, 0, series[:, 1], where=series[:, 1] > EVENT_THRESHOLD_DB, color="crimson", alpha=0.4
    )
    axes.set_ylim(-6, 32)
    axes.grid(alpha=0.3)
    axes.set_title(link.replace(" > ", " to "), fontsize=9, loc="left", pad=2)


def _two_events(events: list[ShadowEvent]) -> list[ShadowEvent]:
    """The deepest fade, and the deepest one on another link."""
    deepest = sorted(events, key=lambda event: -event.depth_db)
    other = [event for event in deepest if event.link != deepest[0].link]
    return (deepest[:1] + other)[:2] if other else deepest[:2]


def _event_frame(record: GraphRecord, source: Source, event: ShadowEvent) -> NDArray[np.uint8]:
    """(H, W, 3) RGB with the boxes and the link drawn in."""
    index = sorted(record.image_stamps).index(event.deepest_ns) + 1
    image = source.frame(index)
    for x, y, w, h in record.boxes.get(event.deepest_ns, np.zeros((0, 4))):
        corner, opposite = (int(x - w / 2), int(y - h / 2)), (int(x + w / 2), int(y + h / 2))
        cv2.rectangle(image, corner, opposite, BOX_COLOR, 2)
    tx, rx = event.link.split(" > ")
    ap = next(ap for ap in source.site.access_points if ap.name == tx)
    antenna = min(record.robots[rx], key=lambda item: abs(item[0] - event.deepest_ns))[1]
    line = np.linspace(ap.position, antenna, 50)
    pixels, in_front = fixed_camera(source.camera).project(line)
    for a, b, seen in zip(pixels, pixels[1:], in_front[1:] & in_front[:-1], strict=False):
        if seen:
            start, end = (np.clip(p, -9999, 9999).astype(int) for p in (a, b))
            cv2.line(
                image, tuple(map(int, start)), tuple(map(int, end)), LINK_COLOR, 2, cv2.LINE_AA
            )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
