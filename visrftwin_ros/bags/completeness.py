"""Whether a recording is whole, and what it may replace."""

from __future__ import annotations

from visrftwin_ros.outputs import folder_kind

COMPLETE = "complete"
"""Key of the bag's custom data: "true", or "false" where the recording stopped early."""
STOPPED_BY = "stopped_by"
"""Key beside it: what stopped the recording."""
BAG = folder_kind("bag folder", "metadata.yaml", "*.mcap", "site.yaml")
