"""A layout for Foxglove: the place in 3D, the first camera, shadow losses, rates, diagnostics."""

from __future__ import annotations

from typing import Any

from visrftwin_ros.operations.node_table import root_of
from visrftwin_ros.operations.views.graph_topics import graph_topics
from visrftwin_ros.site.model import Site
from visrftwin_ros.viewing.colors import LINK_COLORS

MOST_CURVES = len(LINK_COLORS)
"""Of a plot; a site with more links has its first ones."""


def foxglove_layout(site: Site, namespace: str = "", compressed: bool = False) -> dict[str, Any]:
    """A layout file (Layouts, Import from file). TwinError where the namespace is no ROS name."""
    root = root_of(namespace)
    # Of two maps one would lie over the other.
    solid = {
        topic.name: {"visible": not topic.name.endswith("/outage_map")}
        for topic in graph_topics(site, namespace)
        if topic.kind.endswith(("/MarkerArray", "/OccupancyGrid"))
    }
    links = [(ap.name, robot.name) for ap in site.access_points for robot in site.robots]
    panels: dict[str, Any] = {
        "3D!place": {
            "followTf": site.world_frame,
            "followMode": "follow-none",
            "topics": solid,
        },
        "Plot!loss": _plot(
            "Shadow loss [dB]", f"{root}/channels.channels[:]", links, "shadow_loss_db"
        ),
        "Plot!rate": _plot("Throughput [bit/s]", f"{root}/beams.decisions[:]", links, "throughput"),
        "DiagnosticSummary!nodes": {"topicToRender": "/diagnostics", "minLevel": 0},
    }
    place: Any = "3D!place"
    if site.cameras:
        image = f"{root}/{site.cameras[0].name}/image_raw"
        topic = f"{image}/compressed" if compressed else image
        panels["Image!camera"] = {"imageMode": {"imageTopic": topic}}
        place = _beside("column", place, "Image!camera", 60)
    curves = _beside("column", "Plot!loss", "Plot!rate", 50)
    told = _beside("column", curves, "DiagnosticSummary!nodes", 70)
    return {
        "configById": panels,
        "globalVariables": {},
        "userNodes": {},
        "playbackConfig": {"speed": 1},
        "layout": _beside("row", place, told, 60),
    }


def _plot(title: str, items: str, links: list[tuple[str, str]], field: str) -> dict[str, Any]:
    """A curve a link, by message paths of Foxglove: filters on the items of an array."""
    paths = [
        {
            "value": f'{items}{{tx=="{tx}"}}{{rx=="{rx}"}}.{field}',
            "label": f"{tx}-{rx}",
            "enabled": True,
            "timestampMethod": "headerStamp",
            "color": "#{:02x}{:02x}{:02x}".format(*color),
        }
        for (tx, rx), color in zip(links[:MOST_CURVES], LINK_COLORS, strict=False)
    ]
    return {"title": title, "paths": paths, "followingViewWidth": 30, "showLegend": True}


def _beside(direction: str, first: Any, second: Any, percent: int) -> dict[str, Any]:
    return {
        "direction": direction,
        "first": first,
        "second": second,
        "splitPercentage": percent,
    }
