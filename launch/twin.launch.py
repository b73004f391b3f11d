"""The live twin of a site: `ros2 launch visrftwin_ros twin.launch.py site:=pets_campus`.

Its arguments are the options of `visrftwin up`, which it runs: that starts the nodes, watches them
and knows which of them may not be started again, what launch does not.
"""

import sys

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration

from visrftwin_ros.commands.up import command_line, launch_arguments

DEFAULT_SITE = "pets_campus"


def twin(context):
    values = {name: LaunchConfiguration(name).perform(context) for name in launch_arguments()}
    return [
        ExecuteProcess(
            cmd=[sys.executable, "-m", "visrftwin_ros.cli", "up", *command_line(values)],
            name="visrftwin_up",
            output="screen",
            on_exit=[Shutdown(reason="the twin has ended")],
        )
    ]


def generate_launch_description():
    defaults = {name: default for name, (default, _) in launch_arguments().items()}
    defaults["site"] = DEFAULT_SITE
    declared = [
        DeclareLaunchArgument(name, default_value=defaults[name], description=description)
        for name, (_, description) in launch_arguments().items()
    ]
    return LaunchDescription([*declared, OpaqueFunction(function=twin)])
