"""`visrftwin track-score`: how well tracks follow the people."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

NAME = "track-score"
HELP = "compare tracks with ground truth, as JSON"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tracks", type=Path, help="what `visrftwin track` wrote")
    parser.add_argument("truth", type=Path, help="CSV with frame,id,x,y")


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.evaluation.track_scores import score_files

    print(json.dumps(score_files(arguments.tracks, arguments.truth), indent=2))
    return 0
