"""A stamp from before all ROS time is refused where it enters: nothing could publish it again."""

from __future__ import annotations

import numpy as np
import pytest
from walking_scene import PETS

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.point_cloud import PointCloud
from visrftwin_ros.perception.sources.camera_source import CameraSource
from visrftwin_ros.perception.sources.lidar_source import LidarSource
from visrftwin_ros.site.frames import TransformBuffer
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Lidar

BEFORE_ALL_TIME = -1


def test_an_image_without_a_ros_time_is_refused_and_the_next_is_not() -> None:
    source = CameraSource(PETS, "world", TransformBuffer())
    with pytest.raises(TwinError, match=r"'view1'.*no ROS time"):
        source.check_sender("lens", BEFORE_ALL_TIME)
    source.check_sender("another lens", 10)


def test_a_cloud_without_a_ros_time_is_refused_and_leaves_the_background() -> None:
    mast = Lidar(name="mast", position=(0.0, 0.0, 2.0))
    site = load_site("pets_campus").model_copy(update={"lidars": [mast]})
    source = LidarSource(site, "mast", TransformBuffer())
    points = np.array([[5.0, 0.0, -1.0]])
    source.swept(PointCloud(5 * 10**9, "mast", points), last_try=True)
    with pytest.raises(TwinError, match=r"'mast'.*no ROS time"):
        source.swept(PointCloud(BEFORE_ALL_TIME, "mast", points), last_try=True)
    after = source.swept(PointCloud(5 * 10**9 + 10**8, "mast", points), last_try=True)
    assert after.restarted == ""
