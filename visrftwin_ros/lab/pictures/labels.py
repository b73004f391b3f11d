"""Who is where in a picture: boxes, and how much of each body shows."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.lab.people.avatars import BodyMesh
from visrftwin_ros.lab.pictures.picture import Label


def image_box(
    model: CameraModel, vertices: Float[np.ndarray, "v 3"]
) -> Float[np.ndarray, " 4"] | None:
    """x0, y0, x1, y1 px round what the lens sees of these points; None: nothing in the image."""
    pixels, seen = model.project(vertices)
    if seen.mean() < 0.5:
        return None
    low, high = pixels[seen].min(axis=0), pixels[seen].max(axis=0)
    size = np.array(model.size)
    if (high < 0).any() or (low > size - 1).any() or high[0] - low[0] > 0.5 * model.column_period:
        return None
    return np.concatenate([np.clip(low, 0, size - 1), np.clip(high, 0, size - 1)])


def body_labels(
    model: CameraModel, bodies: tuple[BodyMesh, ...], owner: Int[np.ndarray, "h w"]
) -> tuple[Label, ...]:
    """Boxes of everybody who shows, from the id picture; the whole body drawn alone for its share."""
    labels = []
    for i, body in enumerate(bodies):
        rows, columns = np.nonzero(owner == i)
        whole = image_box(model, body.vertices)
        if not len(rows) or whole is None:
            continue
        pixels, seen = model.project(body.vertices)
        alone = np.zeros(owner.shape, np.uint8)
        drawn = body.faces[seen[body.faces].all(axis=1)]
        corners = np.clip(np.nan_to_num(pixels), -5000, 5000)[drawn]
        for triangle in np.round(corners * 16).astype(np.int32):
            cv2.fillConvexPoly(alone, triangle, 1, shift=4)
        visible = min(len(rows) / max(int(alone.sum()), 1), 1.0)
        box = (columns.min() - 0.5, rows.min() - 0.5, columns.max() + 0.5, rows.max() + 0.5)
        labels.append(
            Label(
                person=i,
                box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
                whole=(float(whole[0]), float(whole[1]), float(whole[2]), float(whole[3])),
                visible=float(visible),
            )
        )
    return tuple(labels)
