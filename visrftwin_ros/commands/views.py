"""`visrftwin views`: a twin in RViz, Foxglove and rosbag2."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import yaml

from visrftwin_ros.commands.options import add_force, add_site
from visrftwin_ros.outputs import folder_kind, make_room

NAME = "views"
HELP = "write what RViz, Foxglove and ros2 bag record need for a site and namespace"
NAMES = ("twin.rviz", "foxglove.json", "record_topics.txt", "record_qos.yaml")


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument("--namespace", default="", help="as of `visrftwin up`")
    parser.add_argument(
        "--compressed", action="store_true", help="the cameras send image_raw/compressed"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    add_force(parser)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.operations.views.foxglove import foxglove_layout
    from visrftwin_ros.operations.views.graph_topics import graph_topics
    from visrftwin_ros.operations.views.recording import record_overrides, recorded
    from visrftwin_ros.operations.views.rviz import rviz_command, rviz_config
    from visrftwin_ros.site.loading import load_site

    site, namespace = load_site(arguments.site), arguments.namespace
    topics = recorded(graph_topics(site, namespace, arguments.compressed))
    contents = (
        yaml.safe_dump(rviz_config(site, namespace), sort_keys=False),
        json.dumps(foxglove_layout(site, namespace, arguments.compressed), indent=2),
        "\n".join(topic.name for topic in topics),
        yaml.safe_dump(record_overrides(topics), sort_keys=False),
    )
    out = arguments.out
    make_room(out, folder_kind("folder of views", *NAMES), arguments.force)
    out.mkdir(parents=True)
    rviz, foxglove, names, qos = (out / name for name in NAMES)
    for file, text in zip((rviz, foxglove, names, qos), contents, strict=True):
        file.write_text(f"{text.rstrip()}\n")
    print(" ".join(rviz_command(rviz, namespace)))
    print(f"Foxglove, Layouts, Import from file: {foxglove}")
    print(
        f"ros2 bag record --storage mcap --qos-profile-overrides-path {qos} --topics $(cat {names})"
    )
    return 0
