"""`visrftwin bench rays`: whether a site's rays are enough."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from visrftwin_ros.commands.json_rows import add_json, check_json, write_json
from visrftwin_ros.commands.options import add_device, positive, use_device

NAME = "bench rays"
HELP = "what twice the rays change in the links of a site"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--site", action="append", help="name, folder or site.yaml; again for more (the shipped)"
    )
    parser.add_argument("--receivers", type=positive, default=16, help="places in each")
    parser.add_argument("--samples", type=positive, help="rays an access point (the site's)")
    add_device(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.benchmarks import ray_count

    check_json(arguments)
    use_device(arguments)
    sites = tuple(arguments.site or ray_count.SITES)
    rows = list(ray_count.run(sites, arguments.receivers, arguments.samples))
    write_json(arguments, [asdict(row) for row in rows])
    return 0
