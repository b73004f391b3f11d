"""Soundings as a CSV file with a header line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from visrftwin_ros.campaign.importers.column_map import ColumnMap
from visrftwin_ros.campaign.importers.sounding import Reading, Sounding
from visrftwin_ros.campaign.importers.table_rows import TableRow, read_rows
from visrftwin_ros.errors import TwinError


def read_csv(file: Path, sounding: Sounding, columns: ColumnMap) -> Reading:
    """The snapshots of a CSV file, as `read_rows`; rows that are left out are told by line. Raises
    TwinError also where a column is missing."""
    problems: list[str] = []
    return read_rows(file, _table(file, columns, problems), sounding, columns, problems)


def _table(file: Path, columns: ColumnMap, problems: list[str]) -> Iterator[TableRow]:
    with open(file, newline="", encoding="utf-8-sig", errors="replace") as stream:
        reader = csv.reader(stream)
        header = next(reader, None)
        if not header:
            raise TwinError(f"{file} is empty: expected a header line and rows")
        if "\0" in "".join(header):
            raise TwinError(f"{file} is no text: expected a table with a header line")
        missing = [name for name in columns.columns() if name not in header]
        if missing:
            raise TwinError(
                f"{file}: no column {', '.join(missing)}; it has {', '.join(header)}: "
                "change the column map"
            )
        for cells in _lines(reader, file, problems):
            if not cells:
                continue
            where = f"line {reader.line_num}"
            if len(cells) == len(header):
                yield TableRow(where, dict(zip(header, cells, strict=True)))
            else:
                problems.append(f"{file}, {where}: {len(cells)} fields; expected {len(header)}")


def _lines(reader: Any, file: Path, problems: list[str]) -> Iterator[list[str]]:
    """The reader's lines up to one that is no CSV."""
    try:
        yield from reader
    except csv.Error as error:
        problems.append(f"{file}, line {reader.line_num}: {error}; nothing is read from there on")
