"""The power that a planar array hears over the angles of arrival."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from visrftwin_ros.beams.arrays import Mount, in_device_frame, unit_vectors
from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.differentiable.arrivals import Arrivals
from visrftwin_ros.site.model import AntennaArray

FLOOR = 1e-6
"""Of the reference's strongest direction, added to both spectra before their logarithms are compared."""


@dataclass(frozen=True, eq=False)
class AngleSpectrum:
    """By direction ahead of an array, elevation and azimuth from -90 to 90 degrees: power added without
    its phase, with the array's relative phases (supplement G), under Hann's window or none.

    A plane wave of power gain g is a peak of g. Elements hear all that is ahead alike, nothing behind.
    Lags of the array's elements are all that it needs of what arrives: their sum has the rank of the
    array, however many ways there are.
    """

    array: AntennaArray
    step_deg: float = 1.0
    windowed: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.step_deg <= 90:
            raise TwinError(f"a spectrum's step is {self.step_deg:g} degrees: expected 0 to 90")

    @property
    def angles_deg(self) -> Float[np.ndarray, " angles"]:
        """Of its rows (elevation) and its columns (azimuth)."""
        return np.linspace(-90, 90, round(180 / self.step_deg) + 1)

    def of(
        self, found: Arrivals, mounts: Sequence[Mount]
    ) -> Float[torch.Tensor, "receivers elevation azimuth"]:
        """At receivers whose arrays stand as `mounts` say; zeros where nothing arrives."""
        return torch.stack(
            [self._of_one(found, index, mount) for index, mount in enumerate(mounts)]
        )

    def _of_one(self, found: Arrivals, index: int, mount: Mount) -> torch.Tensor:
        own = found.receiver == index
        like: Any = {"dtype": found.power.dtype, "device": found.power.device}
        axes = torch.tensor(in_device_frame(np.eye(3), mount).T, **like)
        local = axes @ found.direction[:, own]
        power = found.power[own] * (local[0].detach() > 0)
        phase = 2 * math.pi * self.array.spacing
        across = torch.arange(self.array.columns, **like)
        upright = torch.arange(1 - self.array.rows, self.array.rows, **like)
        right = torch.polar(power.expand(len(across), -1), phase * across[:, None] * local[1])
        up = _turned(phase * upright[:, None] * local[2])
        lags = (right @ up.T) * self._weights(across, upright)
        angle = torch.tensor(np.deg2rad(self.angles_deg), **like)
        from_rows = lags @ _turned(-phase * upright[:, None] * angle.sin())
        y = angle.cos()[:, None] * angle.sin()
        turn = _turned(-phase * across[:, None, None] * y)
        return torch.einsum("ce,cea->ea", from_rows, turn).real

    def _weights(self, across: torch.Tensor, upright: torch.Tensor) -> torch.Tensor:
        """Of each lag, both signs of the one across in one."""
        rows, columns = (
            np.hanning(n + 2)[1:-1] if self.windowed else np.ones(n)
            for n in (self.array.rows, self.array.columns)
        )
        high = np.correlate(rows, rows, "full") / rows.sum() ** 2
        wide = np.correlate(columns, columns, "full")[len(columns) - 1 :] / columns.sum() ** 2
        wide[1:] *= 2
        return torch.tensor(np.outer(wide, high), dtype=across.dtype, device=across.device)

    def directions(self, mount: Mount) -> Float[np.ndarray, "elevation azimuth 3"]:
        """Unit vectors of its cells in the world."""
        elevation, azimuth = np.meshgrid(
            np.deg2rad(self.angles_deg), np.deg2rad(self.angles_deg), indexing="ij"
        )
        return np.asarray(unit_vectors(azimuth, elevation) @ in_device_frame(np.eye(3), mount).T)


def _turned(phase: torch.Tensor) -> torch.Tensor:
    return torch.polar(torch.ones_like(phase), phase)


def log_error_db(
    spectrum: Float[torch.Tensor, "*cells"], reference: Float[torch.Tensor, "*cells"]
) -> Float[torch.Tensor, ""]:
    """Mean absolute difference of the logarithms, dB, over FLOOR of the reference's strongest cell."""
    floor = (FLOOR * reference.max()).clamp(min=1e-30)
    ratio = (spectrum.clamp(min=0) + floor) / (reference.clamp(min=0) + floor)
    return 10 * ratio.log10().abs().mean()
