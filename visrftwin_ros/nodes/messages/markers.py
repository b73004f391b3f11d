"""The twin as RViz markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from jaxtyping import Float
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.messages.people import bodies_from_message, covariance_from_message
from visrftwin_ros.messages.stamps import stamp_message, stamp_ns
from visrftwin_ros.msg import ChannelPaths, TrackedPeople
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.nodes.messages.path_kinds import path_kind
from visrftwin_ros.propagation.people.body_outlines import (
    CROTCH_HEIGHT,
    HEAD_WIDTH,
    LEG_WIDTH,
    SHOULDER_HEIGHT,
    body_sizes,
)
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Site
from visrftwin_ros.site.motion import pose_at
from visrftwin_ros.twin.channel_state import ChannelState
from visrftwin_ros.twin.mounts import RobotPose
from visrftwin_ros.viewing.colors import (
    ACCESS_POINT,
    PATH_COLORS,
    PERSON,
    ROBOT,
    SHADOWED_ABOVE_DB,
    TRAIL,
    surface_color,
)
from visrftwin_ros.viewing.shell import shell
from visrftwin_ros.viewing.tracks import Trails, covariance_ellipses

PATHS_A_LINK = 8
SHELL_ALPHA = 0.15
"""Opacity of a room's walls and ceiling."""
RED_DB = 20.0
"""Shadow loss from which a link is drawn red."""


def scene_markers(site: Site, meshes: Sequence[SurfaceMesh], stamp: Time) -> MarkerArray:
    """Surfaces as triangle lists, access points as spheres with their names. meshes: of the site as it is
    now, in place of all that were drawn before."""
    array = MarkerArray()
    gone = _marker(site.world_frame, stamp, "scene", 0, Marker.TRIANGLE_LIST)
    gone.action = Marker.DELETEALL
    array.markers.append(gone)
    seen_through = shell(site)
    for number, mesh in enumerate(meshes):
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


def link_markers(site: Site, state: ChannelState, robots: Mapping[str, RobotPose]) -> MarkerArray:
    """A line a link, green without shadow to red at RED_DB, and over each robot its strongest link.

    robots: those that TF places. Links without a path, or whose robot is nowhere, are left out.
    """
    stamp = stamp_message(made, state.stamp_ns)
    ends = {ap.name: np.array(ap.position, float) for ap in site.access_points}
    for robot in site.robots:
        if robot.name in robots:
            base = np.asarray(robots[robot.name].position, float)
        elif robot.path is not None:
            base = np.array([*pose_at(robot.path, state.stamp_ns)[0], 0.0])
        elif robot.position is not None:
            base = np.array([*robot.position, 0.0])
        else:
            continue
        ends[robot.name] = base + (0.0, 0.0, robot.antenna_height)
    array = MarkerArray(markers=[Marker(action=Marker.DELETEALL)])
    lines = _marker(site.world_frame, stamp, "links", 0, Marker.LINE_LIST)
    lines.scale.x = 0.04
    strongest: dict[str, tuple[float, str]] = {}
    for i, (tx, rx) in enumerate(state.links):
        path_loss, shadow = state.metrics.path_loss_db[i], state.metrics.shadow_loss_db[i]
        if rx not in ends or not np.isfinite([path_loss, shadow]).all():
            continue
        share = float(np.clip(shadow / RED_DB, 0.0, 1.0))
        lines.points += [Point(x=x, y=y, z=z) for x, y, z in (ends[tx].tolist(), ends[rx].tolist())]
        lines.colors += 2 * [ColorRGBA(r=share, g=1.0 - share, b=0.1, a=0.8)]
        text = f"{rx}: {tx}, shadow {shadow:.0f} dB"
        strongest[rx] = min(strongest.get(rx, (np.inf, "")), (float(path_loss), text))
    if lines.points:
        array.markers.append(lines)
    for number, (rx, (_, text)) in enumerate(strongest.items()):
        marker = _marker(
            site.world_frame, stamp, "strongest links", number, Marker.TEXT_VIEW_FACING
        )
        marker.scale.z, marker.color, marker.text = 0.5, _color(ROBOT), text
        x, y, z = ends[rx].tolist()
        marker.pose.position = Point(x=x, y=y, z=z + 0.5)
        array.markers.append(marker)
    return array


def path_markers(message: ChannelPaths, bodies: Bodies) -> MarkerArray:
    """Paths as lines coloured by kind, people as head, trunk and legs, boxes as such; replaces what was there."""
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
    legs = body_sizes(bodies)[:, 8:]
    for number in range(len(bodies)):
        cos, sin = np.cos(bodies.heading[number]), np.sin(bodies.heading[number])
        parts = (
            _box(bodies, number) if bodies.is_box[number] else _person(bodies, number, legs[number])
        )
        for part, (form, size, (along, across, up)) in enumerate(parts):
            marker = _marker(frame, stamp, "people", 4 * number + part, form)
            marker.scale.x, marker.scale.y, marker.scale.z = size
            marker.pose.orientation.z = float(np.sin(bodies.heading[number] / 2))
            marker.pose.orientation.w = float(np.cos(bodies.heading[number] / 2))
            marker.color = _color(PERSON)
            off = np.array([cos * along - sin * across, sin * along + cos * across, up])
            x, y, z = (bodies.position[number] + off).tolist()
            marker.pose.position = Point(x=x, y=y, z=z)
            array.markers.append(marker)
    return array


Part = tuple[int, tuple[float, float, float], tuple[float, float, float]]
"""A marker's type, its size and its middle, m along the heading, to the left and up."""


def _box(bodies: Bodies, number: int) -> list[Part]:
    along, across, up = (float(of[number]) for of in (bodies.depth, bodies.width, bodies.height))
    return [(Marker.CUBE, (along, across, up), (0.0, 0.0, up / 2))]


def _person(bodies: Bodies, number: int, legs: Float[np.ndarray, " 2"]) -> list[Part]:
    """Head, trunk and two legs, as their shadow has them. legs: m from one to the other, along
    the heading and across."""
    depth, width, height = (float(of[number]) for of in (bodies.depth, bodies.width, bodies.height))
    stride, apart = legs / 2
    crotch, shoulders, leg = CROTCH_HEIGHT * height, SHOULDER_HEIGHT * height, LEG_WIDTH * width
    head, trunk = height - shoulders, shoulders - crotch
    return [
        (Marker.CYLINDER, (HEAD_WIDTH, HEAD_WIDTH, head), (0.0, 0.0, shoulders + head / 2)),
        (Marker.CYLINDER, (depth, width, trunk), (0.0, 0.0, crotch + trunk / 2)),
        (Marker.CYLINDER, (leg, leg, crotch), (stride, apart, crotch / 2)),
        (Marker.CYLINDER, (leg, leg, crotch), (-stride, -apart, crotch / 2)),
    ]


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
