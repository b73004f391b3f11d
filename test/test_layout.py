"""The house of docs/architecture.md: each room imports only what stands below it, and nothing goes in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "visrftwin_ros"

LEVELS = (
    {"errors", "cache", "interrupts"},
    {"outputs", "compiled", "yaml_input", "cluster"},
    {"site"},
    {"materials", "beams", "cameras", "bags"},
    {"scene", "bodies"},
    {"messages"},
    {"propagation", "perception", "campaign"},
    {"twin", "vision", "calibration", "lab", "viewing"},
    {"mapping"},
    {"evaluation", "nodes"},
    {"operations", "benchmarks"},
    {"demo"},
    {"commands"},
    {"cli"},
)
"""From the ground up; rooms of one level do not know each other."""
ROOMS_WITHIN = ("propagation", "perception", "lab", "nodes")
"""Rooms whose folders form no circle either."""
GENERATED = {"msg", "srv", "action"}


def module_files() -> dict[str, Path]:
    """Every module of the package, by its dotted name without the package's."""
    names = {}
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return names


def imported(file: Path, modules: Mapping[str, Path]) -> Iterator[tuple[str, int]]:
    """(module, line) of each import of the package in a file, also of those inside functions."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if inside(name) in modules else str(node.module) for name in names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        yield from (
            (inside(name), node.lineno) for name in names if name.split(".")[0] == PACKAGE.name
        )


def inside(name: str) -> str:
    return name.partition(".")[2]


@pytest.fixture(scope="module")
def arrows() -> dict[str, dict[str, int]]:
    """By module: the modules that it imports, and in which line."""
    modules = module_files()
    return {name: dict(imported(file, modules)) for name, file in modules.items()}


def room(module: str) -> str:
    return module.split(".")[0]


def test_every_module_lies_in_a_room_of_the_picture() -> None:
    known = set().union(*LEVELS)
    assert {room(name) for name in module_files() if name} <= known


def test_each_room_imports_only_what_stands_below_it(arrows: dict[str, dict[str, int]]) -> None:
    level = {name: number for number, names in enumerate(LEVELS) for name in names}
    wrong = [
        f"{module.replace('.', '/')}.py:{line} imports {target}"
        for module, targets in arrows.items()
        for target, line in targets.items()
        if module and target and room(target) not in GENERATED | {room(module)}
        if level[room(target)] >= level[room(module)]
    ]
    assert not wrong


def test_no_files_import_each_other_in_a_circle(arrows: dict[str, dict[str, int]]) -> None:
    assert circle({module: set(targets) - {module} for module, targets in arrows.items()}) == []


@pytest.mark.parametrize("name", ROOMS_WITHIN)
def test_the_folders_of_a_room_form_no_circle(name: str, arrows: dict[str, dict[str, int]]) -> None:
    def folder(module: str) -> str:
        return ".".join(module.split(".")[:2])

    within: dict[str, set[str]] = {}
    for module, targets in arrows.items():
        if room(module) == name:
            others = {folder(target) for target in targets if room(target) == name}
            within.setdefault(folder(module), set()).update(others - {folder(module)})
    assert circle(within) == []


def test_only_nodes_and_those_above_know_ros_messages(arrows: dict[str, dict[str, int]]) -> None:
    users = {
        room(module) for module, targets in arrows.items() if GENERATED & {*map(room, targets)}
    }
    assert users <= {"nodes", "operations", "demo"}


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """One circle of the graph, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
