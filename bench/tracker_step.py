"""What one measurement costs the tracker with 50 tracks and 4 sensors; prints JSON, milliseconds.

python bench/tracker_step.py [--rounds 100]

Three cameras and a LiDAR at 10 Hz; the slower cameras come late, so two of four measurements are
replayed. `step` is each call as it comes, replays included; `in_order` the calls without a replay.
The budget is 5 ms.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "test" / "support"))
from tracker_load import PEOPLE, arrivals

from visrftwin_ros.perception.tracking.tracker import PeopleTracker


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    rounds = parser.parse_args().rounds
    tracker = PeopleTracker()
    took: dict[str, list[float]] = {"step": [], "in_order": [], "replayed": []}
    for arrival in arrivals(1.0 + 0.1 * rounds):
        before = tracker.report.replayed
        start = time.perf_counter()
        people = arrival.take(tracker)
        milliseconds = 1e3 * (time.perf_counter() - start)
        if arrival.at > 1.0:
            took["step"].append(milliseconds)
            late = tracker.report.replayed > before
            took["replayed" if late else "in_order"].append(milliseconds)
    assert len(people) == PEOPLE
    report = {
        name: {
            "count": len(values),
            "median_ms": round(float(np.median(values)), 2),
            "p99_ms": round(float(np.quantile(values, 0.99)), 2),
        }
        for name, values in took.items()
    }
    print(json.dumps({"tracks": PEOPLE, "sensors": 4, **report}, indent=2))


if __name__ == "__main__":
    main()
