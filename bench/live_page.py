"""Pictures of the page over a site with 40 links of which three are in trouble, and how far it is behind live.

python bench/live_page.py --out out/page                 # 1280 and 2560 px wide, light and dark
python bench/live_page.py --out out/page --minutes 10    # how far behind live it is, once a minute
python bench/live_page.py --out out/page --minutes 10 --renderer swiftshader
python bench/live_page.py --out out/page --rate 0.05     # pictures on a machine that others keep busy: time goes slowly

The predictor, the beam selector and the viewer are those of `visrftwin up`. Made up is what would come from sensors:
people, three of whom sway in a robot's links, and a camera's picture, whose bars say when it was taken; and the time,
by /clock. The browser is Chromium without a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from visrftwin_ros.benchmarks.lobby import WALKING_SPEED, Crowd, lobby
from visrftwin_ros.bodies.people import Bodies, together
from visrftwin_ros.operations.domain import apart
from visrftwin_ros.operations.graph import Graph
from visrftwin_ros.operations.node_table import node_table
from visrftwin_ros.site.loading import config_path, load_site
from visrftwin_ros.site.model import Camera, Site

APS, ROBOTS, SEED = 4, 10, 5
IN_TROUBLE = ("robot2", "robot5", "robot8")
NODES = ("site_frames", "channel_predictor", "beam_selector", "twin_viewer")
PEOPLE_RATE, PICTURES_EVERY = 10.0, 2
"""Hz, and people to a picture."""
SIZES = ((1280, 800), (2560, 1440))
SOFTWARE = {"mesa": ("--use-angle=gl-egl",),
            "swiftshader": ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")}  # fmt: skip
"""Flags of Chromium by what draws in place of a GPU: Mesa's llvmpipe, or what Chromium brings along."""
FLAGS = ("--no-sandbox", "--use-gl=angle", "--ignore-gpu-blocklist", "--disable-background-networking")  # fmt: skip
SEEN, LOOK_AGAIN, MOST_LOOKS = 8.0, 8.0, 20
"""Seconds of the made-up time that a picture shows; of this machine's between two looks at the page, and how many."""
MOST_RETRIES = 5
"""Screenshots, a second apart, until one shows a whole picture."""
BARS, TICK = 16, 0.1
"""Of the picture that says when it was taken: bits, and s of one count."""
FRAME, FADED_FRAME, SMALLEST = (0, 95, 60), (187, 197, 191), (8, 60)
"""RGB of the strip over the bars, also while the page decodes the next picture; the least rows and columns of it on the
page."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of pictures and figures")
    parser.add_argument(
        "--minutes", type=float, default=0.0, help="measure how far behind; 0 = take pictures"
    )
    parser.add_argument("--rate", type=float, default=1.0, help="speed of the made-up time")
    parser.add_argument(
        "--renderer", default="mesa", choices=SOFTWARE, help="what draws in place of a GPU"
    )
    arguments = parser.parse_args()
    if arguments.minutes and arguments.rate != 1.0:
        parser.error("how far behind is measured in the time of this machine: without --rate")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, live_page(Path(folder), arguments.rate) as live:
        if arguments.minutes:
            measure(live, arguments.renderer, arguments.minutes, arguments.out)
        else:
            take_pictures(live, arguments.renderer, arguments.out)


def forty_links(folder: Path) -> Site:
    """The benches' lobby with APS access points, ROBOTS robots that stand and a camera, as a site."""
    robots = Crowd(ROBOTS, 0.0, SEED).position
    optics = {
        "image_width": 640,
        "image_height": 360,
        "fx": 417.0,
        "fy": 417.0,
        "cx": 320.0,
        "cy": 180.0,
    }
    corner = {"rvec": (1.99, -1.099, 0.548), "t": (0.094, 2.167, 1.112)}
    camera = Camera(name="cctv", frame_rate=PEOPLE_RATE / PICTURES_EVERY, **optics, **corner)
    site = lobby(APS, robots).model_copy(update={"name": "forty_links", "cameras": [camera]})
    content = site.model_dump(mode="json", exclude={"folder"}, exclude_defaults=True)
    place = folder / "forty_links"
    place.mkdir()
    (place / "site.yaml").write_text(yaml.safe_dump(content))
    return load_site(str(place))


class MadeUpPeople:
    """One sways in the way of each link of IN_TROUBLE to its nearest access point, three wander."""

    def __init__(self, site: Site) -> None:
        self._crowd = Crowd(3, WALKING_SPEED, SEED)
        points = np.array([ap.position[:2] for ap in site.access_points])
        self._sway = []
        for robot in site.robots:
            if robot.name in IN_TROUBLE and robot.position is not None:
                here = np.array(robot.position)
                nearest = points[np.linalg.norm(points - here, axis=1).argmin()]
                ahead = (nearest - here) / np.linalg.norm(nearest - here)
                self._sway.append((here + 0.9 * ahead, np.array([-ahead[1], ahead[0]])))

    def after(self, seconds: float, step: float) -> Bodies:
        """`step` later than the last time."""
        self._crowd.step(step)
        count = len(self._sway)
        phase = 0.8 * seconds + np.arange(count)
        place = np.array([middle + 0.08 * np.sin(p) * across
                          for p, (middle, across) in zip(phase, self._sway, strict=True)])  # fmt: skip
        speed = np.array([0.064 * np.cos(p) * across
                          for p, (_, across) in zip(phase, self._sway, strict=True)])  # fmt: skip
        flat, one = np.zeros(count), np.ones(count)
        swaying = Bodies(
            ids=tuple(f"s{i}" for i in range(count)),
            position=np.column_stack([place, flat]),
            velocity=np.column_stack([speed, flat]),
            width=0.45 * one,
            depth=0.25 * one,
            height=1.75 * one,
            heading=flat,
        )
        return together(swaying, self._crowd.bodies())


def timed_picture(camera: Camera, stamp_ns: int) -> NDArray[np.uint8]:
    """(H, W, 3) BGR: a strip of FRAME over BARS bars, white for 1, the highest bit first."""
    picture = np.zeros((camera.image_height, camera.image_width, 3), np.uint8)
    count = round(stamp_ns * 1e-9 / TICK) % 2**BARS
    wide = camera.image_width // BARS
    for bar in range(BARS):
        picture[:, bar * wide : (bar + 1) * wide] = 255 * (count >> (BARS - 1 - bar) & 1)
    picture[: camera.image_height // 4] = FRAME[::-1]
    return picture


def time_shown(screenshot: NDArray[np.uint8], now_ns: int) -> float | None:
    """ROS time [s] of the picture that an RGB screenshot shows, the latest that is not after `now_ns`;
    None where there is none."""
    for frame, off, grey in (FRAME, 40, 127), (FADED_FRAME, 5, 221):
        count = _count_shown(screenshot.astype(int), frame, off, grey)
        if count is not None:
            now = round(now_ns * 1e-9 / TICK)
            return TICK * (now - (now - count) % 2**BARS)
    return None


def _count_shown(
    screenshot: NDArray[np.int_], frame: tuple[int, int, int], off: int, grey: int
) -> int | None:
    """Ticks modulo 2**BARS that the bars under a strip of that colour, or `off` off it, say: brighter than `grey`
    is 1."""
    strip = np.abs(screenshot - frame).max(axis=-1) < off
    rows = np.flatnonzero(strip.sum(axis=1) > 60)
    if not len(rows):
        return None
    # The first rows that touch each other: a curve further down may have a colour like it.
    rows = rows[: np.append(np.flatnonzero(np.diff(rows) > 1) + 1, len(rows))[0]]
    columns = np.flatnonzero(strip[rows].sum(axis=0) > len(rows) / 3)
    if len(rows) < SMALLEST[0] or len(columns) < SMALLEST[1]:
        return None
    left, right = columns[0], columns[-1] + 1
    row = min(rows[-1] + len(rows), len(screenshot) - 1)  # the middle of what is under the strip
    count = 0
    for bar in range(BARS):
        column = int(left + (bar + 0.5) * (right - left) / BARS)
        count = 2 * count + bool(screenshot[row, column].mean() > grey)
    return count


@dataclass
class LivePage:
    """A graph that runs, what it senses, where its page is, and the last shadow losses [dB] by link."""

    graph: Graph
    sensors: MadeUpSensors
    url: str = ""
    losses: dict[str, float] = field(default_factory=dict)

    def look_after(self, page: Any, seconds: float) -> None:
        """Keeps the graph going meanwhile, and the page where there is one."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            code = self.graph.poll()
            if code is not None:
                raise SystemExit(
                    f"the graph ended with code {code}: its log above names the reason"
                )
            page.wait_for_timeout(200) if page else time.sleep(0.2)


@contextmanager
def live_page(folder: Path, rate: float) -> Iterator[LivePage]:
    """The graph, once its page is there and channels come, until the end. rate: of its time."""
    import rclpy

    site = forty_links(folder)
    page = {"web_port": free_port(), "grpc_port": free_port()}
    table = node_table(site, str(site.folder), page=page, use_sim_time=True)
    specs = [spec for spec in table if spec.executable in NODES]
    # As every node has it: a picture is larger than what Fast DDS shares by default, and is lost under load.
    os.environ.setdefault("FASTRTPS_DEFAULT_PROFILES_FILE", str(config_path("fastdds_images.xml")))
    with apart():
        rclpy.init()
        live = LivePage(Graph(specs), MadeUpSensors(site, rate))
        live.sensors.hear(live)
        live.graph.start()
        try:
            while not (live.url and live.losses):
                live.look_after(None, 1.0)
            yield live
        finally:
            live.sensors.close()
            live.graph.stop()
            rclpy.try_shutdown()


class MadeUpSensors:
    """Publishes people, pictures and their time from a thread of its own, and hears where the page is."""

    def __init__(self, site: Site, rate: float) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        from rosgraph_msgs.msg import Clock
        from sensor_msgs.msg import Image

        from visrftwin_ros.msg import TrackedPeople
        from visrftwin_ros.nodes.shared.twin_node import RESULT_QOS, SENSOR_QOS

        self._site, self._people = site, MadeUpPeople(site)
        node = self._node = rclpy.create_node("made_up_sensors")
        self._images = node.create_publisher(Image, f"{site.cameras[0].name}/image_raw", SENSOR_QOS)
        self._bodies = node.create_publisher(TrackedPeople, "people", RESULT_QOS)
        self._clock = node.create_publisher(Clock, "/clock", SENSOR_QOS)
        self._rate, self._began, self._steps = rate, time.time_ns(), 0
        self._stands_ns: int | None = None
        node.create_timer(TICK / 2, self._on_time)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        from rclpy.executors import ExternalShutdownException

        with suppress(ExternalShutdownException):
            self._executor.spin()

    def close(self) -> None:
        self._executor.shutdown()
        self._thread.join(timeout=5.0)
        self._node.destroy_node()

    def now_ns(self) -> int:
        """Of the made-up time, which is this machine's where its rate is 1."""
        if self._stands_ns is not None:
            return self._stands_ns
        return self._began + round(self._rate * (time.time_ns() - self._began))

    def _on_time(self) -> None:
        from rosgraph_msgs.msg import Clock

        from visrftwin_ros.messages.stamps import stamp_message
        from visrftwin_ros.nodes.messages.message_types import made

        now = self.now_ns()
        self._clock.publish(Clock(clock=stamp_message(made, now)))
        step = round((now - self._began) * 1e-9 * PEOPLE_RATE)
        if step > self._steps:
            self._publish_people(now, (step - self._steps) / PEOPLE_RATE)
            if step % PICTURES_EVERY == 0:
                self._publish_picture(now)
            self._steps = step

    def _publish_people(self, now: int, step: float) -> None:
        from visrftwin_ros.messages.people import people_message
        from visrftwin_ros.nodes.messages.message_types import made

        bodies = self._people.after((now - self._began) * 1e-9, step)
        doubt = np.tile(np.diag([0.05, 0.05, 0.1, 0.1]) ** 2, (len(bodies), 1, 1))
        frame = self._site.world_frame
        self._bodies.publish(people_message(made, now, frame, bodies, covariance=doubt))

    def _publish_picture(self, now: int) -> None:
        from visrftwin_ros.messages.images import image_message
        from visrftwin_ros.nodes.messages.message_types import made

        camera = self._site.cameras[0]
        picture = timed_picture(camera, now)
        self._images.publish(image_message(made, picture, now, camera.optical_frame))

    def hear(self, live: LivePage) -> None:
        """Fills in where the page is, and what the channels lose, as they come."""
        from diagnostic_msgs.msg import DiagnosticArray

        from visrftwin_ros.msg import LinkChannels
        from visrftwin_ros.nodes.shared.twin_node import RESULT_QOS

        def on_status(message: Any) -> None:
            for status in message.status:
                if status.name == "twin_viewer: page" and status.message.startswith("http"):
                    live.url = status.message

        def on_channels(message: Any) -> None:
            fresh = [link for link in message.channels if not link.stale]
            live.losses = {f"{link.tx}-{link.rx}": link.shadow_loss_db for link in fresh}

        self._node.create_subscription(DiagnosticArray, "/diagnostics", on_status, RESULT_QOS)
        self._node.create_subscription(LinkChannels, "channels", on_channels, RESULT_QOS)

    def stand_still(self) -> None:
        """No time passes any more, and nothing new is seen."""
        self._stands_ns = self.now_ns()


@contextmanager
def opened(url: str, renderer: str) -> Iterator[Any]:
    """The page in Chromium. SystemExit where there is none."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("no chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[*FLAGS, *SOFTWARE[renderer]],
            env={**os.environ, "LIBGL_ALWAYS_SOFTWARE": "1"},
        )
        width, height = SIZES[0]
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(url, wait_until="domcontentloaded", timeout=300_000)
        yield page
        browser.close()


def take_pictures(live: LivePage, renderer: str, out: Path) -> None:
    """Time stands once there is something to see: a browser without a GPU may then take its time. Of one page, whose
    window and colours change."""
    began = live.sensors.now_ns()
    while live.sensors.now_ns() < began + SEEN * 1e9:
        live.look_after(None, 1.0)
    live.sensors.stand_still()
    worst = sorted(live.losses.items(), key=lambda item: -item[1])[:5]
    print(f"most shadow: {', '.join(f'{name} {loss:.0f} dB' for name, loss in worst)}", flush=True)
    with opened(live.url, renderer) as page:
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                file = out / f"forty_links_{width}_{scheme}.png"
                file.unlink(missing_ok=True)
                looks = 0
                while looks < MOST_LOOKS and not stands(page, file, live.sensors.now_ns()):
                    looks += 1
                    live.look_after(page, LOOK_AGAIN)
                print(
                    f"{file}: {'stands' if looks < MOST_LOOKS else 'does not stand yet'}",
                    flush=True,
                )


def stands(page: Any, file: Path, now_ns: int) -> bool:
    """Takes a picture into `file`; whether it shows the last camera picture, and the one before was the same."""
    before = file.read_bytes() if file.exists() else b""
    bgr = None
    if page.screenshot(path=str(file), timeout=300_000) == before:
        bgr = cv2.imread(str(file))
    shown = None if bgr is None else time_shown(np.asarray(bgr[..., ::-1]), now_ns)
    return shown is not None and now_ns * 1e-9 - shown < 1.0


def measure(live: LivePage, renderer: str, minutes: float, out: Path) -> None:
    """A screenshot a minute."""
    rows = []
    with opened(live.url, renderer) as page:
        began = time.monotonic()
        for minute in range(1, max(round(minutes), 1) + 1):
            left = began + 60 * minute - time.monotonic()
            live.look_after(page, left)
            load = Path("/proc/loadavg").read_text().split()[0]
            for _ in range(MOST_RETRIES):
                behind = seconds_behind(page, out / f"behind_{minute}.png")
                if behind is not None:
                    break
                live.look_after(page, 1.0)
            rows.append({"minute": minute, "behind_s": behind, "load": float(load)})
            print(rows[-1], flush=True)
    (out / "behind.json").write_text(json.dumps(rows, indent=2) + "\n")


def seconds_behind(page: Any, file: Path) -> tuple[float, float] | None:
    """Of a screenshot, which stays in `file`: when it was asked for, and when it was there. None where the picture
    on it cannot be read."""
    asked = time.time_ns()
    page.screenshot(path=str(file), timeout=300_000)
    there = time.time_ns()
    bgr = cv2.imread(str(file))
    shown = None if bgr is None else time_shown(np.asarray(bgr[..., ::-1]), there)
    return None if shown is None else (asked * 1e-9 - shown, there * 1e-9 - shown)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


if __name__ == "__main__":
    main()
