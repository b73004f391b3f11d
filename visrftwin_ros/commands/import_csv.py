"""`visrftwin import csv`: soundings in a table as a campaign bag."""

from __future__ import annotations

import argparse
from pathlib import Path

from visrftwin_ros.commands.importing import add_common, file_to_read, finish, sounding

NAME = "import csv"
HELP = "a table as a campaign bag: a row a path, or a row a power"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--columns", type=Path, required=True, metavar="YAML", help="which column is what"
    )
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.campaign.importers.column_map import read_column_map
    from visrftwin_ros.campaign.importers.csv_rows import read_csv

    columns = read_column_map(arguments.columns)
    return finish(arguments, read_csv(file_to_read(arguments), sounding(arguments), columns))
