"""An import written as a campaign bag (docs/CAMPAIGN.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from visrftwin_ros.campaign.campaign_writer import CampaignWriter
from visrftwin_ros.campaign.importers.sounding import Reading
from visrftwin_ros.campaign.snapshot import PATH_FIELDS, MeasuredPaths, Snapshot
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site

UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])
"""Quaternion of a device's frame; the heading is not in these files, and angles are the world's."""

MISPLACED = 0.5
"""Metres by which a file may have an access point's antenna elsewhere than the site."""

Places = Mapping[str, Float[np.ndarray, "n 3"]]
Stands = dict[str, tuple[tuple[int, Float[np.ndarray, " 3"]], ...]]


def write_bag(
    reading: Reading,
    bag: Path,
    facts: Mapping[str, object],
    world: Site | str,
    places: Places,
    *,
    force: bool = False,
) -> None:
    """Writes the snapshots, and to TF where the devices' `base_link` stands.

    world: the site, or the world frame where there is none. places: (N, 3) m in it, one row for a
    device that stands, else one for each of its links' stamps, in their order; what the file itself
    says of places counts first. Raises TwinError where `bag` exists and `force` is not set, or the
    rows do not fit.
    """
    stands = {**_stands(reading, places), **reading.stands}
    partial = bool(reading.problems)
    told = {**facts, **reading.facts, "partial": partial, "problems": list(reading.problems)}
    frame_id = world if isinstance(world, str) else world.world_frame
    with CampaignWriter(bag, told, force=force) as writer:
        for device, poses in stands.items():
            static = len({tuple(place) for _, place in poses}) == 1
            for stamp_ns, place in poses[:1] if static else poses:
                writer.transform(
                    stamp_ns, frame_id, _frame_of(device, world), place, UPRIGHT, static=static
                )
        for snapshot in reading.snapshots:
            writer.snapshot(snapshot, frame_id)


def _frame_of(device: str, world: Site | str) -> str:
    robots = () if isinstance(world, str) else world.robots
    named = {robot.name: robot.tf_frame for robot in robots}
    return named.get(device, f"{device}/base_link")


def _stands(reading: Reading, places: Places) -> Stands:
    found: Stands = {}
    for device, rows in places.items():
        stamps = sorted({s.stamp_ns for s in reading.snapshots if device in (s.tx, s.rx)})
        if not stamps:
            known = sorted({name for s in reading.snapshots for name in (s.tx, s.rx)})
            raise TwinError(f"--position {device}: no such device; it has {', '.join(known)}")
        if len(rows) == 1:
            found[device] = ((stamps[0], rows[0]),)
        elif len(rows) == len(stamps):
            found[device] = tuple(zip(stamps, rows, strict=True))
        else:
            raise TwinError(
                f"--position {device}: {len(rows)} rows for {len(stamps)} records; "
                "expected one, or as many as records"
            )
    return found


def check_devices(reading: Reading, site: Site) -> None:
    """Raises TwinError where the snapshots name devices that the site does not have."""
    known = {*(ap.name for ap in site.access_points), *(robot.name for robot in site.robots)}
    strange = {name for s in reading.snapshots for name in (s.tx, s.rx)} - known
    if strange:
        raise TwinError(
            f"site {site.name!r} has no {', '.join(sorted(strange))}; it has "
            f"{', '.join(sorted(known))}"
        )


def on_bases(reading: Reading, site: Site | None) -> Reading:
    """With the places of antennas as those of `base_link`, `antenna_height` below.

    Raises TwinError where no site says how high, and where an access point's antenna stands over
    MISPLACED from where the site has it: then the file's coordinates are not the site's.
    """
    if reading.antennas and site is None:
        raise TwinError(
            f"the file places the antennas of {', '.join(sorted(reading.antennas))}: give the --site "
            "that says how high they stand over base_link"
        )
    heights = {robot.name: robot.antenna_height for robot in site.robots} if site else {}
    fixed = {ap.name: np.array(ap.position) for ap in site.access_points} if site else {}
    stands = {}
    for device, poses in reading.stands.items():
        for _, place in poses:
            apart = np.linalg.norm(place - fixed.get(device, place))
            if apart > MISPLACED:
                raise TwinError(
                    f"the file has {device} at {np.round(place, 3).tolist()} m, {apart:.1f} m from where "
                    "the site has it: are its coordinates the site's?"
                )
        down = np.array([0.0, 0.0, heights.get(device, 0.0) if device in reading.antennas else 0.0])
        stands[device] = tuple((stamp_ns, place - down) for stamp_ns, place in poses)
    return replace(reading, stands=stands, antennas=frozenset())


def from_access_points(reading: Reading, site: Site) -> Reading:
    """With what was sent from a robot to an access point turned round, as reciprocity allows: arrival
    becomes departure. Its noise floor was that of the other end, and becomes unknown."""
    aps = {ap.name for ap in site.access_points}
    turned = [s.tx not in aps and s.rx in aps for s in reading.snapshots]
    if not any(turned):
        return reading
    snapshots = tuple(
        _turned(snapshot) if turn else snapshot
        for snapshot, turn in zip(reading.snapshots, turned, strict=True)
    )
    facts = {**reading.facts, "turned_round": f"{sum(turned)} records of robots that sent"}
    return replace(reading, snapshots=snapshots, facts=facts)


def _turned(snapshot: Snapshot) -> Snapshot:
    other = {"aod": "aoa", "aoa": "aod"}
    columns = {
        name: getattr(snapshot.paths, other.get(name[:3], name[:3]) + name[3:])
        for name in PATH_FIELDS
    }
    return replace(
        snapshot,
        tx=snapshot.rx,
        rx=snapshot.tx,
        paths=MeasuredPaths(**columns),
        noise_floor_dbm=float("nan"),
    )


def unplaced(reading: Reading, places: Places, site: Site | None) -> tuple[str, ...]:
    """The devices whose place neither the file, `places` nor the site gives."""
    fixed = set()
    if site:
        standing = (r.name for r in site.robots if r.position is not None or r.path is not None)
        fixed = {*(ap.name for ap in site.access_points), *standing}
    named = {name for s in reading.snapshots for name in (s.tx, s.rx)}
    return tuple(sorted(named - set(reading.stands) - set(places) - fixed))
