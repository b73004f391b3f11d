"""How large a JPEG or PNG is, by its header."""

from __future__ import annotations

import struct

_PNG = b"\x89PNG\r\n\x1a\n"
_NO_FRAME = {0xC4, 0xC8, 0xCC}
"""Of the JPEG markers C0 to CF, those that start no frame (ITU-T T.81, table B.1)."""


def coded_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) px; None where the bytes are neither, or end before their size."""
    if data.startswith(_PNG):
        # The first chunk is IHDR: length, name, width, height (ISO/IEC 15948, 11.2.2).
        whole = len(data) >= 24 and data[12:16] == b"IHDR"
        return struct.unpack(">II", data[16:24]) if whole else None
    return _jpeg_size(data) if data.startswith(b"\xff\xd8") else None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Of the first frame header (ITU-T T.81, B.2.2), behind segments of any length."""
    place = 2
    while place + 9 <= len(data):
        if data[place] != 0xFF:
            return None
        marker = data[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in _NO_FRAME:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return width, height
        length = int.from_bytes(data[place + 2 : place + 4], "big")
        if length < 2:
            return None
        place += 2 + length
    return None
