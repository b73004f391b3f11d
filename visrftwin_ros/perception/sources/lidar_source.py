"""One LiDAR of the site as a source of measurements, live and recorded: its checks, pose and finder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.messages.stamps import check_stamp
from visrftwin_ros.perception.lidar.deskew import undistorted
from visrftwin_ros.perception.lidar.people_finder import (
    FoundPeople,
    LidarPeopleConfig,
    LidarPeopleFinder,
)
from visrftwin_ros.perception.lidar.static_scene import StaticScene
from visrftwin_ros.site.frames import Pose, TransformBuffer, lidar_pose
from visrftwin_ros.site.model import Site

TF_TOLERANCE = 0.2
"""s: a pose further from the sweep's stamp is not its own."""
JUMP_BACK_NS = 1_000_000_000
"""A stamp older than the newest by more means that the clock started again."""


@dataclass(frozen=True)
class Sweep:
    """What one cloud showed. restarted: why the background was dropped before; '' if it was not."""

    found: FoundPeople
    restarted: str


class LidarSource:
    """Places the clouds of a LiDAR of the site in the world and finds people and vehicles in them.

    transforms: hears the TF of the sensor's side. least_score: of a reported cluster. vehicles: whether
    those are looked for. What does not fit is a TwinError that says whose it is and what would be right;
    the source goes on as it was.
    """

    def __init__(
        self,
        site: Site,
        name: str,
        transforms: TransformBuffer,
        least_score: float = 0.3,
        vehicles: bool = False,
    ) -> None:
        lidar = site.lidar(name)
        self.name = lidar.name
        self._frame = lidar.tf_frame
        self._world_frame = site.world_frame
        self._transforms = transforms
        self._standing = lidar_pose(lidar)
        self._newest_ns: int | None = None
        self._least_range = lidar.min_range
        config = LidarPeopleConfig(
            min_range=lidar.min_range,
            max_range=lidar.max_range,
            least_score=least_score,
            learning_time=lidar.learning_time,
            vehicles=vehicles,
        )
        self._finder = LidarPeopleFinder(lidar.name, config, StaticScene.of_site(site))

    def stands_for(self, cloud: PointCloud) -> bool:
        """Whether the site says where the cloud was taken; else TF does, which may come after it."""
        return self._standing is not None and cloud.frame in ("", self._frame)

    def swept(self, cloud: PointCloud, last_try: bool) -> Sweep:
        """The people in a cloud; TwinError without ROS time or a return from beyond the sensor's
        least range, or while its TF is missing.

        A pose on TF is interpolated; only the last try takes the nearest sample.
        """
        cloud, pose = self.placed(cloud, last_try)
        restarted = self._restarted(cloud.stamp_ns)
        return Sweep(self._finder.find(cloud, pose.position, pose.rotation), restarted)

    def placed(self, cloud: PointCloud, last_try: bool) -> tuple[PointCloud, Pose]:
        """A cloud as seen all at once from one pose of the sensor in the world; TwinError as `swept`."""
        check_stamp(cloud.stamp_ns, f"LiDAR {self.name!r}")
        if not len(cloud):
            raise TwinError(
                f"LiDAR {self.name!r}: a cloud of {cloud.invalid} points holds no valid return: is"
                " the sensor covered?"
            )
        if not (np.einsum("ij,ij->i", cloud.points, cloud.points) > self._least_range**2).any():
            raise TwinError(
                f"LiDAR {self.name!r}: no return of {len(cloud)} comes from further than"
                f" {self._least_range:g} m: is the sensor covered or blinded?"
            )
        if self._standing is not None and self.stands_for(cloud):
            pose = self._standing
        else:
            pose_at = partial(self._pose, cloud.frame, TF_TOLERANCE if last_try else 0.0)
            pose = pose_at(cloud.stamp_ns)
            cloud = undistorted(cloud, pose_at)
        return cloud, pose

    def _pose(self, frame: str, tolerance: float, stamp_ns: int) -> Pose:
        try:
            return self._transforms.lookup(self._world_frame, frame, stamp_ns, tolerance)
        except TwinError as error:
            raise TwinError(
                f"LiDAR {self.name!r}: where its cloud's frame {frame!r} is in"
                f" {self._world_frame!r} is not known: {error}; the site says frame {self._frame!r}"
            ) from error

    def _restarted(self, stamp_ns: int) -> str:
        before, self._newest_ns = self._newest_ns, stamp_ns
        if before is None or stamp_ns >= before - JUMP_BACK_NS:
            return ""
        self._finder.reset()
        return f"time jumped back by {(before - stamp_ns) * 1e-9:.1f} s: background dropped"
