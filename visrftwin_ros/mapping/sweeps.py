"""One sweep of a LiDAR as a view of a scan, live and recorded."""

from __future__ import annotations

from functools import partial

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.perception.lidar.deskew import undistorted
from visrftwin_ros.site.frames import Pose, TransformBuffer

View = tuple[Float[np.ndarray, "k 3"], Float[np.ndarray, " 3"]]
"""Points and the place of the sensor, m in the world."""
TF_TOLERANCE = 0.2
"""s: a pose further from the sweep's stamp is not its own."""
NEAREST = 0.7
"""m: nearer are the robot that carries the sensor and the hand that holds it."""
FARTHEST = 30.0
"""m of a return, where nobody says otherwise."""
NOISE = 0.015
"""m, of a spinning LiDAR's return (Velodyne and Ouster state 1 to 3 cm)."""


def placed_sweep(
    cloud: PointCloud,
    transforms: TransformBuffer,
    world_frame: str,
    farthest: float,
    tolerance: float = TF_TOLERANCE,
) -> View:
    """A sweep taken apart from its own motion, its returns from NEAREST to `farthest` m in `world_frame`.

    tolerance: s from the nearest sample of TF. Raises TwinError where TF has no way there at that time, and
    where no return is left.
    """
    pose_at = partial(_pose, transforms, world_frame, cloud.frame, tolerance)
    pose = pose_at(cloud.stamp_ns)
    points = undistorted(cloud, pose_at).points
    reach = np.linalg.norm(points, axis=1)
    points = points[(reach > NEAREST) & (reach < farthest)]
    if not len(points):
        raise TwinError(
            f"of {len(cloud)} returns none lies {NEAREST:g} to {farthest:g} m away: is the sensor covered?"
        )
    return pose.rotation.apply(points) + pose.position, pose.position


def _pose(
    transforms: TransformBuffer, world: str, frame: str, tolerance: float, stamp: int
) -> Pose:
    try:
        return transforms.lookup(world, frame, stamp, tolerance)
    except TwinError as error:
        raise TwinError(
            f"where the cloud's frame {frame!r} is in {world!r} is not known: {error}; is {world!r} the "
            "frame of the map?"
        ) from error
