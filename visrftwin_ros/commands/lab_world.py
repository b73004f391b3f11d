"""`visrftwin lab world`: what a seed of the lab stands for, before anything is recorded."""

from __future__ import annotations

import argparse
import json

NAME = "lab world"
HELP = "the set, the family and the hidden soundings of a synthetic world, as JSON"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", required=True, help="lobby, lecture_room or street")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the drive; default 30")
    parser.add_argument("--seed", type=int, nargs="+", required=True, help="one or more")


def run(arguments: argparse.Namespace) -> int:
    import numpy as np

    from visrftwin_ros.lab.recording.robot_drive import plan_drive
    from visrftwin_ros.lab.world.sight import hidden_share
    from visrftwin_ros.lab.world.world import load_world

    rows = []
    for seed in arguments.seed:
        world = load_world(arguments.site, seed)
        drive = plan_drive(world, arguments.seconds, seed)
        robot = next(r for r in world.site.robots if r.name == drive.robot)
        share = hidden_share(world, drive.position[drive.soundings], robot.antenna_height)
        names = [ap.name for ap in world.site.access_points]
        doubtful = {id(wall): wall for wall in world.walls.values()}.values()
        rows.append(
            {
                "site": arguments.site,
                "seed": seed,
                **vars(world.family),
                "soundings": len(drive.soundings),
                "hidden_share": round(float(np.mean(share)), 3),
                "hidden_share_by_access_point": dict(zip(names, share.round(3), strict=True)),
                "walls": len(doubtful),
                "walls_that_are_not_what_their_label_says": sum(
                    wall.real != wall.label for wall in doubtful
                ),
            }
        )
    print(json.dumps(rows, indent=2))
    return 0
