"""`visrftwin up`: the live twin of a site."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from visrftwin_ros.commands.options import add_remap, add_site, positive, remap_rules
from visrftwin_ros.errors import TwinError

NAME = "up"
HELP = "start the live twin of a site"
LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")


def add_options(parser: argparse.ArgumentParser) -> None:
    add_site(parser)
    parser.add_argument(
        "--video",
        default="auto",
        help="recording to replay; auto = the site's own, none = live cameras",
    )
    parser.add_argument("--bag", default="", help="campaign to replay instead, in its own time")
    parser.add_argument(
        "--weights",
        default="",
        help="detector weights; none = the motion detector; by default those that ship for the"
        " lab's sites, elsewhere none",
    )
    parser.add_argument(
        "--no-viewer", dest="viewer", action="store_false", help="without the web page"
    )
    parser.add_argument(
        "--calibrate",
        action="store_true",
        help="with the material_calibrator: action calibrate, and what telemetry teaches",
    )
    parser.add_argument(
        "--map",
        dest="map_scene",
        action="store_true",
        help="with the scene_mapper: action build_map, a site from what the LiDAR and cameras see",
    )
    parser.add_argument(
        "--watch-scene",
        action="store_true",
        help="with the scene_watcher: furniture that is moved and doors that are opened change the twin",
    )
    parser.add_argument(
        "--vehicles",
        action="store_true",
        help="with the vehicle_tracker: cars, lorries and cycles that cameras and LiDARs see shadow links",
    )
    parser.add_argument("--web-port", type=_port, default=9090, help="port of the web page")
    parser.add_argument(
        "--grpc-port", type=_port, default=9876, help="port from which the page has its data"
    )
    parser.add_argument("--rate", type=_playback_rate, default=1.0, help="playback speed")
    parser.add_argument(
        "--namespace", default="", help="ROS namespace of the whole twin, for several on one graph"
    )
    add_remap(parser)
    parser.add_argument(
        "--only",
        default="",
        help="these nodes alone, by shell patterns with commas between, such as people_detector or"
        " view1/*; the others run on other hosts",
    )
    parser.add_argument("--loop", action="store_true", help="replay the recording for ever")
    parser.add_argument(
        "--params-file", default="", help="ROS parameters that count before all others"
    )
    parser.add_argument(
        "--open-network",
        action="store_true",
        help="let nodes on other machines take part (DDS); else the graph stays on this one",
    )
    parser.add_argument(
        "--allow-code", action="store_true", help="read weights that can run code, such as a .pt"
    )
    parser.add_argument(
        "--vision-msgs",
        action="store_true",
        help="detectors of others publish <camera>/detections_2d; none of ours is started",
    )
    parser.add_argument(
        "--predictors",
        type=positive,
        default=1,
        help="processes that share the links of a big site, by access point",
    )
    parser.add_argument(
        "--use-sim-time",
        action="store_true",
        help="run on the /clock of a simulator, which has the sensors; with --bag on the bag's always",
    )
    parser.add_argument(
        "--rviz", action="store_true", help="also RViz, set up for the site and namespace"
    )
    parser.add_argument("--log-level", choices=LOG_LEVELS, default="info", help="of every node")


def launch_arguments() -> dict[str, tuple[str, str]]:
    """The same options for `ros2 launch`: name -> (default, what it is); flags are true or false."""
    return {option.dest: (_text(option.default), str(option.help)) for option in _parser()._actions}


def command_line(values: Mapping[str, str]) -> list[str]:
    """The options of `visrftwin up` that say the same as launch arguments.

    Raises TwinError for a flag that is neither true nor false.
    """
    words = []
    for option in _parser()._actions:
        given, name = values[option.dest], option.option_strings[-1]
        if option.nargs != 0:
            words.append(f"{name}={given}")
        elif given.lower() not in ("true", "false"):
            raise TwinError(f"{option.dest}:={given}: expected true or false")
        elif (given.lower() == "true") is not option.default:
            words.append(name)
    return words


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    add_options(parser)
    return parser


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _playback_rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.05 <= rate <= 20.0:
        raise argparse.ArgumentTypeError(f"expected a number from 0.05 to 20, not {text!r}")
    return rate


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, not {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.cameras.site_video import find_video
    from visrftwin_ros.operations.graph import run_graph
    from visrftwin_ros.operations.node_table import node_table, only, remapped
    from visrftwin_ros.operations.views.rviz import rviz_window
    from visrftwin_ros.perception.detection.yolo_detector import ALLOW_CODE_VARIABLE
    from visrftwin_ros.site.loading import load_site

    if arguments.viewer and arguments.web_port == arguments.grpc_port:
        raise TwinError(
            f"--web-port and --grpc-port are both {arguments.web_port}: give each its own"
        )
    if arguments.open_network:
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "SUBNET"
    if arguments.allow_code:
        os.environ[ALLOW_CODE_VARIABLE] = "1"
    rules = remap_rules(arguments.remap)
    ros_arguments = ["--log-level", arguments.log_level]
    if arguments.params_file:
        if not Path(arguments.params_file).is_file():
            raise TwinError(f"no parameter file at {arguments.params_file!r}")
        ros_arguments += ["--params-file", arguments.params_file]
    site = load_site(arguments.site)
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
        vehicles=arguments.vehicles,
        page={"web_port": arguments.web_port, "grpc_port": arguments.grpc_port},
        rate=arguments.rate,
        loop=arguments.loop,
        namespace=arguments.namespace,
        use_sim_time=arguments.use_sim_time,
        vision_msgs=arguments.vision_msgs,
        predictors=arguments.predictors,
        ros_arguments=ros_arguments,
    )
    table = remapped(table, rules)
    if arguments.only:
        table = only(table, arguments.namespace, arguments.only.split(","))
    if not arguments.rviz:
        return run_graph(table)
    sim_time = arguments.use_sim_time or bool(arguments.bag)
    with rviz_window(site, arguments.namespace, sim_time):
        return run_graph(table)
