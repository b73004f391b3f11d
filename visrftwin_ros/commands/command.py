"""What every file of this room that holds a sub-command has; `cli.py` lists them."""

from __future__ import annotations

import argparse
from typing import Protocol


class Command(Protocol):
    """NAME: the words after `visrftwin`, as in "site check". HELP: a line of what it does."""

    NAME: str
    HELP: str

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Adds its arguments; imports nothing heavy."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Its exit code; TwinError on bad input."""
