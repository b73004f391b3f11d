"""What does not change on the page: axes, and the keys of its colours."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import rerun as rr

from visrftwin_ros.viewing.colors import MAP_DB, PATH_COLORS, radio_map_colors
from visrftwin_ros.viewing.page_layout import DEEPEST_DB, SECOND_WIDE

GRID, INK = (70, 70, 80), (10, 10, 15)
"""INK is read on the plates under labels, which are near white on a light page and mid grey on a dark one."""
MAP_KEY_TOP, MAP_KEY_WIDE = 13.8, 14.0
"""Of the legend: where the colours of radio maps are, and how far they reach."""


def log_axes(recording: rr.RecordingStream) -> None:
    """Of what is coming: seconds to the right, dB downwards, as a level falls; and the colours of
    paths."""
    losses, seconds = np.arange(0.0, DEEPEST_DB + 1, 10), np.arange(4)
    wide = SECOND_WIDE * seconds[-1]
    lines = [[(0.0, y), (wide, y)] for y in losses]
    lines += [[(SECOND_WIDE * x, 0.0), (SECOND_WIDE * x, DEEPEST_DB)] for x in seconds]
    places = [(-4.0, y) for y in losses] + [(SECOND_WIDE * x, -2.0) for x in seconds]
    names = [f"{y:.0f} dB" for y in losses] + [f"{x} s" for x in seconds]
    grid = rr.LineStrips2D(lines, colors=GRID, radii=0.05)
    recording.log("coming/grid", grid, static=True)
    marks = rr.Points2D(places, labels=names, colors=INK, radii=0.05)
    recording.log("coming/marks", marks, static=True)
    rows = np.arange(len(PATH_COLORS))
    keys = [[(0.0, 2.0 * row), (4.0, 2.0 * row)] for row in rows]
    colors = list(PATH_COLORS.values())
    recording.log("legend/lines", rr.LineStrips2D(keys, colors=colors, radii=0.3), static=True)
    ends = np.column_stack([np.full(len(rows), 10.0), 2.0 * rows - 0.8])
    legend = rr.Points2D(ends, labels=list(PATH_COLORS), colors=INK, radii=0.01)
    recording.log("legend/names", legend, static=True)


def log_map_key(recording: rr.RecordingStream) -> None:
    """Colours of radio maps, under those of paths."""
    shares = np.linspace(0.0, 1.0, 36)
    across = MAP_KEY_WIDE * shares
    lines = [[(x, MAP_KEY_TOP), (x, MAP_KEY_TOP + 1.0)] for x in across]
    colors = radio_map_colors(MAP_DB[0] + (MAP_DB[1] - MAP_DB[0]) * shares)
    strips = rr.LineStrips2D(lines, colors=colors, radii=MAP_KEY_WIDE / len(lines))
    recording.log("legend/map", strips, static=True)
    ends = rr.Points2D(
        [(1.5, MAP_KEY_TOP + 1.0), (MAP_KEY_WIDE - 1.5, MAP_KEY_TOP + 1.0)],
        labels=[f"{loss:.0f} dB" for loss in MAP_DB],
        colors=INK,
        radii=0.01,
    )
    recording.log("legend/map/ends", ends, static=True)


def log_map_time(recording: rr.RecordingStream, stamp_ns: int) -> None:
    """Of the newest radio map, under its key."""
    told = f"map of {datetime.fromtimestamp(stamp_ns * 1e-9, UTC):%H:%M:%S}"
    place = [(MAP_KEY_WIDE / 2, MAP_KEY_TOP + 3.0)]
    recording.log("legend/map/time", rr.Points2D(place, labels=[told], colors=INK, radii=0.01))
