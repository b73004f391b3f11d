"""Paths too faint to matter, of which deep solves find hundreds a link."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, DIFFUSE, SPECULAR, PathSet
from visrftwin_ros.propagation.tracing.mirror_paths import MOST_MIRRORS

FAINT_SHARE = 5e-5
"""Of a link's power (0.0002 dB), under which the faintest paths stay together."""


def without_faint(paths: PathSet) -> PathSet:
    """`paths` without the faintest of each link, which together carry less than `FAINT_SHARE` of
    its power; lines of sight and paths over one or two mirrors all stay.

    With a body in the line of sight, 25 dB under itself, they would be 0.07 dB of what is left.
    """
    return paths.select(~faint(paths))


def faint(paths: PathSet) -> Bool[np.ndarray, " paths"]:
    """Which are the faintest, as `without_faint` has them."""
    other = np.isin(paths.interactions, (DIFFUSE, DIFFRACTION)).any(axis=1)
    other |= (paths.interactions == SPECULAR).sum(axis=1) > MOST_MIRRORS
    rows = np.flatnonzero(other)
    rows = rows[np.lexsort((paths.power[rows], paths.link[rows]))]
    link = paths.link[rows]
    total = np.bincount(paths.link, paths.power, len(paths.links))
    share = paths.power[rows] / np.where(total > 0, total, 1.0)[link]
    before = np.append(0.0, np.cumsum(share))
    fainter = before[1:] - before[np.searchsorted(link, link)]
    found = np.zeros(len(paths), bool)
    found[rows[fainter < FAINT_SHARE]] = True
    return found
