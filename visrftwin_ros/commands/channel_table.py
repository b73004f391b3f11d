"""Channels of a recording from its tracks, with the very engine that runs on line."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import TextIO

from visrftwin_ros.beams.selection import BeamHolder, sweep
from visrftwin_ros.bodies.people import together
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.perception.tracking.track_bodies import BodiesOfTracks
from visrftwin_ros.perception.tracking.tracks_file import Tracks
from visrftwin_ros.site.model import Radio
from visrftwin_ros.twin.channel_state import ChannelState
from visrftwin_ros.twin.engine import TwinEngine

CHANNEL_COLUMNS = (
    "frame", "tx", "rx", "path_loss_db", "delay_spread_s", "k_factor_db", "azimuth_spread_rad",
    "shadow_loss_db", "shadow_loss_los_db", "affected", "tx_beam", "rx_beam", "snr_db", "mcs", "throughput_bps",
)  # fmt: skip


def predict_tracks(
    engine: TwinEngine,
    tracks: Tracks,
    start_ns: int,
    frame_rate: float,
    progress: Callable[[int, int], None] | None = None,
    boxes: PeopleTimeline | None = None,
) -> Iterator[dict[str, object]]:
    """One row (keys CHANNEL_COLUMNS) a frame and link, from frame 1 to the last one in `tracks`.

    Frame k stands at `start_ns` + (k - 1) / `frame_rate`; a frame without rows has nobody in it.
    progress: called with the frames done and all. boxes: what else is there, at ROS time.
    """
    things = PeopleTimeline() if boxes is None else boxes
    last = int(tracks.frame.max(initial=0))
    bodies = BodiesOfTracks(tracks)
    beams = BeamRows(engine)
    for frame in range(1, last + 1):
        stamp = start_ns + round((frame - 1) / frame_rate * 1e9)
        state = engine.update(stamp, together(bodies.at(frame), things.at(stamp)))
        yield from beams.rows(frame, state)
        if progress is not None:
            progress(frame, last)


def write_channels(rows: Iterable[dict[str, object]], file: TextIO) -> int:
    """Writes the rows as CSV, a frame at a time; how many there were."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CHANNEL_COLUMNS)
    count = 0
    for _, frame in groupby(rows, itemgetter("frame")):
        cells = [list(row.values()) for row in frame]
        writer.writerows(cells)
        count += len(cells)
    return count


class BeamRows:
    """Chooses beams for each state and sets the rows of channels.csv."""

    def __init__(self, engine: TwinEngine) -> None:
        self._engine = engine
        self._power = {ap.name: ap.tx_power_dbm for ap in engine.site.access_points}
        self._holder = BeamHolder()

    def rows(self, frame: int, state: ChannelState) -> Iterator[dict[str, object]]:
        metrics, radio = state.metrics, self._engine.site.radio
        for i, (tx, rx) in enumerate(state.links):
            row: dict[str, object] = {
                "frame": frame,
                "tx": tx,
                "rx": rx,
                "path_loss_db": f"{metrics.path_loss_db[i]:.4f}",
                "delay_spread_s": f"{metrics.delay_spread[i]:.6g}",
                "k_factor_db": f"{metrics.k_factor_db[i]:.4f}",
                "azimuth_spread_rad": f"{metrics.azimuth_spread[i]:.6g}",
                "shadow_loss_db": f"{metrics.shadow_loss_db[i]:.4f}",
                "shadow_loss_los_db": f"{metrics.shadow_loss_los_db[i]:.4f}",
                "affected": int(state.retraced[i]),
            }
            yield row | self._beams(state, i, self._power[tx], radio)

    def _beams(
        self, state: ChannelState, link: int, power_dbm: float, radio: Radio
    ) -> dict[str, object]:
        tx, rx = state.links[link]
        paths = state.paths(link)
        ends = [self._engine.mount(name, state.stamp_ns) for name in (tx, rx)]
        if paths is None or ends[0] is None or ends[1] is None:
            return {"tx_beam": -1, "rx_beam": -1, "snr_db": "-inf", "mcs": -1, "throughput_bps": 0}
        gains = sweep(paths.multipath, ends[0], ends[1])
        choice = self._holder.choose((tx, rx), gains, power_dbm, radio, state.stamp_ns * 1e-9)
        return {
            "tx_beam": choice.tx_beam,
            "rx_beam": choice.rx_beam,
            "snr_db": f"{choice.snr_db:.4f}",
            "mcs": choice.mcs,
            "throughput_bps": f"{choice.throughput:.0f}",
        }
