"""A site drawn over a camera picture: shows at a glance whether everything is in its place."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.cameras.camera_models import fixed_camera
from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.cameras.recordings import Recording
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Box, Site

SCALE = 2
EDGES = [(i, i | bit) for i in range(8) for bit in (1, 2, 4) if not i & bit]
RED, MAGENTA, YELLOW = (40, 40, 230), (230, 0, 230), (0, 220, 240)


def draw_site(site: Site, video: str, out: Path) -> None:
    """Writes a PNG of the first frame with the boxes, APs and robots of the site."""
    if not cv2.haveImageWriter(str(out)):
        raise TwinError(f"cannot write {out}: expected a name ending in .png or .jpg")
    if not video:
        raise TwinError("an overlay needs a picture: give --video")
    camera = site.camera()
    pinhole = fixed_camera(camera)
    _, image = next(iter(Recording(video, pinhole.size).frames()))
    picture: NDArray[np.uint8] = np.asarray(
        cv2.resize(image, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC),
        np.uint8,
    )
    for surface in site.scene:
        if isinstance(surface, Box):
            pixels = _pixels(pinhole, box_corners(surface))
            for a, b in EDGES:
                if np.isfinite(pixels[[a, b]]).all():
                    cv2.line(picture, _at(pixels[a]), _at(pixels[b]), RED, 2, cv2.LINE_AA)
    for ap in site.access_points:
        _mark(picture, pinhole, np.array(ap.position), ap.name, MAGENTA)
    for robot in site.robots:
        corners = [robot.position] if robot.position is not None else []
        corners += robot.path.waypoints if robot.path is not None else []
        for i, (x, y) in enumerate(corners):
            name = robot.name if i == 0 else ""
            _mark(picture, pinhole, np.array([x, y, robot.antenna_height]), name, YELLOW)
    out.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(out), picture):
        raise TwinError(f"cannot write {out}: is its folder writable?")


def box_corners(box: Box) -> NDArray[np.float64]:
    """(8, 3) metres; bit 0, 1, 2 of the row says which side along x, y, z."""
    signs = np.array([[(i >> bit & 1) * 2 - 1 for bit in range(3)] for i in range(8)])
    turn = np.array(
        [[np.cos(box.yaw), -np.sin(box.yaw), 0], [np.sin(box.yaw), np.cos(box.yaw), 0], [0, 0, 1]]
    )
    corners: NDArray[np.float64] = (signs * np.array(box.size) / 2) @ turn.T + np.array(box.center)
    return corners


def _pixels(camera: CameraModel, points: NDArray[np.float64]) -> NDArray[np.float64]:
    pixels, in_front = camera.project(points)
    return np.where(in_front[:, None], pixels, np.nan) * SCALE


def _at(pixel: NDArray[np.float64]) -> tuple[int, int]:
    clipped = np.clip(pixel, -20000, 20000)
    return int(clipped[0]), int(clipped[1])


def _mark(
    picture: NDArray[np.uint8],
    camera: CameraModel,
    point: NDArray[np.float64],
    name: str,
    color: tuple[int, int, int],
) -> None:
    foot = point * [1, 1, 0]
    top, bottom = _pixels(camera, np.stack([point, foot]))
    if not np.isfinite([top, bottom]).all():
        return
    cv2.line(picture, _at(top), _at(bottom), color, 1, cv2.LINE_AA)
    cv2.circle(picture, _at(top), 7, color, -1, cv2.LINE_AA)
    cv2.putText(picture, name, _at(top + [10, -6]), 0, 0.6, color, 2, cv2.LINE_AA)
