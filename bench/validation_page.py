"""Write docs/validation.md and its figures: the product against data that nobody here made.

VISRFTWIN_TEST_DATA=../shared/data python bench/validation_page.py [--out docs] [--only pets,nist]
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from pathlib import Path

from real_data.page import Inputs, Section, table

SECTIONS = (
    "pets",
    "immerse",
    "deepsense",
    "deepsense_blockage",
    "dichasus",
    "nist",
    "bedroom",
    "responses",
    "radios",
)
"""Modules of real_data, in the page's order."""

INTRODUCTION = """# Against data that nobody here made

Written by `VISRFTWIN_TEST_DATA=... python bench/validation_page.py`; every number below is its output. The data
are not part of the product; sources and licences stand beside each comparison. Where the product does badly, it
says so. What none of them can show is the whole: no public recording has cameras, a LiDAR and a channel sounder at
once. For that there are the synthetic campaigns, whose truth is known, and the format for real ones.
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument(
        "--only", default="", help="sections to print, of " + ",".join(SECTIONS) + "; no page"
    )
    arguments = parser.parse_args()
    data = Path(os.environ.get("VISRFTWIN_TEST_DATA", ""))
    chosen = tuple(filter(None, arguments.only.split(","))) or SECTIONS
    unknown = sorted(set(chosen) - set(SECTIONS))
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    if not (data / "channel").is_dir():
        parser.error("set VISRFTWIN_TEST_DATA to the folder of recordings, which has `channel`")
    inputs = Inputs(data, arguments.out)
    sections = [_section(name, inputs) for name in chosen]
    if arguments.only:
        print("\n".join(section.markdown() for section in sections))
        return
    rows = [row for section in sections for row in section.headline]
    summary = table(("what", "result", "beside"), rows)
    page = "\n".join([INTRODUCTION, summary + "\n", *(s.markdown() for s in sections)])
    (arguments.out / "validation.md").write_text(page)
    print(arguments.out / "validation.md")


def _section(name: str, inputs: Inputs) -> Section:
    start = time.perf_counter()
    section: Section = importlib.import_module(f"real_data.{name}").section(inputs)
    print(f"{name}: {time.perf_counter() - start:.1f} s", file=sys.stderr)
    return section


if __name__ == "__main__":
    main()
