"""Vehicles among the returns of a sweep that stand on the ground: clusters, rows taken apart, boxes.

What came after the background was learnt is sought first, then what stands among the background and does
not belong to the site: a parked car counts, whoever was there first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import label

from visrftwin_ros.perception.lidar.vehicle_shape import (
    LEAST_RETURNS,
    LONG,
    LONGEST,
    TALLEST,
    VehicleShape,
    vehicle_shape,
)
from visrftwin_ros.perception.measurements.sweep_view import SPEAKS, SweepView, sweep_view
from visrftwin_ros.perception.measurements.vehicle_measurements import (
    VehicleMeasurements,
    vehicle_rows,
)

CELL = 0.25
"""m: edge of a cell, seen from above; beams leave wider gaps on a windscreen than on a person."""
LOWEST = 0.25
"""m over the ground from which returns count: kerbs lie below."""
PERSON_RADIUS = 0.5
"""m around people who were found in which returns are theirs."""
GREATEST_GAP = 2.0
"""m between parts of one vehicle, of which somebody before it hides the rest."""
BONNET, BONNET_HEIGHT = 1.6, 1.25
"""m, the longest and the highest: what shows over something higher is not its cabin but stands behind."""
CAR_LENGTH, CAR_WIDTH, CAR_HEIGHT = 5.8, 2.6, 2.2
"""m: what is longer and no higher is a row of cars that touch; parts make no more than one car."""
CABIN_SHARE, SHORTEST_CABIN = 0.75, 0.8
"""Share of a row's height over which cabins are, and m of their length: bonnets and boots lie between."""
ROOF = 1.7
"""m over the ground between which and a car's height a wall or a post shows, a tree over a car does not."""
FEWEST = 5
"""Returns of a part of a vehicle."""
BIN = 0.2
"""m along a row."""
OTHER_THING, OTHER_SIZE = 0.75, 0.4
"""Share of its score that a vehicle keeps that nobody saw come, and whose size is no class's: hedges and
skips are as large as cars. Enough to place what a camera sees."""
THINNEST = 0.6
"""m across of what counts among the background, no higher than its end shows: walls show less depth, and
houses go on."""


@dataclass(frozen=True)
class StandingReturns:
    """N returns of one sweep from what stands on the ground, world frame.

    points: (N, 3) m. height: (N,) m over the ground. seconds: (N,) after the sweep's stamp. new: (N,)
    whether they come from what was not there when the background was learnt. of_site: (N,) whether the
    site says what they come from.
    """

    points: Float[np.ndarray, "n 3"]
    height: Float[np.ndarray, " n"]
    seconds: Float[np.ndarray, " n"]
    new: Bool[np.ndarray, " n"]
    of_site: Bool[np.ndarray, " n"]

    def where(self, mask: Bool[np.ndarray, " n"] | Int[np.ndarray, " k"]) -> StandingReturns:
        return StandingReturns(
            self.points[mask],
            self.height[mask],
            self.seconds[mask],
            self.new[mask],
            self.of_site[mask],
        )


def vehicles_in(
    standing: StandingReturns,
    people: Float[np.ndarray, "p 2"],
    origin: Float[np.ndarray, " 2"],
    reach: float,
    across: float,
    stamp_ns: int,
    sensor: str,
) -> VehicleMeasurements:
    """The vehicles in a sweep.

    people: (P, 2) m, who was found in it. origin: (2,) m of the sensor; reach: m over the ground.
    across: rad between neighbouring returns of one beam. stamp_ns, sensor: of the measurement, to which
    the returns' seconds are relative.
    """
    view = sweep_view(standing.points[:, :2].astype(np.float64), origin, reach)
    rest = standing.where((standing.height > LOWEST) & ~standing.of_site)
    near = np.zeros(len(rest.points), dtype=bool)
    for place in people:
        off = rest.points[:, :2] - place.astype(np.float32)
        near |= np.einsum("ij,ij->i", off, off) < PERSON_RADIUS**2
    rest = rest.where(~near)
    search = _Search(view, across)
    came = search.vehicles(rest.where(rest.new))
    stood = [] if rest.new.all() else search.vehicles(rest)
    rows: list[tuple[VehicleShape, float]] = []
    for shape, seconds in stood:
        if shape.size[:2].min() < THINNEST or shape.size[2] > TALLEST:
            continue
        share = OTHER_THING if shape.kind else OTHER_SIZE
        kept = replace(shape, score=share * shape.score)
        inside = [k for k, (other, _) in enumerate(came) if _meet(shape, other)]
        # What came and is seen whole here has moved a part of its length since it stood there.
        if inside and max(came[k][0].size[0] for k in inside) >= shape.size[0] - CELL:
            continue
        if inside:
            kept = replace(shape, score=max(came[k][0].score for k in inside))
            came = [pair for k, pair in enumerate(came) if k not in inside]
        rows.append((kept, seconds))
    found = [_row(shape, seconds) for shape, seconds in [*came, *rows]]
    return vehicle_rows(found, stamp_ns, sensor, view, SPEAKS)


def _row(shape: VehicleShape, seconds: float) -> dict[str, object]:
    return {**vars(shape), "after": seconds, "doubt": np.zeros((2, 2))}


def _meet(first: VehicleShape, second: VehicleShape) -> bool:
    """Whether one's middle, as far as it is seen, lies in the other."""
    c, s = np.cos(first.heading), np.sin(first.heading)
    offset = second.seen_middle - first.seen_middle
    along, across = c * offset[0] + s * offset[1], c * offset[1] - s * offset[0]
    half = first.size[:2] / 2 + CELL
    return bool(abs(along) < half[0] and abs(across) < half[1])


@dataclass(frozen=True)
class _Search:
    view: SweepView
    across: float

    def vehicles(self, returns: StandingReturns) -> list[tuple[VehicleShape, float]]:
        """Every vehicle among returns, and when [s] they came."""
        if len(returns.points) < LEAST_RETURNS:
            return []
        flat = returns.points[:, :2].astype(np.float64)
        cell, shape = _cells(flat)
        low = ~_tall(cell, shape, returns.height)[cell] & (returns.height < CAR_HEIGHT)
        found = self._tall_ones(returns, _clusters(cell, shape))
        lower = returns.where(low)
        parts = [piece for part in _clusters(cell[low], shape) for piece in _off_wall(lower, part)]
        for part in self._joined(lower, parts):
            seen = self._shapes(lower.where(part))
            found += [one for one in seen if not any(_meet(one[0], other) for other, _ in found)]
        return found

    def _tall_ones(
        self, returns: StandingReturns, parts: list[Int[np.ndarray, " _"]]
    ) -> list[tuple[VehicleShape, float]]:
        """Vehicles that are higher than cars."""
        clusters = [returns.where(part) for part in parts]
        high = [one for one in clusters if one.height.max() > CAR_HEIGHT]
        return [found for one in high for found in self._shapes(one)]

    def _shapes(self, returns: StandingReturns) -> list[tuple[VehicleShape, float]]:
        """The vehicle that a cluster is, or those of a row, and when [s] each was passed."""
        points, height = returns.points[:, :2].astype(np.float64), returns.height.astype(np.float64)
        shape = vehicle_shape(points, height, self.view, self._spacing(points))
        if shape is None:
            return []
        whole = [(shape, float(returns.seconds.mean()))]
        if shape.size[0] <= CAR_LENGTH or shape.size[2] > CAR_HEIGHT:
            return whole
        cars = []
        for piece in _cabins(points, height, shape.heading):
            spacing = self._spacing(points[piece])
            one = vehicle_shape(points[piece], height[piece], self.view, spacing, shape.heading)
            if one is not None:
                cars.append((one, float(returns.seconds[piece].mean())))
        return cars or whole

    def _spacing(self, points: Float[np.ndarray, "n 2"]) -> float:
        return self.across * float(np.hypot(*(points.mean(axis=0) - self.view.origin)))

    def _joined(
        self, returns: StandingReturns, parts: list[Int[np.ndarray, " _"]]
    ) -> list[Int[np.ndarray, " _"]]:
        """Clusters that go together and are no larger than one car, as one."""
        pieces = [_Piece.of(returns, part, self.view.origin) for part in parts]
        left = [k for k, piece in enumerate(pieces) if piece.may_go_on]
        joined = [part for part, piece in zip(parts, pieces, strict=True) if not piece.may_go_on]
        while left:
            first = left.pop(0)
            part, piece = parts[first], pieces[first]
            for other in list(left):
                both = np.concatenate([part, parts[other]])
                if self._go_together(piece, pieces[other]) and _of_one_car(returns, both):
                    part, piece = both, _Piece.of(returns, both, self.view.origin)
                    left.remove(other)
            joined.append(part)
        return joined

    def _go_together(self, first: _Piece, second: _Piece) -> bool:
        return self._hidden_between(first, second) or first.over(second) or second.over(first)

    def _hidden_between(self, first: _Piece, second: _Piece) -> bool:
        """Whether something nearer stands between two pieces."""
        left, right = sorted((first, second), key=lambda piece: piece.left)
        gap = right.left - left.right
        distance = min(first.near, second.near)
        if not 0 < gap * distance < GREATEST_GAP:
            return False
        between = left.right + gap * np.array([0.35, 0.5, 0.65])
        return all(self.view.hides(float(angle), distance) for angle in between)


@dataclass(frozen=True)
class _Piece:
    """A cluster as the sensor sees it: rad of its ends, m to its near and its far side over the ground,
    m of its top. may_go_on: it is no larger than a part of a car."""

    left: float
    right: float
    near: float
    far: float
    top: float
    may_go_on: bool

    @classmethod
    def of(
        cls,
        returns: StandingReturns,
        part: Int[np.ndarray, " k"],
        origin: Float[np.ndarray, " 2"],
    ) -> _Piece:
        away = returns.points[part, :2] - origin
        bearing, distance = np.arctan2(away[:, 1], away[:, 0]), np.hypot(away[:, 0], away[:, 1])
        small = np.hypot(*np.ptp(away, axis=0)) < LONG + CELL and np.ptp(bearing) < np.pi
        top = float(returns.height[part].max())
        ends = float(bearing.min()), float(bearing.max())
        sides = float(distance.min()), float(distance.max())
        return cls(*ends, *sides, top, bool(small and top < CAR_HEIGHT))

    def over(self, nearer: _Piece) -> bool:
        """Whether this is what shows over a nearer piece, a cabin over its bonnet, on which the beams fall
        too flat."""
        shared = min(self.right, nearer.right) - max(self.left, nearer.left)
        narrower = min(self.right - self.left, nearer.right - nearer.left)
        gap = self.near - nearer.far
        is_bonnet = nearer.top < min(BONNET_HEIGHT, self.top)
        return is_bonnet and shared > narrower / 2 and -CELL < gap < BONNET


def _of_one_car(returns: StandingReturns, part: Int[np.ndarray, " k"]) -> bool:
    points = returns.points[part, :2].astype(np.float64)
    most_first = np.linalg.eigh(np.cov(points.T))[1][:, ::-1]
    extent = np.ptp(points @ most_first, axis=0)
    return bool(extent[0] < CAR_LENGTH and extent[1] < CAR_WIDTH)


def _cells(points: Float[np.ndarray, "n 2"]) -> tuple[Int[np.ndarray, " n"], tuple[int, int]]:
    """The cell of each point seen from above, and the shape of their grid."""
    index = np.floor((points - points.min(axis=0)) / CELL).astype(np.int64)
    rows, columns = (int(size) for size in index.max(axis=0) + 1)
    return index[:, 0] * columns + index[:, 1], (rows, columns)


def _tall(
    cell: Int[np.ndarray, " n"], shape: tuple[int, int], height: Float[np.ndarray, " n"]
) -> Bool[np.ndarray, " c"]:
    """Cells of what goes on above a car's height: a wall, a post, a lorry; not a tree over a car."""
    between, above = (np.zeros(shape[0] * shape[1], dtype=bool) for _ in range(2))
    between[cell[(height > ROOF) & (height < CAR_HEIGHT)]] = True
    above[cell[height >= CAR_HEIGHT]] = True
    return between & above


def _clusters(cell: Int[np.ndarray, " n"], shape: tuple[int, int]) -> list[Int[np.ndarray, " _"]]:
    """Rows of the points of each cluster: cells next to each other hold one."""
    occupied = np.zeros(shape[0] * shape[1], dtype=bool)
    occupied[cell] = True
    labels, count = label(occupied.reshape(shape), structure=np.ones((3, 3)))
    of_point = labels.reshape(-1)[cell] - 1
    number = np.bincount(of_point, minlength=count)
    order = np.argsort(of_point, kind="stable")
    ends = np.cumsum(number)
    return [order[end - n : end] for end, n in zip(ends, number, strict=True) if n >= FEWEST]


def _off_wall(returns: StandingReturns, part: Int[np.ndarray, " k"]) -> list[Int[np.ndarray, " _"]]:
    """A cluster, or, of one that is longer than any vehicle, what is beside the wall in it: a LiDAR that
    looks no higher than a car sees no wall go on above it, but what is as high as a roof go on and on."""
    flat = returns.points[part, :2].astype(np.float64)
    if np.ptp(flat, axis=0).max() < LONGEST:
        return [part]
    cell, shape = _cells(flat)
    roofs = np.flatnonzero(returns.height[part] > ROOF)
    wall = np.zeros(shape[0] * shape[1], dtype=bool)
    for high in _clusters(cell[roofs], shape):
        if np.ptp(flat[roofs[high]], axis=0).max() > CAR_LENGTH:
            wall[cell[roofs[high]]] = True
    beside = np.flatnonzero(~wall[cell])
    return [part[beside[piece]] for piece in _clusters(cell[beside], shape)]


def _cabins(
    points: Float[np.ndarray, "n 2"], height: Float[np.ndarray, " n"], heading: float
) -> list[Int[np.ndarray, " _"]]:
    """Returns of each car of a row along `heading`: cut between cabins, where the row is lowest."""
    along = points @ np.array([np.cos(heading), np.sin(heading)])
    step = ((along - along.min()) / BIN).astype(np.int64)
    tops = np.zeros(int(step.max()) + 1)
    np.maximum.at(tops, step, height)
    high = tops > CABIN_SHARE * tops.max()
    runs, count = label(high)
    spans = [np.flatnonzero(runs == k + 1) for k in range(count)]
    spans = [span for span in spans if len(span) * BIN >= SHORTEST_CABIN]
    cuts = []
    for before, after in pairwise(spans):
        if after[0] - before[-1] < LONG / 2 / BIN:
            continue  # one cabin with a gap in its roof
        valley = np.arange(before[-1] + 1, after[0])
        low = valley[tops[valley] <= tops[valley].min() + 0.1]
        cuts.append(float(low.mean()))
    which = np.searchsorted(np.array(cuts), step)
    return [np.flatnonzero(which == k) for k in range(len(cuts) + 1)] if cuts else []
