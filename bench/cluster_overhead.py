"""What handing campaigns to Dask workers costs: `visrftwin evaluate` with two local workers against without.

python bench/cluster_overhead.py BAG BAG ... [--predictors twin,itu] [--rounds 2]
    an even number of like bags; alone on the machine. Each process has one thread for its loops. The overhead is
    two times the time with two workers, over the time without, less one; workers have started before.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from distributed import LocalCluster

WORKERS = 2
ONE_THREAD = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def seconds(bags: Sequence[Path], predictors: str, more: Sequence[str]) -> float:
    with tempfile.TemporaryDirectory() as out:
        words = [sys.executable, "-m", "visrftwin_ros.cli", "evaluate", *map(str, bags), *more]
        words += ["--predictors", predictors, "--figures", "none", "--out", f"{out}/scores"]
        began = time.perf_counter()
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bags", nargs="+", type=Path)
    parser.add_argument("--predictors", default="twin,itu")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    os.environ.update(ONE_THREAD)
    with LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None) as cluster:
        seconds(given.bags, given.predictors, ["--cluster", cluster.scheduler_address])  # caches
        for _ in range(given.rounds):
            without = seconds(given.bags, given.predictors, [])
            with_two = seconds(
                given.bags, given.predictors, ["--cluster", cluster.scheduler_address]
            )
            overhead = WORKERS * with_two / without - 1
            print(
                f"without {without:.1f} s, two workers {with_two:.1f} s: overhead {overhead:+.1%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
