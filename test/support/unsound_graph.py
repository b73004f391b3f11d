"""What the doctor is to find wrong, as a process of its own, until it is ended: images of a minute
ago, a frame with two parents, volatile statics, and channels of two."""

from __future__ import annotations

import time

import numpy as np
import rclpy
from made_pictures import a_scene
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage

from visrftwin_ros.messages.geometry import transform_message
from visrftwin_ros.messages.images import image_message
from visrftwin_ros.msg import LinkChannels
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.site.frames import Pose


def main() -> None:
    rclpy.init()
    create = rclpy.create_node("probe").create_publisher
    image = image_message(made, a_scene((768, 576)), time.time_ns() - 60 * 10**9, "view1")
    pose = Pose(np.zeros(3), Rotation.identity())
    frames = [
        TFMessage(transforms=[transform_message(made, parent, "cart", 10**18, pose)])
        for parent in ("world", "odom")
    ]
    images, moving = create(Image, "/view1/image_raw", 1), create(TFMessage, "/tf", 10)
    kept = [create(TFMessage, "/tf_static", 1)]
    kept += [create(LinkChannels, "/channels", 1) for _ in "ab"]
    while True:
        images.publish(image)
        for message in frames:
            moving.publish(message)
        time.sleep(0.1)


if __name__ == "__main__":
    main()
