"""What the tests of the importers share: the options of a recording, and the command itself."""

from __future__ import annotations

from pathlib import Path

from visrftwin_ros.campaign.importers.sounding import Sounding
from visrftwin_ros.cli import main

SAID = Sounding(
    tx="ap1",
    rx="robot1",
    frequency=60e9,
    bandwidth=2e9,
    noise_floor_dbm=float("nan"),
    gain_reference="absolute",
    start=100.0,
    rate=10.0,
)
OPTIONS = (
    "--frame=map",
    "--frequency=60e9",
    "--bandwidth=2e9",
    "--noise-floor=nan",
    "--gain-reference=absolute",
    "--start=100",
    "--rate=10",
    "--position=ap1=0,0,2.8",
    "--position=robot1=unknown",
)


def run_import(*arguments: str | Path) -> int:
    """Exit status of `visrftwin import ...`."""
    return main(["import", *map(str, arguments)])
