"""The `visrftwin` command."""

from __future__ import annotations

import argparse
import cmath
import json
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from visrftwin_ros.commands import campaign, evaluate, importing, lab
from visrftwin_ros.errors import TwinError


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one sub-command; 2 on bad input, 130 on Ctrl-C."""
    parsed = _parser().parse_args(arguments)
    try:
        return int(parsed.run(parsed))
    except TwinError as error:
        print(f"visrftwin: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"visrftwin: {error.strerror}: {error.filename}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("visrftwin: stopped", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="visrftwin", description="A live radio twin of a place.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    site = commands.add_parser("site", help="check a site").add_subparsers(
        required=True, metavar="COMMAND"
    )
    check = site.add_parser("check", help="validate a site and print what is in it")
    check.add_argument("site", help="name, folder or site.yaml")
    check.add_argument(
        "--overlay", type=Path, metavar="PNG", help="draw the site over a camera picture"
    )
    check.add_argument("--video", default="auto", help="recording whose first frame is drawn on")
    check.set_defaults(run=_check_site)

    calibrate = site.add_parser(
        "calibrate-camera", help="a fixed camera's pose from world-image pairs"
    )
    calibrate.add_argument("site", help="name, folder or site.yaml: has the camera's intrinsics")
    calibrate.add_argument("pairs", type=Path, help="CSV with x,y,z (m, world) and u,v (px)")
    calibrate.add_argument("--camera", default="", help="which, where the site has several")
    calibrate.add_argument("--focal", action="store_true", help="find the focal length as well")
    calibrate.set_defaults(run=_calibrate_camera)

    track = commands.add_parser("track", help="track the people of a recording, without ROS")
    _add_site(track)
    track.add_argument("--video", default="auto", help="path of a recording; auto = the site's own")
    track.add_argument("--bag", type=Path, help="instead: a rosbag2 with images, clouds and TF")
    track.add_argument(
        "--rate",
        type=float,
        help="frames a second of a bag's tracks; default: the first camera's frame_rate",
    )
    _add_detector(track)
    track.add_argument(
        "--image-size", type=int, help="network input, px; default: what the weights say"
    )
    track.add_argument(
        "--embedding-model",
        default="",
        help="open_clip model (ViT-B-32), its .json, or local-dir:FOLDER; default: colours of clothes",
    )
    track.add_argument(
        "--embedding-weights", default="", help="checkpoint of it, or an open_clip tag"
    )
    track.add_argument("--frames", type=_count, help="stop after this many frames")
    track.add_argument("--out", type=Path, required=True, help="tracks.csv to write")
    track.set_defaults(run=_track)

    score = commands.add_parser("track-score", help="compare tracks with ground truth")
    score.add_argument("tracks", type=Path)
    score.add_argument("truth", type=Path)
    score.set_defaults(run=_score)

    predict = commands.add_parser(
        "predict", help="predict every link's channel for tracks, without ROS"
    )
    _add_site(predict)
    predict.add_argument("--tracks", type=Path, required=True, help="what `visrftwin track` wrote")
    predict.add_argument(
        "--start", type=float, default=0.0, help="ROS time of frame 1, s (phase of scripted robots)"
    )
    predict.add_argument("--out", type=Path, required=True, help="channels.csv to write")
    predict.set_defaults(run=_predict)

    blockage = commands.add_parser(
        "blockage", help="what an upright screen across a radio path costs, as JSON"
    )
    _add_blockage(blockage)
    blockage.set_defaults(run=_blockage)

    bench = commands.add_parser("bench", help="measure this machine").add_subparsers(
        required=True, metavar="COMMAND"
    )
    retrace = bench.add_parser("retrace", help="updates of moving people against full solves")
    retrace.add_argument("--json", type=Path, help="rows to write")
    retrace.add_argument("--updates", type=int, default=200, help="ticks of each size")
    retrace.set_defaults(run=_bench_retrace)

    importing.add_commands(commands)

    up = commands.add_parser("up", help="start the live twin of a site")
    up.add_argument("site", help="name, folder or site.yaml")
    up.add_argument(
        "--video",
        default="auto",
        help="recording to replay; auto = the site's own, none = live cameras",
    )
    up.add_argument("--bag", default="", help="campaign to replay instead, in its own time")
    up.add_argument("--weights", default="", help="detector weights; none = the motion detector")
    up.add_argument("--no-viewer", dest="viewer", action="store_false", help="without the web page")
    up.add_argument("--rate", type=_playback_rate, default=1.0, help="playback speed")
    up.add_argument("--loop", action="store_true", help="replay the recording for ever")
    up.set_defaults(run=_up)

    campaign.add_commands(commands)
    lab.add_commands(commands)
    evaluate.add_commands(commands)

    demo = commands.add_parser("demo", help="run the twin on its recording and report")
    demo.add_argument("--site", default="pets_campus")
    demo.add_argument("--video", default="auto")
    demo.add_argument("--bag", default="", help="a recorded campaign of the site instead")
    demo.add_argument("--weights", default="")
    demo.add_argument(
        "--frames", type=_count, default=0, help="stop after this many frames; 0 = all"
    )
    demo.add_argument("--out", type=Path, default=Path("out/demo"))
    demo.set_defaults(run=_demo)
    return parser


def _count(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a count of 0 or more, not {text!r}")
    return int(text)


def _playback_rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.05 <= rate <= 20.0:
        raise argparse.ArgumentTypeError(f"expected a number from 0.05 to 20, not {text!r}")
    return rate


def _make_folder_of(file: Path) -> None:
    """Before the long work, not after it: a folder that cannot be written to is told at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.is_dir() or not os.access(file.parent, os.W_OK):
        raise TwinError(f"cannot write {file}: give a file in a folder that you may write to")


def _add_site(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--site", required=True, help="name, folder or site.yaml")


def _add_detector(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--detector", choices=("auto", "yolo", "motion"), default="auto")
    parser.add_argument(
        "--weights", default="", help="what ultralytics loads: .pt, OpenVINO folder, ..."
    )


def _add_blockage(parser: argparse.ArgumentParser) -> None:
    def metres(name: str, text: str, default: float | None = None, required: bool = False) -> None:
        parser.add_argument(
            name, type=float, metavar="M", help=text, default=default, required=required
        )

    parser.add_argument(
        "--frequency", type=float, required=True, metavar="HZ", help="carrier, e.g. 60e9"
    )
    metres("--d1", "transmitter to screen, metres along the path", required=True)
    metres("--d2", "screen to receiver", required=True)
    metres("--width", "of the screen", required=True)
    metres("--height", "of the screen; default inf: a strip without upper and lower edge", math.inf)
    metres("--offset", "sideways from the path to the screen's middle; default 0", 0.0)
    metres("--antenna-height", "of the path over the screen's lower edge; default half its height")
    parser.add_argument("--model", choices=("fresnel", "metis", "knife_edge"), default="fresnel")


def _check_site(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.scene.site_check import describe
    from visrftwin_ros.site.loading import load_site

    site = load_site(arguments.site)
    print(describe(site))
    if arguments.overlay:
        from visrftwin_ros.cameras.site_video import find_video
        from visrftwin_ros.viewing.overlay import draw_site

        draw_site(site, find_video(site, arguments.video), arguments.overlay)
        print(f"drawn over the camera picture: {arguments.overlay}")
    return 0


def _calibrate_camera(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.cameras.pose_calibration import calibrated_pose, read_pairs
    from visrftwin_ros.site.loading import load_site

    try:
        camera = load_site(arguments.site).camera(arguments.camera)
    except KeyError as error:
        raise TwinError(str(error.args[0])) from error
    world, pixels = read_pairs(arguments.pairs)
    found = calibrated_pose(camera, world, pixels, arguments.focal)
    worst = int(found.residual.argmax())
    print(f"# {camera.name}: residual {found.rms:.2f} px rms over {len(world)} pairs;")
    print(f"# worst: {found.residual[worst]:.2f} px, pair {worst + 1}")
    if arguments.focal:
        print(f"fx: {found.focal:.3f}")
        print(f"fy: {found.focal:.3f}")
    print(f"rvec: [{', '.join(f'{value:.8f}' for value in found.rvec)}]")
    print(f"t: [{', '.join(f'{value:.8f}' for value in found.t)}]")
    return 0


def _track(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.cameras.site_video import find_video
    from visrftwin_ros.perception.appearance.embedding import embedding_model
    from visrftwin_ros.perception.sources.bag_tracks import track_bag
    from visrftwin_ros.perception.sources.video_tracks import track_recording
    from visrftwin_ros.perception.tracking.tracks_file import write_tracks
    from visrftwin_ros.site.loading import load_site

    site = load_site(arguments.site)
    _make_folder_of(arguments.out)
    embeddings, problem = embedding_model(arguments.embedding_model, arguments.embedding_weights)
    if problem:
        print(f"visrftwin: {problem}", file=sys.stderr)
    if arguments.bag:
        tracks, start_ns = track_bag(
            site,
            arguments.bag,
            arguments.detector,
            arguments.weights,
            imgsz=arguments.image_size,
            embeddings=embeddings,
            rate=arguments.rate,
        )
        print(f"frame 1 is at ROS time {start_ns * 1e-9:.3f} s")
    else:
        tracks = track_recording(
            site.camera(),
            find_video(site, arguments.video),
            arguments.detector,
            arguments.weights,
            imgsz=arguments.image_size,
            embeddings=embeddings,
            frames=arguments.frames,
        )
    write_tracks(tracks, arguments.out)
    print(f"{arguments.out}: {len(tracks)} rows")
    return 0


def _score(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.evaluation.track_scores import score_files

    print(json.dumps(score_files(arguments.tracks, arguments.truth), indent=2))
    return 0


def _predict(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from visrftwin_ros.cache import cache_folder
    from visrftwin_ros.commands.channel_table import predict_tracks, write_channels
    from visrftwin_ros.perception.tracking.tracks_file import read_tracks
    from visrftwin_ros.site.loading import load_site
    from visrftwin_ros.twin.engine import TwinEngine

    site = load_site(arguments.site)
    tracks = read_tracks(arguments.tracks)
    _make_folder_of(arguments.out)
    engine = TwinEngine(site, cache_folder("paths"), threads=2)
    print("solving the static paths (a new site takes some seconds)", file=sys.stderr)
    engine.configure()
    with tqdm(unit="frame", desc="predicting", disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        start_ns, rate = round(arguments.start * 1e9), site.camera().frame_rate
        rows = predict_tracks(engine, tracks, start_ns, rate, progress)
        count = write_channels(rows, arguments.out)
    engine.close()
    print(f"{arguments.out}: {count} rows")
    return 0


def _blockage(arguments: argparse.Namespace) -> int:
    """`height` and `antenna_height` are null where the screen has no upper and lower edge."""
    from visrftwin_ros.propagation.fields.free_space import wavelength_of
    from visrftwin_ros.propagation.people.screen_diffraction import (
        FIELD_OF_MODEL,
        loss_db,
        vertical_screen,
    )

    inputs = {name: getattr(arguments, name) for name in ("d1", "d2", "width", "height", "offset")}
    if not (arguments.frequency > 0 and math.isfinite(arguments.frequency)):
        raise TwinError(f"frequency is {arguments.frequency:g}: expected hertz, positive")
    screen = vertical_screen(**inputs, antenna_height=arguments.antenna_height)
    field = FIELD_OF_MODEL[arguments.model](screen, wavelength_of(arguments.frequency))
    answer = {
        "model": arguments.model,
        "loss_db": float(loss_db(field)[0]),
        "phase_rad": cmath.phase(field[0]),
        "frequency": arguments.frequency,
        **inputs,
        "antenna_height": float(-screen.bottom[0]),
    }
    finite = {
        key: None if isinstance(value, float) and math.isinf(value) else value
        for key, value in answer.items()
    }
    print(json.dumps(finite, indent=2))
    return 0


def _bench_retrace(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.benchmarks.retrace import run

    run(arguments.json, arguments.updates)
    return 0


def _up(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.cameras.site_video import find_video
    from visrftwin_ros.operations.graph import run_graph
    from visrftwin_ros.operations.node_table import node_table
    from visrftwin_ros.site.loading import load_site

    site = load_site(arguments.site)
    table = node_table(
        site,
        arguments.site,
        video="" if arguments.bag else find_video(site, arguments.video),
        bag=arguments.bag,
        weights=arguments.weights,
        viewer=arguments.viewer,
        rate=arguments.rate,
        loop=arguments.loop,
    )
    return run_graph(table)


def _demo(arguments: argparse.Namespace) -> int:
    from visrftwin_ros.demo.run import run_demo
    from visrftwin_ros.demo.source import demo_source

    source = demo_source(arguments.site, arguments.video, arguments.bag, arguments.weights)
    return run_demo(source, arguments.frames, arguments.out)


if __name__ == "__main__":
    sys.exit(main())
