"""Which column of a CSV file is what, and in which unit: the YAML file of `import csv`.

rows: paths                 # a row a path; or `power`: a row a snapshot, its power alone
time: {column: t, unit: s}            # ROS time; without it --start and --rate, rows: power
snapshot: {column: point}             # rows: paths without time: which record a path is of
tx: {column: ap}                      # without it --tx; rx likewise
delay: {column: toa, unit: ns}        # rows: paths
gain: {column: power, unit: dB}       # dB, dBm (against --gain-reference relative) or linear
phase: {column: phi, unit: deg}
aod_azimuth: {column: dep_az, unit: deg}            # and aoa_azimuth
aod_elevation: {column: dep_el, unit: deg, zero: zenith}   # or `horizontal`; and aoa_elevation
rx_position: {columns: [x, y, z], unit: m}          # of <rx>/base_link; and tx_position
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from visrftwin_ros.errors import TwinError
from visrftwin_ros.yaml_input import yaml_file

SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Name(_Entry):
    """A column of names or record numbers."""

    column: str


class Time(_Entry):
    column: str
    unit: Literal["s", "ms", "us", "ns"]


class Gain(_Entry):
    column: str
    unit: Literal["dB", "dBm", "linear"]


class Angle(_Entry):
    column: str
    unit: Literal["deg", "rad"]


class Elevation(Angle):
    """zero: whether the angle counts up from the horizontal or down from the zenith."""

    zero: Literal["horizontal", "zenith"]


class Place(_Entry):
    columns: Annotated[tuple[str, ...], Field(min_length=3, max_length=3)]
    unit: Literal["m", "cm", "mm"]


class ColumnMap(_Entry):
    """See the module's text; fields without an entry are not measured."""

    rows: Literal["paths", "power"]
    gain: Gain
    time: Time | None = None
    snapshot: Name | None = None
    tx: Name | None = None
    rx: Name | None = None
    delay: Time | None = None
    phase: Angle | None = None
    aod_azimuth: Angle | None = None
    aod_elevation: Elevation | None = None
    aoa_azimuth: Angle | None = None
    aoa_elevation: Elevation | None = None
    tx_position: Place | None = None
    rx_position: Place | None = None

    @model_validator(mode="after")
    def _rows_have_what_they_need(self) -> ColumnMap:
        if self.rows == "paths" and self.delay is None:
            raise ValueError("rows: paths needs a delay column; a power alone is rows: power")
        if self.rows == "paths" and self.time is None and self.snapshot is None:
            raise ValueError("rows: paths needs time or snapshot: which record is a path of?")
        return self

    def columns(self) -> tuple[str, ...]:
        """Every column that the map names."""
        named: list[str] = []
        for field in type(self).model_fields:
            entry = getattr(self, field)
            named += [entry.column] if hasattr(entry, "column") else getattr(entry, "columns", [])
        return tuple(named)


def read_column_map(file: Path) -> ColumnMap:
    """The validated map. Raises TwinError with file, field and what was expected."""
    content = yaml_file(file)
    try:
        return ColumnMap.model_validate(content)
    except ValidationError as error:
        lines = [f"{file}: {error.error_count()} wrong field(s):"]
        for item in error.errors():
            place = ".".join(str(part) for part in item["loc"]) or "map"
            lines.append(f"  {place}: {item['msg']} (found {item['input']!r:.80})")
        raise TwinError("\n".join(lines)) from error
