"""`visrftwin map`: a recording, a cloud or a mesh of a place as a site."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visrftwin_ros.commands.options import positive
from visrftwin_ros.commands.progress import progress_bar
from visrftwin_ros.commands.site_options import add_new_site, named_material, new_site_entries
from visrftwin_ros.errors import TwinError
from visrftwin_ros.outputs import check_room

if TYPE_CHECKING:
    from visrftwin_ros.mapping.place_map import PlaceMap
    from visrftwin_ros.mapping.scan import Scan
    from visrftwin_ros.vision.seen_materials import SeenMaterials

NAME = "map"
HELP = "a recording, a cloud or a mesh of a place as a site"


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source",
        type=Path,
        help="a rosbag2 with clouds and TF; a folder of posed RGB-D frames as 7-Scenes has them; a mesh "
        "(.ply, .obj, .stl) or a cloud (.ply)",
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
    parser.add_argument("--topic", default="", help="of a bag's clouds, where it has several")
    parser.add_argument(
        "--every", type=positive, default=1, metavar="N", help="take each N-th sweep or frame"
    )
    parser.add_argument(
        "--farthest",
        type=_metres,
        default=30.0,
        metavar="M",
        help="of a LiDAR's returns, default 30",
    )
    parser.add_argument("--unit", choices=("m", "cm", "mm"), help="of a mesh or cloud; default m")
    parser.add_argument("--up", choices=("z", "y"), help="axis of a mesh or cloud; default z")
    parser.add_argument(
        "--cell", type=_metres, default=0.05, metavar="M", help="of which one point is kept"
    )
    parser.add_argument(
        "--embedder",
        choices=("packaged", "open_clip", "dinov2", "none"),
        default="packaged",
        help="what looks at materials in a source's pictures: the packaged EfficientNet-Lite0 (default), a network "
        "of yours, or nothing",
    )
    parser.add_argument("--embedder-model", default="", help="as open_clip names it, as ViT-B-32")
    parser.add_argument("--embedder-weights", default="", help="file of the network's weights")
    parser.add_argument(
        "--material-head", type=Path, help="trained for dinov2, or instead of the packaged one"
    )
    parser.add_argument(
        "--pictures",
        type=positive,
        default=12,
        metavar="N",
        help="looked at of each camera, default 12",
    )
    parser.add_argument(
        "--reference", metavar="SITE", help="a site of the same place and frame, to compare with"
    )


def run(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.mapping.map_site import MAPPED_SITE, write_mapped_site
    from visrftwin_ros.mapping.place_map import MapSettings, map_place
    from visrftwin_ros.scene.site_check import describe
    from visrftwin_ros.site.loading import load_site
    from visrftwin_ros.vision.seen_report import write_seen_report

    check_room(arguments.out, MAPPED_SITE, arguments.force)
    devices = new_site_entries(arguments)
    given = dict(named_material(entry) for entry in arguments.material)
    reference = load_site(arguments.reference) if arguments.reference else None
    scan = _scan(arguments)
    place = map_place(scan, MapSettings(cell=arguments.cell), _tell)
    looked = _looked(arguments, place)
    entries: dict[str, Any] = {
        "description": f"mapped from {scan.source}",
        "world_frame": _world_frame(arguments),
        **devices,
    }
    site = write_mapped_site(
        place,
        arguments.out,
        entries,
        given,
        thickness=arguments.thickness,
        reference=reference,
        comment=f"made by {shlex.join(['visrftwin', *sys.argv[1:]])}",
        force=arguments.force,
        seen=looked.materials(arguments.frequency, arguments.thickness) if looked else {},
        notes=(lambda folder: write_seen_report(folder, looked)) if looked else (lambda _: ()),
    )
    print(describe(site))
    print(f"  report: {arguments.out / 'report' / 'report.md'}")
    return 0


def _scan(arguments: argparse.Namespace) -> Scan:
    """Of the source, by what it is."""
    from visrftwin_ros.mapping.sources.bag_clouds import read_bag_clouds
    from visrftwin_ros.mapping.sources.mesh_or_cloud import ENDINGS, read_mesh_or_cloud
    from visrftwin_ros.mapping.sources.rgbd_folder import read_rgbd_folder

    source: Path = arguments.source
    if not source.exists():
        raise TwinError(f"nothing at {source}")
    if source.suffix.lower() in ENDINGS:
        return read_mesh_or_cloud(source, arguments.unit, arguments.up)
    if arguments.unit or arguments.up:
        raise TwinError(
            f"{source}: --unit and --up are for a mesh or a cloud ({', '.join(ENDINGS)})"
        )
    progress = progress_bar("reading", "view")
    if _is_bag(source):
        frame = _world_frame(arguments)
        return read_bag_clouds(
            source, arguments.topic, frame, arguments.every, arguments.farthest, progress
        )
    if source.is_dir():
        return read_rgbd_folder(source, arguments.every, progress)
    raise TwinError(
        f"{source}: expected a rosbag2, a folder of RGB-D frames, a mesh or a cloud "
        f"({', '.join(ENDINGS)})"
    )


def _looked(arguments: argparse.Namespace, place: PlaceMap) -> SeenMaterials | None:
    """What the source's pictures show of a map's surfaces; None where there are none, or nobody is to look."""
    from visrftwin_ros.materials.table import material_values
    from visrftwin_ros.scene.surfaces import SurfaceMesh
    from visrftwin_ros.vision.bag_pictures import read_bag_pictures
    from visrftwin_ros.vision.embedders import DinoV2, EfficientNetLite, Embedder, OpenClip
    from visrftwin_ros.vision.material_heads import Head, TextMatch, load_head
    from visrftwin_ros.vision.rgbd_pictures import read_rgbd_pictures
    from visrftwin_ros.vision.seen_materials import seen_materials

    source: Path = arguments.source
    if arguments.embedder == "none" or not (_is_bag(source) or source.is_dir()):
        return None
    if _is_bag(source):
        frame = _world_frame(arguments)
        pictures, left_out = read_bag_pictures(source, frame, arguments.pictures)
    else:
        pictures, left_out = read_rgbd_pictures(source, arguments.pictures)
    for reason in left_out:
        _tell(f"left out: {reason}")
    if not pictures:
        _tell("no picture whose camera and place are known: materials are not looked at")
        return None
    head: Head
    embedder: Embedder
    if arguments.embedder == "open_clip":
        clip = OpenClip(arguments.embedder_model, arguments.embedder_weights)
        embedder, head = clip, TextMatch(clip)
    else:
        embedder = (
            DinoV2(arguments.embedder_weights)
            if arguments.embedder == "dinov2"
            else EfficientNetLite()
        )
        head = load_head(arguments.material_head, embedder.name)
    _tell(f"looking at materials in {len(pictures)} pictures")
    usual = material_values("concrete", arguments.frequency)
    return seen_materials(
        [SurfaceMesh(s.name, s.vertices, s.faces, usual) for s in place.surfaces],
        [s.kind for s in place.surfaces],
        [picture.turned(place.turn) for picture in pictures],
        embedder,
        head,
        frequency=arguments.frequency,
        thickness=arguments.thickness,
        progress=progress_bar("looking", "crop"),
    )


def _world_frame(arguments: argparse.Namespace) -> str:
    return arguments.world_frame or ("world" if _is_bag(arguments.source) else "map")


def _is_bag(source: Path) -> bool:
    return source.suffix in (".mcap", ".db3") or (source / "metadata.yaml").exists()


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
