"""With what a node's process ends."""

from __future__ import annotations

EXIT_CANNOT_START = 3
"""Exit code of a node that could not be configured: a restart would not help."""
