"""`visrftwin demo`: the live graph on a recording, then its report."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

from tqdm import tqdm

from visrftwin_ros.demo.record import GraphRecord, summary
from visrftwin_ros.demo.source import Source
from visrftwin_ros.errors import TwinError
from visrftwin_ros.operations.domain import apart
from visrftwin_ros.operations.graph import Graph, run_graph
from visrftwin_ros.operations.node_table import NodeSpec
from visrftwin_ros.outputs import check_room, folder_kind, make_room

DEMO = folder_kind("folder of a demo", "summary.json", "shadow_loss.png", "twin.rrd")
DRAIN = 1.5
"""Seconds after the last frame until its channels are surely out."""


def run_demo(source: Source, frames: int, out: Path, force: bool = False) -> int:
    """Runs the graph on the whole recording, or so many frames, and writes `out`; 0 when it did."""
    if frames and source.bag:
        raise TwinError("a bag is played to its end: --frames is for videos")
    check_room(out, DEMO, force)
    count = source.frame_count()
    make_room(out, DEMO, force)
    out.mkdir(parents=True)
    specs = _specs(source, frames, out)
    with apart():
        record, code = _run(source, specs, min(count, frames) if frames else count)
    if code:
        return code
    if not record.shadow:
        raise TwinError("no channel was published: the nodes' log above names the reason")
    from visrftwin_ros.campaign.campaign_reader import read_campaign
    from visrftwin_ros.demo.picture import draw
    from visrftwin_ros.demo.story import words
    from visrftwin_ros.demo.worth import worth

    campaign = read_campaign(source.bag, source.site) if source.bag else None
    found = worth(record, source.site, campaign)
    content = summary(record) | {"worth": asdict(found)}
    (out / "summary.json").write_text(json.dumps(content, indent=2) + "\n")
    draw(record, source, out / "shadow_loss.png")
    print(words(record, found, source, out))
    return 0


def _specs(source: Source, frames: int, out: Path) -> list[NodeSpec]:
    extra: dict[str, dict[str, object]] = {
        "camera_replay": {"autostart": False, "exit_at_end": True, "frames": frames},
        "campaign_replay": {"autostart": False, "exit_at_end": True},
        "twin_viewer": {
            "web_port": 0,
            "record": str((out / "twin.rrd").resolve()),
            "image_rate": 60.0,  # nothing of a recording is lost
        },
    }
    return [
        replace(spec, parameters={**spec.parameters, **extra.get(spec.executable, {})})
        for spec in source.node_table()
    ]


def _run(source: Source, specs: list[NodeSpec], frames: int) -> tuple[GraphRecord, int]:
    import rclpy

    from visrftwin_ros.demo.graph_recorder import GraphRecorder

    rclpy.init()
    recorder = GraphRecorder(source.camera)
    others = [spec.full_name for spec in specs if spec.executable != source.player]
    player = next(spec.full_name for spec in specs if spec.executable == source.player)
    progress = tqdm(total=frames, unit="frame", desc="replaying", disable=None)
    started, ended_at = False, 0.0

    def done(graph: Graph) -> bool:
        nonlocal started, ended_at
        if not started and recorder.all_active(others):
            started = recorder.start(player)
        progress.update(len(recorder.record.image_stamps) - progress.n)
        if graph.left_out:
            raise TwinError("nothing can record the demo: the log above names the reason")
        if started and player in graph.restarted:
            raise TwinError(f"{player} died during the demo: its log above names the reason")
        if player in graph.finished and not ended_at:
            ended_at = time.monotonic()
        return bool(ended_at) and time.monotonic() - ended_at > DRAIN

    print("starting the twin (the first start compiles the radio solver)", file=sys.stderr)
    try:
        code = run_graph(specs, done)
    finally:
        progress.close()
        recorder.close()
        rclpy.try_shutdown()
    return recorder.record, code
