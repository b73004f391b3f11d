"""Soundings as a struct in a MATLAB file, whose fields stand for the columns of a table.

An array of structs, or a cell array of them, has a record in each; one struct alone is a table, whose
fields are its columns. In the column map `a` is the field a, a number for each row or one for all; `a.b`
the field b of the struct a, or of all the structs in it; `a(2)` the second row (or column) of the matrix
a. `record` is the number of the struct, from 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from visrftwin_ros.campaign.importers.column_map import ColumnMap
from visrftwin_ros.campaign.importers.mat_file import mat_variable
from visrftwin_ros.campaign.importers.sounding import Reading, Sounding
from visrftwin_ros.campaign.importers.table_rows import TableRow, read_rows
from visrftwin_ros.errors import TwinError

RECORD = "record"
_INDEXED = re.compile(r"([\w.]+)\((\d+)\)")


def read_mat_struct(file: Path, sounding: Sounding, variable: str, columns: ColumnMap) -> Reading:
    """The snapshots of a struct, as `read_rows`; what is left out is told by record. variable: its name,
    with dots where it is a field of another. Raises TwinError also where it is no struct or lacks a field."""
    name, *inner = variable.split(".")
    structs = mat_variable(file, name)
    for field in inner:
        structs = _field(structs, field, f"{file}: {variable}")
    where = f"{file}: {variable}"
    problems: list[str] = []
    return read_rows(file, _rows(structs, where, columns, problems), sounding, columns, problems)


def _rows(
    structs: np.ndarray, where: str, columns: ColumnMap, problems: list[str]
) -> Iterator[TableRow]:
    for number, struct in enumerate(_each(structs, where), 1):
        try:
            table = _table(struct, number, where, columns.columns())
        except ValueError as error:
            problems.append(f"{where}, record {number}: {error}")
            continue
        count = max(len(texts) for texts in table.values())
        for row in range(count):
            cells = {name: texts[row % len(texts)] for name, texts in table.items()}
            yield TableRow(
                f"record {number}, row {row + 1}" if count > 1 else f"record {number}", cells
            )


def _each(structs: np.ndarray, where: str) -> Iterator[np.void]:
    """The structs of an array, or of the cells of a cell array."""
    for struct in structs.ravel():
        if isinstance(struct, np.ndarray):
            yield from _each(struct, where)
        elif isinstance(struct, np.void) and struct.dtype.names:
            yield struct
        else:
            raise TwinError(f"{where} is no struct but {structs.dtype}; see `import mat`")


def _table(
    struct: np.void, number: int, where: str, names: tuple[str, ...]
) -> dict[str, list[str]]:
    """By column: one text for all rows, or one for each. Raises ValueError where they do not fit."""
    plain: dict[str, np.ndarray] = {}
    indexed: dict[str, tuple[np.ndarray, int]] = {}
    for name in names:
        match = _INDEXED.fullmatch(name)
        if name == RECORD:
            plain[name] = np.array([number])
        elif match:
            indexed[name] = np.atleast_2d(_values(struct, match[1], where)), int(match[2]) - 1
        else:
            plain[name] = _values(struct, name, where).ravel()
    counts = {len(values) for values in plain.values()} - {1}
    sizes = ", ".join(f"{name} {len(values)}" for name, values in plain.items())
    if 0 in counts:
        raise ValueError(f"an empty field: {sizes}")
    if len(counts) > 1:
        raise ValueError(f"fields of unlike lengths: {sizes}")
    count = max(counts, default=1)
    table = {name: [str(value) for value in values] for name, values in plain.items()}
    for name, (matrix, index) in indexed.items():
        table[name] = [str(value) for value in _line(name, matrix, index, count)]
    return table


def _line(name: str, matrix: np.ndarray, index: int, count: int) -> np.ndarray:
    """Row `index` of a matrix with a column for each of `count` rows of the table or for all; else column
    `index` of one with such rows."""
    for turned in (matrix, matrix.T):
        if turned.shape[1] in (1, count) and index < turned.shape[0]:
            return turned[index]
    raise ValueError(f"{name} of a matrix of {matrix.shape}, for {count} row(s)")


def _values(struct: np.void, path: str, where: str) -> np.ndarray:
    """The field at the path; where structs lie on the way, one after the other along the last axis."""
    found: Any = np.array(struct)
    for field in path.split("."):
        found = _field(found, field, where)
    if found.dtype.kind not in "biufcU":
        raise TwinError(f"{where}: {path} is of type {found.dtype}: expected numbers or text")
    return np.asarray(found)


def _field(structs: np.ndarray, field: str, where: str) -> np.ndarray:
    names = structs.dtype.names
    if names is None or field not in names:
        known = f"it has {', '.join(names)}" if names else f"it is no struct but {structs.dtype}"
        raise TwinError(f"{where} has no field {field!r}; {known}")
    values = [np.asarray(struct[field]) for struct in structs.ravel()]
    if len(values) == 1:
        return values[0]
    if not values:
        return np.zeros(0)
    if values[0].dtype.names is not None:
        return np.concatenate([value.ravel() for value in values])
    return np.stack([value.ravel() for value in values], axis=-1)
