"""What comes over TF: which frame hangs from which, and frames of which two publishers speak."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from visrftwin_ros.site.frames import MOST_FRAMES, Pose, pose_from_message

MOVING_SHOWN, STATIC_SHOWN = 3.0, 60.0
"""Seconds for which somebody who spoke of a frame on /tf, and on /tf_static, is taken to be there."""
BOUNCE = 0.3
"""Metres plus radians from one sample to the next and back: two that do not agree where a frame is.
No frame of a robot does that at the rate of TF; the noise of a localisation is far below."""
BOUNCES = 5
"""So many of them within MOVING_SHOWN."""


@dataclass
class _Heard:
    """Of one frame. parents: when each was last named, by (parent, static). poses: the last ones of
    /tf. bounced: when it was there and back."""

    parents: dict[tuple[str, bool], float] = field(default_factory=dict)
    poses: deque[Pose] = field(default_factory=lambda: deque(maxlen=3))
    bounced: deque[float] = field(default_factory=lambda: deque(maxlen=BOUNCES))


class FrameWatch:
    """Hears TF and keeps who said what of which frame; times are s of a steady clock."""

    def __init__(self) -> None:
        self._frames: dict[str, _Heard] = {}

    def add(self, message: Any, static: bool, now: float) -> None:
        """The transforms of a tf2_msgs/TFMessage."""
        for transform in message.transforms:
            frame, parent = transform.child_frame_id, transform.header.frame_id
            pose = pose_from_message(transform)
            if pose is None or (frame not in self._frames and len(self._frames) >= MOST_FRAMES):
                continue
            heard = self._frames.setdefault(frame, _Heard())
            heard.parents[parent, static] = now
            if len(heard.parents) > 8:
                heard.parents.pop(next(iter(heard.parents)))
            if not static:
                heard.poses.append(pose)
                if _there_and_back(heard.poses):
                    heard.bounced.append(now)

    def parents(self) -> dict[str, str]:
        """Of every frame that was heard of, the parent that was named last."""
        return {
            name: max(heard.parents, key=lambda pair: heard.parents[pair])[0]
            for name, heard in self._frames.items()
        }

    def conflicts(self, now: float) -> dict[str, str]:
        """By frame, why two publishers must be speaking of it."""
        found = {}
        for name, heard in sorted(self._frames.items()):
            there = sorted(
                pair
                for pair, when in heard.parents.items()
                if now - when <= (STATIC_SHOWN if pair[1] else MOVING_SHOWN)
            )
            parents = sorted({parent for parent, _ in there})
            if len(parents) > 1:
                found[name] = f"hangs from {' and from '.join(map(repr, parents))}"
            elif len(there) > 1:
                found[name] = f"comes on /tf and on /tf_static, from {parents[0]!r}"
            elif len(heard.bounced) == BOUNCES and now - heard.bounced[0] <= MOVING_SHOWN:
                found[name] = f"jumps between two places in {parents[0]!r}"
        return found


def roots(parents: Mapping[str, str]) -> list[str]:
    """The frames that hang from none, by the parent of each; two of them are two trees."""
    return sorted(set(parents.values()) - set(parents))


def way_up(parents: Mapping[str, str], frame: str) -> list[str]:
    """A frame, its parent and so on to a root, or to where a loop closes."""
    way = [frame]
    while way[-1] in parents and way[-1] not in way[:-1]:
        way.append(parents[way[-1]])
    return way


def apart(first: Pose, second: Pose) -> float:
    """Metres plus radians between two poses in one frame."""
    turn = (first.rotation.inv() * second.rotation).magnitude()
    return float(np.linalg.norm(first.position - second.position) + turn)


def _there_and_back(poses: Collection[Pose]) -> bool:
    if len(poses) < 3:
        return False
    first, second, third = poses
    step = apart(first, second)
    return step > BOUNCE and apart(first, third) < 0.25 * step
