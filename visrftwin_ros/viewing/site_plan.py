"""A site from above: surfaces, devices and sensors with the directions that they face."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.frames import camera_pose
from visrftwin_ros.site.model import Site

_LEVEL = 0.7
"""Of a face's normal along z, from which it lies flat."""
_CEILING = 1.9
"""m over the lowest surface, over which what lies flat would hide all else."""
_ARROW = 0.06
"""Of the plan's width, of an arrow."""
_INK, _AP, _ROBOT, _CAMERA, _LIDAR = "#1f2933", "#e45756", "#54a24b", "#4c78a8", "#b279a2"


def draw_plan(site: Site, file: Path) -> None:
    """Writes a PNG: what stands upright as lines, what lies flat below head height filled, in metres."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    flat, upright = _faces(site)
    axes.add_collection(PolyCollection(flat, facecolors="#d8d3c4", edgecolors="none", zorder=0))
    axes.add_collection(LineCollection(upright, colors=_INK, linewidths=0.8, zorder=2))
    corners = np.concatenate([mesh.vertices[:, :2] for mesh in surface_meshes(site)])
    reach = _ARROW * float(np.ptp(corners, axis=0).max())
    for ap in site.access_points:
        _mark(axes, ap.name, np.array(ap.position), "^", _AP, _towards(ap.yaw, reach))
    for robot in site.robots:
        if robot.position is not None:
            _mark(
                axes, robot.name, np.array(robot.position), "s", _ROBOT, _towards(robot.yaw, reach)
            )
        elif robot.path is not None:
            lap = np.array([*robot.path.waypoints, robot.path.waypoints[0]])
            axes.plot(*lap.T, "--", color=_ROBOT, lw=1, zorder=3)
            _mark(axes, robot.name, lap[0], "s", _ROBOT, None)
    for camera in site.cameras:
        pose = camera_pose(camera)
        if pose is not None:
            ahead = reach * pose.rotation.apply([0.0, 0.0, 1.0])[:2]
            _mark(axes, camera.name, pose.position, "o", _CAMERA, ahead)
    for lidar in site.lidars:
        if lidar.position is not None:
            _mark(axes, lidar.name, np.array(lidar.position), "D", _LIDAR, None)
    axes.autoscale_view()
    axes.set_aspect("equal")
    axes.set_xlabel("x [m]")
    axes.set_ylabel("y [m]")
    axes.set_title(f"{site.name}: {len(site.scene)} surfaces in {site.world_frame!r}, from above")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)


def _faces(site: Site) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Triangles (3, 2) that lie flat and low, and the edges (2, 2) of those that stand, m on the ground plan."""
    meshes = surface_meshes(site)
    low = min(float(mesh.vertices[:, 2].min()) for mesh in meshes)
    flat: list[np.ndarray] = []
    upright: list[np.ndarray] = []
    for mesh in meshes:
        level = np.abs(mesh.face_normals[:, 2]) > _LEVEL
        corners = mesh.vertices[mesh.faces]
        lower = corners[..., 2].max(axis=1) < low + _CEILING
        flat += list(corners[level & lower][..., :2])
        standing = corners[~level][..., :2]
        upright += [face[[a, b]] for face in standing for a, b in ((0, 1), (1, 2), (2, 0))]
    return flat, upright


def _towards(yaw: float, reach: float) -> Float[np.ndarray, " 2"]:
    return reach * np.array([np.cos(yaw), np.sin(yaw)])


def _mark(
    axes: Any,
    name: str,
    place: np.ndarray,
    marker: str,
    colour: str,
    ahead: Float[np.ndarray, " 2"] | None,
) -> None:
    x, y = float(place[0]), float(place[1])
    axes.plot(x, y, marker, color=colour, ms=8, zorder=4)
    axes.annotate(name, (x, y), xytext=(6, 6), textcoords="offset points", color=colour, zorder=5)
    if ahead is not None:
        tip = (x + ahead[0], y + ahead[1])
        axes.annotate("", tip, (x, y), arrowprops={"arrowstyle": "->", "color": colour}, zorder=4)
