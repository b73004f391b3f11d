"""`visrftwin import mat-struct`: soundings in a MATLAB struct as a campaign bag."""

from __future__ import annotations

import argparse
from pathlib import Path

from visrftwin_ros.commands.importing import add_common, file_to_read, finish, sounding

NAME = "import mat-struct"
HELP = "a struct of a MATLAB file as a campaign bag, its fields as columns"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--variable", required=True, help="name of the struct, or outer.inner")
    parser.add_argument(
        "--columns", type=Path, required=True, metavar="YAML", help="which field is what"
    )
    add_common(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.campaign.importers.column_map import read_column_map
    from visrftwin_ros.campaign.importers.mat_struct import read_mat_struct

    columns = read_column_map(arguments.columns)
    file = file_to_read(arguments)
    return finish(
        arguments, read_mat_struct(file, sounding(arguments), arguments.variable, columns)
    )
