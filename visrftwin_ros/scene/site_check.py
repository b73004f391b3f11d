"""What `visrftwin site check` says of a site."""

from __future__ import annotations

import math

import numpy as np

from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.scene.surfaces import surface_meshes
from visrftwin_ros.site.frames import camera_pose
from visrftwin_ros.site.model import Box, Camera, Ground, Site, Vector3

FAR_OUTSIDE = 50.0
"""m beyond the outermost surface on the ground plan, at which no device of a site hangs."""


def describe(site: Site) -> str:
    """A page of text.

    Raises TwinError where a material is unknown, an angle is over a full turn, or a device stands inside a box or
    far outside the scene.
    """
    radio = site.radio
    lines = [
        f"site {site.name}: {site.description}".rstrip(": "),
        f"  from {site.folder / 'site.yaml'}, world frame {site.world_frame!r}",
        f"  radio: {radio.frequency / 1e9:g} GHz, {radio.bandwidth / 1e9:g} GHz wide",
        f"  scene: {len(site.scene)} surfaces",
    ]
    for surface in site.scene:
        values = material_values(surface.material, radio.frequency, site.materials)
        size = (
            " x ".join(f"{s:g}" for s in surface.size) + " m"
            if isinstance(surface, Ground | Box)
            else surface.file
        )
        mark = " (extrapolated beyond its measured range)" if values.extrapolated else ""
        lines.append(
            f"    {surface.name}: {surface.kind} {size}, {surface.material}: permittivity "
            f"{values.relative_permittivity:.2f}, conductivity {values.conductivity:.3g} S/m{mark}"
        )
    lines.append(f"  access points: {len(site.access_points)}")
    for ap in site.access_points:
        lines.append(
            f"    {ap.name}: at {_point(ap.position)}, facing {math.degrees(ap.yaw):.0f} deg, "
            f"{ap.array.rows} x {ap.array.columns} array, {ap.tx_power_dbm:g} dBm"
        )
    lines.append(f"  robots: {len(site.robots)}")
    for robot in site.robots:
        if robot.position is not None:
            place = f"stands at {_point(robot.position)}"
        elif robot.path is not None:
            place = f"drives {len(robot.path.waypoints)} waypoints at {robot.path.speed:g} m/s"
        else:
            place = "is where TF says"
        lines.append(f"    {robot.name}: {place}, frame {robot.tf_frame!r}")
    lines.append(f"  cameras: {len(site.cameras)}")
    for camera in site.cameras:
        lines.append(
            f"    {camera.name}: {camera.image_width} x {camera.image_height} px, "
            f"{camera.frame_rate:g} frames/s, {_where(camera)}"
            + (f", recording {camera.video}" if camera.video else "")
        )
    lines.append(f"  LiDARs: {len(site.lidars)}")
    for lidar in site.lidars:
        place = "is where TF says" if lidar.position is None else f"at {_point(lidar.position)}"
        lines.append(
            f"    {lidar.name}: {place}, frame {lidar.tf_frame!r}, "
            f"{lidar.min_range:g} to {lidar.max_range:g} m"
        )
    _check_angles(site)
    _check_devices(site)
    lines += [f"  look at this: {text}" for text in _outside(site)]
    lines.append(f"  links: {len(site.access_points) * len(site.robots)}")
    return "\n".join(lines)


def _where(camera: Camera) -> str:
    pose = camera_pose(camera)
    if pose is None:
        return "is where TF says"
    ahead = pose.rotation.apply([0.0, 0.0, 1.0])
    azimuth = math.degrees(math.atan2(ahead[1], ahead[0]))
    down = -math.degrees(math.asin(max(-1.0, min(1.0, ahead[2]))))
    place = tuple(float(value) for value in pose.position)
    return f"at {_point(place)}, looking to {azimuth:.0f} deg, {down:.0f} deg down"


def _check_angles(site: Site) -> None:
    """Who writes degrees where radians are expected is told so; a yaw may be of either sign."""
    angles = [
        (f"access point {ap.name}: {name}", value)
        for ap in site.access_points
        for name, value in (("yaw", ap.yaw), ("pitch", ap.pitch))
    ]
    angles += [(f"robot {robot.name}: yaw", robot.yaw) for robot in site.robots]
    angles += [(f"scene {s.name}: yaw", s.yaw) for s in site.scene if isinstance(s, Box)]
    angles += [(f"LiDAR {x.name}: rpy", max(x.rpy, key=abs)) for x in site.lidars]
    angles += [
        (f"camera {camera.name}: length of rvec", math.hypot(*camera.pose[0]))
        for camera in site.cameras
        if camera.pose is not None
    ]
    for whose, value in angles:
        if abs(value) > 2 * math.pi:
            raise TwinError(
                f"site {site.name!r}: {whose} is {value:g} rad, over a full turn: angles are in radians, and "
                f"{value:g} degrees are {math.radians(value):.4f} rad"
            )


def _devices(site: Site) -> list[tuple[str, Vector3]]:
    """Places of antennas that the site says, by name."""
    devices = [(ap.name, ap.position) for ap in site.access_points]
    for robot in site.robots:
        ground = [robot.position] if robot.position is not None else []
        ground += robot.path.waypoints if robot.path is not None else []
        devices += [(robot.name, (x, y, robot.antenna_height)) for x, y in ground]
    return devices


def _check_devices(site: Site) -> None:
    """A device inside a box or beyond the scene has no channel; better said now than as silence later."""
    low, high = scene_extent(site)
    for name, point in _devices(site):
        away = _away(point, low, high)
        if away > FAR_OUTSIDE:
            raise TwinError(
                f"site {site.name!r}: {name} at {_point(point)} is {away:.0f} m outside the scene, which reaches "
                f"from {_point(low)} to {_point(high)}: are its lengths in metres?"
            )
        for surface in site.scene:
            if isinstance(surface, Box) and _inside(surface, point):
                raise TwinError(
                    f"site {site.name!r}: {name} at {_point(point)} is inside the box "
                    f"{surface.name!r}; move one of them"
                )


def scene_extent(site: Site) -> tuple[Vector3, Vector3]:
    """The least and the largest coordinates of all surfaces, m."""
    corners = np.concatenate([mesh.vertices for mesh in surface_meshes(site)])
    low, high = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def _outside(site: Site) -> list[str]:
    """What may be right but seldom is: devices and sensors beyond the scene or under it."""
    low, high = scene_extent(site)
    places = _devices(site)
    for camera in site.cameras:
        pose = camera_pose(camera)
        if pose is not None:
            x, y, z = pose.position.tolist()
            places.append((f"camera {camera.name}", (x, y, z)))
    places += [(f"LiDAR {x.name}", x.position) for x in site.lidars if x.position is not None]
    found = []
    for name, point in places:
        away = _away(point, low, high)
        if away > 0:
            found.append(f"{name} is {away:.1f} m outside the scene's ground plan")
        if point[2] < low[2]:
            found.append(f"{name} is {low[2] - point[2]:.1f} m under the scene")
    return list(dict.fromkeys(found))


def _away(point: Vector3, low: Vector3, high: Vector3) -> float:
    """m on the ground plan."""
    return math.hypot(*(max(low[k] - point[k], 0.0, point[k] - high[k]) for k in (0, 1)))


def _inside(box: Box, point: tuple[float, float, float]) -> bool:
    dx, dy, dz = (p - c for p, c in zip(point, box.center, strict=True))
    along = dx * math.cos(box.yaw) + dy * math.sin(box.yaw)
    across = -dx * math.sin(box.yaw) + dy * math.cos(box.yaw)
    return all(abs(v) < s / 2 for v, s in zip((along, across, dz), box.size, strict=True))


def _point(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{v:.2f}" for v in values) + ") m"
