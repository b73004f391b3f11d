"""A scan turned into the surfaces that the radio needs, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.spatial import cKDTree

from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.furniture import box_mesh, find_boxes
from visrftwin_ros.mapping.outlines import (
    Loop,
    covered,
    loop_area,
    loops_of,
    onto_lines,
    straightened,
    triangles,
)
from visrftwin_ros.mapping.planes import Plane, find_planes
from visrftwin_ros.mapping.scan import Scan, check_size
from visrftwin_ros.mapping.squaring import squared, upright, walls_direction
from visrftwin_ros.mapping.static_points import check_overlap, standing
from visrftwin_ros.mapping.thinning import Cloud, thinned

KINDS = ("floor", "ceiling", "wall", "panel", "box")
"""panel: a plane that is none of the others, as a table's top or a cupboard's front."""
_TOLERANCE = 3.0
"""Standard deviations of a point within which it bears a plane, but at least _THICK m."""
_THICK = 0.035
_LEVEL, _UPRIGHT = np.cos(np.deg2rad(10.0)), np.sin(np.deg2rad(10.0))
_WALL_HEIGHT, _WALL_AREA = 1.5, 2.0
"""m and m^2: an upright plane of less is a panel."""
_CEILING_OVER = 1.9
"""m over the floor, that people walk under it."""
_FLOOR_SHARE = 0.15
"""Of the largest level plane's points, that the floor has at least."""
_GAP = 0.4
"""m across a surface that are taken to go on unseen."""
_LEAST_HOLE = 0.3
"""m^2 of a hole that is kept."""
_LEAST_BORNE = 0.35
"""Share of a panel's cells that bear points of it: less is a row of edges, as of shelves."""
_SKIN, _RIM = 2.5, 5.0
"""Tolerances off a plane, and cells beside its points, within which a point is no thing of its own."""
_BEHIND = 0.2
"""m that a ray goes on behind a plane that it went through."""
_RAYS = 200_000
_REACH = 0.15
"""m from the crossing of two planes within which their outlines are drawn to it."""


@dataclass(frozen=True)
class MapSettings:
    """cell: m, of which one point is kept. least_area: m^2 of a plane. seed: of the planes that are tried."""

    cell: float = 0.05
    least_area: float = 0.25
    seed: int = 1


@dataclass(frozen=True)
class MappedSurface:
    """One surface. kind: of KINDS. vertices, faces: m, in the map's frame, wound about its normal. loops: its
    outlines as 3-D lines, one of a box's foot. points: of the cloud, that bear it. point_sd, sd: as
    `Plane` has them. seen: share of its area on which there were points. snapped: made square."""

    name: str
    kind: str
    vertices: Float[np.ndarray, "v 3"]
    faces: Int[np.ndarray, "f 3"]
    loops: tuple[Float[np.ndarray, "k 3"], ...]
    points: int
    point_sd: float
    sd: float
    seen: float
    snapped: bool

    @property
    def area(self) -> float:
        """m^2."""
        a, b, c = (self.vertices[self.faces[:, i]] for i in range(3))
        return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


@dataclass(frozen=True)
class PlaceMap:
    """surfaces: what was mapped. turn: (3, 3), takes the source's places to the map's. points: (N, 3) that
    stood. moved: share of the scan that did not. unmapped: share of the cloud in no surface."""

    surfaces: tuple[MappedSurface, ...]
    turn: Float[np.ndarray, "3 3"]
    points: Float[np.ndarray, "n 3"]
    scan: Scan
    moved: float
    unmapped: float
    direction: float


def map_place(scan: Scan, settings: MapSettings, told: Callable[[str], None]) -> PlaceMap:
    """The surfaces of a scan.

    told: hears each step. Raises TwinError where views do not overlap, and where there is no plane.
    """
    check_size(scan)
    check_overlap(scan)
    told(f"{len(scan)} points of {scan.source}")
    stands = standing(scan)
    scan = scan.where(stands)
    told(f"{100 * (1 - stands.mean()):.1f} % moved and is left out")
    cloud = thinned(scan, settings.cell)
    told(f"{len(cloud)} cells of {settings.cell:g} m")
    tolerance = max(_TOLERANCE * scan.noise, _THICK)
    planes = find_planes(cloud, tolerance, settings.least_area, settings.seed)
    if not planes:
        raise TwinError(
            f"{scan.source}: no plane of {settings.least_area:g} m^2 in it: is its unit right, and are its "
            "views of one room?"
        )
    turn = np.eye(3) if scan.up is None else upright(planes, scan.up)
    scan = scan.turned(turn)
    cloud = Cloud(cloud.points @ turn.T, cloud.normals @ turn.T, cloud.oriented, cloud.cell)
    planes = [_turned(plane, turn) for plane in planes]
    direction = walls_direction(planes)
    planes = [squared(plane, cloud, direction) for plane in planes]
    told(f"{len(planes)} planes, {sum(plane.snapped for plane in planes)} of them made square")
    surfaces = _polygons(planes, cloud, scan, tolerance, direction)
    boxes, unmapped = find_boxes(
        cloud.points[_apart(planes, cloud, tolerance)], cloud.cell, direction
    )
    for box in boxes:
        vertices, faces = box_mesh(box)
        foot = vertices[[0, 4, 6, 2]]
        surfaces.append(
            MappedSurface(
                "box", "box", vertices, faces, (foot,), box.points, box.sd, box.sd, 1.0, False
            )
        )
    told(f"{len(surfaces)} surfaces, {len(boxes)} of them boxes")
    return PlaceMap(
        surfaces=_named(surfaces),
        turn=turn,
        points=cloud.points,
        scan=scan,
        moved=float(1 - stands.mean()),
        unmapped=unmapped / len(cloud),
        direction=direction,
    )


def _apart(planes: Sequence[Plane], cloud: Cloud, tolerance: float) -> Bool[np.ndarray, " n"]:
    """Which points bear no plane, and are not the ragged skin of one or its rim, where normals lean."""
    apart = np.ones(len(cloud), bool)
    for plane in planes:
        apart[plane.rows] = False
    for plane in planes:
        axes = plane.axes()
        near = np.flatnonzero(apart & (np.abs(plane.distances(cloud.points)) < _SKIN * tolerance))
        own = cKDTree(cloud.points[plane.rows] @ axes.T)
        beside = own.query(cloud.points[near] @ axes.T, distance_upper_bound=_RIM * cloud.cell)[0]
        apart[near[np.isfinite(beside)]] = False
    return apart


def _turned(plane: Plane, turn: Float[np.ndarray, "3 3"]) -> Plane:
    return replace(plane, normal=turn @ plane.normal)


def _polygons(
    planes: Sequence[Plane], cloud: Cloud, scan: Scan, tolerance: float, direction: float
) -> list[MappedSurface]:
    rays = _rays(scan)
    kinds = _kinds(planes, cloud)
    free = np.ones(len(cloud), bool)
    for plane in planes:
        free[plane.rows] = False
    return [
        surface
        for k, plane in enumerate(planes)
        for surface in _surfaces(plane, kinds[k], planes, cloud, free, rays, tolerance, direction)
    ]


def _kinds(planes: Sequence[Plane], cloud: Cloud) -> list[str]:
    """Of KINDS, for each plane."""
    level = [k for k, plane in enumerate(planes) if abs(plane.normal[2]) > _LEVEL]
    heights = {k: float(cloud.points[planes[k].rows, 2].mean()) for k in level}
    most = max((len(planes[k].rows) for k in level), default=0)
    large = [k for k in level if len(planes[k].rows) > _FLOOR_SHARE * most]
    floor = min((heights[k] for k in large), default=-np.inf)
    found = []
    for k, plane in enumerate(planes):
        tall = float(np.ptp(cloud.points[plane.rows, 2]))
        area = len(plane.rows) * cloud.cell**2
        if k in heights and abs(heights[k] - floor) < 0.1:
            found.append("floor")
        elif k in heights and heights[k] > floor + _CEILING_OVER and area > 1.0:
            found.append("ceiling")
        elif abs(plane.normal[2]) < _UPRIGHT and (tall > _WALL_HEIGHT or area > _WALL_AREA):
            found.append("wall")
        else:
            found.append("panel")
    return found


def _rays(scan: Scan) -> tuple[Float[np.ndarray, "r 3"], Float[np.ndarray, "r 3"]]:
    """Where some rays of the scan begin and end; none where its sensor's places are not known."""
    if scan.seen_from is None:
        return np.zeros((0, 3)), np.zeros((0, 3))
    step = max(1, len(scan) // _RAYS)
    return scan.seen_from[::step], scan.points[::step]


def _surfaces(
    plane: Plane,
    kind: str,
    planes: Sequence[Plane],
    cloud: Cloud,
    free: Bool[np.ndarray, " n"],
    rays: tuple[Float[np.ndarray, "r 3"], Float[np.ndarray, "r 3"]],
    tolerance: float,
    direction: float,
) -> list[MappedSurface]:
    """The polygon of a plane, or nothing where its points are too thin for one.

    free: points of the cloud that bear no plane; those beside this one's own are of it as well, as where
    it meets another and normals lean.
    """
    axes = plane.axes()
    origin = plane.normal * plane.offset
    own = cloud.points[plane.rows] @ axes.T
    near = np.flatnonzero(free & (np.abs(plane.distances(cloud.points)) < tolerance))
    beside = cloud.points[near] @ axes.T
    within = ((beside > own.min(axis=0) - _REACH) & (beside < own.max(axis=0) + _REACH)).all(axis=1)
    begins, ends = (plane.distances(side) for side in rays)
    through = (begins * ends < 0) & (np.abs(ends) > _BEHIND)
    share = begins[through] / (begins[through] - ends[through])
    crossing = rays[0][through] + share[:, None] * (rays[1][through] - rays[0][through])
    # The cells of a surface are wider than those of the cloud: a sloping one hits not each of them.
    cell = 1.5 * cloud.cell
    # A few strays beside a plane are no part of it: only what touches its own cells.
    places = np.concatenate([own, _touching(beside[within], own, 2 * cell)])
    mask, corner, seen = covered(places, crossing @ axes.T, cell, _GAP, _LEAST_HOLE)
    loops = loops_of(mask, corner, cell, _LEAST_HOLE / 2)
    if not loops:
        return []
    axis = 0.0
    if abs(plane.normal[2]) > _LEVEL:
        way = axes @ np.array([np.cos(direction), np.sin(direction), 0.0])
        axis = float(np.arctan2(way[1], way[0]))
    lines = _lines(plane, planes, cloud, axes)
    drawn = [onto_lines(straightened(loop, axis), lines, _REACH) for loop in loops]
    drawn = [loop for loop in drawn if len(loop) > 2 and loop_area(loop) > _LEAST_HOLE / 2]
    area = sum(map(loop_area, drawn))
    if kind == "panel" and len(plane.rows) * cloud.cell**2 < _LEAST_BORNE * area:
        return []
    made = triangles(drawn) if drawn else None
    if made is None:
        drawn, made = loops, triangles(loops)
    if made is None:
        return []
    corners, faces = made
    return [
        MappedSurface(
            name=kind,
            kind=kind,
            vertices=origin + corners @ axes,
            faces=faces,
            loops=tuple(origin + loop @ axes for loop in drawn),
            points=len(plane.rows),
            point_sd=plane.point_sd,
            sd=plane.sd,
            seen=seen,
            snapped=plane.snapped,
        )
    ]


def _touching(
    places: Float[np.ndarray, "n 2"], own: Float[np.ndarray, "k 2"], reach: float
) -> Float[np.ndarray, "m 2"]:
    if not len(places):
        return places
    return places[np.isfinite(cKDTree(own).query(places, distance_upper_bound=reach)[0])]


def _lines(
    plane: Plane, planes: Sequence[Plane], cloud: Cloud, axes: Float[np.ndarray, "2 3"]
) -> list[tuple[Loop, float]]:
    """Where planes that reach as far as this one cross it, as lines along `axes`."""
    low, high = _bounds(plane, cloud)
    found = []
    for other in planes:
        across = axes @ other.normal
        steep = float(np.linalg.norm(across))
        if other is plane or steep < 0.5:
            continue
        begin, end = _bounds(other, cloud)
        if (begin > high + 2 * _REACH).any() or (end < low - 2 * _REACH).any():
            continue
        offset = other.offset - plane.offset * float(plane.normal @ other.normal)
        found.append((across / steep, offset / steep))
    return found


def _bounds(plane: Plane, cloud: Cloud) -> tuple[Float[np.ndarray, " 3"], Float[np.ndarray, " 3"]]:
    points = cloud.points[plane.rows]
    return points.min(axis=0), points.max(axis=0)


def _named(surfaces: Sequence[MappedSurface]) -> tuple[MappedSurface, ...]:
    """Floors, ceilings and so on, numbered from the largest on."""
    order = sorted(surfaces, key=lambda s: (KINDS.index(s.kind), -s.area))
    seen: Counter[str] = Counter()
    found = []
    for surface in order:
        seen[surface.kind] += 1
        found.append(replace(surface, name=f"{surface.kind}_{seen[surface.kind]}"))
    return tuple(found)
