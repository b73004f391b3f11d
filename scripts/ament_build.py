"""Building ament packages with ROS 2 Jazzy from wheels: what `make setup` and `pip install .` share."""

from __future__ import annotations

import re
import sys
import sysconfig
from collections.abc import Callable
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


def write_tf2_msgs(python: Path, source: Path, run: Run) -> None:
    """Sources of tf2_msgs, which has no wheel, from the definitions that rosbags carries."""
    definitions = (
        "import pathlib, sys; from rosbags.typesys import Stores, get_typestore\n"
        "store = get_typestore(Stores.ROS2_JAZZY)\n"
        "for name in ('TF2Error', 'TFMessage'):\n"
        # The first section is the message itself, the others are what it contains.
        "    text = store.generate_msgdef(f'tf2_msgs/msg/{name}', ros_version=2)[0].split('=' * 80)[0]\n"
        "    pathlib.Path(sys.argv[1], f'{name}.msg').write_text(text)\n"
    )
    (source / "msg").mkdir(parents=True, exist_ok=True)
    run([python, "-c", definitions, source / "msg"])
    (source / "package.xml").write_text(
        "<package format='3'><name>tf2_msgs</name><version>0.36.0</version>"
        "<description>tf2_msgs of ROS 2 Jazzy, from the definitions in rosbags</description>"
        "<maintainer email='visrftwin@example.org'>VisRFTwin developers</maintainer><license>BSD-3-Clause</license>"
        "<buildtool_depend>ament_cmake</buildtool_depend><depend>geometry_msgs</depend>"
        "<member_of_group>rosidl_interface_packages</member_of_group>"
        "<export><build_type>ament_cmake</build_type></export></package>\n"
    )
    (source / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.22)\n"
        "project(tf2_msgs)\n"
        "find_package(ament_cmake REQUIRED)\n"
        "find_package(rosidl_default_generators REQUIRED)\n"
        "find_package(geometry_msgs REQUIRED)\n"
        "rosidl_generate_interfaces(tf2_msgs msg/TF2Error.msg msg/TFMessage.msg DEPENDENCIES geometry_msgs)\n"
        "ament_export_dependencies(rosidl_default_runtime)\n"
        "ament_package()\n"
    )


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
