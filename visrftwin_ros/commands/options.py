"""Options that several commands share, each spelt and read one way."""

from __future__ import annotations

import argparse


def add_site(parser: argparse.ArgumentParser) -> None:
    """Adds `--site`, by which every command that needs one is told its place."""
    parser.add_argument("--site", required=True, help="name, folder or site.yaml")


def add_force(parser: argparse.ArgumentParser, option: str = "--out") -> None:
    """Adds `--force`, of the rule in `outputs.py`."""
    parser.add_argument(
        "--force", action="store_true", help=f"replace what an earlier run wrote at {option}"
    )


def count(text: str) -> int:
    """A whole number, 0 or more."""
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a count of 0 or more, not {text!r}")
    return int(text)
