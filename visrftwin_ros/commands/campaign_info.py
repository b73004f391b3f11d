"""`visrftwin campaign info`: what is in a recorded sounder campaign."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visrftwin_ros.commands.options import add_site

if TYPE_CHECKING:
    from visrftwin_ros.campaign.snapshot import Campaign


NAME = "campaign info"
HELP = "what is in a recorded campaign, as JSON"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bag", type=Path, help="rosbag2 folder, or its .mcap file")
    add_site(parser)
    parser.add_argument(
        "--for-fitting",
        action="store_true",
        help="an error where the bag is of the lab's judge set, on which nothing may be fitted",
    )


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.bags.bag_file import open_bag
    from visrftwin_ros.campaign.campaign_reader import read_campaign
    from visrftwin_ros.campaign.data_sets import refuse_judge, set_of
    from visrftwin_ros.site.loading import load_site

    campaign = read_campaign(arguments.bag, load_site(arguments.site))
    if arguments.for_fitting:
        refuse_judge(arguments.bag, campaign)
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
        "set": set_of(campaign.facts),
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
