"""Which column of a table is what, and in which unit: the YAML file of `import csv` and `import
mat-struct`.

rows: paths                 # a row a path; or `power`: a row a snapshot, its power alone
time: {column: t, unit: s}            # ROS time; without it --start and --rate, rows: power
snapshot: {column: point}             # rows: paths without time: which record a path is of
tx: {column: ap}                      # without it --tx; rx likewise
delay: {column: toa, unit: ns}        # rows: paths
gain: {column: power, unit: dB}       # dB, dBm (against --gain-reference relative), linear, or
                                      # loss_dB: a path loss; complex: an amplitude with its phase
phase: {column: phi, unit: deg}
aod_azimuth: {column: dep_az, unit: deg}            # and aoa_azimuth; with `zero: north` a bearing
aod_elevation: {column: dep_el, unit: deg, zero: zenith}   # or `horizontal`; and aoa_elevation
aoa_from: {columns: [lx, ly, lz], unit: m}          # last interaction, instead of angles; and aod_to
rx_position: {columns: [x, y, z], unit: m}          # of <rx>/base_link, or `of: antenna`; [x, y]: z = 0
tx_position: {latitude: lat, longitude: lon, altitude: h}  # WGS 84, degrees and metres
world: {x_bearing: 90, latitude: 48.1, longitude: 11.6, altitude: 520}  # for bearings and lat/lon
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    model_validator,
)

from visrftwin_ros.campaign.importers.local_frame import LocalFrame
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
    """loss_dB: a path loss, whose negative is the gain. complex: an amplitude, whose square is the
    power gain and whose argument is the phase."""

    column: str
    unit: Literal["dB", "dBm", "linear", "loss_dB", "complex"]


class Angle(_Entry):
    column: str
    unit: Literal["deg", "rad"]


class Azimuth(Angle):
    """zero: x counts from the world's x towards y; north is a compass bearing, clockwise."""

    zero: Literal["x", "north"] = "x"


class Elevation(Angle):
    """zero: whether the angle counts up from the horizontal or down from the zenith."""

    zero: Literal["horizontal", "zenith"]


class Point(_Entry):
    """A point of the world."""

    columns: Annotated[tuple[str, ...], Field(min_length=3, max_length=3)]
    unit: Literal["m", "cm", "mm"]


class Place(_Entry):
    """Where a device stands in the world, z = 0 where two columns are named; of: its `base_link` or
    its antenna."""

    columns: Annotated[tuple[str, ...], Field(min_length=2, max_length=3)]
    unit: Literal["m", "cm", "mm"]
    of: Literal["base_link", "antenna"] = "base_link"

    @model_validator(mode="after")
    def _antenna_has_height(self) -> Place:
        if self.of == "antenna" and len(self.columns) < 3:
            raise ValueError("an antenna's place needs x, y and z")
        return self


class Fix(_Entry):
    """Where a device stands on the Earth, WGS 84: columns of degrees, and of metres; z = 0 where no
    altitude is named."""

    latitude: str
    longitude: str
    altitude: str | None = None
    of: Literal["base_link", "antenna"] = "base_link"

    @model_validator(mode="after")
    def _antenna_has_height(self) -> Fix:
        if self.of == "antenna" and self.altitude is None:
            raise ValueError("an antenna's place needs its altitude")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        height = () if self.altitude is None else (self.altitude,)
        return (self.latitude, self.longitude, *height)


def _kind(entry: Any) -> str:
    named = entry if isinstance(entry, dict) else vars(entry) if isinstance(entry, _Entry) else {}
    return "fix" if {"latitude", "longitude"} & named.keys() else "place"


Stand = Annotated[Annotated[Place, Tag("place")] | Annotated[Fix, Tag("fix")], Discriminator(_kind)]


class World(_Entry):
    """The world's origin, degrees and metres, and the compass bearing of its x axis, degrees."""

    x_bearing: Annotated[float, Field(ge=-360, le=360)]
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=360)] | None = None
    altitude: Annotated[float, Field(ge=-1000, le=10000)] | None = None


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
    aod_azimuth: Azimuth | None = None
    aod_elevation: Elevation | None = None
    aod_to: Point | None = None
    aoa_azimuth: Azimuth | None = None
    aoa_elevation: Elevation | None = None
    aoa_from: Point | None = None
    tx_position: Stand | None = None
    rx_position: Stand | None = None
    world: World | None = None

    @model_validator(mode="after")
    def _rows_have_what_they_need(self) -> ColumnMap:
        apart = (self.delay, self.aod_azimuth, self.aoa_azimuth, self.aod_to, self.aoa_from)
        if self.rows == "paths" and not any(apart):
            raise ValueError(
                "rows: paths needs a delay, azimuth or interaction; a power alone is rows: power"
            )
        if self.rows == "paths" and self.time is None and self.snapshot is None:
            raise ValueError("rows: paths needs time or snapshot: which record is a path of?")
        return self

    @model_validator(mode="after")
    def _directions_are_said_once(self) -> ColumnMap:
        for end, point in (("tx", "aod_to"), ("rx", "aoa_from")):
            if not getattr(self, point):
                continue
            if getattr(self, f"{point[:3]}_azimuth") or getattr(self, f"{point[:3]}_elevation"):
                raise ValueError(f"give {point} or {point[:3]} angles, not both")
            place = getattr(self, f"{end}_position")
            if place is None or place.of != "antenna":
                raise ValueError(f"{point} needs {end}_position with `of: antenna` to look from")
        return self

    @model_validator(mode="after")
    def _the_world_is_told(self) -> ColumnMap:
        fixes = [p for p in (self.tx_position, self.rx_position) if isinstance(p, Fix)]
        bearings = [a for a in (self.aod_azimuth, self.aoa_azimuth) if a and a.zero == "north"]
        if (fixes or bearings) and self.world is None:
            raise ValueError("bearings and latitudes need world: {x_bearing: ...}, 90 for x east")
        needed = [
            *(("latitude", "longitude") if fixes else ()),
            *(("altitude",) if any(fix.altitude for fix in fixes) else ()),
        ]
        missing = [name for name in needed if getattr(self.world, name) is None]
        if missing:
            raise ValueError(f"world has no {', '.join(missing)} of its origin")
        return self

    def columns(self) -> tuple[str, ...]:
        """Every column that the map names."""
        named: list[str] = []
        for entry in self._entries():
            named += [entry.column] if hasattr(entry, "column") else getattr(entry, "columns", [])
        return tuple(named)

    def frame(self) -> LocalFrame | None:
        """Of `world`, in radians."""
        if self.world is None:
            return None
        world, unknown = self.world, float("nan")
        return LocalFrame(
            float(np.deg2rad(world.x_bearing)),
            unknown if world.latitude is None else float(np.deg2rad(world.latitude)),
            unknown if world.longitude is None else float(np.deg2rad(world.longitude)),
            unknown if world.altitude is None else world.altitude,
        )

    def _entries(self) -> Iterator[BaseModel]:
        for field in type(self).model_fields:
            entry = getattr(self, field)
            if isinstance(entry, BaseModel):
                yield entry


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
