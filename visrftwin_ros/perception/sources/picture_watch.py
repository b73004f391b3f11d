"""Whether a camera's pictures show anything: a lens that is covered, a stream that stands still."""

from __future__ import annotations

import zlib

import numpy as np
from jaxtyping import UInt8

from visrftwin_ros.errors import TwinError

STRIDE = 4
"""Every fourth pixel of every fourth row is looked at."""
FLAT = 2.0
"""Standard deviation of grey levels, of 255, below which a picture is of one tone: a covered, black
or blinded lens. Sensor noise alone stays below it, any scene far above."""
LONGEST_REPEAT = 1.0
"""s. A sensor's noise lets no two pictures be equal in every bit; a codec may, for some frames."""


class PictureWatch:
    """Looks at one camera's pictures in the order in which they come.

    longest_repeat: s for which they may all be the same; 0 = for ever, as rendered ones may be.
    """

    def __init__(self, camera: str, longest_repeat: float = LONGEST_REPEAT) -> None:
        self._camera = camera
        self._longest_ns = round(longest_repeat * 1e9)
        self._print: int | None = None
        self._since_ns = 0

    def check(self, image: UInt8[np.ndarray, "h w 3"], stamp_ns: int) -> bool:
        """Whether the picture is news of who is there: not one that was seen before.

        TwinError on one that shows nothing, and where the same one comes for too long.
        """
        seen = np.ascontiguousarray(image[::STRIDE, ::STRIDE])
        level, spread = float(seen.mean()), float(seen.std())
        if spread < FLAT:
            tone = "black" if level < 32 else "white" if level > 224 else "of one tone"
            # Without its numbers: what goes on like this is said once, not once a picture.
            raise TwinError(
                f"camera {self._camera!r}: its picture is {tone}: is the lens covered or blinded?"
            )
        fingerprint = zlib.crc32(seen.tobytes())
        if fingerprint != self._print or stamp_ns < self._since_ns:
            self._print, self._since_ns = fingerprint, stamp_ns
            return True
        if self._longest_ns and stamp_ns - self._since_ns > self._longest_ns:
            raise TwinError(
                f"camera {self._camera!r}: the same picture comes for"
                f" {(stamp_ns - self._since_ns) * 1e-9:.1f} s: does its driver repeat it?"
            )
        return not self._longest_ns

    def reset(self) -> None:
        """Time went back."""
        self._print = None
