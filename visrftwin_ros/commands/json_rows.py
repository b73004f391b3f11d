"""What the `visrftwin bench` commands write besides what they print."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from visrftwin_ros.commands.options import add_force
from visrftwin_ros.outputs import FIGURES_IN_JSON, check_room


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds `--json FILE` and its `--force`."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to keep the figures")
    add_force(parser, "--json")


def check_json(arguments: argparse.Namespace) -> None:
    """Before the long work, not after it: TwinError where the file may not be written."""
    if arguments.json:
        check_room(arguments.json, FIGURES_IN_JSON, arguments.force)
        arguments.json.parent.mkdir(parents=True, exist_ok=True)


def write_json(arguments: argparse.Namespace, rows: Sequence[Mapping[str, object]]) -> None:
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")
