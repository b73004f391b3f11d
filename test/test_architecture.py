"""docs/architecture.md names what is there: every path, every symbol, every room."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from test_layout import LEVELS, PACKAGE, imported, module_files

CHECKOUT = PACKAGE.parent
TEXT = (CHECKOUT / "docs" / "architecture.md").read_text()
QUOTED = sorted(set(re.findall(r"`([\w./]+(?:::[\w.]+)?)`", TEXT)))
PATHS = [name for name in QUOTED if "/" in name or name.endswith((".py", ".md"))]


def found(path: str) -> Path:
    return next(
        (base / path for base in (CHECKOUT, PACKAGE) if (base / path).exists()), Path("nowhere")
    )


def names_of(file: Path) -> set[str]:
    """What a file defines, methods as Class.method."""
    names: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
            inner = node.body if isinstance(node, ast.ClassDef) else []
            names |= {f"{node.name}.{m.name}" for m in inner if isinstance(m, ast.FunctionDef)}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


def rows(*columns: str) -> list[list[str]]:
    """The cells of the table with this head."""
    head = "| " + " | ".join(columns) + " |"
    lines = TEXT[TEXT.index(head) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("path", PATHS)
def test_what_is_named_exists(path: str) -> None:
    file, _, symbol = path.partition("::")
    assert found(file).exists(), f"docs/architecture.md names {file}"
    if symbol:
        assert symbol in names_of(found(file)), f"docs/architecture.md names {path}"


def test_the_rooms_are_the_folders_and_stand_at_their_levels() -> None:
    levels = {
        name.strip("`/"): int(level) for level, name, _ in rows("level", "room", "what is in it")
    }
    rooms = {name.split(".")[0] for name in module_files() if name}
    assert {name.removesuffix(".py") for name in levels} == rooms
    expected = {name: number for number, names in enumerate(LEVELS) for name in names}
    numbers = sorted({expected[name] for name in rooms})
    for name, level in levels.items():
        assert level == numbers.index(expected[name.removesuffix(".py")]), name


def test_the_rooms_within_are_the_folders_and_import_what_the_table_says() -> None:
    table = {
        name.strip("`/"): siblings
        for name, _, siblings in rows("room within", "what is in it", "may import of its siblings")
    }
    modules = module_files()
    folders = {name: file.parent.relative_to(PACKAGE).as_posix() for name, file in modules.items()}
    assert set(table) == {folder for folder in folders.values() if "/" in folder}
    for name, file in modules.items():
        own = folders[name]
        if own not in table or table[own] == "all others":
            continue
        home = own.split("/")[0]
        allowed = {f"{home}/{sibling}" for sibling in re.findall(r"`(\w+)`", table[own])}
        used = {folders.get(target, "") for target, _ in imported(file, modules)}
        siblings = {folder for folder in used & set(table) if folder.startswith(f"{home}/")} - {own}
        assert siblings <= allowed, f"{name} imports {siblings - allowed}"
