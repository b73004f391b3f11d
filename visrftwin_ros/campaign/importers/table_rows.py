"""Soundings as a table, wherever it is from: a row a path, or a row a snapshot with its power alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from visrftwin_ros.campaign.importers.column_map import (
    METRES,
    SECONDS,
    Angle,
    Azimuth,
    ColumnMap,
    Elevation,
    Fix,
    Place,
    Point,
)
from visrftwin_ros.campaign.importers.local_frame import LocalFrame
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
class TableRow:
    """where: the row's place in words, as "line 5". cells: texts by column."""

    where: str
    cells: Mapping[str, str]


@dataclass(frozen=True)
class _Row:
    """A row's record, one path and where the ends stand."""

    where: str
    key: tuple[str, str, str]
    time: float
    values: Mapping[str, float]
    stands: Mapping[str, Float[np.ndarray, " 3"]]


def read_rows(
    file: Path,
    table: Iterable[TableRow],
    sounding: Sounding,
    columns: ColumnMap,
    problems: list[str],
) -> Reading:
    """The snapshots of a table whose rows have all `columns`.

    Rows that cannot be read are left out and told, after those in `problems`. An empty field is NaN:
    allowed where the field may be unknown (angles, phase), an error elsewhere. Raises TwinError where
    nothing can be read, or something that the file does not say is not given.
    """
    reference = sounding.reference(file)
    if columns.gain.unit == "dBm" and reference == "absolute":
        raise TwinError(
            f"{file}: powers in dBm are not gains: subtract the transmitted power and antenna "
            "gains first (unit dB), or give --gain-reference relative"
        )
    records: dict[tuple[str, str, str], list[_Row]] = defaultdict(list)
    for row in _rows(file, table, sounding, columns, problems):
        why = wrong_with(_paths([row]), reference)
        if why:
            problems.append(f"{file}, {row.where}: {why}")
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
            problems.append(f"{file}, {rows[0].where}: record {label} has several times")
        snapshots.append(sounding.snapshot(stamp_ns, tx, rx, _paths(rows), file))
        for device, place in rows[0].stands.items():
            stands[device].append((stamp_ns, place))
    snapshots.sort(key=lambda snapshot: snapshot.stamp_ns)
    ends = (("tx", columns.tx_position), ("rx", columns.rx_position))
    antennas = frozenset(
        getattr(s, end) for end, place in ends if place and place.of == "antenna" for s in snapshots
    )
    return Reading(
        tuple(snapshots),
        tuple(problems),
        {device: tuple(places) for device, places in stands.items()},
        antennas=antennas,
    )


def _rows(
    file: Path,
    table: Iterable[TableRow],
    sounding: Sounding,
    columns: ColumnMap,
    problems: list[str],
) -> Iterator[_Row]:
    ends = {end: "" if getattr(columns, end) else sounding.name(end, file) for end in ("tx", "rx")}
    frame = columns.frame()
    for row in table:
        try:
            yield _row(row, columns, ends, frame)
        except ValueError as error:
            problems.append(f"{file}, {row.where}: {error}")


def _row(
    row: TableRow, columns: ColumnMap, ends: Mapping[str, str], frame: LocalFrame | None
) -> _Row:
    cells = row.cells
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
    label = row.where
    if columns.snapshot:
        label = cells[columns.snapshot.column].strip()
    elif columns.rows == "paths":
        label = repr(time)
    values = _gain(cells, columns)
    if columns.delay:
        delay = _number(cells, columns.delay.column, required=columns.rows == "paths")
        values["delay"] = delay * SECONDS[columns.delay.unit]
    for name in ANGLES:
        entry = getattr(columns, name)
        if entry:
            values[name] = _angle(_number(cells, entry.column), entry, frame)
    stands = {
        device: _place(cells, place, frame)
        for device, place in ((tx, columns.tx_position), (rx, columns.rx_position))
        if place
    }
    for device, point, name in ((tx, columns.aod_to, "aod"), (rx, columns.aoa_from, "aoa")):
        if point:
            values |= _direction(_place(cells, point, frame) - stands[device], name)
    return _Row(row.where, (tx, rx, label), time, values, stands)


def _number(cells: Mapping[str, str], column: str, required: bool = False) -> float:
    text = cells[column].strip()
    try:
        value = float(text) if text else float("nan")
    except ValueError:
        raise ValueError(f"{column} is {text!r}: expected a number") from None
    if required and not np.isfinite(value):
        raise ValueError(f"{column} is {text or 'empty'}: expected a finite number")
    return value


def _gain(cells: Mapping[str, str], columns: ColumnMap) -> dict[str, float]:
    """gain_db, and phase where the gain is complex."""
    column, unit = columns.gain.column, columns.gain.unit
    if unit == "complex":
        text = cells[column].strip().replace(" ", "").replace("i", "j")
        try:
            amplitude = complex(text)
        except ValueError:
            raise ValueError(f"{column} is {text!r}: expected a complex number, as 1-2i") from None
        if not 0 < abs(amplitude) < np.inf:
            raise ValueError(f"{column} is {text}: expected a finite amplitude, not 0")
        return {"gain_db": 20 * np.log10(abs(amplitude)), "phase": float(np.angle(amplitude))}
    value = _number(cells, column, required=True)
    if unit == "loss_dB":
        return {"gain_db": -value}
    if unit != "linear":
        return {"gain_db": value}
    if value <= 0:
        raise ValueError(f"{column} is {value:g}: a linear power is over 0")
    return {"gain_db": float(10 * np.log10(value))}


def _angle(value: float, entry: Angle, frame: LocalFrame | None) -> float:
    degrees = entry.unit == "deg"
    if not degrees and abs(value) > 2 * np.pi + 1e-6:
        raise ValueError(f"an angle of {value:g} rad; expected -2 pi to 2 pi: degrees?")
    if degrees and abs(value) > 360:
        raise ValueError(f"an angle of {value:g} degrees; expected -360 to 360")
    angle = np.deg2rad(value) if degrees else value
    if isinstance(entry, Elevation):
        return float(np.pi / 2 - angle if entry.zero == "zenith" else angle)
    if isinstance(entry, Azimuth) and entry.zero == "north" and frame is not None:
        angle = frame.azimuth(angle)
    return float(wrapped(np.asarray(angle)))


def _place(
    cells: Mapping[str, str], place: Place | Fix | Point, frame: LocalFrame | None
) -> Float[np.ndarray, " 3"]:
    """(3,) m in the world."""
    values = [_number(cells, name, required=True) for name in place.columns]
    if isinstance(place, Fix):
        if frame is None:
            raise ValueError("a latitude without the world's origin")
        latitude, longitude = (float(np.deg2rad(value)) for value in values[:2])
        return frame.place(latitude, longitude, values[2] if place.altitude else None)
    return METRES[place.unit] * np.array([*values, 0.0][:3])


def _direction(step: Float[np.ndarray, " 3"], name: str) -> dict[str, float]:
    """Azimuth and elevation, rad, of the way from an antenna to a point."""
    level = float(np.hypot(step[0], step[1]))
    if level == 0 and step[2] == 0:
        raise ValueError(f"the point of {name} is the antenna itself")
    return {
        f"{name}_azimuth": float(np.arctan2(step[1], step[0])),
        f"{name}_elevation": float(np.arctan2(step[2], level)),
    }


def _paths(rows: list[_Row]) -> MeasuredPaths:
    return measured_paths(
        **{name: np.array([row.values[name] for row in rows]) for name in rows[0].values}
    )
