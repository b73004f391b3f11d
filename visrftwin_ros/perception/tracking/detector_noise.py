"""How exact the boxes of each kind of detector are."""

from __future__ import annotations

from visrftwin_ros.perception.tracking.tracker_config import TrackerConfig


def tracker_config(kind: str) -> TrackerConfig:
    """How the tracker is set for the boxes of a detector kind."""
    if kind == "motion":
        # Foreground ends where clothes look like the ground: edges are a few times less sharp.
        return TrackerConfig(column_sigma=0.06, row_sigma=0.06)
    return TrackerConfig()
