"""`visrftwin security policies`: what SROS2 has to permit the nodes of a twin."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from visrftwin_ros.commands.options import add_force, add_remap, add_site, remap_rules
from visrftwin_ros.outputs import file_kind, growing_file

NAME = "security policies"
HELP = "write the SROS2 policies of a twin's nodes, from the nodes themselves"


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument("--video", default="auto", help="as of `visrftwin up`")
    parser.add_argument("--bag", default="", help="as of `visrftwin up`")
    parser.add_argument("--weights", default="", help="as of `visrftwin up`")
    parser.add_argument("--no-viewer", dest="viewer", action="store_false", help="without the page")
    parser.add_argument("--calibrate", action="store_true", help="with the material_calibrator")
    parser.add_argument("--watch-scene", action="store_true", help="with the scene_watcher")
    parser.add_argument(
        "--map", dest="map_scene", action="store_true", help="with the scene_mapper"
    )
    parser.add_argument("--namespace", default="", help="as of `visrftwin up`")
    add_remap(parser)
    parser.add_argument("--out", type=Path, required=True, help="policy file (XML) to write")
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.cameras.site_video import find_video
    from visrftwin_ros.operations.node_table import node_table, remapped
    from visrftwin_ros.operations.security import endpoints_of, policy_xml
    from visrftwin_ros.site.loading import load_site

    site, rules = load_site(arguments.site), remap_rules(arguments.remap)
    table = node_table(
        site,
        arguments.site,
        video="" if arguments.bag else find_video(site, arguments.video),
        bag=arguments.bag,
        weights=arguments.weights,
        viewer=arguments.viewer,
        calibrate=arguments.calibrate,
        map_scene=arguments.map_scene,
        watch_scene=arguments.watch_scene,
        namespace=arguments.namespace,
    )
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    with growing_file(arguments.out, file_kind("policy", "<?xml"), arguments.force) as file:
        nodes = endpoints_of(remapped(table, rules))
        file.write(policy_xml(nodes))
    print(f"{arguments.out}: {len(nodes)} enclaves")
    return 0
