"""Write docs/nodes.md: every node with its topics, services and parameters, as the nodes themselves have them.

python bench/node_pages.py VIDEO

Configures the nodes of the lab's lobby, which has cameras and a LiDAR, with its recorded campaign, and a replay of
VIDEO: some seconds where the lobby's paths are kept, minutes where they are not.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from visrftwin_ros.nodes.shared.node_parameter import NodeParameter
from visrftwin_ros.nodes.shared.twin_node import TwinNode
from visrftwin_ros.operations.node_table import NodeSpec, node_table
from visrftwin_ros.operations.security import configured_nodes
from visrftwin_ros.site.loading import load_site

CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = CHECKOUT / "docs" / "nodes.md"
BAG = CHECKOUT / "visrftwin_ros" / "lab" / "bags" / "lobby_short"
SITES = ("lobby", "pets_campus")
SETTLED = 3.0
"""Seconds for DDS to tell of every endpoint."""
OF_EVERY_NODE = ("/parameter_events", "/rosout", "/diagnostics", "/clock")
HEAD = """# Nodes

Every node with its topics, services and parameters, as it has them once configured (written by `bench/node_pages.py`).

All are lifecycle nodes and configure and activate themselves unless `autostart` is false. Names lie below the
namespace of the twin; `<camera>` and `<lidar>` stand for the site's sensors. A parameter that is not *live* is read
when the node is configured, and a change meanwhile is refused. Each node also has the parameters `limits.*` of
[what comes in](input_limits.md#limits), hears `/clock` where `use_sim_time` is set, and reports on `/diagnostics`.
"""


def node_classes() -> dict[str, type[TwinNode]]:
    """By the name of its file."""
    found = {}
    for file in sorted((CHECKOUT / "visrftwin_ros" / "nodes").glob("[a-z]*.py")):
        module = importlib.import_module(f"visrftwin_ros.nodes.{file.stem}")
        for kind in vars(module).values():
            if (
                inspect.isclass(kind)
                and issubclass(kind, TwinNode)
                and kind.__module__ == module.__name__
            ):
                found[file.stem] = kind
    return found


def specs(video: Path) -> list[NodeSpec]:
    """One of every node."""
    all_of_them = {"calibrate": True, "map_scene": True, "watch_scene": True, "vehicles": True}
    table = node_table(load_site(SITES[0]), SITES[0], bag=str(BAG), **all_of_them)
    camera = load_site(SITES[1]).camera().name
    known = {spec.executable: spec for spec in reversed(table)}
    replay = {"site": SITES[1], "video": str(video)}
    return [*known.values(), NodeSpec("camera_replay", f"/{camera}", replay)]


def node_section(node: Any) -> Iterator[str]:
    """The lines of one node."""
    yield f"\n## {type(node).__module__.rsplit('.', 1)[1]}\n"
    yield f"{inspect.cleandoc(type(node).__doc__ or '')}\n"
    yield from table(
        ("topic, service or action", "type", "", "quality of service"), sorted(set(endpoints(node)))
    )
    if node.parameters:
        yield ""
        head = ("parameter", "default", "what", "range", "live")
        yield from table(head, [parameter_row(p) for p in node.parameters])


def endpoints(node: Any) -> Iterator[tuple[str, ...]]:
    """Name, type, direction and quality of service, but for what every node has."""
    where = node.get_name(), node.get_namespace()
    own = f"{where[1].rstrip('/')}/{where[0]}"
    for kind, direction in (("publisher", "out"), ("subscriber", "in"), ("service", "service")):
        for topic, types in getattr(node, f"get_{kind}_names_and_types_by_node")(*where):
            if topic in OF_EVERY_NODE or topic.startswith((f"{own}/get_", f"{own}/set_")):
                continue
            if topic.startswith(
                (f"{own}/list_", f"{own}/describe_", f"{own}/change_", f"{own}/transition")
            ):
                continue
            action, inner, part = topic.partition("/_action/")
            if inner:  # five endpoints, as DDS has it
                if part == "send_goal":
                    kind_of = types[0].rsplit("/", 1)[1].removesuffix("_SendGoal")
                    yield named(action), kind_of, "action", ""
                continue
            yield named(topic), types[0].rsplit("/", 1)[1], direction, quality(node, kind, topic)


def quality(node: Any, kind: str, topic: str) -> str:
    """Of this node's endpoint, in words."""
    if kind == "service":
        return ""
    infos = getattr(node, f"get_{kind}s_info_by_topic".replace("subscribers", "subscriptions"))(
        topic
    )
    profile = next(info.qos_profile for info in infos if info.node_name == node.get_name())
    words = [profile.reliability.name.lower().replace("_", " ")]
    if profile.durability.name == "TRANSIENT_LOCAL":
        words.append("latched")
    return ", ".join(words)


def named(topic: str) -> str:
    """A topic with the names of the sites' sensors as a reader has to replace them."""
    for site in map(load_site, SITES):
        for sensors, word in ((site.cameras, "<camera>"), (site.lidars, "<lidar>")):
            for sensor in sensors:
                topic = topic.replace(f"/{sensor.name}/", f"/{word}/")
    return f"`{topic}`"


def parameter_row(parameter: NodeParameter) -> tuple[str, ...]:
    bounds = parameter.bounds
    default = "" if parameter.default == "" else f"`{parameter.default}`"
    return (
        f"`{parameter.name}`",
        default,
        parameter.description.replace("|", "\\|"),
        f"{bounds[0]:g} to {bounds[1]:g}" if bounds else "",
        "yes" if parameter.live else "",
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def page(video: Path) -> str:
    with configured_nodes(specs(video)) as nodes:
        time.sleep(SETTLED)
        sections = {type(node).__module__: list(node_section(node)) for node in nodes}
    return HEAD + "\n".join(line for _, lines in sorted(sections.items()) for line in lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(Path(sys.argv[1])), encoding="utf-8")
