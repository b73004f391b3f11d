"""The docs are a site without broken links, and name every parameter."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
DOCS = CHECKOUT / "docs"


def test_the_site_is_built_without_a_broken_link(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        command,
        cwd=CHECKOUT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    pages = {page.stem for page in tmp_path.glob("*.html")} - {"404"}
    assert pages == {page.stem for page in DOCS.glob("*.md")}
    listed = set(re.findall(r": (\w+)\.md$", (CHECKOUT / "mkdocs.yml").read_text(), re.MULTILINE))
    assert listed == pages


def test_every_file_that_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", (CHECKOUT / "README.md").read_text())
    assert len(links) > 10
    assert [link for link in links if not (CHECKOUT / link).exists()] == []


def test_the_node_page_has_every_node_and_parameter() -> None:
    sys.path.insert(0, str(CHECKOUT / "bench"))
    try:
        import node_pages
    finally:
        sys.path.pop(0)
    sections = dict(
        re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", node_pages.PAGE.read_text(), re.M | re.S)
    )
    classes = node_pages.node_classes()
    assert set(sections) == set(classes)
    for name, kind in classes.items():
        for parameter in kind.parameters:
            row = " | ".join(node_pages.parameter_row(parameter))
            assert f"| {row} |" in sections[name], f"{name}: run bench/node_pages.py"
