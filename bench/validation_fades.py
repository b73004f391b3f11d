"""Depth and duration of the fades that pedestrians make: measured (IMMERSE) and by our models."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from validation_walk import screen_field, walker

from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel, loss_db

Array = NDArray[np.float64]

SAMPLE = 1e-3
"""Seconds between samples; IMMERSE does not publish it, 1 ms fits walking speed."""
SMOOTHING = 9
"""Samples of the running mean of dB under which depth and width are read, in both."""
LIMIT_DB = 3.0


@dataclass(frozen=True)
class Crossings:
    """What is assumed of IMMERSE's geometry, which is not published: uniform between bounds.

    frequency: Hz, the 26 GHz band of German campus networks. length: m. antenna: m over the
    ground at both ends. share: where on the link the person crosses. speed: m/s. slant: radians
    off square.
    """

    frequency: float = 27e9
    length: tuple[float, float] = (5.0, 15.0)
    antenna: tuple[float, float] = (1.0, 1.6)
    share: tuple[float, float] = (0.15, 0.85)
    speed: tuple[float, float] = (1.0, 1.6)
    slant: tuple[float, float] = (-0.5, 0.5)
    count: int = 300


@dataclass(frozen=True)
class Fades:
    """One entry a fade: depth in dB below the undisturbed level, width in seconds over 3 dB."""

    depth: Array
    width: Array


def measured(data: Path) -> dict[str, Fades]:
    """The deepest fade of each of IMMERSE's pedestrian runs, by receiver."""
    traces = np.load(data / "channel/immerse/immerse_dev.npz")
    found = {}
    for receiver in ("UE_A", "UE_B", "UE_C"):
        runs = traces[f"pedestrian_track1/{receiver}/rsrp_dbm"]
        kept = [run[np.isfinite(run)] for run in runs]
        found[receiver] = _fades([np.median(run) - run for run in kept])
    return found


def modelled(model: BlockageModel, assumed: Crossings | None = None) -> Fades:
    """The same of `count` random crossings, the direct path alone and no multipath."""
    assumed = assumed or Crossings()
    rng = np.random.default_rng(6)
    wavelength = wavelength_of(assumed.frequency)
    losses = []
    for _ in range(assumed.count):
        length, level, share, speed, slant = (
            rng.uniform(*bounds)
            for bounds in (
                assumed.length, assumed.antenna, assumed.share, assumed.speed, assumed.slant
            )
        )  # fmt: skip
        way = np.arange(-1.6, 1.6, speed * SAMPLE)
        course = np.pi / 2 + slant
        bodies = walker(way, heading=course)
        middle = np.array([share * length, 0.0])
        place = middle + way[:, None] * [np.cos(course), np.sin(course)]
        bodies = bodies.at(np.column_stack([place, np.zeros(len(way))]))
        ends = np.array([[[0.0, 0.0, level]], [[length, 0.0, level]]])
        losses.append(loss_db(screen_field(bodies, model, ends, wavelength)))
    return _fades(losses)


def _fades(losses: list[Array]) -> Fades:
    depth, width = [], []
    for loss in losses:
        smooth = np.convolve(loss, np.full(SMOOTHING, 1 / SMOOTHING), mode="same")
        deepest = int(smooth.argmax())
        quiet = np.flatnonzero(smooth < LIMIT_DB)
        before, after = quiet[quiet < deepest], quiet[quiet > deepest]
        first = before[-1] + 1 if len(before) else 0
        last = after[0] - 1 if len(after) else len(smooth) - 1
        depth.append(smooth[deepest])
        width.append((last - first + 1) * SAMPLE)
    return Fades(np.array(depth), np.array(width))
