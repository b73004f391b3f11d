"""The TF tree and the odometry of a recording."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from visrftwin_ros.campaign.campaign_writer import CampaignWriter
from visrftwin_ros.lab.recording.mast import (
    LIDAR_HEIGHT,
    PANORAMA_HEIGHT,
    optical_quaternion,
    yaw_quaternion,
)
from visrftwin_ros.lab.recording.robot_drive import Drive
from visrftwin_ros.site.model import Site


def write_static_frames(writer: CampaignWriter, stamp_ns: int, site: Site, robot: str) -> None:
    """Fixed cameras in the world; LiDAR and moving cameras on the robot's mast."""
    base = next(r.tf_frame for r in site.robots if r.name == robot)
    for camera in site.cameras:
        frame = camera.optical_frame
        if camera.pose is None:
            place = np.array([0.0, 0.0, PANORAMA_HEIGHT])
            writer.transform(stamp_ns, base, frame, place, optical_quaternion(), static=True)
        else:
            turn = Rotation.from_rotvec(camera.pose[0])
            place = -turn.inv().apply(camera.pose[1])
            writer.transform(
                stamp_ns, site.world_frame, frame, place, turn.inv().as_quat(), static=True
            )
    for lidar in site.lidars:
        if lidar.position is None:
            place = np.array([0.0, 0.0, LIDAR_HEIGHT])
            writer.transform(
                stamp_ns, base, lidar.tf_frame, place, yaw_quaternion(0.0), static=True
            )


def write_moving_frames(
    writer: CampaignWriter, stamp_ns: int, world_frame: str, drive: Drive, row: int
) -> None:
    """Where the robot's localisation has it, as TF, and where its wheels have it, as odometry."""
    place = np.append(drive.fix_position[row], 0.0)
    base = f"{drive.robot}/base_link"
    writer.transform(stamp_ns, world_frame, base, place, yaw_quaternion(float(drive.fix_yaw[row])))
    yaw = float(drive.odometry_yaw[row])
    velocity = drive.speed * np.array([np.cos(yaw), np.sin(yaw), 0.0])
    writer.odometry(
        drive.robot,
        stamp_ns,
        world_frame,
        np.append(drive.odometry_position[row], 0.0),
        yaw,
        velocity,
        float(drive.yaw_rate[row]),
    )
