"""`visrftwin campaign`: recorded sounder campaigns."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from visrftwin_ros.campaign.snapshot import Campaign


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `campaign` and what is under it."""
    campaign = commands.add_parser("campaign", help="recorded sounder campaigns").add_subparsers(
        required=True, metavar="COMMAND"
    )
    info = campaign.add_parser("info", help="what is in a campaign, as JSON")
    info.add_argument("bag", type=Path, help="rosbag2 folder, or its .mcap file")
    info.add_argument("--site", required=True, help="name, folder or site.yaml")
    info.set_defaults(run=_info)

    recover = campaign.add_parser("recover", help="save what is whole in a torn recording")
    recover.add_argument("bag", type=Path, help="rosbag2 folder, or its .mcap file")
    recover.add_argument("--out", type=Path, required=True, help="bag folder to write")
    recover.add_argument("--force", action="store_true", help="replace the bag that is there")
    recover.set_defaults(run=_recover)


def _info(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.bags.bag_file import open_bag
    from visrftwin_ros.campaign.campaign_reader import read_campaign
    from visrftwin_ros.site.loading import load_site

    campaign = read_campaign(arguments.bag, load_site(arguments.site))
    with open_bag(arguments.bag) as bag:
        topics = {
            c.topic: {"type": c.msgtype, "messages": c.msgcount}
            for c in sorted(bag.connections, key=lambda c: c.topic)
        }
        times = {"start_s": bag.start_ns * 1e-9, "seconds": (bag.end_ns - bag.start_ns) * 1e-9}
        complete = not bag.stopped_by
    answer = {
        "bag": str(arguments.bag),
        "complete": complete,
        **times,
        "facts": dict(campaign.facts),
        "topics": topics,
        "links": _links(campaign),
        "truth": _truth(campaign),
        "problems": list(campaign.problems),
    }
    print(json.dumps(answer, indent=2, default=str))
    return 0


def _links(campaign: Campaign) -> list[dict[str, Any]]:
    """One entry a link; places are null where no snapshot knows them."""
    import numpy as np

    found = []
    for tx, rx in dict.fromkeys((s.tx, s.rx) for s in campaign.snapshots):
        mine = [s for s in campaign.snapshots if (s.tx, s.rx) == (tx, rx)]
        places = np.array([s.rx_position for s in mine])
        known = places[np.isfinite(places).all(axis=1)]
        found.append(
            {
                "tx": tx,
                "rx": rx,
                "snapshots": len(mine),
                "paths_median": float(np.median([len(s.paths) for s in mine])),
                "frequency": mine[0].frequency,
                "bandwidth": mine[0].bandwidth,
                "rx_placed": len(known),
                "rx_from": known.min(axis=0).tolist() if len(known) else None,
                "rx_to": known.max(axis=0).tolist() if len(known) else None,
            }
        )
    return found


def _truth(campaign: Campaign) -> dict[str, Any]:
    return {
        "people": len(campaign.truth_people),
        "channels": len(campaign.truth_channels),
        "materials": sorted(campaign.truth_materials or ()),
    }


def _recover(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.bags.bag_recovery import recover_bag

    found = recover_bag(arguments.bag, arguments.out, arguments.force)
    for name, place in found.broken_at.items():
        print(f"{name}: whole up to byte {place}", file=sys.stderr)
    print(f"{arguments.out}: {found.messages} messages")
    return 0
