"""Record campaigns of one set of the lab, radio only, one after the other.

python bench/record_set.py --out FOLDER [--sites lobby ...] [--set judge] [--count 8]
    [--drive N] [--access-points N] [--people N] [--seconds S] [--processes N] [--threads N]

FOLDER/SITE_SEED is the bag of each, also of further drives, which want a folder of their own; one that
is complete is left as it is. The time that each took is printed: wall seconds, and processor seconds of
all its threads.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from visrftwin_ros.bags.bag_file import open_bag
from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.shipped import SITES
from visrftwin_ros.lab.world.data_sets import seeds_of


def is_complete(bag: Path) -> bool:
    try:
        with open_bag(bag) as opened:
            return not opened.stopped_by
    except TwinError:
        return False


def recorded(given: argparse.Namespace, site: str, seed: int) -> str:
    """Records one bag; what it took, in words."""
    bag = given.out / f"{site}_{seed}"
    if is_complete(bag):
        return "was there"
    command = [
        sys.executable,
        "-m",
        "visrftwin_ros.cli",
        "lab",
        "record",
        "--no-images",
        "--no-lidar",
    ]
    command += ["--site", site, "--seed", str(seed), "--out", str(bag), "--force"]
    for option in ("drive", "people", "seconds", "access_points", "processes", "threads"):
        if (value := getattr(given, option)) is not None:
            command += [f"--{option.replace('_', '-')}", str(value)]
    began, before = time.perf_counter(), os.times()
    subprocess.run(command, check=True)
    after = os.times()
    used = (
        after.children_user - before.children_user + after.children_system - before.children_system
    )
    return f"{time.perf_counter() - began:.0f} s, {used:.0f} s of processors"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sites", nargs="+", default=list(SITES), choices=SITES)
    parser.add_argument("--set", default="judge", choices=("fit", "choose", "judge"))
    parser.add_argument("--count", type=int, default=8, help="seeds of each site")
    parser.add_argument("--access-points", type=int)
    parser.add_argument("--drive", type=int, help="of several in each place")
    parser.add_argument("--people", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--processes", type=int)
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for site in given.sites:
        for seed in seeds_of(given.set)[: given.count]:
            print(f"{site} {seed}: {recorded(given, site, seed)}", flush=True)


if __name__ == "__main__":
    main()
