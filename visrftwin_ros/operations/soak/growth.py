"""What processes take of the machine over time, and how fast it grows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import Float
from scipy import stats

WARM_UP, LONG_WARM_UP = 60.0, 600.0
"""s of a process's life that say nothing of its growth: it loads, compiles and fills its caches. The
second where there are hours of it: by then the viewer, too, has filled what it keeps of the past."""
LEAST_SAMPLES = 8
"""Of one process, behind its warm-up, that a slope is drawn from."""


@dataclass(frozen=True)
class Reading:
    """One look at one process. at: s. alive: s since it was first seen. Memory in bytes: `rss` all that
    is in use, `pss` with what several processes share divided among them, so that it changes with
    them, `own` what nobody shares and no file holds. blocks: that Python has allocated, 0 = not told.
    """

    at: float
    node: str
    pid: int
    alive: float
    rss: int
    pss: int
    own: int
    fds: int
    threads: int
    blocks: int = 0


@dataclass(frozen=True)
class Growth:
    """Of one quantity of one node. mean: in its unit. slope, upper: of the mean an hour, and the end of
    its 95 % interval; NaN where there is too little to tell. samples: that it is drawn from."""

    mean: float
    slope: float
    lower: float
    upper: float
    samples: int


def look_at(node: str, pid: int, at: float, alive: float, blocks: int) -> Reading | None:
    """None where the process has ended meanwhile."""
    folder = Path(f"/proc/{pid}")
    try:
        rss = int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        rollup = (folder / "smaps_rollup").read_text().splitlines()[1:]
        kilobytes = {line.split()[0]: int(line.split()[1]) for line in rollup}
        pss, own = (1024 * kilobytes[name] for name in ("Pss:", "Anonymous:"))
        fds = len(os.listdir(folder / "fd"))
        threads = len(os.listdir(folder / "task"))
    except (OSError, KeyError):
        return None
    return Reading(at, node, pid, alive, rss, pss, own, fds, threads, blocks)


def processor_time(pid: int) -> float:
    """s, of all threads of a process; NaN where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def growth_of(readings: Sequence[Reading], quantity: str, warm_up: float = WARM_UP) -> Growth:
    """The slope that all processes of one node share, each with a level of its own.

    readings: of one node, in the order of time. warm_up: s of each process that are left out.
    """
    times, values = [], []
    for _, of_one in groupby(readings, key=lambda reading: reading.pid):
        kept = [r for r in of_one if r.alive >= warm_up and getattr(r, quantity) > 0]
        if len(kept) >= LEAST_SAMPLES:
            times.append(np.array([reading.at for reading in kept]) / 3600.0)
            values.append(np.array([float(getattr(reading, quantity)) for reading in kept]))
    if not values:
        seen = [getattr(reading, quantity) for reading in readings if getattr(reading, quantity)]
        nan = float("nan")
        return Growth(float(np.mean(seen)) if seen else nan, nan, nan, nan, 0)
    mean = float(np.mean(np.concatenate(values)))
    slope, half = common_slope(times, values)
    low, high = (slope - half) / mean, (slope + half) / mean
    return Growth(mean, slope / mean, low, high, sum(len(v) for v in values))


def common_slope(
    times: Sequence[Float[np.ndarray, " n"]], values: Sequence[Float[np.ndarray, " n"]]
) -> tuple[float, float]:
    """Least squares slope of several series, each with a level of its own, and half of its 95 % interval.

    Residuals of memory come in steps and are no independent ones: n counts as
    n (1 - r) / (1 + r), with r their lag-1 correlation (Santer et al. 2000, J. Geophys. Res.
    105(D6), 7337, eqs. 3 to 6); at less than four that count, the interval is infinite.
    """
    about = [t - t.mean() for t in times]
    spread = float(sum((t**2).sum() for t in about))
    slope = float(sum((t * v).sum() for t, v in zip(about, values, strict=True))) / spread
    rest = [v - v.mean() - slope * t for t, v in zip(about, values, strict=True)]
    power = float(sum((r**2).sum() for r in rest))
    if power <= 1e-12 * float(sum((v**2).sum() for v in values)):
        return slope, 0.0
    lag = float(sum((r[1:] * r[:-1]).sum() for r in rest)) / power
    count = sum(len(r) for r in rest)
    effective = count * (1.0 - max(lag, 0.0)) / (1.0 + max(lag, 0.0))
    freedom = effective - len(rest) - 1.0
    if freedom < 1.0:
        return slope, float("inf")
    error = float(np.sqrt(power / freedom / spread))
    return slope, float(stats.t.ppf(0.975, freedom)) * error
