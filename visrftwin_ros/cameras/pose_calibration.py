"""Where a fixed camera stands, from points whose place in the world and in its image is known."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares

from visrftwin_ros.cameras.camera_models import site_intrinsics
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Camera

HEADER = ("x", "y", "z", "u", "v")
FEWEST = 4
STARTS = np.array([[0, 0, 0], [np.pi / 2, 0, 0], [0, np.pi / 2, 0], [0, 0, np.pi / 2]])


@dataclass(frozen=True)
class CalibratedPose:
    """rvec, t: of x_cam = R(rvec) x_world + t. focal: px, given or found. residual: (N,) px of each
    pair. rms: px."""

    rvec: Float[np.ndarray, " 3"]
    t: Float[np.ndarray, " 3"]
    focal: float
    residual: Float[np.ndarray, " n"]

    @property
    def rms(self) -> float:
        return float(np.sqrt(np.mean(self.residual**2)))


def read_pairs(path: str | Path) -> tuple[Float[np.ndarray, "n 3"], Float[np.ndarray, "n 2"]]:
    """World points [m] and pixels of a CSV with x,y,z,u,v. TwinError names the wrong line."""
    if not Path(path).is_file():
        raise TwinError(f"no file at {str(path)!r}; expected a CSV with {','.join(HEADER)}")
    rows = []
    with open(path, newline="") as file:
        lines = list(csv.reader(file))
    if not lines or tuple(cell.strip() for cell in lines[0]) != HEADER:
        raise TwinError(f"{path}: line 1: expected the header {','.join(HEADER)}")
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        try:
            row = [float(cell) for cell in line]
        except ValueError as error:
            raise TwinError(f"{path}: line {number}: {error}; expected numbers") from error
        if len(row) != len(HEADER) or not np.all(np.isfinite(row)):
            raise TwinError(f"{path}: line {number}: expected {len(HEADER)} finite numbers")
        rows.append(row)
    table = np.array(rows, dtype=np.float64).reshape(-1, len(HEADER))
    return table[:, :3], table[:, 3:]


def calibrated_pose(
    camera: Camera,
    world: Float[np.ndarray, "n 3"],
    pixels: Float[np.ndarray, "n 2"],
    find_focal: bool = False,
) -> CalibratedPose:
    """The pose of least squared pixel error, and with `find_focal` the focal length (fx = fy).

    A closed form (OpenCV's SQPnP) starts a refinement through the camera's own lens model. Raises
    TwinError for too few points, for points on a line, and where the camera's lens is not known.
    """
    fewest = FEWEST + 2 if find_focal else FEWEST
    if len(world) < fewest:
        raise TwinError(f"{len(world)} pairs; {fewest} or more are needed, spread over the image")
    spread = np.linalg.svd(world - world.mean(axis=0), compute_uv=False)
    if spread[1] < 1e-3 * spread[0]:
        raise TwinError("the world points lie on a line, which fixes no pose: spread them")
    if find_focal and spread[2] < 0.02 * spread[0]:
        raise TwinError(
            "the world points lie in a plane: add some at other heights to find a focal length"
        )
    lens = site_intrinsics(camera)
    if lens is None:
        raise TwinError(f"camera {camera.name!r}: the site gives no fx, fy, cx, cy to start from")

    def error(numbers: Float[np.ndarray, " k"]) -> Float[np.ndarray, " rows"]:
        scale = np.exp(numbers[6]) if find_focal else 1.0
        matrix = lens.matrix * np.array([[scale, 1, 1], [1, scale, 1], [1, 1, 1]])
        rotation = np.asarray(cv2.Rodrigues(numbers[:3])[0], dtype=np.float64)
        posed = type(lens)(lens.kind, lens.size, matrix, lens.distortion)
        found, seen = posed.posed(camera.name, rotation, numbers[3:6]).project(world)
        off = found - pixels
        period = lens.size[0] if lens.kind == "equirectangular" else np.inf
        if np.isfinite(period):
            off[:, 0] = (off[:, 0] + period / 2) % period - period / 2
        # A point behind the camera counts as far off as the image is wide.
        return np.where(seen[:, None], off, float(lens.size[0])).reshape(-1)

    fits = [
        least_squares(error, np.append(start, np.zeros(int(find_focal))), x_scale="jac")
        for start in _starts(camera, world, pixels)
    ]
    best = min(fits, key=lambda fit: fit.cost).x
    residual = np.hypot(*error(best).reshape(-1, 2).T)
    scale = float(np.exp(best[6])) if find_focal else 1.0
    return CalibratedPose(best[:3], best[3:6], float(lens.matrix[0, 0]) * scale, residual)


def _starts(
    camera: Camera, world: Float[np.ndarray, "n 3"], pixels: Float[np.ndarray, "n 2"]
) -> list[Float[np.ndarray, " 6"]]:
    """First guesses: SQPnP on the pixels' rays, where enough of them lie before a pinhole."""
    lens = site_intrinsics(camera)
    assert lens is not None
    model = lens.posed(camera.name, np.eye(3), np.zeros(3))
    rays = model.rays(model.undistorted(pixels))
    starts = []
    for turn in STARTS if lens.kind == "equirectangular" else STARTS[:1]:
        turned = rays @ np.asarray(cv2.Rodrigues(turn)[0]).T
        ahead = turned[:, 2] > 0.1 * np.linalg.norm(turned, axis=1)
        if np.count_nonzero(ahead) < FEWEST:
            continue
        ideal = turned[ahead, :2] / turned[ahead, 2:]
        done, rvec, t = cv2.solvePnP(
            world[ahead][:, None], ideal[:, None], np.eye(3), None, flags=cv2.SOLVEPNP_SQPNP
        )
        if done:
            back = np.asarray(cv2.Rodrigues(turn)[0]).T
            rotation = back @ np.asarray(cv2.Rodrigues(rvec)[0])
            first = np.asarray(cv2.Rodrigues(rotation)[0]).reshape(-1)
            starts.append(np.concatenate([first, back @ t.reshape(-1)]))
    if not starts:
        raise TwinError(
            f"camera {camera.name!r}: no pose puts these points before the camera; are the columns"
            " x,y,z,u,v in this order, in metres and pixels?"
        )
    return starts
