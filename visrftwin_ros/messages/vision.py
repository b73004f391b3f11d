"""Boxes of people as vision_msgs/Detection2DArray, and back from what detectors of others send."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.factory import Make
from visrftwin_ros.messages.stamps import header

KIND = "vision_msgs/Detection2DArray"
PERSON = "person"
"""class_id of what is sent."""


def vision_message(
    make: Make,
    stamp: int,
    frame_id: str,
    box: Float[np.ndarray, "n 4"],
    score: Float[np.ndarray, " n"],
    track_id: Sequence[str],
) -> Any:
    """A Detection2DArray of people. box: centre x, y, width, height, px from the image's edges."""
    nowhere = make(
        "geometry_msgs/PoseWithCovariance",
        pose=make(
            "geometry_msgs/Pose",
            position=make("geometry_msgs/Point", x=0.0, y=0.0, z=0.0),
            orientation=make("geometry_msgs/Quaternion", x=0.0, y=0.0, z=0.0, w=1.0),
        ),
        covariance=np.zeros(36),
    )
    found = []
    for (x, y, width, height), certain, name in zip(
        box.tolist(), score.tolist(), track_id, strict=True
    ):
        hypothesis = make("vision_msgs/ObjectHypothesis", class_id=PERSON, score=certain)
        center = make(
            "vision_msgs/Pose2D", position=make("vision_msgs/Point2D", x=x, y=y), theta=0.0
        )
        found.append(
            make(
                "vision_msgs/Detection2D",
                header=header(make, stamp, frame_id),
                results=[
                    make(
                        "vision_msgs/ObjectHypothesisWithPose", hypothesis=hypothesis, pose=nowhere
                    )
                ],
                bbox=make("vision_msgs/BoundingBox2D", center=center, size_x=width, size_y=height),
                id=name,
            )
        )
    return make(KIND, header=header(make, stamp, frame_id), detections=found)


def people_of_vision(
    message: Any, classes: Collection[str], image_size: tuple[int, int]
) -> tuple[Float[np.ndarray, "n 4"], Float[np.ndarray, " n"], tuple[str, ...]]:
    """Boxes (centre, size, px), scores and ids of those detections whose likeliest class is one of
    `classes`. image_size: (width, height) px, which the message does not tell.

    TwinError where boxes are centred off the image: they are of one of another size. Boxes that are
    turned have the upright box around them.
    """
    box, score, names = [], [], []
    for found in message.detections:
        likeliest = max((r.hypothesis for r in found.results), key=lambda h: h.score, default=None)
        if likeliest is None or likeliest.class_id not in classes:
            continue
        center, size = found.bbox.center, np.array([found.bbox.size_x, found.bbox.size_y])
        c, s = abs(np.cos(center.theta)), abs(np.sin(center.theta))
        width, height = np.array([[c, s], [s, c]]) @ size if center.theta else size
        box.append((center.position.x, center.position.y, width, height))
        score.append(likeliest.score)
        names.append(found.id)
    boxes = np.array(box, np.float64).reshape(-1, 4)
    if (np.abs(boxes[:, :2]) > np.array(image_size)).any():
        raise TwinError(
            f"boxes reach beyond an image of {image_size[0]} x {image_size[1]} px, the calibration's:"
            " have the detector look at images of that size"
        )
    return boxes, np.array(score, np.float64), tuple(names)
