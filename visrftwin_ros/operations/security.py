"""SROS2 policies of a graph: what each of its nodes publishes, hears, serves and asks, and no more.

Nothing is listed by hand: the nodes are made and configured, and DDS is asked what they have.
"""

from __future__ import annotations

import importlib
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from visrftwin_ros.errors import TwinError
from visrftwin_ros.operations.node_process import words
from visrftwin_ros.operations.node_table import NodeSpec

POLICY_VERSION = "0.2.0"
"""Of the schema in the package sros2 that ROS 2 Jazzy has (sros2/policy/schemas/policy.xsd)."""
RULES = {
    "publishes": ("topics", "topic", "publish"),
    "hears": ("topics", "topic", "subscribe"),
    "serves": ("services", "service", "reply"),
    "asks": ("services", "service", "request"),
}
"""By what a node does: the schema's list, its entries and the attribute that allows."""
QUIET = 0.5
"""Seconds without a new endpoint after which a node has all of its own."""
UNKNOWN = 10.0
"""Seconds that a node may be known without any endpoint."""
DOMAIN = 101
"""In which the nodes are made: not that of a twin which may run. The last without ephemeral ports."""


@dataclass(frozen=True)
class Endpoints:
    """Full names of one node's topics and services. An action is three services and two topics, as
    DDS has it."""

    publishes: frozenset[str]
    hears: frozenset[str]
    serves: frozenset[str]
    asks: frozenset[str]


def endpoints(observer: Any, full_name: str) -> Endpoints:
    """What the graph, as the rclpy node `observer` knows it, has of a node.

    Raises rclpy's NodeNameNonExistentError where it knows none of that name.
    """
    namespace, _, name = full_name.rpartition("/")

    def names(kind: str) -> frozenset[str]:
        asked = getattr(observer, f"get_{kind}_names_and_types_by_node")
        return frozenset(topic for topic, _ in asked(name, namespace or "/"))

    kinds = ("publisher", "subscriber", "service", "client")
    return Endpoints(*map(names, kinds))


def endpoints_of(specs: Sequence[NodeSpec]) -> dict[str, Endpoints]:
    """Of every node of a table, by its full name. Raises as `configured_nodes`."""
    with configured_nodes(specs) as nodes:
        return {spec.full_name: _settled(nodes[0], spec.full_name) for spec in specs}


@contextmanager
def configured_nodes(specs: Sequence[NodeSpec]) -> Iterator[list[Any]]:
    """The nodes of a table in this process, in a DDS domain of their own, configured and not activated.

    Takes as long as a graph takes to start. Raises TwinError where one cannot be configured.
    """
    import rclpy
    from rclpy.lifecycle import TransitionCallbackReturn

    context = rclpy.Context()
    rclpy.init(context=context, domain_id=DOMAIN, args=[])
    nodes: list[Any] = []
    try:
        with tempfile.TemporaryDirectory(prefix="visrftwin-") as folder:
            for spec in specs:
                if spec.executable == "twin_viewer":  # two pages cannot have one port
                    spec = replace(spec, parameters={**spec.parameters, "web_port": 0})
                nodes.append(_made(spec, context, Path(folder)))
                if nodes[-1].trigger_configure() != TransitionCallbackReturn.SUCCESS:
                    raise TwinError(f"{spec.full_name} cannot be configured; its reason is above")
        yield nodes
    finally:
        for node in reversed(nodes):
            node.cleanup()
            node.destroy_node()
        rclpy.try_shutdown(context=context)


def _made(spec: NodeSpec, context: Any, folder: Path) -> Any:
    module = importlib.import_module(f"visrftwin_ros.nodes.{spec.executable}")
    kinds = [kind for kind in vars(module).values() if _is_node_of(kind, module.__name__)]
    given = {"cli_args": words(spec, folder), "use_global_arguments": False}
    return kinds[0](spec.executable, context=context, **given)


def _is_node_of(kind: object, module: str) -> bool:
    from visrftwin_ros.nodes.shared.twin_node import TwinNode

    return isinstance(kind, type) and issubclass(kind, TwinNode) and kind.__module__ == module


def _settled(observer: Any, full_name: str) -> Endpoints:
    """Endpoints that have not grown for QUIET seconds: DDS tells of them one by one, and of the first
    only some time after the node itself, for which it waits UNKNOWN seconds at most."""
    found, since = endpoints(observer, full_name), time.monotonic()
    while time.monotonic() - since < (QUIET if any(astuple(found)) else UNKNOWN):
        time.sleep(0.05)
        again = endpoints(observer, full_name)
        if again != found:
            found, since = again, time.monotonic()
    return found


def policy_xml(nodes: Mapping[str, Endpoints]) -> str:
    """A policy file for `ros2 security generate_artifacts`: an enclave a node, by its full name."""
    policy = ElementTree.Element("policy", version=POLICY_VERSION)
    enclaves = ElementTree.SubElement(policy, "enclaves")
    for full_name, own in sorted(nodes.items()):
        enclave = ElementTree.SubElement(enclaves, "enclave", path=full_name)
        profiles = ElementTree.SubElement(enclave, "profiles")
        namespace, _, name = full_name.rpartition("/")
        profile = ElementTree.SubElement(profiles, "profile", ns=namespace or "/", node=name)
        for (many, one, allow), names in zip(RULES.values(), astuple(own), strict=True):
            if names:
                listed = ElementTree.SubElement(profile, many, {allow: "ALLOW"})
                for entry in sorted(names):
                    ElementTree.SubElement(listed, one).text = entry
    ElementTree.indent(policy)
    return ElementTree.tostring(policy, encoding="unicode", xml_declaration=True) + "\n"


def permitted(file: Path) -> dict[str, Endpoints]:
    """What a policy file allows, by the full name of a node. Raises TwinError on one that is none."""
    try:
        root = ElementTree.parse(file).getroot()
    except ElementTree.ParseError as error:
        raise TwinError(f"{file} is no XML: {error}") from error
    if root.tag != "policy" or root.attrib.get("version") != POLICY_VERSION:
        raise TwinError(f"{file} is no SROS2 policy of version {POLICY_VERSION}")
    found = {}
    for profile in root.iter("profile"):
        full_name = f"{profile.attrib['ns'].rstrip('/')}/{profile.attrib['node']}"
        found[full_name] = Endpoints(
            *(
                frozenset(
                    str(entry.text)
                    for listed in profile.findall(many)
                    if listed.attrib.get(allow) == "ALLOW"
                    for entry in listed.findall(one)
                )
                for many, one, allow in RULES.values()
            )
        )
    return found


def differences(
    policy: Mapping[str, Endpoints], graph: Mapping[str, Endpoints]
) -> list[tuple[str, str]]:
    """(node, what of it is not as in the policy), of the nodes in `graph`."""
    found = []
    for full_name, own in graph.items():
        if full_name not in policy:
            found.append((full_name, "the policy has no such node"))
            continue
        for does in RULES:
            has, may = getattr(own, does), getattr(policy[full_name], does)
            found += [(full_name, f"{does} {name}: not permitted") for name in sorted(has - may)]
            found += [
                (full_name, f"{does} {name}: permitted, not used") for name in sorted(may - has)
            ]
    return found


def running(names: Collection[str], seconds: float) -> dict[str, Endpoints]:
    """Of those nodes that run, once their endpoints have settled; waits so long for the last."""
    import rclpy
    from rclpy.node import Node

    context = rclpy.Context()
    rclpy.init(context=context, args=[])
    observer = Node("security_check", context=context, use_global_arguments=False)
    try:
        deadline = time.monotonic() + seconds
        while True:
            there = {
                f"{namespace.rstrip('/')}/{name}"
                for name, namespace in observer.get_node_names_and_namespaces()
            }
            if there >= set(names) or time.monotonic() > deadline:
                return {name: _settled(observer, name) for name in sorted(there & set(names))}
            time.sleep(0.1)
    finally:
        observer.destroy_node()
        rclpy.try_shutdown(context=context)
