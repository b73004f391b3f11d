"""Messages, services and actions: what others may rely on, and that they travel."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest
from rclpy.serialization import deserialize_message, serialize_message

import visrftwin_ros.action
import visrftwin_ros.msg
import visrftwin_ros.srv

CHECKOUT = Path(__file__).resolve().parent.parent

# What programs of others rely on: fields may join, none may go.
MESSAGES = {
    "Detection": "kind track_id score x y width height foot foot_x foot_y embedding",
    "Detections": "header camera detector image_width image_height latency detections",
    "LidarPerson": "centroid size n_points covariance height height_sigma score seconds",
    "LidarPeople": "header lidar latency origin reach learning people",
    "LidarVehicle": "kind anchor side covariance heading heading_sigma size whole n_points score seconds",
    "LidarVehicles": "header lidar latency origin reach nearest vehicles",
    "TrackedPerson": "id position velocity covariance height width depth heading existence seen_by embedding material",
    "TrackedPeople": "header people latency stale age",
    "TrackedBox": "id kind position velocity covariance size heading heading_sigma existence seen_by material",
    "TrackedBoxes": "header boxes latency stale age",
    "RadioPath": "delay gain_db phase aod_azimuth aod_elevation aoa_azimuth aoa_elevation doppler interactions "
    "shadow_loss_db blocked_by vertices",
    "LinkChannel": "tx rx frequency bandwidth path_loss_db rms_delay_spread azimuth_spread k_factor_db shadow_loss_db "
    "shadow_loss_los_db line_of_sight retraced stale age reason path_count",
    "LinkChannels": "header channels links affected_links retraced_paths latency compute_time",
    "LinkPaths": "tx rx paths",
    "ChannelPaths": "header links stale latency",
    "ShadowForecast": "tx rx tx_beam rx_beam horizon shadow_loss_db shadow_loss_upper_db quantiles "
    "shadow_loss_quantiles_db",
    "ShadowForecasts": "header forecasts stale latency",
    "BeamDecision": "tx rx tx_beam rx_beam snr_db rssi_dbm mcs phy_rate throughput runner_up_tx_beam runner_up_rx_beam "
    "runner_up_snr_db hand_over_advised",
    "BeamDecisions": "header decisions stale latency",
    "FadeWarning": "header tx rx begins ends probability latency",
    "HandOver": "header robot from_ap to_ap at duration expected_gain confidence reason",
    "Association": "header robot ap also reported_by",
    "ServiceWarning": "header robot begins ends probability advice reason",
    "LinkTelemetry": "header tx rx frequency tx_beam rx_beam rssi_dbm snr_db phy_rate",
    "ChannelSnapshot": "header tx rx frequency bandwidth paths noise_floor_dbm",
    "SurfaceChange": "change surface motion mesh material since confidence seen_by",
    "SurfaceChanges": "header changes latency",
    "MaterialEstimate": "surface relative_permittivity conductivity scattering_coefficient thickness covariance "
    "soundings",
    "MaterialEstimates": "header frequency materials",
    "PathLossResiduals": "header access_points positions residuals_db trust alone_db shared_db reach",
}
SERVICES = {
    "PredictLink": ("tx rx", "channel paths"),
    "SetMaterial": (
        "surface material relative_permittivity conductivity scattering_coefficient",
        "",
    ),
}
ACTIONS = {
    "Calibrate": (
        "bag duration surfaces site_out",
        "estimates soundings power_offset_db rms_before_db rms_after_db",
        "rms_db",
    ),
    "BuildMap": (
        "source duration site_out resume",
        "site surfaces frames",
        "clouds pictures driven seen",
    ),
    "GetRadioMap": (
        "aps height cell outage_rate",
        "header origin columns rows cell path_loss_db aps best_ap outage_probability",
        "",
    ),
}
VALUES = {
    "Detection": {"FOOT_UNKNOWN": 0, "FOOT_SEEN": 1, "FOOT_HIDDEN": 2},
    "RadioPath": {
        "NONE": 0,
        "SPECULAR": 1,
        "DIFFUSE": 2,
        "REFRACTION": 3,
        "DIFFRACTION": 4,
        "BODY": 5,
    },
    "ShadowForecast": {"ISOTROPIC": 65535},
    "LinkTelemetry": {"UNKNOWN_BEAM": 65535},
    "SurfaceChange": {"MOVED": 0, "APPEARED": 1, "VANISHED": 2},
}


def contract() -> dict[type, set[str]]:
    """What every message must have, also those that services and actions are made of."""
    fields = {getattr(visrftwin_ros.msg, name): text for name, text in MESSAGES.items()}
    for name, (request, response) in SERVICES.items():
        service = getattr(visrftwin_ros.srv, name)
        fields[service.Request] = request
        fields[service.Response] = f"success message {response}"
    for name, (goal, result, feedback) in ACTIONS.items():
        action = getattr(visrftwin_ros.action, name)
        fields[action.Goal] = goal
        fields[action.Result] = f"success message {result}"
        fields[action.Feedback] = f"progress phase {feedback}"
    return {kind: set(text.split()) for kind, text in fields.items()}


CONTRACT = contract()
each_message = pytest.mark.parametrize("message_type", CONTRACT, ids=lambda kind: kind.__name__)


def test_every_interface_has_a_contract() -> None:
    for folder, names in (("msg", MESSAGES), ("srv", SERVICES), ("action", ACTIONS)):
        assert {file.stem for file in (CHECKOUT / folder).iterdir()} == set(names)


@each_message
def test_a_message_has_the_fields_of_its_contract(message_type: type) -> None:
    assert CONTRACT[message_type] <= set(message_type.get_fields_and_field_types())


@each_message
def test_a_message_survives_the_wire(message_type: type) -> None:
    message = filled(message_type)
    assert message != message_type()
    assert deserialize_message(serialize_message(message), message_type) == message


@pytest.mark.parametrize("name", VALUES)
def test_constants_keep_their_values(name: str) -> None:
    message_type = getattr(visrftwin_ros.msg, name)
    assert {constant: getattr(message_type, constant) for constant in VALUES[name]} == VALUES[name]


def test_a_beam_that_nobody_named_is_not_the_first_of_the_codebook() -> None:
    forecast, telemetry = visrftwin_ros.msg.ShadowForecast(), visrftwin_ros.msg.LinkTelemetry()
    assert (forecast.tx_beam, forecast.rx_beam) == (forecast.ISOTROPIC,) * 2
    assert (telemetry.tx_beam, telemetry.rx_beam) == (telemetry.UNKNOWN_BEAM,) * 2


def test_an_interface_is_marked_experimental_until_the_code_uses_it() -> None:
    used = {
        name for file in (CHECKOUT / "visrftwin_ros").rglob("*.py") for name in interfaces(file)
    }
    files = [file for folder in ("msg", "srv", "action") for file in (CHECKOUT / folder).iterdir()]
    marked = {
        f"{file.parent.name}/{file.stem}"
        for file in files
        if file.read_text().startswith("# Experimental: no node ")
    }
    assert marked == {f"{file.parent.name}/{file.stem}" for file in files} - used


def interfaces(file: Path) -> set[str]:
    """Those that a file imports, or makes for a bag."""
    code = file.read_text()
    made = re.findall(r'"visrftwin_ros/(?:msg/)?(\w+)"', code)
    return {f"msg/{name}" for name in made} | {
        f"{node.module.removeprefix('visrftwin_ros.')}/{alias.name}"
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    }


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
