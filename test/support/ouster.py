"""Ouster recordings as clouds, without the SDK, whose pins do not go with ours.

`.pcap`: UDP packets of profile RNG15_RFL8_NIR8. `.osf`: the PNG images of its range fields. Points
by the "Sensor coordinate frame" formulas of the Ouster firmware user manual.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

COLUMNS, BEAMS, PER_PACKET = 1024, 128, 16
LIDAR_PORT = 7502
COLUMN = np.dtype([("time", "<u8"), ("number", "<u2"), ("status", "<u2"), ("pixel", "<u4", BEAMS)])


def pcap_sweep(file: Path, metadata: Path) -> NDArray[np.float32]:
    """(128, 1024, 3) m in the sensor's frame, NaN where no return came."""
    ranges = np.zeros((BEAMS, COLUMNS))
    for packet in _udp_payloads(file.read_bytes()):
        if len(packet) != 64 + PER_PACKET * COLUMN.itemsize:
            continue
        for column in np.frombuffer(packet, COLUMN, PER_PACKET, 32):
            if column["status"] & 1:
                ranges[:, column["number"]] = (column["pixel"] & 0x7FFF) * 0.008
    return _points(ranges, json.loads(metadata.read_text()))


def osf_sweeps(file: Path) -> list[NDArray[np.float32]]:
    """Every sweep of a recording with one sensor, as `pcap_sweep` gives them."""
    data = file.read_bytes()
    start = data.index(b"{\n", data.rindex(b"IEND"))  # the sensor's metadata follow the sweeps
    info, _ = json.JSONDecoder().raw_decode(data[start:].decode("utf-8", "ignore"))
    shift = _beams(info, "pixel_shift_by_row", "lidar_data_format")
    sweeps, at = [], 0
    while (at := data.find(b"\x89PNG", at)) >= 0:
        end = data.index(b"IEND", at) + 8
        image = cv2.imdecode(np.frombuffer(data[at:end], np.uint8), cv2.IMREAD_UNCHANGED)
        at = end
        if image is not None and image.ndim == 3 and image.shape[2] == 4:
            bgra = image.astype(np.int64)
            millimetres = bgra[..., 2] + (bgra[..., 1] << 8) + (bgra[..., 0] << 16)
            staggered = np.stack([np.roll(r, -s) for r, s in zip(millimetres, shift, strict=True)])
            sweeps.append(_points(staggered / 1000.0, info))
    return sweeps[::-1]  # this file holds the last sweep first


def _points(ranges: NDArray[np.float64], info: dict[str, Any]) -> NDArray[np.float32]:
    altitude = np.radians(_beams(info, "beam_altitude_angles", "beam_intrinsics"))[:, None]
    azimuth = -np.radians(_beams(info, "beam_azimuth_angles", "beam_intrinsics"))[:, None]
    offset = float(_beams(info, "lidar_origin_to_beam_origin_mm", "beam_intrinsics")) / 1000
    pose = np.array(_beams(info, "lidar_to_sensor_transform", "lidar_intrinsics")).reshape(4, 4)
    encoder = 2 * np.pi * (1 - np.arange(COLUMNS) / COLUMNS)[None]
    beyond = ranges - offset
    points = np.stack(
        [
            beyond * np.cos(encoder + azimuth) * np.cos(altitude) + offset * np.cos(encoder),
            beyond * np.sin(encoder + azimuth) * np.cos(altitude) + offset * np.sin(encoder),
            beyond * np.sin(altitude) + 0 * encoder,
        ],
        axis=-1,
    )
    points = points @ pose[:3, :3].T + pose[:3, 3] / 1000
    points[ranges <= 0] = np.nan
    return points.astype(np.float32)


def _beams(info: dict[str, Any], name: str, section: str) -> Any:
    return info[name] if name in info else info[section][name]


def _udp_payloads(data: bytes) -> list[bytes]:
    """Payloads of UDP over Ethernet, IP fragments put together."""
    payloads, parts = [], {}
    at = 24
    while at < len(data):
        (length,) = struct.unpack_from("<I", data, at + 8)
        frame, at = data[at + 16 : at + 16 + length], at + 16 + length
        if frame[12:14] != b"\x08\x00" or frame[23] != 17:
            continue
        size = 4 * (frame[14] & 15)
        total, identity, fragment = struct.unpack_from(">HHH", frame, 16)
        body = frame[14 + size : 14 + total]
        kept = parts.setdefault(identity, {})
        kept[8 * (fragment & 0x1FFF)] = body
        if not fragment & 0x2000:
            payloads.append(b"".join(part for _, part in sorted(parts.pop(identity).items()))[8:])
    return payloads
