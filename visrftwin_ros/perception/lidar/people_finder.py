"""People in a LiDAR's sweeps: ground off, background off, clusters, bodies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated

import numpy as np
from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, Field
from scipy.spatial.transform import Rotation

from visrftwin_ros.messages.point_cloud import LONGEST_SWEEP, PointCloud
from visrftwin_ros.perception.lidar.background import LidarBackground
from visrftwin_ros.perception.lidar.body_shape import TALLEST, BodyShape, body_shape
from visrftwin_ros.perception.lidar.clusters import (
    UPPER,
    cluster_extent,
    cluster_labels,
    split_groups,
)
from visrftwin_ros.perception.lidar.ground import ground_map
from visrftwin_ros.perception.lidar.static_scene import StaticScene
from visrftwin_ros.perception.lidar.vehicle_finder import StandingReturns, vehicles_in
from visrftwin_ros.perception.measurements.ground_measurements import GroundMeasurements
from visrftwin_ros.perception.measurements.vehicle_measurements import VehicleMeasurements

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

FEET = 0.2
"""m over the ground under which returns may be the ground's."""
OVERHEAD = 3.2
"""m up to which returns tell a pole or a wall from a person."""
LARGEST_GROUP, APART_GROUP = 25.0, 1.3
"""m: longer clusters are buildings. Where the background is not known, neither are those people
whose upper parts are longer than the second: a sweep alone tells only what stands apart."""
UNSURE = 0.4
"""Share of its score that a cluster keeps while the background is being learnt: too little to be
somebody new, enough to place somebody whom a camera sees."""
WHOLE_SHARE = 0.75
"""Share of a group's upper returns that its people must explain: a hedge has parts like people, but
not only such."""
SURELY = 0.5
"""Score from which the returns of somebody are no vehicle's."""
FORGET_EVERY = 1.0
"""s between looks for background that has gone."""


class LidarPeopleConfig(BaseModel):
    """How people are looked for in a LiDAR's sweeps."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_range: Positive = 0.5
    max_range: Annotated[float, Field(gt=1, le=100)] = 40.0
    """m from the sensor, over the ground."""
    least_score: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Clusters under it are not reported; over it, whoever uses them weighs their score."""
    learning_time: Annotated[float, Field(ge=0, le=600)] = 3.0
    """s of sweeps from which the background is learnt; 0 learns none."""
    vehicles: bool = False
    """Whether vehicles are looked for as well."""


@dataclass(frozen=True)
class FoundPeople:
    """What one sweep shows: people, and the clusters that they are.

    people: on the ground, world frame. center: (N, 3) m, middle of each body and covariance:
    (N, 3, 3) m^2 of it. size: (N, 3) m, extent of the cluster's returns. n_points: (N,).
    learning: the background is not known yet. returns: in the sweep, after those without range.
    vehicles: where they are looked for.
    """

    people: GroundMeasurements
    center: Float[np.ndarray, "n 3"]
    size: Float[np.ndarray, "n 3"]
    covariance: Float[np.ndarray, "n 3 3"]
    n_points: Int[np.ndarray, " n"]
    learning: bool
    returns: int
    vehicles: VehicleMeasurements | None = None


@dataclass
class LidarPeopleFinder:
    """Finds people in the sweeps of one LiDAR.

    sensor: its name. scene: of the site, background from the start.
    """

    sensor: str
    config: LidarPeopleConfig = field(default_factory=LidarPeopleConfig)
    scene: StaticScene = field(default_factory=StaticScene)
    _background: LidarBackground | None = None
    _center: Float[np.ndarray, " 2"] | None = None
    _forgot_ns: int = 0

    def reset(self) -> None:
        """Forget the background, for instance after the clock jumped."""
        self._background = None

    def find(
        self, cloud: PointCloud, position: Float[np.ndarray, " 3"], rotation: Rotation
    ) -> FoundPeople:
        """The people in a sweep of a sensor that stands at `position` [m], turned by `rotation`,
        in the world. Returns without range, or out of it, are left out; an empty sweep shows nobody.
        """
        cloud = cloud.finite()
        points = _in_world(cloud.points, position, rotation)
        in_range = self._in_range(points, position)
        points, seconds = points[in_range], _sweep_seconds(cloud)[in_range]
        seen = points
        ground = ground_map(points, position[:2], self.config.max_range)
        height = points[:, 2] - ground.under(points).astype(np.float32)
        standing = (height > FEET) & (height < OVERHEAD)
        points, height, seconds = points[standing], height[standing], seconds[standing]
        background = self._background_at(position)
        kept = np.ones(len(points), dtype=bool)
        if background is not None:
            background.learn(points, cloud.stamp_ns)
            if not 0 <= cloud.stamp_ns - self._forgot_ns < FORGET_EVERY * 1e9:
                self._forgot_ns = cloud.stamp_ns
                background.forget_seen_through(seen, position)
            kept = background.foreground(points)
        view = _view_of(cloud, seen, position)
        new = points[kept], height[kept], seconds[kept]
        bodies, clusters, times = self._bodies(*new, position, view)
        found = self._found(bodies, clusters, times, cloud, position)
        if not self.config.vehicles:
            return found
        of_site = background.of_site(points) if background else np.zeros(len(points), dtype=bool)
        seconds = seconds - (found.people.stamp_ns - cloud.stamp_ns) * 1e-9
        new_there = kept & self._background_known
        returns = StandingReturns(points, height, seconds, new_there, of_site)
        return replace(found, vehicles=self._vehicles(returns, found, view, position))

    def _vehicles(
        self,
        returns: StandingReturns,
        found: FoundPeople,
        view: _View,
        position: Float[np.ndarray, " 3"],
    ) -> VehicleMeasurements:
        people = found.people
        return vehicles_in(
            returns,
            people.position[people.score >= SURELY],
            np.asarray(position[:2], dtype=np.float64),
            self.config.max_range,
            view.across,
            people.stamp_ns,
            self.sensor,
        )

    def _in_range(
        self, points: Float[np.ndarray, "n 3"], position: Float[np.ndarray, " 3"]
    ) -> np.ndarray:
        x = points[:, 0] - np.float32(position[0])
        y = points[:, 1] - np.float32(position[1])
        with np.errstate(over="ignore"):  # infinitely far is out of range as well
            square = x * x + y * y
        near, far = self.config.min_range**2, self.config.max_range**2
        return np.asarray((square > near) & (square < far))

    def _background_at(self, position: Float[np.ndarray, " 3"]) -> LidarBackground | None:
        """The background around the sensor; a sensor that moves away from it starts another."""
        if self.config.learning_time <= 0:
            return None
        moved = self._center is None or np.hypot(*(position[:2] - self._center)) > 0.5
        if self._background is None or moved:
            self._center = position[:2].copy()
            self._background = LidarBackground(
                np.array([*position[:2], 0.0]),
                self.config.max_range,
                self.config.learning_time,
                self.scene,
            )
        return self._background

    @property
    def _background_known(self) -> bool:
        return self._background is not None and not self._background.learning

    def _bodies(
        self,
        points: Float[np.ndarray, "n 3"],
        height: Float[np.ndarray, " n"],
        seconds: Float[np.ndarray, " n"],
        position: Float[np.ndarray, " 3"],
        view: _View,
    ) -> tuple[list[BodyShape], list[Float[np.ndarray, "_ 3"]], list[float]]:
        """Every person-like cluster: its body, its returns and when [s] they came."""
        low = height < TALLEST + 0.1
        overhead = points[~low]
        points, height, seconds = points[low], height[low], seconds[low]
        if not len(points):
            return [], [], []
        flat = points[:, :2].astype(np.float64)
        origin = np.asarray(position[:2], dtype=np.float64)
        distance = np.hypot(*(flat - origin).T)
        labels = cluster_labels(flat, view.across * distance)
        count = int(labels.max()) + 1
        building = cluster_extent(flat, labels, count).max(axis=1) > LARGEST_GROUP
        if not self._background_known:
            high = height > UPPER
            wide = cluster_extent(flat[high], labels[high], count).max(axis=1)
            building |= wide > APART_GROUP
        kept = ~building[labels]
        flat, height, labels = flat[kept], height[kept].astype(np.float64), labels[kept]
        points, distance, seconds = points[kept], distance[kept], seconds[kept]
        floor = points[:, 2] - height
        group = labels
        upper = np.bincount(group[height > UPPER], minlength=count)
        labels, touching = split_groups(flat, height, labels)
        above = _above(flat, overhead)

        order = np.argsort(labels, kind="stable")
        order = order[labels[order] >= 0]
        sorted_labels = labels[order]
        starts = np.flatnonzero(np.diff(sorted_labels, prepend=-1))
        ends = np.append(starts[1:], len(order))[: len(starts)]  # nobody has returns: none
        tops = np.maximum.reduceat(height[order], starts) if len(starts) else np.zeros(0)
        bodies, clusters, groups, times = [], [], [], []
        for start, end, top in zip(starts, ends, tops, strict=True):
            if end - start < 8 or top < 0.5:
                continue
            part = order[start:end]
            away = float(distance[part].mean())
            shape = body_shape(
                flat[part],
                height[part],
                origin,
                view.across * away,
                float(touching[sorted_labels[start]]),
                float(above[part].mean()),
                lowest_seen=float(position[2]) + view.lowest * away - float(floor[part[0]]),
                beam_spacing=view.upward * away,
            )
            if shape is not None and shape.score >= self.config.least_score:
                bodies.append(shape)
                clusters.append(points[part])
                times.append(float(seconds[part].mean()))
                groups.append((group[part[0]], np.count_nonzero(height[part] > UPPER)))
        named = np.array([name for name, _ in groups], dtype=np.int64)
        explained = np.bincount(named, [n for _, n in groups], minlength=len(upper))
        whole = explained >= WHOLE_SHARE * upper
        picked = [k for k, name in enumerate(named) if whole[name]]
        return (
            [bodies[k] for k in picked],
            [clusters[k] for k in picked],
            [times[k] for k in picked],
        )

    def _found(
        self,
        bodies: list[BodyShape],
        clusters: list[Float[np.ndarray, "_ 3"]],
        times: list[float],
        cloud: PointCloud,
        position: Float[np.ndarray, " 3"],
    ) -> FoundPeople:
        middle = float(np.median(_sweep_seconds(cloud))) if len(cloud) else 0.0
        people = GroundMeasurements(
            stamp_ns=cloud.stamp_ns + round(1e9 * middle),
            after=np.array(times, dtype=np.float64) - middle,
            sensor=self.sensor,
            position=np.array([body.axis for body in bodies]).reshape(-1, 2),
            covariance=np.array([body.covariance for body in bodies]).reshape(-1, 2, 2),
            height=np.array([body.height for body in bodies]),
            height_sigma=np.array([body.height_sigma for body in bodies]),
            score=np.array([body.score for body in bodies]),
            extent=np.array([sorted((b.side, b.depth))[::-1] for b in bodies]).reshape(-1, 2),
            origin=np.asarray(position[:2], dtype=np.float64),
            reach=self.config.max_range,
        )
        learning = self._background is not None and self._background.learning
        if learning:
            people = replace(people, score=UNSURE * people.score)
        waist = np.array([cluster[:, 2].max() for cluster in clusters]) - people.height / 2
        covariance = np.zeros((len(bodies), 3, 3))
        covariance[:, :2, :2] = people.covariance
        covariance[:, 2, 2] = (people.height_sigma / 2) ** 2
        return FoundPeople(
            people=people,
            center=np.column_stack([people.position, waist]),
            size=np.array([np.ptp(c, axis=0) for c in clusters], np.float64).reshape(-1, 3),
            covariance=covariance,
            n_points=np.array([len(c) for c in clusters], dtype=np.int64),
            learning=learning,
            returns=len(cloud),
        )


def _in_world(
    points: Float[np.ndarray, "n 3"], position: Float[np.ndarray, " 3"], rotation: Rotation
) -> Float[np.ndarray, "n 3"]:
    # Not by a matrix product: BLAS wakes threads for it and spends more time waiting for them.
    matrix = rotation.as_matrix().astype(np.float32)
    x, y, z = np.ascontiguousarray(points.T, dtype=np.float32)
    rows = [
        r[0] * x + r[1] * y + r[2] * z + np.float32(t)
        for r, t in zip(matrix, position, strict=True)
    ]
    return np.stack(rows, axis=1)


def _sweep_seconds(cloud: PointCloud) -> Float[np.ndarray, " n"]:
    """Times of the returns after the header's stamp [s]; zeros where the sensor does not tell."""
    if cloud.seconds is None or not len(cloud):
        return np.zeros(len(cloud))
    seconds = np.nan_to_num(cloud.seconds)
    within = np.abs(np.median(seconds)) < LONGEST_SWEEP
    return seconds if within else np.zeros(len(cloud))


@dataclass(frozen=True)
class _View:
    """What a sweep can show. across, upward: rad between neighbouring returns of one beam, and
    between beams (0 = not known). lowest: rise over run of the lowest view."""

    across: float
    upward: float
    lowest: float


def _view_of(
    cloud: PointCloud, points: Float[np.ndarray, "n 3"], position: Float[np.ndarray, " 3"]
) -> _View:
    """From the returns in range, world frame: how dense the sensor's rays are."""
    if not len(points):
        return _View(0.02, 0.0, -np.inf)
    run = np.hypot(points[:, 0] - np.float32(position[0]), points[:, 1] - np.float32(position[1]))
    slope = (points[:, 2] - np.float32(position[2])) / run
    low, high = np.partition(slope, (0, -1))[[0, -1]]
    beams, upward = 64, 0.0
    if cloud.ring is not None:
        beams = int(np.ptp(cloud.ring)) + 1
        upward = float(np.arctan(high) - np.arctan(low)) / max(beams - 1, 1)
    across = np.clip(2 * np.pi * beams / len(cloud), 0.001, 0.02)
    return _View(float(across), upward, float(low))


def _above(
    points: Float[np.ndarray, "n 2"], overhead: Float[np.ndarray, "m 3"]
) -> Float[np.ndarray, " n"]:
    """1 for points that have a return over the tallest person above them, else 0."""
    if not len(overhead) or not len(points):
        return np.zeros(len(points))
    cell = 0.2
    low = points.min(axis=0)
    size = np.floor((points.max(axis=0) - low) / cell).astype(np.int64) + 1
    index = np.floor((overhead[:, :2] - low) / cell).astype(np.int64)
    inside = ((index >= 0) & (index < size)).all(axis=1)
    covered = np.zeros(size, dtype=bool)
    covered[tuple(index[inside].T)] = True
    mine = np.floor((points - low) / cell).astype(np.int64)
    return covered[tuple(mine.T)].astype(np.float64)
