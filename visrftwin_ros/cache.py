"""Where things that can be made again are kept between runs, outside any checkout."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder(name: str) -> Path:
    """`visrftwin/<name>` under XDG_CACHE_HOME, else under ~/.cache; not made yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "visrftwin" / name
