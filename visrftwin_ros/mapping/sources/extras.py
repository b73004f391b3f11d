"""Libraries that only some sources take."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from visrftwin_ros.errors import TwinError


def library(name: str, file: Path) -> Any:
    """The module of that name; TwinError with the way to get it, where it is missing."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise TwinError(
            f"{file}: {name} is missing, which reads such files: pip install 'visrftwin_ros[scans]'"
        ) from error
