"""What a forecast, its warnings and every robot's plan cost on top of an update of the twin.

python bench/forecast_cost.py [--forecasts N] [--seeds N]

40 links (4 access points, 10 robots that stand) in the lobby of `visrftwin bench`, five walkers whose
positions are known to 0.14 m and velocities to 0.3 m/s; radios measure every link each time. CPU time is of
all threads; the loops over path segments run on two cores, where there are two free ones.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from visrftwin_ros.beams.fade_warnings import FadeWarnings
from visrftwin_ros.beams.hand_over_advice import NetworkState
from visrftwin_ros.beams.hand_over_plan import Service, links_ahead
from visrftwin_ros.benchmarks.lobby import DRIVING_SPEED, WALKING_SPEED, Crowd, lobby
from visrftwin_ros.cache import cache_folder
from visrftwin_ros.twin.engine import TwinEngine

_WALKERS = 5
_COVARIANCE = np.tile(np.diag([0.02, 0.02, 0.1, 0.1]), (_WALKERS, 1, 1))
_TICK = 0.1
_WARM_UP = 3
"""Forecasts before the clock runs: the first compile."""


def costs(engine: TwinEngine, seed: int, count: int) -> np.ndarray:
    """(N, 4) ms: wall clock and CPU of the forecast, then of the warnings and plans."""
    crowd = Crowd(_WALKERS, WALKING_SPEED, seed)
    warnings, network, found = FadeWarnings(), NetworkState(), []
    noise = np.random.default_rng(seed)
    for tick in range(_WARM_UP + count):
        crowd.step(_TICK)
        bodies, now = crowd.bodies(), tick * _TICK
        state = engine.update(round(now * 1e9), bodies)
        began = np.array([time.perf_counter(), time.process_time()])
        ahead = engine.forecast(bodies, _COVARIANCE)
        between = np.array([time.perf_counter(), time.process_time()])
        warnings, _ = warnings.ahead(
            now, ahead.horizons[1:], ahead.loss_db[:, :, 1:], state.metrics.shadow_loss_db
        )
        snr_db = ahead.snr_db(engine.links, engine.site)
        for link, told_db in zip(engine.links, np.median(snr_db[:, :, 0], axis=1), strict=True):
            measured_db = told_db + noise.normal()
            network = network.hears(link, now, measured_db).measured(
                link, now, measured_db, told_db
            )
        for robot, mine in links_ahead(engine.links, ahead.horizons, snr_db).items():
            network, _ = network.advise(robot, mine, now, engine.site.radio, Service())
        end = np.array([time.perf_counter(), time.process_time()])
        found.append(np.concatenate([between - began, end - between]))
    return 1e3 * np.array(found[_WARM_UP:])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--forecasts", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    site = lobby(4, Crowd(10, DRIVING_SPEED, seed=0).position)
    engine = TwinEngine(site, cache_folder("paths"))
    each = [costs(engine, 1 + seed, arguments.forecasts) for seed in range(arguments.seeds)]
    engine.close()
    print(f"{len(engine.links)} links, {_WALKERS} walkers, median ms (least and most of the seeds)")
    names = ("forecast, wall clock", "forecast, CPU", "warnings and plans, wall clock", "same, CPU")
    for name, values in zip(names, np.median(each, axis=1).T, strict=True):
        print(f"{name}: {np.median(values):.1f} ({values.min():.1f} to {values.max():.1f})")


if __name__ == "__main__":
    main()
