"""Where a site's robots are: from the site where it says so, from TF where it does not."""

from __future__ import annotations

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.limits import check_place
from visrftwin_ros.nodes.shared.transforms import TransformBuffer, yaw_of
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.mounts import RobotPose


def robot_poses_from_tf(
    site: Site, transforms: TransformBuffer, stamp: int, tolerance: float
) -> tuple[dict[str, RobotPose], dict[str, str]]:
    """Poses of the robots that only TF knows, and for those it does not know the reason.

    tolerance: s that TF may be from `stamp`.
    """
    poses, reasons = {}, {}
    for robot in site.robots:
        if robot.position is not None or robot.path is not None:
            continue
        try:
            pose = transforms.lookup(site.world_frame, robot.tf_frame, stamp, tolerance)
            check_place(pose.position, f"{robot.tf_frame!r} on TF")
            poses[robot.name] = RobotPose(pose.position, yaw_of(pose))
        except TwinError as error:
            reasons[robot.name] = str(error)
    return poses, reasons
