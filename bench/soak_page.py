"""Run every fault of the soak once and write what was measured into docs/soak.md.

python bench/soak_page.py [--soak out/soak] [--hours out/soak_hours]
    some ten minutes, alone on the machine; --soak: of one that was run; --hours: a long one's folder, which goes below
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "soak.md"
HEADING = "## What was measured\n"
ONCE = ("soak", "--once")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--soak", type=Path, help="folder of a soak; none = one is run")
    parser.add_argument("--hours", type=Path, help="folder of a soak by the hour")
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args()
    if arguments.soak:
        said = (arguments.soak / "soak.md").read_text()
    else:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "soak"
            command = [sys.executable, "-m", "visrftwin_ros.cli", *ONCE, "--out", str(out)]
            # Nodes are started again with their byte code at hand, as everywhere but on some test machines.
            own = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
            code = subprocess.run(command, stdout=subprocess.DEVNULL, env=own).returncode
            if code not in (0, 1):  # 1: something does not hold, which the page then says
                sys.exit(code)
            said = (out / "soak.md").read_text()
    head, found, _ = arguments.page.read_text().partition(HEADING)
    if not found:
        parser.error(f"{arguments.page} has no line {HEADING.strip()!r}")
    if arguments.hours:
        said += f"\n## And by the hour\n\n{(arguments.hours / 'soak.md').read_text()}"
    arguments.page.write_text(f"{head}{HEADING}\n{said}")
    print(said)


if __name__ == "__main__":
    main()
