"""Soundings as a table: a row a path, or a row a snapshot with its power alone."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.campaign.importers.column_map import METRES, SECONDS, ColumnMap, Elevation
from visrftwin_ros.campaign.importers.sounding import (
    LATEST_TIME,
    Reading,
    Sounding,
    measured_paths,
    wrapped,
    wrong_with,
)
from visrftwin_ros.campaign.snapshot import MeasuredPaths, Snapshot
from visrftwin_ros.errors import TwinError

ANGLES = ("phase", "aod_azimuth", "aod_elevation", "aoa_azimuth", "aoa_elevation")


@dataclass(frozen=True)
class _Row:
    """A line of the file: the record that it belongs to, one path and where the ends stand."""

    line: int
    key: tuple[str, str, str]
    time: float
    values: Mapping[str, float]
    stands: Mapping[str, Float[np.ndarray, " 3"]]


def read_csv(file: Path, sounding: Sounding, columns: ColumnMap) -> Reading:
    """The snapshots of a CSV file with a header line.

    Rows that cannot be read are left out and told by line. An empty field is NaN: allowed where
    the field may be unknown (angles, phase), an error elsewhere. Raises TwinError where nothing can
    be read, a column is missing, or something that the file does not say is not given.
    """
    reference = sounding.reference(file)
    if columns.gain.unit == "dBm" and reference == "absolute":
        raise TwinError(
            f"{file}: powers in dBm are not gains: subtract the transmitted power and antenna "
            "gains first (unit dB), or give --gain-reference relative"
        )
    problems: list[str] = []
    records: dict[tuple[str, str, str], list[_Row]] = defaultdict(list)
    for row in _rows(file, sounding, columns, problems):
        why = wrong_with(_paths([row]), reference)
        if why:
            problems.append(f"{file}, line {row.line}: {why}")
        else:
            records[row.key].append(row)
    if not records:
        told = "; ".join(problems[:3]) or "no row under the header"
        raise TwinError(f"{file}: nothing to import: {told}")
    snapshots: list[Snapshot] = []
    stands: dict[str, list[tuple[int, Float[np.ndarray, " 3"]]]] = defaultdict(list)
    order = {label: index for index, label in enumerate(dict.fromkeys(k[2] for k in records))}
    for (tx, rx, label), rows in records.items():
        timed = columns.time is not None
        stamp_ns = round(rows[0].time * 1e9) if timed else sounding.stamp_ns(order[label], file)
        if timed and len({row.time for row in rows}) > 1:
            problems.append(f"{file}, line {rows[0].line}: record {label} has several times")
        snapshots.append(sounding.snapshot(stamp_ns, tx, rx, _paths(rows), file))
        for device, place in rows[0].stands.items():
            stands[device].append((stamp_ns, place))
    snapshots.sort(key=lambda snapshot: snapshot.stamp_ns)
    return Reading(tuple(snapshots), tuple(problems), {k: tuple(v) for k, v in stands.items()})


def _rows(
    file: Path, sounding: Sounding, columns: ColumnMap, problems: list[str]
) -> Iterator[_Row]:
    ends = {end: "" if getattr(columns, end) else sounding.name(end, file) for end in ("tx", "rx")}
    with open(file, newline="", encoding="utf-8-sig", errors="replace") as stream:
        reader = csv.reader(stream)
        header = next(reader, None)
        if not header:
            raise TwinError(f"{file} is empty: expected a header line and rows")
        missing = [name for name in columns.columns() if name not in header]
        if missing:
            raise TwinError(
                f"{file}: no column {', '.join(missing)}; it has {', '.join(header)}: "
                "change the column map"
            )
        for cells in _lines(reader, file, problems):
            if not cells:
                continue
            line = reader.line_num
            if len(cells) != len(header):
                problems.append(f"{file}, line {line}: {len(cells)} fields; expected {len(header)}")
                continue
            try:
                yield _row(dict(zip(header, cells, strict=True)), line, columns, ends)
            except ValueError as error:
                problems.append(f"{file}, line {line}: {error}")


def _lines(reader: Any, file: Path, problems: list[str]) -> Iterator[list[str]]:
    """The reader's lines up to one that is no CSV."""
    try:
        yield from reader
    except csv.Error as error:
        problems.append(f"{file}, line {reader.line_num}: {error}; nothing is read from there on")


def _row(cells: Mapping[str, str], line: int, columns: ColumnMap, ends: Mapping[str, str]) -> _Row:
    tx, rx = (
        cells[getattr(columns, end).column].strip() if getattr(columns, end) else ends[end]
        for end in ("tx", "rx")
    )
    if not tx or not rx:
        raise ValueError("no name of the transmitter or receiver")
    time = float("nan")
    if columns.time:
        time = _number(cells, columns.time.column, required=True) * SECONDS[columns.time.unit]
        if not 0 <= time < LATEST_TIME:
            raise ValueError(f"a time of {time:g} s; expected ROS time: which unit is it in?")
    label = str(line)
    if columns.snapshot:
        label = cells[columns.snapshot.column].strip()
    elif columns.rows == "paths":
        label = repr(time)
    values = {"gain_db": _gain_db(cells, columns)}
    if columns.delay:
        delay = _number(cells, columns.delay.column, required=columns.rows == "paths")
        values["delay"] = delay * SECONDS[columns.delay.unit]
    for name in ANGLES:
        entry = getattr(columns, name)
        if entry:
            values[name] = _angle(_number(cells, entry.column), entry)
    stands = {}
    for device, place in ((tx, columns.tx_position), (rx, columns.rx_position)):
        if place:
            stands[device] = METRES[place.unit] * np.array(
                [_number(cells, name, required=True) for name in place.columns]
            )
    return _Row(line, (tx, rx, label), time, values, stands)


def _number(cells: Mapping[str, str], column: str, required: bool = False) -> float:
    text = cells[column].strip()
    try:
        value = float(text) if text else float("nan")
    except ValueError:
        raise ValueError(f"{column} is {text!r}: expected a number") from None
    if required and not np.isfinite(value):
        raise ValueError(f"{column} is {text or 'empty'}: expected a finite number")
    return value


def _gain_db(cells: Mapping[str, str], columns: ColumnMap) -> float:
    value = _number(cells, columns.gain.column, required=True)
    if columns.gain.unit != "linear":
        return value
    if value <= 0:
        raise ValueError(f"{columns.gain.column} is {value:g}: a linear power is over 0")
    return float(10 * np.log10(value))


def _angle(value: float, entry: Elevation | object) -> float:
    degrees = getattr(entry, "unit", "") == "deg"
    if not degrees and abs(value) > 2 * np.pi + 1e-6:
        raise ValueError(f"an angle of {value:g} rad; expected -2 pi to 2 pi: degrees?")
    if degrees and abs(value) > 360:
        raise ValueError(f"an angle of {value:g} degrees; expected -360 to 360")
    angle = np.deg2rad(value) if degrees else value
    if isinstance(entry, Elevation):
        return float(np.pi / 2 - angle if entry.zero == "zenith" else angle)
    return float(wrapped(np.asarray(angle)))


def _paths(rows: list[_Row]) -> MeasuredPaths:
    return measured_paths(
        **{name: np.array([row.values[name] for row in rows]) for name in rows[0].values}
    )
