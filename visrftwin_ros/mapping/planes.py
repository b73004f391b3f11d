"""Large planes of a cloud, one after the other, each with the points that bear it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import label
from scipy.spatial import cKDTree

from visrftwin_ros.mapping.thinning import Cloud

_TRIES = 120
_SCORED = 20_000
"""Planes that are tried for the next one, and points on which they are scored."""
_AROUND = 7.0
"""Cells about a point whose neighbours give the plane that is tried there."""
_TURN = np.cos(np.deg2rad(25.0))
"""Between a point's normal and its plane's, at most."""
_GAP = 0.3
"""m between two parts of a plane that are two surfaces."""
_SKIN = 2.5
"""Tolerances about a plane within which its strays lie: weak returns spread more than the others."""
_FAILURES = 4
_MOST_PLANES = 400
_PATCH = 0.5
"""m of the patches over which a surface's departure from its plane is averaged."""


@dataclass(frozen=True)
class Plane:
    """normal . x = offset; the normal is a unit vector, towards where it was seen from where that is known.

    rows: of the cloud's points that bear it. point_sd: m, root mean square of their distances. sd: m, of the
    means of those over patches of half a metre: bent walls and drifting poses move neighbours together,
    so this is how far the surface may lie from its plane at a place. snapped: turned to the vertical, the
    horizontal or the walls' common directions.
    """

    normal: Float[np.ndarray, " 3"]
    offset: float
    rows: Int[np.ndarray, " k"]
    point_sd: float
    sd: float
    snapped: bool = False

    def distances(self, points: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
        """m along the normal."""
        return np.asarray(points @ self.normal - self.offset)

    def axes(self) -> Float[np.ndarray, "2 3"]:
        """Two unit vectors along the plane, u and v, with u x v = normal; v is up where that lies in it."""
        if abs(self.normal[2]) > 0.9:
            u = np.cross([0.0, 1.0, 0.0], self.normal)
        else:
            u = np.cross([0.0, 0.0, 1.0], self.normal)
        u /= np.linalg.norm(u)
        return np.stack([u, np.cross(self.normal, u)])


def fitted(cloud: Cloud, rows: Int[np.ndarray, " k"], towards: Float[np.ndarray, " 3"]) -> Plane:
    """The plane of least squares through these points, its normal on the side of `towards`."""
    points = cloud.points[rows]
    middle = points.mean(axis=0)
    normal = np.linalg.eigh(np.cov((points - middle).T))[1][:, 0]
    normal *= 1.0 if normal @ towards >= 0 else -1.0
    return with_spread(Plane(normal, float(normal @ middle), rows, 0.0, 0.0), cloud)


def with_spread(plane: Plane, cloud: Cloud) -> Plane:
    """The plane with the spread of its points about it."""
    points = cloud.points[plane.rows]
    away = plane.distances(points)
    place = np.floor(points @ plane.axes().T / _PATCH).astype(np.int64)
    _, patch = np.unique(place, axis=0, return_inverse=True)
    counts = np.bincount(patch.reshape(-1))
    means = np.bincount(patch.reshape(-1), away) / counts
    sd = np.sqrt(np.average(means**2, weights=counts))
    return replace(plane, point_sd=float(np.sqrt((away**2).mean())), sd=float(sd))


def find_planes(cloud: Cloud, tolerance: float, least_area: float, seed: int) -> list[Plane]:
    """The planes of a cloud, by area.

    One point and its normal make a plane (Schnabel, Wahl and Klein, Computer Graphics Forum 26, 2007, with
    the normals' test of theirs); the one that most points agree with, within `tolerance` [m], is fitted,
    falls into its connected parts, and those of at least `least_area` [m^2] are taken out of the cloud.
    """
    rng = np.random.default_rng(seed)
    left = np.arange(len(cloud))
    least = max(12, round(least_area / cloud.cell**2 / 2))
    tree = cKDTree(cloud.points)
    tried = np.zeros(len(cloud), bool)
    planes: list[Plane] = []
    failures = 0
    while failures < _FAILURES and len(planes) < _MOST_PLANES:
        seeds = left[~tried[left]]
        if len(seeds) < least:
            break
        trial = _best_trial(cloud, tree, left, rng.permutation(seeds)[:_TRIES], tolerance, rng)
        parts = [] if trial is None else _parts(cloud, left, trial, tolerance, least)
        if not parts:
            failures += 1
            if trial is not None:
                tried[trial.rows] = True
            continue
        failures = 0
        planes += parts
        for part in parts:
            left = np.setdiff1d(left, part.rows, assume_unique=True)
            left = left[~_skin(cloud, left, part, tolerance)]
    return sorted(planes, key=lambda plane: -len(plane.rows))


def _agree(
    cloud: Cloud, rows: Int[np.ndarray, " k"], plane: Plane, tolerance: float
) -> Bool[np.ndarray, " k"]:
    turn = cloud.normals[rows] @ plane.normal
    turn = turn if cloud.oriented else np.abs(turn)
    return np.asarray((np.abs(plane.distances(cloud.points[rows])) < tolerance) & (turn > _TURN))


def _best_trial(
    cloud: Cloud,
    tree: cKDTree,
    left: Int[np.ndarray, " k"],
    seeds: Int[np.ndarray, " s"],
    tolerance: float,
    rng: np.random.Generator,
) -> Plane | None:
    """The plane about one of the seeds that most of a sample agrees with."""
    sample = rng.permutation(left)[:_SCORED]
    best, most = None, 0
    for seed in seeds:
        around = np.array(tree.query_ball_point(cloud.points[seed], _AROUND * cloud.cell))
        turn = cloud.normals[around] @ cloud.normals[seed]
        around = around[(turn if cloud.oriented else np.abs(turn)) > _TURN]
        if len(around) < 6:
            continue
        trial = fitted(cloud, around, cloud.normals[seed])
        agreed = int(_agree(cloud, sample, trial, tolerance).sum())
        if agreed > most:
            best, most = trial, agreed
    return best


def _parts(
    cloud: Cloud, left: Int[np.ndarray, " k"], trial: Plane, tolerance: float, least: int
) -> list[Plane]:
    """The connected parts of what agrees with a plane, each fitted to its own points."""
    plane = trial
    for _ in range(3):
        rows = left[_agree(cloud, left, plane, tolerance)]
        if len(rows) < least:
            return []
        plane = fitted(cloud, rows, plane.normal)
    rows = left[_agree(cloud, left, plane, tolerance)]
    if len(rows) < least:
        return []
    part = _connected(cloud.points[rows] @ plane.axes().T)
    large = np.flatnonzero(np.bincount(part) >= least)
    return [fitted(cloud, rows[part == number], plane.normal) for number in large]


def _skin(
    cloud: Cloud, rows: Int[np.ndarray, " k"], plane: Plane, tolerance: float
) -> Bool[np.ndarray, " k"]:
    """Which points are strays of the plane's own surface: a little before or behind a place where it was
    seen. What hangs on a wall hides it, and is none."""
    points = cloud.points[rows]
    near = np.abs(plane.distances(points)) < _SKIN * tolerance
    own = cKDTree(cloud.points[plane.rows] @ plane.axes().T)
    beside = own.query(points[near] @ plane.axes().T, distance_upper_bound=1.5 * cloud.cell)[0]
    near[near] = np.isfinite(beside)
    return np.asarray(near)


def _connected(places: Float[np.ndarray, "k 2"]) -> Int[np.ndarray, " k"]:
    """Number of the part of each place, parts being _GAP apart."""
    cell = np.floor((places - places.min(axis=0)) / (_GAP / 2)).astype(np.int64)
    grid = np.zeros(cell.max(axis=0) + 1, bool)
    grid[cell[:, 0], cell[:, 1]] = True
    numbered, _ = label(grid, np.ones((3, 3)))
    return np.asarray(numbered[cell[:, 0], cell[:, 1]], np.int64)
