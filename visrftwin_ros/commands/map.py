"""`visrftwin map`: a recording, a cloud or a mesh of a place as a site."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from visrftwin_ros.commands.options import positive
from visrftwin_ros.commands.progress import progress_bar
from visrftwin_ros.commands.site_options import add_new_site, named_material, new_site_entries
from visrftwin_ros.errors import TwinError
from visrftwin_ros.outputs import check_room

NAME = "map"
HELP = "a recording, a cloud or a mesh of a place as a site"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        type=Path,
        help="a rosbag2 with clouds; a folder of posed RGB-D frames as 7-Scenes, TUM or nerfstudio have "
        "them, or of nerfstudio's without depth; a "
        "mesh (.ply, .obj, .stl, .glb) or a cloud (.ply, .las, .laz, .e57)",
    )
    add_new_site(parser)
    parser.add_argument(
        "--material",
        action="append",
        default=[],
        metavar="NAME=MATERIAL",
        help="of a surface (wall_2) or of all of a kind (floor, ceiling, wall, panel, box); what is not "
        "named is what pictures show, else `unknown`",
    )
    parser.add_argument(
        "--thickness",
        type=_metres,
        default=0.1,
        metavar="M",
        help="of what is `unknown`, which no scan of one side shows; default 0.1",
    )
    parser.add_argument(
        "--world-frame", default="", help="TF frame of the map; default world for a bag, else map"
    )
    parser.add_argument(
        "--poses",
        choices=("tf", "lidar"),
        help="of a bag's LiDAR: by TF to the world frame (default), or by its sweeps where there is none; the "
        "map's frame is then the robot's first one, turned upright",
    )
    parser.add_argument(
        "--depth",
        choices=("sensor", "pictures"),
        help="what shows where surfaces are: the LiDAR or RGB-D camera (default), or the pictures alone, where there "
        "is none",
    )
    parser.add_argument("--topic", default="", help="of a bag's clouds, where it has several")
    parser.add_argument(
        "--every", type=positive, metavar="N", help="take each N-th sweep or frame; default 1"
    )
    parser.add_argument(
        "--farthest",
        type=_metres,
        metavar="M",
        help="of a LiDAR's returns; default 30",
    )
    parser.add_argument("--unit", choices=("m", "cm", "mm"), help="of a mesh or cloud; default m")
    parser.add_argument("--up", choices=("z", "y"), help="axis of a mesh or cloud; default z")
    parser.add_argument(
        "--cell", type=_metres, default=0.05, metavar="M", help="of which one point is kept"
    )
    parser.add_argument(
        "--embedder",
        choices=("packaged", "open_clip", "dinov2", "none"),
        help="what looks at materials in a source's pictures: the packaged EfficientNet-Lite0 (default), a network "
        "of yours, or nothing",
    )
    parser.add_argument("--embedder-model", default="", help="as open_clip names it, as ViT-B-32")
    parser.add_argument("--embedder-weights", default="", help="file of the network's weights")
    parser.add_argument(
        "--material-head", default="", help="trained for dinov2, or instead of the packaged one"
    )
    parser.add_argument(
        "--pictures",
        type=positive,
        metavar="N",
        help="looked at of each camera; default 12",
    )
    parser.add_argument(
        "--reference", metavar="SITE", help="a site of the same place and frame, to compare with"
    )


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.mapping.build import MapPlan, build_site
    from visrftwin_ros.mapping.map_site import MAPPED_SITE
    from visrftwin_ros.mapping.map_source import MapSource
    from visrftwin_ros.mapping.place_map import MapSettings
    from visrftwin_ros.scene.site_check import describe
    from visrftwin_ros.site.loading import load_site
    from visrftwin_ros.vision.material_reader import ReaderChoice

    check_room(arguments.out, MAPPED_SITE, arguments.force)
    devices = new_site_entries(arguments)
    given = dict(named_material(entry) for entry in arguments.material)
    source = MapSource(
        arguments.source,
        arguments.world_frame,
        arguments.topic,
        arguments.every,
        arguments.farthest,
        arguments.unit,
        arguments.up,
        arguments.pictures,
        arguments.poses,
        arguments.depth,
    )
    reader = ReaderChoice(
        arguments.embedder or ("packaged" if source.has_pictures else "none"),
        arguments.embedder_model,
        arguments.embedder_weights,
        arguments.material_head,
    )
    if reader.looks and not source.has_pictures:
        raise TwinError(f"{source.path} has no pictures: --embedder {reader.kind} would be ignored")
    if arguments.pictures and not reader.looks:
        raise TwinError("--embedder none: --pictures would be ignored")
    plan = MapPlan(
        arguments.out,
        {
            "description": f"mapped from {arguments.source.name}",
            "world_frame": source.frame,
            **devices,
        },
        given,
        arguments.thickness,
        reader,
        MapSettings(cell=arguments.cell),
        load_site(arguments.reference) if arguments.reference else None,
        f"made by {shlex.join(['visrftwin', *sys.argv[1:]])}",
        arguments.force,
    )
    poses, without = source.followed(progress_bar("following", "sweep"))
    scan = source.read(progress_bar("reading", "view"), poses)
    pictures, left_out = source.read_pictures(poses) if reader.looks else ((), ())
    for reason in (*without, *left_out):
        _tell(f"left out: {reason}")
    if reader.looks and not pictures:
        _tell("no picture whose camera and place are known: materials are not looked at")
    site, _ = build_site(scan, pictures, plan, _tell, progress_bar("looking", "crop"))
    print(describe(site))
    print(f"  report: {arguments.out / 'report' / 'report.md'}")
    return 0


def _metres(text: str) -> float:
    """m, from a millimetre to a kilometre."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1e-3 <= value <= 1e3:
        raise argparse.ArgumentTypeError(f"expected metres from 0.001 to 1000, not {text!r}")
    return value


def _tell(text: str) -> None:
    print(f"map: {text}", file=sys.stderr)
