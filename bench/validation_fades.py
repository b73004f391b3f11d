"""Fades that people make, measured and by each model over the priors of bench/fade_priors.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from fade_priors import Crossing, Link, Prior, crossings, scene
from numpy.typing import NDArray
from validation_walk import screen_field

from visrftwin_ros.bodies.surface import skin_permittivity
from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.people.cylinder_diffraction import (
    Cylinders,
    behind_height,
    cylinder_field,
)
from visrftwin_ros.propagation.people.screen_diffraction import BlockageModel, Screens, loss_db

Array = NDArray[np.float64]

RESAMPLED = 400
LIMIT_DB = 3.0
CROWD_LIMIT_DB = 5.0
"""Below which the crowd's fades were timed."""
CROWD_MEASURED = {"7 degree beams": (15.8, 299.0), "60 degree beams": (11.5, 260.0)}
"""Mean attenuation of a fade, dB, and mean time below -5 dB, ms (MacCartney, Deng, Sun and Rappaport,
"Rapid fading due to human blockage in pedestrian crowds at 5G millimeter-wave frequencies", 2017)."""
WALK_MEASURED_DB = 35.0
"""Deepest of 60 steps (paper, 6.6)."""


@dataclass(frozen=True)
class Fades:
    """One entry a fade: depth in dB below the undisturbed level and seconds below the limit; mean
    dB of that time."""

    depth: Array
    width: Array
    mean: Array


@dataclass(frozen=True)
class Reading:
    """How a fade is read: seconds between samples, of the running mean of dB, dB that count as a fade.

    reach: metres beside the ray from which a walker comes. scenes: draws of a whole measurement, whose
    spread is what the unknown geometry leaves open.
    """

    interval: float
    smoothing: float
    limit: float
    reach: float
    scenes: int = 24


IMMERSE_READING = Reading(3e-3, 9e-3, LIMIT_DB, 1.6)
"""IMMERSE publishes no sample interval; 1 ms fits walking speed, so that its 9 samples are 9 ms."""
CROWD_READING = Reading(3e-3, 3e-3, CROWD_LIMIT_DB, 1.8)
WALK_READING = Reading(1 / 30, 1 / 30, LIMIT_DB, 1.2, scenes=240)
"""1.2 m/s seen 30 times a second makes 60 steps 2.4 m."""
VEHICLE_READING = Reading(0.1, 0.1, LIMIT_DB, 12.0)
"""Frames come ten times a second."""


def immerse(data: Path) -> dict[str, Fades]:
    """The deepest fade of each of IMMERSE's pedestrian runs, by receiver."""
    traces = np.load(data / "channel/immerse/immerse_dev.npz")
    found = {}
    for receiver in ("UE_A", "UE_B", "UE_C"):
        runs = traces[f"pedestrian_track1/{receiver}/rsrp_dbm"]
        kept = [run[np.isfinite(run)] for run in runs]
        found[receiver] = read([np.median(run) - run for run in kept], 9, 1e-3, LIMIT_DB)
    return found


def modelled(prior: Prior, reading: Reading, model: BlockageModel) -> list[Fades]:
    """Fades of each scene, its links pooled: the direct path alone, no other path beside it."""
    window = round(reading.smoothing / reading.interval)
    found = []
    for seed in range(reading.scenes):
        losses = [
            loss_db(direct_field(link, crossing, model))
            for link in scene(prior, seed)
            for crossing in crossings(prior, link, seed, reading.interval, reading.reach)
        ]  # fmt: skip
        found.append(read(losses, window, reading.interval, reading.limit))
    return found


def direct_field(link: Link, crossing: Crossing, model: BlockageModel) -> NDArray[np.complex128]:
    """(K,) E/E0 of the link's direct path with the walker at each of its places, by the engine."""
    return screen_field(crossing.bodies, model, link.ends, wavelength_of(link.carrier))


def across_field(link: Link, crossing: Crossing) -> NDArray[np.complex128]:
    """(K,) the same of one smooth, bare cylinder as wide as the person, horizontally polarised, which
    `shadows` does not have: its body stands on ground that mirrors it."""
    wavelength, bodies = wavelength_of(link.carrier), crossing.bodies
    (near,), (far,) = link.ends
    place = bodies.position[:, :2]
    cylinders = Cylinders(near[:2] - place, far[:2] - place,
                          np.stack([bodies.depth, bodies.width], axis=1) / 2, bodies.heading)  # fmt: skip
    across = cylinder_field(cylinders, wavelength, "horizontal", skin_permittivity(wavelength))
    d1 = place[:, 0]
    level = near[2] + d1 / link.length * (far[2] - near[2])
    side = np.zeros_like(d1)  # counts in `across`
    outline = Screens(d1, link.length - d1, side, side, -level - bodies.height,
                      bodies.height - level)  # fmt: skip
    return behind_height(across, outline, wavelength)


def horizontal(prior: Prior, reading: Reading, crossed: int = 10) -> list[Fades]:
    """Fades of the scenes with horizontal polarisation, `crossed` times each link."""
    window = round(reading.smoothing / reading.interval)
    few = replace(prior, crossings=crossed)
    found = []
    for seed in range(reading.scenes):
        links = [link for link in scene(few, seed) if not link.vertical]
        losses = [
            loss_db(across_field(link, crossing))
            for link in links
            for crossing in crossings(few, link, seed, reading.interval, reading.reach)
        ]
        if losses:
            found.append(read(losses, window, reading.interval, reading.limit))
    return found


def read(losses: Sequence[Array], window: int, interval: float, limit: float) -> Fades:
    """Of each trace the deepest place, after a running mean of dB over `window` samples."""
    rows = []
    for loss in losses:
        smooth = np.convolve(loss, np.full(window, 1 / window), mode="same")
        deepest = int(smooth.argmax())
        quiet = np.flatnonzero(smooth < limit)
        before, after = quiet[quiet < deepest], quiet[quiet > deepest]
        first = before[-1] + 1 if len(before) else 0
        last = after[0] - 1 if len(after) else len(smooth) - 1
        below = smooth[first : last + 1] if smooth[deepest] >= limit else smooth[:0]
        mean = below.mean() if len(below) else np.nan
        rows.append((smooth[deepest], len(below) * interval, mean))
    return Fades(*np.array(rows).T)


def resampled(values: Array, of: Callable[[Array], float], seed: int = 0) -> tuple[float, float]:
    """5 and 95 % of `of` over bootstrap resamples of the fades."""
    random = np.random.default_rng(seed)
    found = [of(random.choice(values, len(values))) for _ in range(RESAMPLED)]
    low, high = np.quantile(found, (0.05, 0.95))
    return float(low), float(high)


def over_scenes(scenes: Sequence[Fades], of: Callable[[Fades], float]) -> Array:
    """10, 50 and 90 % over the scenes of a figure of each."""
    return np.asarray(np.nanquantile([of(fades) for fades in scenes], (0.1, 0.5, 0.9)))


def fill_db(measured: float, modelled_db: float) -> float:
    """dB under the direct path at which other paths' power together makes a fade of `modelled_db` as
    shallow as `measured`; nan where it is shallower as it is."""
    left = 10 ** (-measured / 10) - 10 ** (-modelled_db / 10)
    return float(10 * np.log10(left)) if left > 0 else np.nan


def quantile(share: float) -> Callable[[Fades], float]:
    return lambda fades: float(np.quantile(fades.depth, share))
