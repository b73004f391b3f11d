"""What made a result: version, commit where there is one, and the command line."""

from __future__ import annotations

import subprocess
from pathlib import Path

from visrftwin_ros import __version__

_HERE = Path(__file__).resolve().parent


def provenance(command: str, seed: int) -> dict[str, str | int | None]:
    """Of a result that is written now. commit: of the checkout that the package lies in, with
    "-dirty" where files differ; None for an installed package."""
    return {"version": __version__, "commit": _commit(), "command": command, "seed": seed}


def _commit() -> str | None:
    """None too where the folder belongs to somebody else's repository, or there is no git."""
    if not _git("ls-files", "--error-unmatch", Path(__file__).name):
        return None
    return _git("describe", "--always", "--abbrev=12", "--dirty", "--exclude=*") or None


def _git(*arguments: str) -> str:
    try:
        found = subprocess.run(
            ["git", "-C", str(_HERE), *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""
