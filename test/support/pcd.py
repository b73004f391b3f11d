"""A binary_compressed PCD file of x, y, z."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def read_pcd(file: Path) -> NDArray[np.float32]:
    """(H, W, 3) m in the sensor's frame."""
    data = file.read_bytes()
    header, _, body = data.partition(b"DATA binary_compressed\n")
    fields = dict(line.split(" ", 1) for line in header.decode().splitlines() if " " in line)
    width, height = int(fields["WIDTH"]), int(fields["HEIGHT"])
    size, full = struct.unpack_from("<II", body)
    columns = np.frombuffer(_lzf(body[8 : 8 + size], full), "<f4").reshape(3, height, width)
    return np.asarray(columns.transpose(1, 2, 0))


def _lzf(data: bytes, size: int) -> bytes:
    out = bytearray()
    at = 0
    while at < len(data):
        control = data[at]
        at += 1
        if control < 32:
            out += data[at : at + control + 1]
            at += control + 1
            continue
        length = control >> 5
        if length == 7:
            length += data[at]
            at += 1
        start = len(out) - ((control & 31) << 8) - data[at] - 1
        at += 1
        for k in range(start, start + length + 2):  # may copy what it writes
            out.append(out[k])
    assert len(out) == size
    return bytes(out)
