"""Whether a recording is whole, and what it may replace."""

from __future__ import annotations

import shutil
from pathlib import Path

from visrftwin_ros.errors import TwinError

COMPLETE = "complete"
"""Key of the bag's custom data: "true", or "false" where the recording stopped early."""
STOPPED_BY = "stopped_by"
"""Key beside it: what stopped the recording."""


def make_room(path: Path, force: bool) -> None:
    """Removes the bag at `path`, if there is one and `force` says so; anything else there is never
    touched, and named in a TwinError."""
    if not path.exists() and not path.is_symlink():
        return
    if not force:
        raise TwinError(f"{path} exists: give another path, or --force to replace that bag")
    if path.is_dir() and not path.is_symlink():
        inside = [entry.name for entry in path.iterdir()]
        if all(name == "metadata.yaml" or name.endswith(".mcap") for name in inside):
            shutil.rmtree(path)
            return
    raise TwinError(f"{path} exists and is no bag folder: nothing there was touched")
