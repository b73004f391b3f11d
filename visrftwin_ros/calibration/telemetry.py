"""Calibration that goes on while the radios work, from what they report.

By cell a Kalman filter (`telemetry_cells`); over all cells that are fresh the materials, the references
of access points and robots and the map of residuals, as the most likely ones of the model linearised
about the last: with a normal prior and normal errors that is the Kalman filter of all these numbers at once,
and a cell that grew old stands back by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
from jaxtyping import Bool, Float

from visrftwin_ros.calibration.model_error import ModelError, trust_of
from visrftwin_ros.calibration.residuals import fitted_residuals
from visrftwin_ros.calibration.sounded_paths import SoundedPaths, one_link
from visrftwin_ros.calibration.sounding_model import OFFSET_SD_DB, SoundingModel, Vector
from visrftwin_ros.calibration.soundings import Soundings
from visrftwin_ros.calibration.surface_estimates import SurfaceEstimate, estimates_of
from visrftwin_ros.calibration.telemetry_cells import Key, TelemetryCells, soundings_of
from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths.path_set import PathSet, concatenated
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Site
from visrftwin_ros.site.residual_map import NO_RESIDUALS, ResidualMap

LEAST_CELLS = 10
"""That a step needs to learn from."""
MOST_CELLS = 150
"""The newest are taken."""
_ASIDE = 5
"""Every so many-th cell only judges."""
_ROBOT_SD_DB = 3.0
"""Of a robot's radio against its nominal gain."""
_STEPS = 2
"""About which the model is linearised in turn."""
_LARGEST_STEP = 2.0
"""Standard deviations of the prior that a number may go in one of them."""
_CHANGED = 30.0
"""Score at which a change is believed in: chi squared of one degree, one in 10^7."""
_ALIKE = 0.9
"""Share of the best score over which another explanation is as good."""
_CHANGE_DB = 2.0
"""Standard deviation of how a cell's readings differ from before though nothing changed."""

Trace = Callable[[Soundings], PathSet]


@dataclass(frozen=True, eq=False)
class Belief:
    """numbers: of SoundingModel, covariance: of them. access_points, robots: dB of each device over its nominal power.
    residuals: what is left."""

    numbers: Vector
    covariance: Float[np.ndarray, "x x"]
    access_points: Float[np.ndarray, " a"]
    robots: dict[str, float]
    residuals: ResidualMap


@dataclass(frozen=True, eq=False)
class Step:
    """What an update came to.

    estimates: of every surface. changed: the surface or device that no people explain, '' for none. adopted:
    cells kept aside are predicted no worse; else all stays as it was, but for the devices' powers at the
    first step. before_db, after_db: their RMS errors.
    """

    belief: Belief
    estimates: tuple[SurfaceEstimate, ...]
    changed: str
    adopted: bool
    before_db: float
    after_db: float
    cells: int


class TelemetryCalibration:
    """meshes: of the site's materials before, with the map `residuals`. trace: finds the paths of soundings,
    one link each."""

    def __init__(
        self,
        site: Site,
        meshes: tuple[SurfaceMesh, ...],
        trace: Trace,
        heard: TelemetryCells | None = None,
        residuals: ResidualMap = NO_RESIDUALS,
    ) -> None:
        self.heard = heard or TelemetryCells()
        self._site, self._meshes, self._trace = site, meshes, trace
        self._names = tuple(ap.name for ap in site.access_points)
        self._residuals = residuals
        self._paths: dict[Key, PathSet] = {}
        self.belief: Belief | None = None

    @property
    def ready(self) -> bool:
        """There are cells enough that were heard since the last step."""
        fresh = sum(cell.recent > 0 for cell in self.heard.cells.values())
        return fresh >= LEAST_CELLS and len(self.heard.cells) >= 2 * LEAST_CELLS

    def step(self) -> Step:
        """Learns from what was heard. Raises TwinError where paths reach too few cells."""
        changed = self._change()
        keys = sorted(self.heard.cells, key=lambda key: -self.heard.cells[key].at)[:MOST_CELLS]
        cells = {key: self.heard.cells[key] for key in keys}
        reached = self._traced(keys)
        if reached.sum() < LEAST_CELLS:
            self.heard.looked_at()
            raise TwinError(
                f"paths reach {reached.sum()} of {len(keys)} cells, expected {LEAST_CELLS}: are the "
                "robots where TF has them?"
            )
        soundings = soundings_of(cells).take(reached)
        keys = [key for key, there in zip(keys, reached, strict=True) if there]
        sounded = SoundedPaths.of(
            concatenated([self._paths[key] for key in keys]),
            self._meshes,
            self._site.radio.frequency,
        )
        variance = np.array([self.heard.cells[key].variance for key in keys])
        aside = np.array([crc32(repr(key).encode()) % _ASIDE == 0 for key in keys])
        model = SoundingModel(
            sounded, soundings, self._names, "telemetry", np.zeros(len(self._names))
        )
        known, judges = np.flatnonzero(~aside), np.flatnonzero(aside)
        robots = [key[1] for key in keys]
        learns, its = model.take(known), [robots[i] for i in known]
        before = self.belief or self._as_given(learns, its, variance[known])
        belief = self._learnt(learns, its, variance[known], before)
        judge, their = model.take(judges), [robots[i] for i in judges]
        errors = [_errors(one, judge, their) for one in (before, belief)]
        first, then = (float(np.sqrt(np.mean(e**2))) if len(e) else np.nan for e in errors)
        adopted = bool(len(judges)) and then <= first
        self.belief = kept = belief if adopted else before
        self.heard.looked_at()
        estimates = self._estimates(model, kept)
        return Step(kept, estimates, changed, adopted, first, then, len(keys))

    def _traced(self, keys: list[Key]) -> Bool[np.ndarray, " n"]:
        """Which of them any path reaches."""
        missing = [key for key in keys if key not in self._paths]
        if missing:
            found = self._trace(soundings_of({key: self.heard.cells[key] for key in missing}))
            for i, key in enumerate(missing):
                self._paths[key] = one_link(found, i)
        self._paths = {key: self._paths[key] for key in keys}
        return np.array([len(self._paths[key]) > 0 for key in keys])

    def _as_given(
        self, model: SoundingModel, robots: list[str], variance: Float[np.ndarray, " n"]
    ) -> Belief:
        """The site as it was given, with nothing but the devices' powers learnt: what materials and a
        map have to be better than."""
        numbers, names = np.zeros(len(model.mean)), sorted(set(robots))
        nothing = Belief(
            numbers, np.eye(len(numbers)), np.zeros(len(self._names)), {}, self._residuals
        )
        points = OFFSET_SD_DB[model.reference] * _of_each(model.soundings.tx, self._names)
        columns = np.column_stack([points, _ROBOT_SD_DB * _of_each(robots, names)])
        covariance = columns @ columns.T + np.diag(variance)
        devices = columns.T @ np.linalg.solve(covariance, -_errors(nothing, model, robots))
        count = len(self._names)
        own = dict(zip(names, (_ROBOT_SD_DB * devices[count:]).tolist(), strict=True))
        access_points = OFFSET_SD_DB[model.reference] * devices[:count]
        return replace(nothing, access_points=access_points, robots=own)

    def _learnt(
        self,
        model: SoundingModel,
        robots: list[str],
        variance: Float[np.ndarray, " n"],
        before: Belief,
    ) -> Belief:
        names = sorted(set(robots))
        columns = _ROBOT_SD_DB * _of_each(robots, names)
        count, size = len(robots), len(model.mean)
        numbers, devices = before.numbers, np.zeros(len(names))
        error, trust = ModelError(), np.ones(count)
        for _ in range(_STEPS):
            readings = model.readings(numbers)
            slopes = np.column_stack([readings.power_slopes, columns])
            linear = model.soundings.power_db - readings.power_db + readings.power_slopes @ numbers
            error = error.fitted_to(model.soundings, trust, linear, slopes)
            errors = error.of_powers(model.soundings, trust) + np.diag(variance)
            weights = np.linalg.solve(slopes @ slopes.T + errors, linear)
            found = slopes.T @ weights
            move = np.clip(found[:size] - numbers, -_LARGEST_STEP, _LARGEST_STEP)
            numbers, devices = numbers + move, found[size:]
            trust = trust_of(linear - slopes @ found, errors)
        bare = replace(model.soundings, power_db=model.soundings.power_db - columns @ devices)
        expected = model.powers_db(_materials_alone(model, numbers))
        fitted = fitted_residuals(bare, expected, self._names, OFFSET_SD_DB[model.reference])
        own = dict(zip(names, (_ROBOT_SD_DB * devices).tolist(), strict=True))
        gain = np.linalg.solve(slopes @ slopes.T + errors, slopes[:, :size])
        covariance = np.eye(size) - slopes[:, :size].T @ gain
        return Belief(numbers, covariance, fitted.offset_db, own, fitted.residuals)

    def _change(self) -> str:
        """Whom what differs from before points at, if anybody; that begins anew."""
        both = {
            key: cell
            for key, cell in self.heard.cells.items()
            if cell.recent and np.isfinite(cell.before_db) and key in self._paths
        }
        if len(both) < LEAST_CELLS:
            return ""
        keys = list(both)
        differs = np.array([cell.recent_db - cell.before_db for cell in both.values()])
        patterns = self._patterns(keys)
        sd = np.array([np.hypot(_CHANGE_DB, 2.0 / np.sqrt(cell.recent)) for cell in both.values()])
        scores = {
            name: float(
                (pattern / sd**2 @ differs) ** 2 / max((pattern / sd) @ (pattern / sd), 1e-9)
            )
            for name, pattern in patterns.items()
        }
        name = max(scores, key=lambda one: scores[one])
        if scores[name] < _CHANGED:
            return ""
        alike = [one for one in scores if scores[one] > _ALIKE * scores[name]]
        touched = [key for key, share in zip(keys, patterns[name], strict=True) if share > 0.1]
        self.heard.forget(touched)
        return " or ".join(alike)

    def _patterns(self, keys: list[Key]) -> dict[str, Float[np.ndarray, " n"]]:
        """By device and surface: how much of each cell's power it has a hand in."""
        found: dict[str, Float[np.ndarray, " n"]] = {}
        for name in sorted({name for key in keys for name in key[:2]}):
            found[name] = np.array([float(name in key[:2]) for key in keys])
        for number, mesh in enumerate(self._meshes):
            shares = []
            for key in keys:
                paths = self._paths[key]
                met = (paths.objects == number).any(axis=1)
                total = paths.power.sum()
                shares.append(float(paths.power[met].sum() / total) if total > 0 else 0.0)
            if max(shares) > 0.1:
                found[mesh.name] = np.array(shares)
        return found

    def _estimates(self, model: SoundingModel, belief: Belief) -> tuple[SurfaceEstimate, ...]:
        told = (
            model.sounded.meets.sum(axis=0) if belief.numbers.any() else np.zeros(len(self._meshes))
        )
        count = model.n_materials
        return estimates_of(
            model.sounded.parameters,
            model.material_numbers(belief.numbers),
            belief.covariance[:count, :count],
            self._meshes,
            [int(n) for n in told],
        )


def _of_each(devices: Sequence[str], names: Sequence[str]) -> Float[np.ndarray, "n k"]:
    """1 where a cell is of the device."""
    return (np.array(devices)[:, None] == np.array(names)[None]).astype(float)


def _materials_alone(model: SoundingModel, numbers: Vector) -> Vector:
    alone = np.zeros(len(numbers))
    alone[: model.n_materials] = numbers[: model.n_materials]
    return alone


def _errors(belief: Belief, model: SoundingModel, robots: list[str]) -> Float[np.ndarray, " n"]:
    """Predicted less measured of the soundings of `model`, dB."""
    soundings = model.soundings
    if not len(soundings):
        return np.zeros(0)
    gain, _ = belief.residuals.at(soundings.tx, soundings.position)
    devices = belief.access_points[[model.access_points.index(tx) for tx in soundings.tx]]
    own = np.array([belief.robots.get(robot, 0.0) for robot in robots])
    expected = model.powers_db(_materials_alone(model, belief.numbers))
    return expected + gain + devices + own - soundings.power_db
