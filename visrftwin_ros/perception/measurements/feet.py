"""Where people stand in an image, from masks or body keypoints: better than the lower edge of a box,
which bags, shadows and a swinging arm move, and which says nothing of feet that are hidden."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

LEFT_HIP, RIGHT_HIP, LEFT_ANKLE, RIGHT_ANKLE = 11, 12, 15, 16
COCO_KEYPOINTS = 17
"""Keypoints of a body and some of their rows (COCO: Lin et al., ECCV 2014)."""
VISIBLE = 0.5
"""Confidence from which a keypoint is seen."""
ANKLE_SHARE = 0.039
"""Height of the ankle over the ground, share of the stature (Drillis & Contini 1966; Winter,
"Biomechanics and Motor Control of Human Movement", 4th ed., figure 4.1)."""
SOLE_SHARE = 0.005
"""Share of a mask's area that may lie under the soles: specks and ragged edges."""
SHOE_SHARE = 0.12
"""Share of a mask's height, from below, in which the shoes are."""

OFF_BOX = 0.1
"""Share of a box's height by which feet may lie beside it."""


@dataclass(frozen=True)
class Feet:
    """Of N people. point: (N, 2) px between the feet on the ground, NaN where it is not known.
    hidden: (N,) the body shows and its feet do not: the lower edge of its box is not where it
    stands."""

    point: Float[np.ndarray, "n 2"]
    hidden: Bool[np.ndarray, " n"]

    def __len__(self) -> int:
        return len(self.point)

    def where(self, mask: Bool[np.ndarray, " n"]) -> Feet:
        """Those that a mask picks."""
        return Feet(self.point[mask], self.hidden[mask])

    def outside(self, corners: Float[np.ndarray, "n 4"]) -> Bool[np.ndarray, " n"]:
        """Whose point is known and further from their box (left, top, right, bottom px) than a part
        of its height: (N,)."""
        margin = OFF_BOX * (corners[:, 3] - corners[:, 1])
        with np.errstate(invalid="ignore"):
            near = (self.point >= corners[:, :2] - margin[:, None]).all(axis=1)
            near &= (self.point <= corners[:, 2:] + margin[:, None]).all(axis=1)
        return ~np.isnan(self.point).all(axis=1) & ~near

    @classmethod
    def unknown(cls, count: int) -> Feet:
        """Of people of whom there is a box and no more."""
        return cls(np.full((count, 2), np.nan), np.zeros(count, dtype=bool))


def mask_feet(masks: UInt8[np.ndarray, "n h w"]) -> Feet:
    """Feet of masks (0 = not the person), in pixels of the masks.

    The lower edge of all but a few pixels of the largest connected part; the column in the middle
    of that part's shoes. An empty mask tells nothing. Edges count from the corner of the mask, as
    those of ultralytics' boxes do.
    """
    feet = Feet.unknown(len(masks))
    for k, mask in enumerate(masks):
        left, top, width, height = cv2.boundingRect(mask)
        if not width:
            continue
        body = _largest_part(mask[top : top + height, left : left + width])
        rows, columns = np.nonzero(body)  # row by row, from above
        sole = float(rows[max(int((1 - SOLE_SHARE) * len(rows)) - 1, 0)])
        shoes = columns[rows >= sole - SHOE_SHARE * (sole - rows[0])]
        # The middle between the outer edges: one shoe may show more than the other.
        feet.point[k] = left + (shoes.min() + shoes.max() + 1) / 2, top + sole + 1
    return feet


def _largest_part(mask: UInt8[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Of a mask that is not empty."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(mask))
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))


def keypoint_feet(keypoints: Float[np.ndarray, "n k 3"], corners: Float[np.ndarray, "n 4"]) -> Feet:
    """Feet of COCO keypoints (x, y in px, confidence) in boxes (left, top, right, bottom px).

    Between the ankles, lowered to the soles by what an ankle is above them in a body of the box's
    height. Of one ankle only the row counts: the other may be a stride away, so the column is the
    hips', else the box's. A body whose hips show and whose ankles do not has its feet hidden. Other
    skeletons than COCO's tell nothing.
    """
    feet = Feet.unknown(len(keypoints))
    if keypoints.shape[1:] != (COCO_KEYPOINTS, 3):
        return feet
    seen = keypoints[..., 2] >= VISIBLE
    ankles = [LEFT_ANKLE, RIGHT_ANKLE]
    hips = [LEFT_HIP, RIGHT_HIP]
    for k, (left, top, right, bottom) in enumerate(corners):
        lower = keypoints[k, ankles][seen[k, ankles], :2]
        middle = keypoints[k, hips][seen[k, hips], 0]
        if not len(lower):
            feet.hidden[k] = len(middle) > 0
            continue
        column = lower[:, 0].mean()
        if len(lower) == 1:
            column = middle.mean() if len(middle) else (left + right) / 2
        feet.point[k] = column, min(lower[:, 1].mean() + ANKLE_SHARE * (bottom - top), bottom)
    return feet
