"""What the build installs: executables that match the node table, light imports."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ament_index_python import get_package_prefix, get_package_share_directory

from visrftwin_ros.node_table import EXECUTABLES

CHECKOUT = Path(__file__).resolve().parent.parent


def test_real_tf_publishers_are_understood() -> None:
    from tf2_msgs.msg import TFMessage

    assert TFMessage.get_fields_and_field_types() == {
        "transforms": "sequence<geometry_msgs/TransformStamped>"
    }


@pytest.mark.parametrize(
    "script", [*(f"lib/visrftwin_ros/{name}" for name in EXECUTABLES), "bin/visrftwin"]
)
def test_a_child_process_that_loads_its_parents_script_does_not_start_it_again(script: str) -> None:
    # What multiprocessing's spawn does in the background solver's child.
    runpy.run_path(str(Path(get_package_prefix("visrftwin_ros"), script)), run_name="__mp_main__")


def test_every_node_of_the_table_is_an_executable() -> None:
    installed = Path(get_package_prefix("visrftwin_ros"), "lib", "visrftwin_ros")
    assert {file.name for file in installed.iterdir()} == set(EXECUTABLES)
    for name in EXECUTABLES:
        assert (CHECKOUT / "visrftwin_ros" / "nodes" / f"{name}.py").is_file()


def test_the_command_runs_with_nothing_sourced() -> None:
    command = Path(get_package_prefix("visrftwin_ros"), "bin", "visrftwin")
    result = subprocess.run(
        [command, "--help"], capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, cwd="/"
    )
    assert result.returncode == 0, result.stderr
    assert "usage: visrftwin" in result.stdout


def test_interfaces_alone_need_none_of_our_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Built of one definition of a kind: `make setup` has compiled every one."""
    monkeypatch.syspath_prepend(CHECKOUT / "scripts")
    from ament_build import PYTHON_VERSION, cmake_install

    source, prefix = tmp_path / "source", tmp_path / "prefix"
    for name in (
        *("CMakeLists.txt", "package.xml"),
        *("msg/BeamDecision.msg", "srv/SetMaterial.srv", "action/BuildMap.action"),
    ):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, source / name)

    def run(command: list[str | Path]) -> None:
        subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)

    options = [f"-DCMAKE_PREFIX_PATH={sys.prefix}", "-DVISRFTWIN_INTERFACES_ONLY=ON"]
    cmake_install(source, tmp_path / "build", prefix, Path(sys.executable), run, options)

    assert {entry.name for entry in prefix.iterdir()} == {"include", "lib", "share"}
    assert not (prefix / "lib" / "visrftwin_ros").exists()  # nodes
    assert not (prefix / "share" / "visrftwin_ros" / "config").exists()
    site_packages = Path("lib", PYTHON_VERSION, "site-packages")
    code = (
        "import pkgutil, sys, visrftwin_ros\n"
        "from rclpy.serialization import deserialize_message, serialize_message\n"
        "from visrftwin_ros.action import BuildMap\n"
        "from visrftwin_ros.msg import BeamDecision\n"
        "from visrftwin_ros.srv import SetMaterial\n"
        "sent = BeamDecision(tx='gate', snr_db=0.5)\n"
        "assert deserialize_message(serialize_message(sent), BeamDecision) == sent\n"
        "inside = [m.name for m in pkgutil.iter_modules(visrftwin_ros.__path__)]\n"
        "print(visrftwin_ros.__path__[0], [n for n in inside if '__rosidl_' not in n])\n"
        "print([m for m in ('torch', 'sionna', 'scipy', 'cv2') if m in sys.modules])\n"
    )
    environment = {
        **os.environ,
        "AMENT_PREFIX_PATH": f"{prefix}:{sys.prefix}",
        "LD_LIBRARY_PATH": f"{prefix / 'lib'}:{os.environ['LD_LIBRARY_PATH']}",
        "PYTHONPATH": f"{prefix / site_packages}:{Path(sys.prefix, site_packages)}",
    }
    # -S: without the line of .venv that puts the checkout on the path
    result = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, env=environment, cwd="/"
    )
    package = prefix / site_packages / "visrftwin_ros"
    assert result.stdout == f"{package} ['action', 'msg', 'srv']\n[]\n", result.stderr


@pytest.mark.parametrize("folder", ["config", "launch", "rviz"])
def test_ros_finds_the_shared_folders(folder: str) -> None:
    assert any(Path(get_package_share_directory("visrftwin_ros"), folder).iterdir())


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, visrftwin_ros; "
        "print([m for m in ('torch', 'sionna', 'mitsuba', 'rclpy', 'numpy', 'cv2') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_the_lock_covers_what_the_package_asks_for() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    asked = [
        *project["dependencies"],
        *(line for extra in project["optional-dependencies"].values() for line in extra),
    ]
    locked = dict(
        re.findall(
            r"^([\w.-]+)==(\S+)", (CHECKOUT / "requirements.lock").read_text(), flags=re.MULTILINE
        )
    )
    for requirement in asked:
        name, version = re.fullmatch(r"([\w-]+)(?:==(.+)|>=.+)?", requirement).groups()
        assert name.lower().replace("_", "-") in locked, (
            f"{name}: regenerate requirements.lock, its head says how"
        )
        assert version in (None, locked[name.lower().replace("_", "-")])


def test_only_the_opencv_that_needs_no_screen_is_locked() -> None:
    # A second opencv wheel would overwrite the files of the first.
    lock = (CHECKOUT / "requirements.lock").read_text()
    assert re.findall(r"^(opencv\S*)==", lock, flags=re.MULTILINE) == ["opencv-python-headless"]
