"""The ends of radio links."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Devices:
    """Radio ends: N names and positions, metres, world frame."""

    names: tuple[str, ...]
    positions: Float[np.ndarray, "n 3"]
