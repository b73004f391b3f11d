"""Whether a cluster of LiDAR returns is a vehicle, and the upright box that its visible sides fit.

The heading is that of the rectangle whose edges lie closest to the returns (the closeness criterion of
Zhang, Xu, Dong & Dolan, "Efficient L-shape fitting for vehicle detection using laser scanners",
IEEE Intelligent Vehicles Symposium 2017, algorithm 3): returns come from the sides that the sensor sees,
so a rectangle of least area would follow what sticks out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import expit, log_ndtr

from visrftwin_ros.bodies.vehicle_sizes import VEHICLE_SIZES, VehicleSize, vehicle_size
from visrftwin_ros.perception.measurements.sweep_view import SweepView

CLOSEST = 0.05
"""m, d0 of the criterion: nearer than this to an edge counts no more."""
STEP = np.deg2rad(1.0)
FITTED_EDGE = 0.03
"""Share of the returns that may lie beyond an edge that the others are compared with: mirrors."""
MOST_FITTED = 300
"""Returns that the heading is sought with."""
EDGE_SHARE, TOP_SHARE = 0.01, 0.02
"""Share of what is seen at either end, by area, and of the returns over it, that may lie beyond the box:
mirrors, aerials, a pole that it passes."""
LEAST_RETURNS = 20
SHORTEST, LONGEST = 1.6, 19.0
NARROWEST, WIDEST = 0.35, 3.2
LOWEST, SKIRT = 0.9, 0.8
"""m: length and width that a vehicle may show, and the height that its top has at least and its lowest
return at most."""
TALLEST = 3.0
"""m over the ground up to which returns show where something ends."""
LONG = 2.6
"""m: a side longer than this is no vehicle's front or rear."""
WIDEST_STEP = 0.25
"""m between neighbouring beams on a side, from which it does not show where it ends: no more than a cell of
the finder, or a side falls apart."""
BUMPERS = 0.3, 0.9
"""m over the ground where a vehicle's outline is: above it glass and bonnets lie back."""
ON_EDGE = 0.25
"""m from the near edges within which a vehicle's returns there lie."""
HEADING_SIGMA = np.deg2rad(1.5)
EDGE_SIGMA = 0.04
"""rad and m: of a fit to sides that are no planes."""
HIDDEN, HIDDEN_HEADING = 0.8, 0.3
"""What is taken off the score's log-odds, and put on the heading's deviation (rad), where something nearer
hides an end of a side: what is left of it is no rectangle."""
TOLD = 0.8
"""Probability from which a size tells the class."""
BY_SIZE = ("car", "truck", "bus")
"""Classes that a LiDAR tells; who rides is too like who walks."""


@dataclass(frozen=True)
class VehicleShape:
    """One cluster as an upright box: columns as of `VehicleMeasurements`."""

    kind: str
    score: float
    anchor: Float[np.ndarray, " 2"]
    side: Int[np.ndarray, " 2"]
    covariance: Float[np.ndarray, "2 2"]
    heading: float
    heading_sigma: float
    size: Float[np.ndarray, " 3"]
    whole: Bool[np.ndarray, " 2"]
    n_points: int

    @property
    def seen_middle(self) -> Float[np.ndarray, " 2"]:
        """(2,) m of what was seen of it."""
        return np.asarray(self.anchor - (self.side * self.size[:2] / 2) @ _axes(self.heading))


def vehicle_shape(
    points: Float[np.ndarray, "n 2"],
    height: Float[np.ndarray, " n"],
    view: SweepView,
    spacing: float,
    heading: float | None = None,
) -> VehicleShape | None:
    """The vehicle that a cluster may be; None where it cannot be one.

    points: (N, 2) m and height: (N,) m over the ground. spacing: m between neighbouring returns of one
    beam there. heading: rad, where it is known.
    """
    if len(points) < LEAST_RETURNS:
        return None
    top = float(np.sort(height)[-1 - round(TOP_SHARE * (len(height) - 1))])
    bottom = float(height.min())
    if top < LOWEST or bottom > SKIRT:
        return None
    away = points - view.origin
    area = (away**2).sum(axis=1)  # across the beams, that a return stands for
    turn = _half_turn(closest_heading(outline(points, view)) if heading is None else heading)
    low, high = _bounds(points, area, turn)
    if heading is None and high[1] - low[1] > high[0] - low[0]:
        turn = _half_turn(turn + np.pi / 2)
        low, high = _bounds(points, area, turn)
    box = _SeenBox.of(turn, low, high, view, spacing)
    # One face only is a front or a rear, unless it is longer than those are.
    if heading is None and box.extent[0] < LONG and box.faces == (True, False):
        turn = _half_turn(turn + np.pi / 2)
        box = _SeenBox.of(turn, *_bounds(points, area, turn), view, spacing)
    length, width = box.extent
    if not (SHORTEST <= max(length, width) <= LONGEST and width <= WIDEST):
        return None
    if min(length, width) < NARROWEST and max(length, width) < LONG:
        return None
    whole = box.whole()
    seen = np.array([length, width, top])
    # Beams pass over what they see the top of; higher things may go on where nothing is looked at.
    kind, likelihood = class_by_size(seen, np.array([*whole, top < TALLEST]))
    score = 1.0 + np.clip(likelihood, -3.0, 0.0)
    score += 4.0 * (box.edge_share(points, height) - 0.7)
    score += min(np.log(len(points) / 100.0), 1.0) * 0.5
    hidden = box.hidden()
    score -= HIDDEN * hidden
    side, anchor = box.anchor(whole)
    sigma = np.full(2, np.hypot(EDGE_SIGMA, spacing / np.sqrt(12)))
    # A middle between ends of which one is not seen may be anywhere between them.
    slack = np.maximum(vehicle_size(kind).usual[:2] - box.extent, 0.0)
    sigma = np.where(~whole & (side == 0), np.hypot(sigma, slack / np.sqrt(12)), sigma)
    axes = _axes(turn)
    return VehicleShape(
        kind=kind,
        score=float(expit(score)),
        anchor=axes.T @ anchor,
        side=side,
        covariance=axes.T @ np.diag(sigma**2) @ axes,
        heading=turn,
        heading_sigma=float(
            np.hypot(HEADING_SIGMA, sigma.max() / max(length, width)) + HIDDEN_HEADING * hidden
        ),
        size=seen,
        whole=whole,
        n_points=len(points),
    )


def outline(points: Float[np.ndarray, "n 2"], view: SweepView) -> Float[np.ndarray, "k 2"]:
    """The nearest returns of each direction: what is behind is roof, bonnet or inside."""
    away = points - view.origin
    distance = np.hypot(away[:, 0], away[:, 1])
    sector = view.sectors(np.arctan2(away[:, 1], away[:, 0]))
    nearest = np.full(len(view.nearest), np.inf)
    np.minimum.at(nearest, sector, distance)
    return points[distance < nearest[sector] + ON_EDGE]


def closest_heading(points: Float[np.ndarray, "n 2"]) -> float:
    """Radians, 0 to pi/2, of the rectangle whose nearer edges lie closest to the points."""
    picked = points[:: max(len(points) // MOST_FITTED, 1)] - points.mean(axis=0)
    angles = np.arange(0.0, np.pi / 2, STEP)
    best = angles[int(np.argmax(_closeness(picked, angles)))]
    fine = best + np.linspace(-STEP, STEP, 9)
    return float(fine[int(np.argmax(_closeness(picked, fine)))])


def _closeness(
    points: Float[np.ndarray, "n 2"], angles: Float[np.ndarray, " a"]
) -> Float[np.ndarray, " a"]:
    """Algorithm 3: the sum of 1 / max(d, d0), d the distance of each point to the nearer edge."""
    c, s = np.cos(angles)[:, None], np.sin(angles)[:, None]
    x, y = points.T
    gaps = []
    for across in (c * x + s * y, c * y - s * x):
        low, high = np.quantile(across, [FITTED_EDGE, 1 - FITTED_EDGE], axis=1)[..., None]
        far, near = np.abs(high - across), np.abs(across - low)
        closer = np.linalg.norm(far, axis=1) < np.linalg.norm(near, axis=1)
        gaps.append(np.where(closer[:, None], far, near))
    return np.asarray((1 / np.maximum(np.minimum(*gaps), CLOSEST)).sum(axis=1))


def class_by_size(
    seen: Float[np.ndarray, " 3"], whole: Bool[np.ndarray, " 3"]
) -> tuple[str, float]:
    """The class whose size fits what was seen [m], '' where several do or none; and how well the best one
    does: log of its likelihood over that of its usual size, at most 0.

    What is not `whole` is at least as large.
    """
    fit = np.array([_size_fit(seen, whole, VEHICLE_SIZES[kind]) for kind in BY_SIZE])
    share = np.exp(fit - fit.max())
    best = int(np.argmax(fit))
    told = share[best] / share.sum() >= TOLD and fit[best] > -4.5  # three deviations
    return (BY_SIZE[best] if told else ""), float(min(fit[best], 0.0))


def _size_fit(
    seen: Float[np.ndarray, " 3"], whole: Bool[np.ndarray, " 3"], size: VehicleSize
) -> float:
    offset = (seen - size.usual) / size.sigma
    return float(np.where(whole, -0.5 * offset**2, log_ndtr(-offset)).sum())


@dataclass(frozen=True)
class _SeenBox:
    """The bounds of a cluster along a heading and across it, m from the world's origin.

    near: (2,) which end the sensor looks at, -1 the low, 1 the high, 0 neither: it stands beside.
    spacing: m between neighbouring returns of one beam, across it.
    """

    turn: float
    low: Float[np.ndarray, " 2"]
    high: Float[np.ndarray, " 2"]
    near: Int[np.ndarray, " 2"]
    view: SweepView
    spacing: float

    @classmethod
    def of(
        cls,
        turn: float,
        low: Float[np.ndarray, " 2"],
        high: Float[np.ndarray, " 2"],
        view: SweepView,
        spacing: float,
    ) -> _SeenBox:
        sensor = _axes(turn) @ view.origin
        near = np.where(sensor < low, -1, np.where(sensor > high, 1, 0))
        return cls(turn, low, high, near, view, spacing)

    @property
    def extent(self) -> Float[np.ndarray, " 2"]:
        return self.high - self.low

    @property
    def faces(self) -> tuple[bool, bool]:
        """Whether the side along the heading is seen, and the one across, not too flat."""
        sensor = _axes(self.turn) @ self.view.origin
        middle = (self.low + self.high) / 2
        seen = []
        for axis in (0, 1):
            other = 1 - axis
            edge = self.high[other] if self.near[other] > 0 else self.low[other]
            off, along = abs(sensor[other] - edge), abs(sensor[axis] - middle[axis])
            slant = off / max(float(np.hypot(off, along)), 1e-6)
            seen.append(bool(self.near[other] != 0 and self.spacing < WIDEST_STEP * slant))
        return seen[0], seen[1]

    def whole(self) -> Bool[np.ndarray, " 2"]:
        """Whether the extents along and across are the vehicle's: a side that shows them is seen, and
        nothing nearer cuts it off."""
        return np.array(
            [face and not any(self._cut(axis)) for axis, face in enumerate(self.faces)], dtype=bool
        )

    def hidden(self) -> bool:
        """Whether something nearer hides an end of a side that is seen."""
        return any(any(self._cut(axis)) for axis, face in enumerate(self.faces) if face)

    def _cut(self, axis: int) -> tuple[bool, bool]:
        """Whether something nearer hides where the low and the high end of a side would go on."""
        other = 1 - axis
        edge = self.high[other] if self.near[other] > 0 else self.low[other]
        hidden = []
        for end, sign in ((self.low[axis], -1), (self.high[axis], 1)):
            corner = np.empty(2)
            corner[axis], corner[other] = end + 0.3 * sign, edge
            away = _axes(self.turn).T @ corner - self.view.origin
            bearing, distance = float(np.arctan2(away[1], away[0])), float(np.hypot(*away))
            hidden.append(self.view.hides(bearing, distance))
        return hidden[0], hidden[1]

    def anchor(
        self, whole: Bool[np.ndarray, " 2"]
    ) -> tuple[Int[np.ndarray, " 2"], Float[np.ndarray, " 2"]]:
        """Which point of the box is best known, and where it is along and across: the middle of what is
        whole, else the end that is nearer, or not hidden."""
        side = np.where(whole, 0, self.near)
        for axis in np.flatnonzero(~whole & (self.near == 0)):
            low_cut, high_cut = self._cut(int(axis))
            side[axis] = int(low_cut) - int(high_cut)
        ends = np.where(side > 0, self.high, self.low)
        return side, np.where(side == 0, (self.low + self.high) / 2, ends)

    def edge_share(
        self, points: Float[np.ndarray, "n 2"], height: Float[np.ndarray, " n"]
    ) -> float:
        """Share of the returns at bumpers' height that lie on the sides that the sensor looks at."""
        level = (height > BUMPERS[0]) & (height < BUMPERS[1])
        if not level.any():
            return 0.0
        place = points[level] @ _axes(self.turn).T
        gap = np.where(self.near > 0, self.high - place, place - self.low)
        gap[:, self.near == 0] = np.inf
        return float((gap.min(axis=1) < ON_EDGE).mean())


def _half_turn(turn: float) -> float:
    """The same line as an angle from -pi/2 up to pi/2."""
    return float((turn + np.pi / 2) % np.pi - np.pi / 2)


def _axes(turn: float) -> Float[np.ndarray, "2 2"]:
    """Unit vectors along a heading and across it, as rows."""
    c, s = np.cos(turn), np.sin(turn)
    return np.array([[c, s], [-s, c]])


def _bounds(
    points: Float[np.ndarray, "n 2"], area: Float[np.ndarray, " n"], turn: float
) -> tuple[Float[np.ndarray, " 2"], Float[np.ndarray, " 2"]]:
    """Ends along a heading and across it, but for what sticks out: returns count by their area, or the
    far end, where they are few, would be cut off more than the near one."""
    low, high = np.empty(2), np.empty(2)
    for axis, place in enumerate(_axes(turn) @ points.T):
        order = np.argsort(place)
        share = np.cumsum(area[order])
        ends = np.searchsorted(share, share[-1] * np.array([EDGE_SHARE, 1 - EDGE_SHARE]))
        low[axis], high[axis] = place[order[ends]]
    return low, high
