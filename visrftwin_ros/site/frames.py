"""Frames and where they are in each other: the last seconds of TF, without ROS.

Frames and quaternions as in REP-103/105; times are ROS time in nanoseconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Camera, Lidar, Site

HISTORY_NS = 10_000_000_000
LATE_NS = 1_000_000_000
"""A sample older than the newest by more than this came late, or the clock jumped back."""
JUMPED_BACK = 10
"""So many samples in a row that are that old, each newer than the one before, mean a jump; so does
one that is older than all that is kept."""
LONGEST_GAP_NS = 2_000_000_000
"""Nothing is said of where a frame was between samples further apart than this."""

EXTRAPOLATION = 0.3
"""s from a sample of TF up to which a frame is taken to be where it was then."""
MOST_FRAMES = 2_000
"""Frames that are kept; what more come are nobody's here."""
DEEPEST = 64
"""Frames on the way from one to another."""


@dataclass(frozen=True)
class Pose:
    """Of a child frame in its parent: position (3,) metres and rotation."""

    position: NDArray[np.float64]
    rotation: Rotation

    def __matmul__(self, inner: Pose) -> Pose:
        return Pose(
            self.position + self.rotation.apply(inner.position), self.rotation * inner.rotation
        )

    def inverse(self) -> Pose:
        """Of the parent in the child."""
        turn = self.rotation.inv()
        return Pose(-turn.apply(self.position), turn)


def camera_pose(camera: Camera) -> Pose | None:
    """Of a fixed camera's optical frame in the world (inverse of the site's x_cam = R x + t)."""
    if camera.pose is None:
        return None
    turn = Rotation.from_rotvec(camera.pose[0]).inv()
    return Pose(-turn.apply(camera.pose[1]), turn)


def lidar_pose(lidar: Lidar) -> Pose | None:
    """Of a fixed LiDAR in the world."""
    if lidar.position is None:
        return None
    return Pose(np.array(lidar.position), Rotation.from_euler("xyz", lidar.rpy))


def fixed_frames(site: Site) -> dict[str, Pose]:
    """Pose in the world of every frame that the site fixes: standing cameras, LiDARs, APs, robots."""
    frames = {camera.optical_frame: camera_pose(camera) for camera in site.cameras}
    frames |= {lidar.tf_frame: lidar_pose(lidar) for lidar in site.lidars}
    for ap in site.access_points:
        tilt = Rotation.from_euler("ZY", [ap.yaw, ap.pitch])
        frames[ap.name] = Pose(np.array(ap.position), tilt)
    for robot in site.robots:
        if robot.position is not None:
            turn = Rotation.from_euler("Z", robot.yaw)
            frames[robot.tf_frame] = Pose(np.array([*robot.position, 0.0]), turn)
    return {name: pose for name, pose in frames.items() if pose is not None}


@dataclass
class _Edge:
    """From a child frame to its parent. late: the newest samples, as long as each comes late."""

    parent: str
    static: bool
    stamps: list[int]
    poses: list[Pose]
    late: list[tuple[int, Pose]] = field(default_factory=list)


class TransformBuffer:
    """The last seconds of TF, ten by default, interpolated between samples."""

    def __init__(self, history_ns: int = HISTORY_NS) -> None:
        self._history_ns = history_ns
        self._edges: dict[str, _Edge] = {}

    def fix(self, frame: str, parent: str, pose: Pose) -> None:
        """A frame that never moves, as on /tf_static."""
        self._add(frame, parent, 0, pose, static=True)

    def move(self, frame: str, parent: str, stamp: int, pose: Pose) -> None:
        """Where a frame is at one time, as on /tf."""
        self._add(frame, parent, stamp, pose, static=False)

    def rigid_with(self, frame: str) -> tuple[str, TransformBuffer]:
        """The uppermost frame that `frame` never moves in, and all that hang from that without ever moving."""
        still = TransformBuffer(self._history_ns)
        still._edges = {name: edge for name, edge in self._edges.items() if edge.static}
        root = still._upwards(frame, "")[-1]
        own = {name for name in still._edges if root in still._upwards(name, root)}
        still._edges = {name: edge for name, edge in still._edges.items() if name in own}
        return root, still

    def add(self, message: Any, static: bool) -> None:
        """The transforms of a tf2_msgs/TFMessage, be it rclpy's or rosbags'."""
        for transform in message.transforms:
            pose = pose_from_message(transform)
            if pose is not None:
                stamp = transform.header.stamp.sec * 10**9 + transform.header.stamp.nanosec
                self._add(transform.child_frame_id, transform.header.frame_id, stamp, pose, static)

    def _add(self, child: str, parent: str, stamp: int, pose: Pose, static: bool) -> None:
        edge = self._edges.get(child)
        if edge is None and len(self._edges) >= MOST_FRAMES:
            return
        # Another parent, or a clock that went back, makes the past of this frame meaningless.
        if (
            edge is None
            or edge.parent != parent
            or static
            or stamp < edge.stamps[-1] - self._history_ns
        ):
            self._edges[child] = _Edge(parent, static, [stamp], [pose])
            return
        if stamp >= edge.stamps[-1] - LATE_NS:
            edge.late.clear()
        elif not edge.late or stamp > edge.late[-1][0]:
            edge.late.append((stamp, pose))
            if len(edge.late) == JUMPED_BACK:
                stamps, poses = zip(*edge.late, strict=True)
                self._edges[child] = _Edge(parent, static, [*stamps], [*poses])
                return
        place = bisect_left(edge.stamps, stamp)
        if place < len(edge.stamps) and edge.stamps[place] == stamp:
            return
        edge.stamps.insert(place, stamp)
        edge.poses.insert(place, pose)
        gone = bisect_left(edge.stamps, edge.stamps[-1] - self._history_ns)
        del edge.stamps[:gone], edge.poses[:gone]

    def lookup(self, target: str, frame: str, stamp: int, tolerance: float = EXTRAPOLATION) -> Pose:
        """Pose of `frame` in `target` at `stamp`; at most `tolerance` seconds from a sample.

        Over the nearest frame that both hang from, whichever way that is. Raises TwinError naming the
        missing frame, the gap or the loop.
        """
        up = self._upwards(frame, target)
        if up[-1] == target:
            return self._climb(up, stamp, tolerance)
        down = self._upwards(target, frame)
        meeting = next((name for name in up if name in down), None)
        if meeting is None:
            raise TwinError(self._why_apart(target, frame, up))
        ours = self._climb(up[: up.index(meeting) + 1], stamp, tolerance)
        theirs = self._climb(down[: down.index(meeting) + 1], stamp, tolerance)
        return theirs.inverse() @ ours

    def _upwards(self, frame: str, until: str) -> list[str]:
        """A frame, its parent, and so on to `until`, to a root, around a loop or DEEPEST of them."""
        way = [frame]
        while way[-1] != until and way[-1] in self._edges and len(way) <= DEEPEST:
            parent = self._edges[way[-1]].parent
            way.append(parent)
            if parent in way[:-1]:
                break
        return way

    def _climb(self, way: list[str], stamp: int, tolerance: float) -> Pose:
        """Pose of the first of these frames in the last."""
        pose = Pose(np.zeros(3), Rotation.identity())
        for child in way[:-1]:
            pose = _at(self._edges[child], child, stamp, tolerance) @ pose
        return pose

    def _why_apart(self, target: str, frame: str, up: list[str]) -> str:
        last = up[-1]
        if last in up[:-1]:
            return f"TF loops: {last!r} is its own ancestor"
        if len(up) > DEEPEST:
            return f"TF has over {DEEPEST} frames on the way from {frame!r} to {target!r}"
        full = len(self._edges) >= MOST_FRAMES
        remedy = f"{MOST_FRAMES} others fill it" if full else "publish it on /tf or /tf_static"
        return f"TF has no frame {last!r} on the way from {frame!r} to {target!r}; {remedy}"


def _at(edge: _Edge, child: str, stamp: int, tolerance: float) -> Pose:
    if edge.static:
        return edge.poses[-1]
    after = bisect_right(edge.stamps, stamp)
    if 0 < after < len(edge.stamps):
        t0, t1 = edge.stamps[after - 1], edge.stamps[after]
        if t1 - t0 > LONGEST_GAP_NS and stamp != t0:
            raise TwinError(
                f"TF of {child!r} has a gap of {(t1 - t0) * 1e-9:.1f} s around the time asked for"
            )
        first, second = edge.poses[after - 1], edge.poses[after]
        share = (stamp - t0) / (t1 - t0)
        rotations = Rotation.concatenate([first.rotation, second.rotation])
        position = first.position + share * (second.position - first.position)
        return Pose(position, Slerp([0.0, 1.0], rotations)(share))
    nearest = min(after, len(edge.stamps) - 1)
    gap = abs(edge.stamps[nearest] - stamp) * 1e-9
    if gap > tolerance:
        raise TwinError(
            f"TF of {child!r} is {gap:.2f} s away from the time asked for (limit {tolerance:g} s)"
        )
    return edge.poses[nearest]


def pose_from_message(transform: Any) -> Pose | None:
    """Of a geometry_msgs/TransformStamped, the child in its parent; None where it is no number."""
    t, q = transform.transform.translation, transform.transform.rotation
    position = np.array([t.x, t.y, t.z])
    quaternion = np.array([q.x, q.y, q.z, q.w])
    norm = np.linalg.norm(quaternion)
    if not np.isfinite(position).all() or not np.isfinite(norm) or norm < 1e-6:
        return None
    return Pose(position, Rotation.from_quat(quaternion / norm))
