"""Which LiDAR cluster is which camera detection: the camera says who, the LiDAR says where."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.bodies.people import BODY_WIDTH
from visrftwin_ros.perception.association import assigned
from visrftwin_ros.perception.box_measurements import areas, shared_area
from visrftwin_ros.perception.camera import CameraModel
from visrftwin_ros.perception.detections import Detections
from visrftwin_ros.perception.ground_measurements import GroundMeasurements

LEAST_OVERLAP = 0.35
"""Intersection over union of a detection and the box that a cluster's body fills in the image."""
OFFSET = 0.25
"""Share of a box's width by which the middles may differ: a body behind another overlaps more."""
SEEN_BOTH_WAYS = 0.5
"""Prior that a cluster under a matching detection is a person, whatever its own score."""


@dataclass(frozen=True)
class CameraLidarPairs:
    """K people that both sensors see.

    detection, cluster: (K,) rows of the two. overlap: (K,) intersection over union in the image.
    """

    detection: Int[np.ndarray, " k"]
    cluster: Int[np.ndarray, " k"]
    overlap: Float[np.ndarray, " k"]


def camera_lidar_pairs(
    detections: Detections, camera: CameraModel, people: GroundMeasurements
) -> CameraLidarPairs:
    """Pair detections with clusters by how well the clusters' bodies fill the boxes.

    Not by the points inside a box, most of which may lie on the wall behind. Both at one time:
    predict one of them where a moving camera or fast people make that matter.
    """
    nobody = np.zeros(0, dtype=np.int64)
    if not len(detections) or not len(people):
        return CameraLidarPairs(nobody, nobody, np.zeros(0))
    bodies = body_boxes(people, camera)
    shown = np.flatnonzero(np.isfinite(bodies).all(axis=1))
    corners = detections.corners
    shared = shared_area(corners, bodies[shown])
    union = areas(corners)[:, None] + areas(bodies[shown])[None] - shared
    overlap = shared / union
    middle = (bodies[shown, 0] + bodies[shown, 2]) / 2
    off = np.abs(detections.box[:, None, 0] - middle[None]) / detections.box[:, None, 2]
    # Of two that fit alike, the nearer one hides the other.
    away = np.hypot(*(people.position[shown] - camera.center[:2]).T)
    cost = -2 * np.log(np.maximum(overlap, 1e-9)) + 0.02 * away[None] - people.score[None, shown]
    cost = np.where((overlap >= LEAST_OVERLAP) & (off <= OFFSET), cost, np.inf)
    everyone = np.ones(len(detections), dtype=bool)
    i, j = assigned(cost, everyone, np.ones(len(shown), dtype=bool))
    return CameraLidarPairs(i, shown[j], overlap[i, j])


def confirmed_people(
    people: GroundMeasurements, pairs: CameraLidarPairs, detections: Detections
) -> GroundMeasurements:
    """The clusters, those that a detection confirms with the score of both.

    Two independent witnesses: the odds multiply, from an even prior.
    """
    score = people.score.copy()
    seen = np.clip(detections.score[pairs.detection], 0.01, 0.99)
    mine = np.clip(np.maximum(score[pairs.cluster], SEEN_BOTH_WAYS), 0.01, 0.99)
    odds = seen / (1 - seen) * mine / (1 - mine)
    # A weak box takes nothing from a cluster that stands for itself.
    score[pairs.cluster] = np.maximum(score[pairs.cluster], odds / (1 + odds))
    return replace(people, score=score)


def body_boxes(people: GroundMeasurements, camera: CameraModel) -> Float[np.ndarray, "n 4"]:
    """Boxes (left, top, right, bottom px) that the bodies fill in an image; NaN where a body is not
    before the camera. The usual width where the LiDAR saw less: from its side a body is thinner.
    """
    count = len(people)
    toward = people.position - camera.center[:2]
    toward = toward / np.maximum(np.hypot(*toward.T), 1e-6)[:, None]
    across = np.column_stack([-toward[:, 1], toward[:, 0]])
    half = np.maximum(people.extent[:, 0], BODY_WIDTH) / 2
    height = np.where(np.isfinite(people.height), people.height, 1.7)
    corners = []
    for side in (-1.0, 1.0):
        place = people.position + side * half[:, None] * across
        corners += [np.column_stack([place, z]) for z in (np.zeros(count), height)]
    pixels, in_front = camera.project(np.concatenate(corners))
    pixels = pixels.reshape(4, count, 2)
    before = np.all(in_front.reshape(4, count), axis=0)
    boxes = np.hstack([pixels.min(axis=0), pixels.max(axis=0)])
    boxes[~before] = np.nan
    return boxes
