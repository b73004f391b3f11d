"""Telling whether two campaigns have a snapshot in common."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

from visrftwin_ros.campaign.snapshot import PATH_FIELDS, Snapshot


def snapshot_marks(snapshots: Iterable[Snapshot]) -> frozenset[str]:
    """A mark of each by its stamp, ends, receiver's place (to the centimetre) and paths: equal stamps
    alone say nothing, since recordings of a lab or from a table may begin at one time."""
    return frozenset(map(_mark, snapshots))


def _mark(snapshot: Snapshot) -> str:
    place = np.round(np.asarray(snapshot.rx_position, float), 2) + 0.0  # no -0
    paths = [getattr(snapshot.paths, name) for name in PATH_FIELDS]
    digest = blake2b(repr((snapshot.stamp_ns, snapshot.tx, snapshot.rx)).encode(), digest_size=6)
    for values in (place, *paths):
        digest.update(np.where(np.isnan(values), np.nan, values).astype(float).tobytes())
    return digest.hexdigest()
