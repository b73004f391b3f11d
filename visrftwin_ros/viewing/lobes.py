"""Beams as the outlines of their lobes."""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float

from visrftwin_ros.beams.arrays import Mount, unit_vectors
from visrftwin_ros.beams.codebook import beam_gains

_REACH = 3.0
"""Metres of the strongest beam's lobe."""
_STEPS = 181


@cache
def lobe(mount: Mount, beam: int) -> Float[np.ndarray, "181 3"]:
    """A closed outline about the origin, metres in world axes: the beam's amplitude over azimuth, cut at
    the elevation at which it is strongest."""
    azimuth = np.linspace(-np.pi, np.pi, _STEPS) + mount.yaw
    elevation = np.linspace(-0.5, 0.5, 46) * np.pi
    grid = unit_vectors(*np.meshgrid(azimuth, elevation))
    gain = beam_gains(mount, grid.reshape(-1, 3))
    of_beam = gain[:, beam].reshape(len(elevation), _STEPS)
    row = int(of_beam.max(axis=1).argmax())
    return np.asarray(_REACH * np.sqrt(of_beam[row] / gain.max())[:, None] * grid[row])
