"""The live twin of a site: `ros2 launch visrftwin_ros twin.launch.py site:=pets_campus`."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from visrftwin_ros.cameras.site_video import find_video
from visrftwin_ros.operations.node_table import node_table
from visrftwin_ros.site.loading import config_path, load_site

ARGUMENTS = {
    "site": ("pets_campus", "Site name, or path of a site folder or site.yaml"),
    "video": ("auto", "Recording to replay; auto = the site's own, none = live cameras"),
    "bag": ("", "Campaign (rosbag2) to replay instead, in its own time"),
    "weights": ("", "Detector weights; empty = the motion detector"),
    "viewer": ("true", "Start the web viewer (true or false)"),
    "rate": ("1.0", "Playback speed of the recording"),
    "loop": ("false", "Replay the recording for ever (true or false)"),
    "namespace": ("", "ROS namespace of the whole twin, for several on one graph"),
}


def _is_true(text):
    return text.lower() in ("true", "1", "yes")


def nodes(context):
    value = {name: LaunchConfiguration(name).perform(context) for name in ARGUMENTS}
    site = load_site(value["site"])
    table = node_table(
        site,
        value["site"],
        video="" if value["bag"] else find_video(site, value["video"]),
        bag=value["bag"],
        weights=value["weights"],
        viewer=_is_true(value["viewer"]),
        rate=float(value["rate"]),
        loop=_is_true(value["loop"]),
        namespace=value["namespace"],
    )
    return [
        Node(
            package="visrftwin_ros",
            executable=spec.executable,
            namespace=spec.namespace,
            remappings=list(spec.remapped.items()),
            parameters=[str(config_path("nodes.yaml")), spec.parameters],
            output="screen",
            respawn=spec.executable not in ("camera_replay", "campaign_replay"),
            respawn_delay=1.0,
            respawn_max_retries=5,
        )
        for spec in table
    ]


def generate_launch_description():
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=nodes)])
