"""Vehicles in an image's boxes, placed on the ground by their class's usual size.

A box says where its lower edge, its sides and its top are; the heading is not in it, so the vehicle is
tried at headings all around: each has a place from which the box of its cuboid has this lower edge and
these columns, and a likelihood by how wide and high that box is. The place is the mean of these, the
doubt their spread: along the ray of sight, mostly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.bodies.vehicle_sizes import VEHICLE_SIZES, VehicleSize
from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.perception.measurements.box_measurements import (
    COVERING_SHARE,
    EDGE,
    areas,
    covered_share,
    shared_area,
)
from visrftwin_ros.perception.measurements.detections import Detections
from visrftwin_ros.perception.measurements.vehicle_measurements import (
    VehicleMeasurements,
    vehicle_rows,
)

HEADINGS = np.arange(16) * np.pi / 16
STEPS = 4
"""Of the search for a place: each takes most of what is left away."""
EDGE_SHARE, PIXEL = 0.03, 1.0
"""Standard deviation of a box's edges: share of its height, and px."""
SAME_BOX = 0.5
"""Intersection over union from which two boxes of different classes are one vehicle: the surer stays."""
SPEAKS = 0.25
"""Score of a box from which it speaks for a vehicle, and below which it is left out: as of people
(`TrackerConfig.high_score`)."""
SMALLEST = 24.0
"""px of height under which a vehicle is too far away to be missed."""
MISSED_COVERED = 0.4
"""Share of a vehicle's box behind nearer ones from which a detector is expected to miss it."""
MISFIT = 2.0
"""Squared deviations of width and height together that a usual box has; more of them widen the doubt."""
COVERED = 4.0
"""How many times the doubt (m^2) about a box that something nearer covers in part."""
LARGEST_HEADING_SIGMA = 0.5
"""rad: a wider spread of headings says nothing."""


@dataclass(frozen=True)
class ImageView:
    """The image of a camera; nearer: (N, 4) px, left, top, right, bottom of all that was detected."""

    camera: CameraModel
    nearer: Float[np.ndarray, "n 4"]

    def shows(self, position: Float[np.ndarray, " 2"], size: Float[np.ndarray, " 3"]) -> bool:
        """As `View.shows`."""
        corners, seen = _cuboid_boxes(self.camera, position[None], np.zeros(1), size)
        if not seen[0]:
            return False
        width, height = self.camera.size
        left, top, right, bottom = corners[0]
        inside = (
            left > EDGE and right < width - 1 - EDGE and top > EDGE and bottom < height - 1 - EDGE
        )
        if not inside or bottom - top < SMALLEST or right - left > width / 2:
            return False
        before = self.nearer[self.nearer[:, 3] > bottom + EDGE_SHARE * (bottom - top) + PIXEL]
        share = shared_area(corners, before)[0] / areas(corners)[0]
        return bool(share.max(initial=0.0) < MISSED_COVERED)


def vehicles_in_boxes(detections: Detections, camera: CameraModel) -> VehicleMeasurements:
    """The vehicles among clean detections. Left out are those whose lower edge the image cuts, that
    stand nowhere on the ground, and the weaker of two boxes around one."""
    view = ImageView(camera, detections.corners)
    picked = np.array([kind in VEHICLE_SIZES for kind in detections.kind], dtype=bool)
    picked &= detections.score >= SPEAKS
    corners = detections.corners
    covered = covered_share(corners, corners[:, 3]) > COVERING_SHARE
    rows = []
    for k in _surest(detections, picked):
        size = VEHICLE_SIZES[detections.kind[k]]
        place = _placed(corners[k], size, camera)
        if place is None:
            continue
        doubt = place.doubt * (COVERED if covered[k] else 1.0)
        row = {"kind": detections.kind[k], "score": float(detections.score[k]), "after": 0.0}
        row |= {"anchor": place.center, "side": np.zeros(2), "covariance": place.covariance}
        row |= {"doubt": doubt, "heading": place.heading, "heading_sigma": place.heading_sigma}
        row |= {"size": np.zeros(3), "whole": np.zeros(2, dtype=bool), "n_points": 0}
        rows.append(row)
    return vehicle_rows(rows, detections.stamp_ns, camera.name, view, SPEAKS)


def _surest(detections: Detections, picked: Bool[np.ndarray, " n"]) -> list[int]:
    """Rows of one box for every vehicle."""
    rows = sorted(np.flatnonzero(picked).tolist(), key=lambda k: -float(detections.score[k]))
    corners = detections.corners
    shared = shared_area(corners, corners)
    together = areas(corners)[:, None] + areas(corners)[None] - shared
    kept: list[int] = []
    for k in rows:
        if all(shared[k, other] < SAME_BOX * together[k, other] for other in kept):
            kept.append(k)
    return kept


@dataclass(frozen=True)
class _Place:
    center: Float[np.ndarray, " 2"]
    covariance: Float[np.ndarray, "2 2"]
    doubt: Float[np.ndarray, "2 2"]
    heading: float
    heading_sigma: float


def _placed(box: Float[np.ndarray, " 4"], size: VehicleSize, camera: CameraModel) -> _Place | None:
    """Of one box (left, top, right, bottom px); None where it stands nowhere."""
    width, height = camera.size
    left, top, right, bottom = box
    if bottom >= height - 1 - EDGE:
        return None
    cut_left, cut_right = left <= EDGE, right >= width - 1 - EDGE
    # What of the box is to be met: its middle, or where the image cuts it, the side that shows.
    which = 2 if cut_left and not cut_right else 0 if cut_right and not cut_left else None
    column = (left + right) / 2 if which is None else box[which]
    target, valid = camera.ground_points(np.array([[column, bottom]]))
    if not valid[0]:
        return None
    away = target[0] - camera.center[:2]
    ahead = away / max(float(np.hypot(*away)), 1e-6)
    center = np.tile(target[0] + size.usual[:2].mean() / 2 * ahead, (len(HEADINGS), 1))
    for _ in range(STEPS):
        seen, shown = _cuboid_boxes(camera, center, HEADINGS, size.usual)
        at = (seen[:, 0] + seen[:, 2]) / 2 if which is None else seen[:, which]
        met, known = camera.ground_points(np.column_stack([at, seen[:, 3]]))
        good = shown & known
        center = np.where(good[:, None], center + target[0] - met, center)
    seen, shown = _cuboid_boxes(camera, center, HEADINGS, size.usual)
    if not shown.any():
        return None
    edge = EDGE_SHARE * (bottom - top) + PIXEL
    squares = np.zeros(len(HEADINGS))
    relative = size.sigma / size.usual
    if not (cut_left or cut_right):
        wide = seen[:, 2] - seen[:, 0]
        squares += ((wide - (right - left)) / np.hypot(edge, relative[0] * wide)) ** 2
    if top > EDGE:
        high = seen[:, 3] - seen[:, 1]
        squares += ((high - (bottom - top)) / np.hypot(edge, relative[2] * high)) ** 2
    squares = np.where(shown, squares, np.inf)
    weight = np.exp(-0.5 * (squares - squares.min()))
    weight /= weight.sum()
    mean = weight @ center
    off = center - mean
    spread = np.einsum("k,ki,kj->ij", weight, off, off)
    spread += (size.sigma[:2].mean() / 2) ** 2 * np.eye(2)
    slope = camera.projection_jacobian(np.array([[*target[0], 0.0]]))[0, :, :2]
    ground = np.linalg.pinv(slope)
    twofold = weight @ np.exp(2j * HEADINGS)
    sigma = float(np.sqrt(-2 * np.log(max(abs(twofold), 1e-9))) / 2)
    sure = sigma < LARGEST_HEADING_SIGMA
    return _Place(
        center=mean,
        covariance=edge**2 * ground @ ground.T,
        doubt=spread * max(float(squares.min()) / MISFIT, 1.0),
        heading=float(np.angle(twofold) / 2) if sure else 0.0,
        heading_sigma=max(sigma, np.pi / 32) if sure else np.inf,
    )


def _cuboid_boxes(
    camera: CameraModel,
    center: Float[np.ndarray, "k 2"],
    heading: Float[np.ndarray, " k"],
    size: Float[np.ndarray, " 3"],
) -> tuple[Float[np.ndarray, "k 4"], Bool[np.ndarray, " k"]]:
    """Boxes (left, top, right, bottom px) of upright cuboids on the ground, and which the lens can see
    whole."""
    signs = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (0.0, 1.0)])
    local = signs * size
    c, s = np.cos(heading)[:, None], np.sin(heading)[:, None]
    points = np.empty((len(center), 8, 3))
    points[..., 0] = center[:, :1] + c * local[:, 0] - s * local[:, 1]
    points[..., 1] = center[:, 1:] + s * local[:, 0] + c * local[:, 1]
    points[..., 2] = local[:, 2]
    pixels, seen = camera.project(points.reshape(-1, 3))
    pixels = pixels.reshape(-1, 8, 2)
    shown = seen.reshape(-1, 8).all(axis=1) & np.isfinite(pixels).all(axis=(1, 2))
    pixels = np.where(shown[:, None, None], pixels, 0.0)
    return np.hstack([pixels.min(axis=1), pixels.max(axis=1)]), shown
