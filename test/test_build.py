"""What the build installs: messages that travel, executables that match the node table, light imports."""

from __future__ import annotations

import importlib
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ament_index_python import get_package_prefix, get_package_share_directory
from rclpy.serialization import deserialize_message, serialize_message

import visrftwin_ros.msg
from visrftwin_ros.operations.node_table import EXECUTABLES

CHECKOUT = Path(__file__).resolve().parent.parent

# Others decode by these names: fields may come, none may go or be renamed.
CONTRACT = {
    "Detection": "track_id score x y width height embedding",
    "Detections": "header camera detector latency detections",
    "LidarPerson": "centroid size n_points covariance",
    "LidarPeople": "header people",
    "TrackedPerson": "id position velocity covariance height width depth heading existence seen_by embedding material",
    "TrackedPeople": "header people latency stale age",
    "RadioPath": "delay gain_db phase aod_azimuth aod_elevation aoa_azimuth aoa_elevation doppler interactions "
    "shadow_loss_db blocked_by vertices",
    "LinkChannel": "tx rx frequency bandwidth path_loss_db rms_delay_spread azimuth_spread k_factor_db shadow_loss_db "
    "line_of_sight retraced stale age reason path_count paths",
    "LinkChannels": "header channels links affected_links retraced_paths latency compute_time",
    "ShadowForecast": "tx rx horizon shadow_loss_db shadow_loss_upper_db",
    "ShadowForecasts": "header forecasts",
    "BeamDecision": "tx rx tx_beam rx_beam snr_db rssi_dbm mcs phy_rate throughput runner_up_tx_beam runner_up_rx_beam "
    "runner_up_snr_db hand_over_advised",
    "BeamDecisions": "header decisions",
    "ChannelSnapshot": "header tx rx frequency bandwidth paths noise_floor_dbm",
}


@pytest.mark.parametrize("name", CONTRACT)
def test_a_message_keeps_its_fields(name: str) -> None:
    fields = getattr(visrftwin_ros.msg, name).get_fields_and_field_types()
    assert set(CONTRACT[name].split()) <= set(fields)


@pytest.mark.parametrize("name", CONTRACT)
def test_a_message_survives_the_wire(name: str) -> None:
    message_type = getattr(visrftwin_ros.msg, name)
    message = filled(message_type)
    assert message != message_type()
    assert deserialize_message(serialize_message(message), message_type) == message


def filled(message_type: type) -> object:
    """A message with something else than the default in every field, nested messages and arrays included."""
    message = message_type()
    for field, kind in message_type.get_fields_and_field_types().items():
        setattr(message, field, sample(kind))
    return message


def sample(kind: str) -> object:
    if array := re.fullmatch(r"sequence<(.+)>", kind):
        return [sample(array[1])] * 2
    if array := re.fullmatch(r"(.+)\[(\d+)\]", kind):
        return [sample(array[1])] * int(array[2])
    if "/" in kind:
        package, name = kind.split("/")
        return filled(getattr(importlib.import_module(f"{package}.msg"), name))
    plain = {"string": "gate 3 → Ost", "boolean": True, "float": 0.375, "double": 1e-9 / 3}
    return plain.get(kind, 7)


def test_interactions_are_numbered_as_in_the_design() -> None:
    names = ("NONE", "SPECULAR", "DIFFUSE", "REFRACTION", "DIFFRACTION", "BODY")
    assert [getattr(visrftwin_ros.msg.RadioPath, name) for name in names] == list(range(6))


@pytest.mark.parametrize("name", ["PredictLink", "GetRadioMap", "SetMaterial"])
def test_a_service_says_whether_it_succeeded(name: str) -> None:
    service = getattr(importlib.import_module("visrftwin_ros.srv"), name)
    assert {"success", "message"} <= set(service.Response.get_fields_and_field_types())


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
