"""What `visrftwin site check` says of a site."""

from __future__ import annotations

import math

from visrftwin_ros.errors import TwinError
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.site.model import Box, Ground, Site


def describe(site: Site) -> str:
    """A page of text; TwinError where a material is unknown or a device stands inside a box."""
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
            f"{camera.frame_rate:g} frames/s"
            + (f", recording {camera.video}" if camera.video else "")
        )
    lines.append(f"  LiDARs: {len(site.lidars)}")
    for lidar in site.lidars:
        place = "is where TF says" if lidar.position is None else f"at {_point(lidar.position)}"
        lines.append(
            f"    {lidar.name}: {place}, frame {lidar.tf_frame!r}, "
            f"{lidar.min_range:g} to {lidar.max_range:g} m"
        )
    _check_devices(site)
    lines.append(f"  links: {len(site.access_points) * len(site.robots)}")
    return "\n".join(lines)


def _check_devices(site: Site) -> None:
    """A device inside a box has no channel; better said now than as silence later."""
    devices = [(ap.name, ap.position) for ap in site.access_points]
    for robot in site.robots:
        ground = [robot.position] if robot.position is not None else []
        ground += robot.path.waypoints if robot.path is not None else []
        devices += [(robot.name, (x, y, robot.antenna_height)) for x, y in ground]
    for name, point in devices:
        for surface in site.scene:
            if isinstance(surface, Box) and _inside(surface, point):
                raise TwinError(
                    f"site {site.name!r}: {name} at {_point(point)} is inside the box "
                    f"{surface.name!r}; move one of them"
                )


def _inside(box: Box, point: tuple[float, float, float]) -> bool:
    dx, dy, dz = (p - c for p, c in zip(point, box.center, strict=True))
    along = dx * math.cos(box.yaw) + dy * math.sin(box.yaw)
    across = -dx * math.sin(box.yaw) + dy * math.cos(box.yaw)
    return all(abs(v) < s / 2 for v, s in zip((along, across, dz), box.size, strict=True))


def _point(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{v:.2f}" for v in values) + ") m"
