"""The JSON lines of NIST's Q-D channel realisation software (usnistgov/qd-realization).

A line is one ordered pair of nodes (and antenna arrays, and a target where there are targets) with
`delay` s, `gain` dB, `phase` rad, and `aodEl, aodAz, aoaEl, aoaAz` deg, each a list of paths for
every time step. Elevation there counts from the zenith, 90 = horizontal; azimuth from x towards y.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.campaign.importers.sounding import (
    GainReference,
    Reading,
    Sounding,
    measured_paths,
    wrapped,
    wrong_with,
)
from visrftwin_ros.campaign.snapshot import MeasuredPaths
from visrftwin_ros.errors import TwinError

COLUMNS = ("delay", "gain", "phase", "aodel", "aodaz", "aoael", "aoaaz")
"""Their names without regard to capitals, which differ between versions of the software."""

Steps = dict[int, Float[np.ndarray, "_ 7"]]
"""By time step: one row a path, in the order of COLUMNS."""


def read_nist_qd(file: Path, sounding: Sounding, nodes: Mapping[int, str]) -> Reading:
    """The snapshots of every pair of nodes in `file`; several targets of one pair are put together.

    nodes: names by the file's node numbers. What cannot be read is left out and told by line.
    Raises TwinError where nothing can be read, or where something that the file does not say is
    missing.
    """
    links: dict[tuple[int, int], Steps] = {}
    problems: list[str] = []
    reference = sounding.reference(file)
    for number, line in enumerate(_lines(file), start=1):
        if not line.strip():
            continue
        try:
            record = _record(line)
            pair = _pair(record, nodes)
            steps = _steps(record)
        except ValueError as error:
            problems.append(f"{file}, line {number}: {error}")
            continue
        _add(links.setdefault(pair, {}), steps, f"{file}, line {number}", reference, problems)
    if not any(links.values()):
        told = "; ".join(problems[:3]) or "it is empty"
        raise TwinError(f"{file}: no channel of the NIST Q-D format in it: {told}")
    snapshots = [
        sounding.snapshot(sounding.stamp_ns(step, file), nodes[tx], nodes[rx], _paths(rows), file)
        for (tx, rx), steps in links.items()
        for step, rows in steps.items()
    ]
    return Reading(tuple(sorted(snapshots, key=lambda s: s.stamp_ns)), tuple(problems))


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except UnicodeDecodeError as error:
        raise TwinError(f"{file}: not text ({error}): expected JSON lines") from error


def _record(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        at = f"column {error.pos + 1} of {len(line)}"
        raise ValueError(f"not JSON at {at}: {error.msg}; is the line cut off?") from error
    if not isinstance(record, dict):
        raise ValueError("expected an object with tx, rx, delay, gain, ...")
    record = {str(key).casefold(): value for key, value in record.items()}
    missing = [name for name in ("tx", "rx", *COLUMNS) if name not in record]
    if missing:
        raise ValueError(f"no {', '.join(missing)}; it has {', '.join(record)}")
    return record


def _pair(record: Mapping[str, Any], nodes: Mapping[int, str]) -> tuple[int, int]:
    for end in ("tx", "rx"):
        if record[end] not in nodes:
            raise TwinError(
                f"node {record[end]} has no name: give --node {record[end]}=NAME, "
                "an access point or robot of the site"
            )
        if record.get(f"paa_{end}", record.get(f"paa{end}", 0)) != 0:
            raise ValueError(f"an antenna array other than 0 at {end}: only array 0 is read")
    return record["tx"], record["rx"]


def _steps(record: Mapping[str, Any]) -> dict[int, list[Any]]:
    """By time step: the seven columns as they stand in the file."""
    counts = {name: len(record[name]) for name in COLUMNS if isinstance(record[name], list)}
    if len(counts) < len(COLUMNS) or len(set(counts.values())) != 1:
        raise ValueError(f"expected as many time steps in every column, found {counts}")
    columns = [record[name] for name in COLUMNS]
    return {step: list(values) for step, values in enumerate(zip(*columns, strict=True))}


def _add(
    known: Steps,
    steps: Mapping[int, list[Any]],
    place: str,
    reference: GainReference,
    problems: list[str],
) -> None:
    for step, values in steps.items():
        try:
            rows = _rows(values, reference)
        except ValueError as error:
            problems.append(f"{place}, time step {step + 1}: {error}")
            continue
        known[step] = np.concatenate([known[step], rows]) if step in known else rows


def _rows(values: list[Any], reference: GainReference) -> Float[np.ndarray, "p 7"]:
    lists = [value if isinstance(value, list) else [value] for value in values]
    counts = dict(zip(COLUMNS, map(len, lists), strict=True))
    if len(set(counts.values())) != 1:
        raise ValueError(f"expected as many paths in every column, found {counts}")
    try:
        rows = np.array(lists, float).T.reshape(-1, len(COLUMNS))
    except (TypeError, ValueError) as error:
        raise ValueError("expected numbers only") from error
    if np.isnan(rows).any():
        raise ValueError("NaN or null among the numbers")
    elevation, azimuth = rows[:, [3, 5]], rows[:, [4, 6]]
    if (elevation < 0).any() or (elevation > 180).any() or (np.abs(azimuth) > 360).any():
        raise ValueError("expected elevations of 0 to 180 and azimuths of -360 to 360 degrees")
    why = wrong_with(_paths(rows), reference)
    if why:
        raise ValueError(why)
    return rows


def _paths(rows: Float[np.ndarray, "p 7"]) -> MeasuredPaths:
    delay, gain_db, phase, aod_zenith, aod_azimuth, aoa_zenith, aoa_azimuth = rows.T
    return measured_paths(
        delay=delay,
        gain_db=gain_db,
        phase=wrapped(phase),
        aod_azimuth=wrapped(np.deg2rad(aod_azimuth)),
        aod_elevation=np.deg2rad(90 - aod_zenith),
        aoa_azimuth=wrapped(np.deg2rad(aoa_azimuth)),
        aoa_elevation=np.deg2rad(90 - aoa_zenith),
    )
