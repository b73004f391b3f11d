"""What a detector saw in one image, as arrays."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.perception.measurements.feet import Feet

PERSON = "person"
"""Kind of a box around somebody."""


@dataclass(frozen=True)
class Detections:
    """N boxes around people and vehicles in one image.

    stamp_ns: ROS time of the image. camera: its name. image_size: (width, height) px.
    box: (N, 4) px: x and y of the centre, width, height, in the image as it was taken.
    score: (N,) 0 to 1. track_id: N ids from the detector's own tracker, '' where it has none.
    embedding: (N, D) appearance, unit norm; D = 0 where the detector gives none, and a row of
    zeros where it gives none for a box. feet: where they stand, of detectors that tell; of others,
    the lower edges of the boxes stand for it. kind: N class names of COCO, people by default.
    """

    stamp_ns: int
    camera: str
    image_size: tuple[int, int]
    box: Float[np.ndarray, "n 4"]
    score: Float[np.ndarray, " n"]
    track_id: tuple[str, ...]
    embedding: Float[np.ndarray, "n d"] = field(default_factory=lambda: np.zeros((0, 0)))
    feet: Feet = field(default_factory=lambda: Feet.unknown(0))
    kind: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.box)
        if self.box.shape != (count, 4) or self.score.shape != (count,):
            raise ValueError(f"box {self.box.shape} and score {self.score.shape} do not fit")
        if len(self.track_id) != count:
            raise ValueError(f"{len(self.track_id)} track ids for {count} boxes")
        if self.embedding.shape == (0, 0):
            object.__setattr__(self, "embedding", np.zeros((count, 0)))
        if not len(self.feet):
            object.__setattr__(self, "feet", Feet.unknown(count))
        if not self.kind:
            object.__setattr__(self, "kind", (PERSON,) * count)
        if len(self.kind) != count:
            raise ValueError(f"{len(self.kind)} kinds for {count} boxes")
        if len(self.feet) != count:
            raise ValueError(f"feet of {len(self.feet)} people for {count} boxes")
        if len(self.embedding) != count:
            raise ValueError(f"{len(self.embedding)} embeddings for {count} boxes")

    def __len__(self) -> int:
        return len(self.box)

    @classmethod
    def none(cls, stamp_ns: int, camera: str, image_size: tuple[int, int]) -> Detections:
        """An image in which nobody was seen."""
        return cls(stamp_ns, camera, image_size, np.zeros((0, 4)), np.zeros(0), ())

    def where(self, mask: Bool[np.ndarray, " n"]) -> Detections:
        """The detections that a mask picks."""
        ids = tuple(name for name, kept in zip(self.track_id, mask, strict=True) if kept)
        return replace(
            self,
            box=self.box[mask],
            score=self.score[mask],
            track_id=ids,
            embedding=self.embedding[mask],
            feet=self.feet.where(mask),
            kind=tuple(name for name, kept in zip(self.kind, mask, strict=True) if kept),
        )

    def people(self) -> Detections:
        """Without what is no person; itself where that is nobody's."""
        person = np.array([kind == PERSON for kind in self.kind], dtype=bool)
        return self if person.all() else self.where(person)

    def clean(self) -> tuple[Detections, int]:
        """Those that can be measured, and how many were dropped.

        Dropped: NaN or infinite numbers, no or negative extent, a score outside 0 to 1. An
        embedding that is not finite becomes none (zeros), and a foot that is not by its box becomes
        unknown (NaN); the box stays.
        """
        with np.errstate(invalid="ignore"):
            good = (
                np.all(np.isfinite(self.box), axis=1)
                & np.all(self.box[:, 2:] > 0, axis=1)
                & (self.score >= 0)
                & (self.score <= 1)
            )
        kept = self if good.all() else self.where(good)
        readable = np.all(np.isfinite(kept.embedding), axis=1)
        if not readable.all():
            kept = replace(kept, embedding=np.where(readable[:, None], kept.embedding, 0.0))
        outside = kept.feet.outside(kept.corners)
        if outside.any():
            point = np.where(outside[:, None], np.nan, kept.feet.point)
            kept = replace(kept, feet=replace(kept.feet, point=point))
        return kept, int(np.count_nonzero(~good))

    @property
    def corners(self) -> Float[np.ndarray, "n 4"]:
        """(N, 4) px: left, top, right, bottom."""
        half = self.box[:, 2:] / 2
        return np.hstack([self.box[:, :2] - half, self.box[:, :2] + half])
