"""An import written as a campaign bag (docs/CAMPAIGN.md)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float

from visrftwin_ros.campaign.campaign_writer import CampaignWriter
from visrftwin_ros.campaign.importers.sounding import Reading
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site

UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])
"""Quaternion of a device's frame; the heading is not in these files, and angles are the world's."""

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


def unplaced(reading: Reading, places: Places, site: Site | None) -> tuple[str, ...]:
    """The devices whose place neither the file, `places` nor the site gives."""
    fixed = set()
    if site:
        standing = (r.name for r in site.robots if r.position is not None or r.path is not None)
        fixed = {*(ap.name for ap in site.access_points), *standing}
    named = {name for s in reading.snapshots for name in (s.tx, s.rx)}
    return tuple(sorted(named - set(reading.stands) - set(places) - fixed))
