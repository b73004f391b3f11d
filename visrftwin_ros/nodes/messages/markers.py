"""The twin as RViz markers."""

from __future__ import annotations

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.messages.people import bodies_from_message, covariance_from_message
from visrftwin_ros.messages.stamps import stamp_ns
from visrftwin_ros.msg import ChannelPaths, TrackedPeople
from visrftwin_ros.nodes.messages.path_kinds import path_kind
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.model import Site
from visrftwin_ros.viewing.colors import (
    ACCESS_POINT,
    PATH_COLORS,
    PERSON,
    SHADOWED_ABOVE_DB,
    TRAIL,
    surface_color,
)
from visrftwin_ros.viewing.shell import shell
from visrftwin_ros.viewing.tracks import Trails, covariance_ellipses

PATHS_A_LINK = 8
SHELL_ALPHA = 0.15
"""Opacity of a room's walls and ceiling."""


def scene_markers(site: Site, stamp: Time) -> MarkerArray:
    """Surfaces as triangle lists, access points as spheres with their names."""
    array = MarkerArray()
    seen_through = shell(site)
    for number, mesh in enumerate(surface_meshes(site)):
        marker = _marker(site.world_frame, stamp, "scene", number, Marker.TRIANGLE_LIST)
        marker.scale.x = marker.scale.y = marker.scale.z = 1.0
        alpha = SHELL_ALPHA if mesh.name in seen_through else 1.0
        marker.color = _color(surface_color(mesh.material.name), alpha)
        corners = mesh.vertices[mesh.faces].reshape(-1, 3)
        marker.points = [Point(x=x, y=y, z=z) for x, y, z in corners.tolist()]
        array.markers.append(marker)
    for number, ap in enumerate(site.access_points):
        for kind, up in ((Marker.SPHERE, 0.0), (Marker.TEXT_VIEW_FACING, 0.6)):
            marker = _marker(site.world_frame, stamp, f"access_points_{kind}", number, kind)
            marker.scale.x = marker.scale.y = marker.scale.z = 0.5
            marker.color = _color(ACCESS_POINT)
            marker.text = ap.name
            x, y, z = ap.position
            marker.pose.position = Point(x=x, y=y, z=z + up)
            array.markers.append(marker)
    return array


def path_markers(message: ChannelPaths, bodies: Bodies) -> MarkerArray:
    """Paths as lines coloured by kind, people as cylinders, boxes as boxes; replaces what was shown before."""
    frame, stamp = message.header.frame_id, message.header.stamp
    array = MarkerArray(markers=[Marker(action=Marker.DELETEALL)])
    lines: dict[str, Marker] = {}
    for link in message.links:
        for path in link.paths[:PATHS_A_LINK]:
            kind = "shadowed" if path.shadow_loss_db > SHADOWED_ABOVE_DB else path_kind(path)
            if kind not in lines:
                lines[kind] = _marker(frame, stamp, f"paths: {kind}", 0, Marker.LINE_LIST)
                lines[kind].scale.x = 0.02 if kind == "diffuse" else 0.06
                lines[kind].color = _color(PATH_COLORS[kind])
            for start, end in zip(path.vertices, path.vertices[1:], strict=False):
                lines[kind].points += [start, end]
    array.markers.extend(lines.values())
    for number in range(len(bodies)):
        box = bool(bodies.is_box[number])
        marker = _marker(frame, stamp, "people", number, Marker.CUBE if box else Marker.CYLINDER)
        marker.scale.x = float((bodies.depth if box else bodies.width)[number])
        marker.scale.y = float(bodies.width[number])
        marker.pose.orientation.z = float(np.sin(bodies.heading[number] / 2))
        marker.pose.orientation.w = float(np.cos(bodies.heading[number] / 2))
        marker.scale.z = float(bodies.height[number])
        marker.color = _color(PERSON)
        x, y, z = bodies.position[number]
        marker.pose.position = Point(x=x, y=y, z=z + bodies.height[number] / 2)
        array.markers.append(marker)
    return array


def track_markers(message: TrackedPeople, trails: Trails) -> MarkerArray:
    """Covariance ellipses, trails and ids of the tracked people; replaces what was shown before."""
    frame, stamp = message.header.frame_id, message.header.stamp
    array = MarkerArray(markers=[Marker(action=Marker.DELETEALL)])
    people = message.people
    place = bodies_from_message(message).position[:, :2]
    doubt = covariance_from_message(message)[:, :2, :2]
    ids = [person.id for person in people]
    lines = {
        "covariance": (list(covariance_ellipses(place, doubt)), PERSON, 0.03),
        "trails": (trails.updated(stamp_ns(stamp), ids, place), TRAIL, 0.05),
    }
    for name, (strips, color, width) in lines.items():
        for number, strip in enumerate(strips):
            if len(strip) < 2:
                continue
            marker = _marker(frame, stamp, name, number, Marker.LINE_STRIP)
            marker.scale.x, marker.color = width, _color(color)
            marker.points = [Point(x=x, y=y, z=z) for x, y, z in strip.tolist()]
            array.markers.append(marker)
    for number, person in enumerate(people):
        marker = _marker(frame, stamp, "ids", number, Marker.TEXT_VIEW_FACING)
        marker.scale.z, marker.color = 0.4, _color(PERSON)
        marker.text = f"{person.id} {'+'.join(person.seen_by)}".strip()
        x, y = place[number].tolist()
        marker.pose.position = Point(x=x, y=y, z=person.height + 0.3)
        array.markers.append(marker)
    return array


def _marker(frame: str, stamp: Time, namespace: str, number: int, kind: int) -> Marker:
    marker = Marker(ns=namespace, id=number, type=kind, action=Marker.ADD)
    marker.header.frame_id = frame
    marker.header.stamp = stamp
    marker.pose.orientation.w = 1.0
    return marker


def _color(rgb: tuple[int, int, int], alpha: float = 1.0) -> ColorRGBA:
    r, g, b = (value / 255 for value in rgb)
    return ColorRGBA(r=r, g=g, b=b, a=alpha)
