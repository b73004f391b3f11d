"""The viewer's web page, in a real browser, shows the camera, the scene and the curves."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import Point
from nav_msgs.msg import OccupancyGrid
from numpy.typing import NDArray
from playwright.sync_api import sync_playwright
from sensor_msgs.msg import Image

from visrftwin_ros.messages.images import image_message
from visrftwin_ros.messages.stamps import stamp_message
from visrftwin_ros.msg import (
    BeamDecision,
    BeamDecisions,
    ChannelPaths,
    Detection,
    Detections,
    LinkChannel,
    LinkChannels,
    LinkPaths,
    RadioPath,
    TrackedPeople,
    TrackedPerson,
)
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.shared.twin_node import LATCHED_QOS, RESULT_QOS, SENSOR_QOS
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.viewing.colors import (
    LINK_COLORS,
    PATH_COLORS,
    PERSON,
    radio_map_colors,
    surface_color,
)
from visrftwin_ros.viewing.rerun_view import TwinView

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
FLAGS = [
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
WIDTH, HEIGHT = 1280, 800
PATIENCE = 90.0
"""Seconds for a picture that stands: 15 on an idle machine, with software rendering."""
MAP = tuple(radio_map_colors(np.array([70.0]))[0].tolist())
MAGENTA, CYAN = (200, 30, 180), (30, 190, 200)
"""RGB of the two halves of the camera picture: colours that nothing else on the page has."""


@pytest.fixture(scope="module")
def screenshot(ros: None, tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.uint8]:
    """(HEIGHT, WIDTH, 3) RGB of the page, once everything stands or PATIENCE is over."""
    if not CHROMIUM:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    web, grpc = free_port(), free_port()
    file = tmp_path_factory.mktemp("page") / "page.png"
    node = subprocess.Popen(
        [sys.executable, "-m", "visrftwin_ros.nodes.twin_viewer", "--ros-args"]
        + ["-p", "site:=pets_campus", "-p", f"web_port:={web}", "-p", f"grpc_port:={grpc}"]
    )
    publisher = TwinPublisher()
    try:
        url = publisher.wait_for_page()
        assert f":{web}/" in url
        picture = look_at(url, file, publisher.publish)
    finally:
        publisher.close()
        node.terminate()
        node.wait(timeout=20)
    print(f"screenshot: {file}")
    return picture


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class TwinPublisher:
    """A graph's worth of messages from made-up people, for the real viewer node."""

    def __init__(self) -> None:
        self._site = load_site("pets_campus")
        node = self._node = rclpy.create_node("twin_publisher")
        self._images = node.create_publisher(Image, "view1/image_raw", SENSOR_QOS)
        self._boxes = node.create_publisher(Detections, "view1/detections", SENSOR_QOS)
        self._people = node.create_publisher(TrackedPeople, "people", RESULT_QOS)
        self._channels = node.create_publisher(LinkChannels, "channels", RESULT_QOS)
        self._paths = node.create_publisher(ChannelPaths, "channel_paths", RESULT_QOS)
        self._beams = node.create_publisher(BeamDecisions, "beams", RESULT_QOS)
        self._maps = node.create_publisher(OccupancyGrid, "radio_map", LATCHED_QOS)
        node.create_subscription(DiagnosticArray, "/diagnostics", self._on_status, RESULT_QOS)
        self._url = ""
        self._began = time.time_ns()

    def close(self) -> None:
        self._node.destroy_node()

    def wait_for_page(self) -> str:
        deadline = time.monotonic() + 40
        while not (self._url and self._channels.get_subscription_count()):
            assert time.monotonic() < deadline, "the viewer node opened no page"
            rclpy.spin_once(self._node, timeout_sec=0.2)
        return self._url

    def _on_status(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == "twin_viewer: page" and status.message.startswith("http"):
                self._url = status.message

    def publish(self) -> None:
        now = time.time_ns()
        seconds = (now - self._began) * 1e-9
        stamp = stamp_message(made, now)
        camera = self._site.camera()
        rgb = np.empty((camera.image_height, camera.image_width, 3), np.uint8)
        rgb[:, : camera.image_width // 2] = MAGENTA
        rgb[:, camera.image_width // 2 :] = CYAN
        self._images.publish(image_message(made, rgb[..., ::-1], now, camera.optical_frame))
        boxes = Detections(camera=camera.name, image_width=768, image_height=576)
        boxes.detections = [Detection(score=0.9, x=384.0, y=300.0, width=90.0, height=250.0)]
        boxes.header.stamp = stamp
        self._boxes.publish(boxes)
        self._people.publish(self._two_people(stamp))
        self._maps.publish(self._radio_map(stamp))
        channels, paths, beams = LinkChannels(), ChannelPaths(), BeamDecisions()
        channels.header.stamp = paths.header.stamp = beams.header.stamp = stamp
        for number, ap in enumerate(self._site.access_points):
            for robot in self._site.robots:
                x, y = robot.position or (-5.0, -10.0)
                loss = 10.0 + 8 * np.sin(seconds + len(channels.channels))
                path = RadioPath(gain_db=-90.0, shadow_loss_db=20.0 * number)
                p, q, r = ap.position
                path.vertices = [Point(x=p, y=q, z=r), Point(x=x, y=y, z=robot.antenna_height)]
                link = LinkChannel(tx=ap.name, rx=robot.name, shadow_loss_db=loss)
                channels.channels.append(link)
                paths.links.append(LinkPaths(tx=ap.name, rx=robot.name, paths=[path]))
                beam = BeamDecision(
                    tx=ap.name, rx=robot.name, throughput=4e8 * len(channels.channels)
                )
                beams.decisions.append(beam)
        self._channels.publish(channels)
        self._paths.publish(paths)
        self._beams.publish(beams)

    def _radio_map(self, stamp: object) -> OccupancyGrid:
        """Of 70 dB everywhere, under the people."""
        grid = OccupancyGrid(data=[10] * 64)
        grid.header.stamp, grid.header.frame_id = stamp, self._site.world_frame
        grid.info.width = grid.info.height = 8
        grid.info.resolution = 1.0
        grid.info.origin.position.x, grid.info.origin.position.y = -9.0, -12.0
        grid.info.origin.orientation.w = 1.0
        return grid

    def _two_people(self, stamp: object) -> TrackedPeople:
        people = TrackedPeople()
        people.header.stamp = stamp
        for name, x, y in (("1", -6.0, -6.0), ("2", -4.0, -9.0)):
            person = TrackedPerson(id=name, height=1.75, width=0.5, depth=0.3)
            person.position.x, person.position.y = x, y
            people.people.append(person)
        return people


def look_at(url: str, file: Path, publish: Callable[[], None]) -> NDArray[np.uint8]:
    """Screenshots of the page while messages go on, until one has all that the tests look for."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(url, wait_until="domcontentloaded", timeout=30_000)
        deadline = time.monotonic() + PATIENCE
        for picture in pictures(page, file, publish):
            if all(check(picture) for check in SHOWN.values()) or time.monotonic() > deadline:
                break
        browser.close()
    return picture


def pictures(page, file: Path, publish: Callable[[], None]) -> Iterator[NDArray[np.uint8]]:
    while True:
        for _ in range(10):
            publish()
            page.wait_for_timeout(200)
        # A pause: the page fades a picture while it decodes the next one.
        page.wait_for_timeout(2500)
        page.screenshot(path=str(file), timeout=60_000)
        bgr = cv2.imread(str(file))
        assert bgr is not None
        yield np.asarray(bgr[..., ::-1])


def count_near(picture: NDArray[np.uint8], color: tuple[int, int, int], within: int = 30) -> int:
    """Pixels whose every channel is `within` of the colour's."""
    return int((np.abs(picture.astype(int) - color).max(axis=-1) <= within).sum())


def lit(picture: NDArray[np.uint8], color: tuple[int, int, int], least: float = 0.3) -> int:
    """Pixels of the colour's hue and saturation at any brightness: lit surfaces are shaded."""
    values = picture.reshape(-1, 3).astype(float)
    wanted = np.array(color) / max(color)
    brightness = values.max(axis=1) / 255
    with np.errstate(invalid="ignore", divide="ignore"):
        chroma = values / values.max(axis=1, keepdims=True)
    return int(((np.abs(chroma - wanted).max(axis=1) < 0.06) & (brightness > least)).sum())


def halves(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The upper part with camera and scene, the lower one with the curves."""
    cut = int(HEIGHT * 0.6)
    return picture[:cut], picture[cut:]


def curves(picture: NDArray[np.uint8]) -> int:
    """How many of the links' hues are drawn right of the legend, in the poorer of both plots."""
    lower, middle, end = halves(picture)[1], int(0.3 * WIDTH), int(0.6 * WIDTH)
    plots = [lower[:, 210 : middle - 5], lower[:, middle + 210 : end - 5]]
    return min(sum(count_hue(plot, color) > 20 for color in LINK_COLORS[:6]) for plot in plots)


def count_hue(picture: NDArray[np.uint8], color: tuple[int, int, int]) -> int:
    """Pixels that are the colour on white, in any share: thin lines are antialiased."""
    missing = 255.0 - picture.reshape(-1, 3)
    wanted = 255.0 - np.array(color)
    share = missing @ wanted / (wanted @ wanted)
    near = np.abs(missing - share[:, None] * wanted).max(axis=1) < 20
    return int((near & (share > 0.4)).sum())


SHOWN: dict[str, Callable[[NDArray[np.uint8]], bool]] = {
    "camera picture": lambda p: (
        min(count_near(halves(p)[0], MAGENTA), count_near(halves(p)[0], CYAN)) > 15_000
    ),
    "brick buildings": lambda p: lit(halves(p)[0], surface_color("brick")) > 2_000,
    "people": lambda p: lit(halves(p)[0], PERSON) > 60,
    "free paths": lambda p: count_near(halves(p)[0], PATH_COLORS["line of sight"], 40) > 60,
    "shadowed paths": lambda p: count_near(halves(p)[0], PATH_COLORS["shadowed"], 40) > 60,
    "radio map": lambda p: lit(halves(p)[0], MAP) > 500,
    "curves": lambda p: curves(p) == 6,
}


@pytest.mark.parametrize("thing", SHOWN)
def test_the_page_shows(screenshot: NDArray[np.uint8], thing: str) -> None:
    assert SHOWN[thing](screenshot)


def test_the_camera_picture_is_not_washed_out(screenshot: NDArray[np.uint8]) -> None:
    upper = halves(screenshot)[0].astype(int)
    for color in (MAGENTA, CYAN):
        near = np.abs(upper - color).max(axis=-1) <= 30
        np.testing.assert_allclose(np.median(upper[near], axis=0), color, atol=12)


def test_a_page_left_open_comes_back_when_the_twin_was_started_again(ros: None) -> None:
    """Rerun's page does not, by itself: it stays as it was, and says nothing of it. Drawn by SwiftShader, it says
    that it is slow."""
    if not CHROMIUM:
        pytest.skip("no chromium on this machine: apt-get install chromium")
    site = load_site("pets_campus")
    ports = {"web_port": free_port(), "grpc_port": free_port()}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": WIDTH // 4, "height": HEIGHT // 4})
        for load in range(2):
            view = TwinView(site, **ports)
            with page.expect_response(lambda r: r.url.endswith("/ReadMessages"), timeout=60_000):
                if load == 0:
                    page.goto(view.url, wait_until="domcontentloaded", timeout=30_000)
            page.wait_for_selector("text=falls behind live", timeout=30_000)
            view.close()
        browser.close()
