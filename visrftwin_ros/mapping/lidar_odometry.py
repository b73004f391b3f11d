"""Where a LiDAR was, by its own sweeps: for recordings without TF to a world.

Each sweep is fitted to those of the places around by generalised ICP (Segal, Haehnel and Thrun, RSS 2009, as
`small_gicp` has it: Koide, JOSS 2024), from where the motion before would have brought it. A drive that comes back is
fitted to what it saw there first; what has drifted by more than a match reaches does not close.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.perception.lidar.deskew import undistorted
from visrftwin_ros.site.frames import Pose

CELL = 0.2
"""m, of which one point is matched."""
REACH = 0.5
"""m, up to which a point is matched to one seen before."""
APART, TURNED = 0.3, np.radians(20.0)
"""m and rad from the places before, at which a sweep is kept to match others to."""
LEAST_KNOWN, LEAST_FIT, BESIDE = 0.4, 0.85, 0.1
"""Share of a sweep's cells with something seen before within REACH, and of these up to BESIDE (m) off its plane: with
less it is lost. Rooms and a street of the lab leave at least 0.98 and 0.93, also to 16 rings; another room at most
0.70."""
LEAST_POINTS = 100
"""Returns of a sweep."""
FLAT = 0.2
"""m, standard deviation of a sweep's points about its flattest plane: less is a LiDAR of one ring."""
MOST_LOST = 10
"""Sweeps in a row after which nobody knows where it is."""
ROUNDS = 3
"""A sweep is taken apart by the motion up to it, which is known when it is matched, and matched again."""
_HERE = Pose(np.zeros(3), Rotation.identity())


@dataclass(frozen=True)
class Track:
    """Where the frame of K sweeps was, at their stamps, in that frame where the first one was. left_out: sweeps
    without a pose, and why."""

    stamp_ns: tuple[int, ...]
    poses: tuple[Pose, ...]
    left_out: tuple[str, ...]


def followed(
    clouds: Iterable[PointCloud], nearest: float, farthest: float, heard: Callable[[int], None]
) -> Track:
    """The LiDAR's track through sweeps in their order, by returns from `nearest` to `farthest` m.

    heard: told of how many. Raises TwinError where sweeps lie in a plane, and where MOST_LOST in a row fit nowhere:
    with the first of their stamps.
    """
    follower = _Follower(nearest, farthest)
    for number, cloud in enumerate(clouds):
        follower.take(number, cloud)
        heard(number + 1)
    stamps, poses = zip(*follower.known, strict=True) if follower.known else ((), ())
    return Track(tuple(stamps), tuple(poses), tuple(follower.left_out))


@dataclass
class _Follower:
    """known: stamps and poses so far. _kept: where sweeps were kept, and their points in the first one's frame."""

    nearest: float
    farthest: float
    known: list[tuple[int, Pose]] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    _kept: list[tuple[Pose, Float[np.ndarray, "k 3"]]] = field(default_factory=list)
    _around: tuple[Any, Any] | None = None
    _first: PointCloud | None = None
    _lost: list[int] = field(default_factory=list)

    def take(self, number: int, cloud: PointCloud) -> None:
        if self.known and cloud.stamp_ns <= self.known[-1][0]:
            self.left_out.append(f"sweep {number}: its stamp is not after that of the one before")
            return
        points = self._within(cloud)
        if len(points) < LEAST_POINTS:
            self.left_out.append(f"sweep {number}: {len(points)} returns are too few to follow")
            return
        if not self.known:
            _refuse_flat(points)
            self._first = cloud
            self.known.append((cloud.stamp_ns, _HERE))
            self._keep(_HERE, points)
            return
        pose = self._expected(cloud.stamp_ns)
        for _ in range(ROUNDS):
            motion = partial(_on_the_way, self.known[-1], (cloud.stamp_ns, pose))
            if self._first is not None:
                self._kept.clear()
                self._keep(_HERE, self._within(undistorted(self._first, motion)))
            pose, seen, fits = self._fitted(self._within(undistorted(cloud, motion)), pose)
        if not fits:
            self._lose(number, cloud.stamp_ns)
            return
        self._first = None
        self._lost.clear()
        self.known.append((cloud.stamp_ns, pose))
        if all(_apart(pose, other) for other, _ in self._kept):
            self._keep(pose, seen)

    def _within(self, cloud: PointCloud) -> Float[np.ndarray, "k 3"]:
        points = cloud.finite().points
        reach = np.linalg.norm(points, axis=1)
        return np.asarray(points[(reach > self.nearest) & (reach < self.farthest)], float)

    def _fitted(
        self, points: Float[np.ndarray, "k 3"], guess: Pose
    ) -> tuple[Pose, Float[np.ndarray, "c 3"], bool]:
        """The best pose, a point a cell, and whether they lie where something was seen before."""
        import small_gicp

        assert self._around is not None
        target, tree = self._around
        seen, _ = small_gicp.preprocess_points(points, CELL)
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = guess.rotation.as_matrix(), guess.position
        fit = small_gicp.align(target, seen, tree, matrix, max_correspondence_distance=REACH)
        matrix = fit.T_target_source
        pose = Pose(matrix[:3, 3].copy(), Rotation.from_matrix(matrix[:3, :3]))
        cells = seen.points()[:, :3]
        places = pose.rotation.apply(cells) + pose.position
        rows, squares = (np.array(found) for found in tree.batch_nearest_neighbor_search(places))
        there, normals = (table[rows][:, :3] for table in (target.points(), target.normals()))
        off = np.abs(((places - there) * normals).sum(axis=1))[squares < REACH**2]
        fits = len(off) > LEAST_KNOWN * len(places) and (off < BESIDE).mean() > LEAST_FIT
        return pose, cells, bool(fits)

    def _keep(self, pose: Pose, points: Float[np.ndarray, "k 3"]) -> None:
        import small_gicp

        self._kept.append((pose, pose.rotation.apply(points) + pose.position))
        around = [
            points
            for other, points in self._kept
            if np.linalg.norm(other.position - pose.position) < self.farthest
        ]
        self._around = small_gicp.preprocess_points(np.concatenate(around), CELL)

    def _lose(self, number: int, stamp_ns: int) -> None:
        self._lost.append(stamp_ns)
        self.left_out.append(f"sweep {number}: fits nowhere near where the LiDAR was before")
        if len(self._lost) == MOST_LOST:
            raise TwinError(
                f"{MOST_LOST} sweeps in a row from {self._lost[0] * 1e-9:.3f} s on fit nowhere near where the "
                f"LiDAR was before: it sees too little there, or moved over {REACH:g} m between sweeps; give "
                "poses by TF, or a recording that ends before"
            )

    def _expected(self, stamp_ns: int) -> Pose:
        """Where the motion between the last two places leads."""
        return _on_the_way(self.known[-2:][0], self.known[-1], stamp_ns)


def _on_the_way(before: tuple[int, Pose], after: tuple[int, Pose], stamp_ns: int) -> Pose:
    """By the even motion from one place to another, on and back as well."""
    (then, first), (last, second) = before, after
    if then == last:
        return second
    share = (stamp_ns - last) / (last - then)
    step = first.inverse() @ second
    turn = Rotation.from_rotvec(share * step.rotation.as_rotvec())
    return second @ Pose(share * step.position, turn)


def _refuse_flat(points: Float[np.ndarray, "k 3"]) -> None:
    thin = float(np.sqrt(np.linalg.eigvalsh(np.cov(points.T))[0]))
    if thin < FLAT:
        raise TwinError(
            f"the sweep's returns lie within {thin:.2f} m of a plane: a LiDAR of one ring cannot be followed "
            "in space; give poses by TF"
        )


def _apart(one: Pose, other: Pose) -> bool:
    away = np.linalg.norm(one.position - other.position) > APART
    return bool(away or (one.rotation.inv() * other.rotation).magnitude() > TURNED)
