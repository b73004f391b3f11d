"""The one exception type that a user is meant to read."""

from __future__ import annotations


class TwinError(Exception):
    """Bad input: says what was wrong, where it came from and what would be right."""
