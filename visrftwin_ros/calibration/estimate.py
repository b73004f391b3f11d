"""The most likely materials, references and antennas after soundings, and how sure they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import block_diag, cholesky, solve_triangular
from scipy.optimize import least_squares

from visrftwin_ros.calibration.model_error import ModelError, trust_of
from visrftwin_ros.calibration.sounding_model import SoundingModel, Vector

ROUNDS = 4
"""Of fitting the numbers, then what the model errs by."""
_STARTS, _TRIED, _TRIED_ON = 24, 2, 40
"""Materials drawn from the prior, and how many of them are fitted from beside its mean, to at most so
many soundings: a slab's reflection has many minima over its thickness."""
_STEPS = 25
"""Of one fit."""
_TOLERANCE = 1e-3
"""Share of its cost by which a step must better a fit to go on."""

Progress = Callable[[int, int], None]


class StoppedError(Exception):
    """Raised by whoever is told of the progress, to have the best until then."""


@dataclass(frozen=True)
class Estimate:
    """numbers: (X,) of SoundingModel, most likely. covariance: (X, X) of them, in squares of the prior's
    standard deviations (Laplace). error: what the twin errs by with them. trust: (N,) 1, or less of
    soundings that nothing explains. complete: the fit came to its end."""

    numbers: Vector
    covariance: Float[np.ndarray, "x x"]
    error: ModelError
    trust: Float[np.ndarray, " n"]
    complete: bool


@dataclass(frozen=True)
class Forecast:
    """Of M soundings, dB. power_db: by the numbers alone; sd_db: of a sounding around it."""

    power_db: Float[np.ndarray, " m"]
    sd_db: Float[np.ndarray, " m"]


class _Fit:
    """Least squares of one model error, and the best that any evaluation came to."""

    def __init__(
        self,
        model: SoundingModel,
        error: ModelError,
        trust: Float[np.ndarray, " n"],
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._model, self._beat = model, beat
        self._timed = _timed(model)
        n_timed = int(self._timed.sum())
        covariance = block_diag(
            error.of_powers(model.soundings, trust), error.spread_db**2 * np.eye(n_timed)
        )
        self._factor = cholesky(covariance, lower=True)
        self.best, self.cost = np.zeros(len(model.mean)), np.inf
        self._at: tuple[bytes, Float[np.ndarray, " r"], Float[np.ndarray, "r x"]] | None = None

    def errors(self, numbers: Vector) -> Float[np.ndarray, " r"]:
        return self._evaluated(numbers)[0]

    def slopes(self, numbers: Vector) -> Float[np.ndarray, "r x"]:
        return self._evaluated(numbers)[1]

    def _evaluated(
        self, numbers: Vector
    ) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, "r x"]]:
        key = numbers.tobytes()
        if self._at is None or self._at[0] != key:
            self._beat()
            off, slopes = errors_of(self._model, numbers)
            white = solve_triangular(self._factor, np.column_stack([off, slopes]), lower=True)
            errors = np.concatenate([white[:, 0], numbers])
            self._at = key, errors, np.vstack([white[:, 1:], np.eye(len(numbers))])
            cost = float(errors @ errors)
            if cost < self.cost:
                self.best, self.cost = numbers.copy(), cost
        return self._at[1], self._at[2]

    def run_down(self, start: Vector) -> Vector:
        """The best of all until now, after a run down from there."""
        least_squares(
            self.errors, start, self.slopes, method="trf", ftol=_TOLERANCE, max_nfev=_STEPS
        )
        return self.best


def estimated(
    model: SoundingModel,
    progress: Progress | None = None,
    beat: Callable[[], None] = lambda: None,
) -> Estimate:
    """The most likely numbers of `model` and their spread, the model's error fitted along with them.

    StoppedError by Ctrl-C, or where `beat`, called with every evaluation, raises StoppedError, it is the best
    until then, and not `complete`.
    """
    error, trust = ModelError(), np.ones(len(model.soundings))
    best, complete = np.zeros(len(model.mean)), True
    few, fit = model, _Fit(model, error, trust, beat)
    if len(model.soundings) > _TRIED_ON:
        drawn = np.random.default_rng(0).permutation(len(model.soundings))[:_TRIED_ON]
        few = model.take(np.sort(drawn))
    try:
        fit = _Fit(few, error, np.ones(len(few.soundings)), beat)
        for start in (best, *_starts(few)):
            best = fit.run_down(start)
        for turn in range(ROUNDS):
            fit = _Fit(model, error, trust, beat)
            best = fit.run_down(best)
            error, trust = _model_error(model, best, error, trust)
            if progress is not None:
                progress(turn + 1, ROUNDS)
    except (KeyboardInterrupt, StoppedError):
        best, complete = fit.best if np.isfinite(fit.cost) else best, False
    slopes = _Fit(model, error, trust).slopes(best)
    return Estimate(best, np.linalg.inv(slopes.T @ slopes), error, trust, complete)


def forecast(estimate: Estimate, asked: SoundingModel) -> Forecast:
    """Powers of the soundings of `asked`."""
    readings, error = asked.readings(estimate.numbers), estimate.error
    alone = error.alone_db**2 + error.shared_db**2
    variance = alone + _variances(readings.power_slopes, estimate.covariance)
    return Forecast(readings.power_db, np.sqrt(variance))


def errors_of(
    model: SoundingModel, numbers: Vector, spreads: bool = True
) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, "r x"]]:
    """Predicted minus measured, dB, of the powers and then of the delay spreads there are; slopes."""
    readings, soundings = model.readings(numbers), model.soundings
    off = readings.power_db - soundings.power_db
    if not spreads:
        return off, readings.power_slopes
    timed = _timed(model)
    spread = readings.spread_db[timed] - 10 * np.log10(soundings.delay_spread[timed])
    return (
        np.concatenate([off, spread]),
        np.vstack([readings.power_slopes, readings.spread_slopes[timed]]),
    )


def _timed(model: SoundingModel) -> Bool[np.ndarray, " n"]:
    return np.isfinite(model.soundings.delay_spread)


def _model_error(
    model: SoundingModel, numbers: Vector, error: ModelError, trust: Float[np.ndarray, " n"]
) -> tuple[ModelError, Float[np.ndarray, " n"]]:
    """What the model errs by at these numbers, and which soundings fit."""
    off, slopes = errors_of(model, numbers)
    count = len(model.soundings)
    powers, of_powers = off[:count], slopes[:count]
    found = error.fitted_to(model.soundings, trust, powers - of_powers @ numbers, of_powers)
    spreads = off[count:]
    if len(spreads):
        scale = float(np.median(np.abs(spreads)) / 0.6745)
        found = ModelError(found.alone_db, found.shared_db, found.reach, max(scale, 0.5))
    covariance = found.of_powers(model.soundings, np.ones(count))
    return found, trust_of(powers, covariance)


def _starts(model: SoundingModel) -> list[Vector]:
    """The best of some draws of the materials from their prior, by what is left of the powers once each
    access point's mean is taken off."""
    rng = np.random.default_rng(0)
    drawn = np.zeros((_STARTS, len(model.mean)))
    drawn[:, : model.n_materials] = rng.standard_normal((_STARTS, model.n_materials))
    tx = np.array(model.soundings.tx)
    costs = []
    for numbers in drawn:
        off = model.powers_db(numbers) - model.soundings.power_db
        costs.append(sum(np.var(off[tx == name]) * (tx == name).sum() for name in set(tx)))
    return [drawn[i] for i in np.argsort(costs)[:_TRIED]]


def _variances(
    slopes: Float[np.ndarray, "m x"], covariance: Float[np.ndarray, "x x"]
) -> Float[np.ndarray, " m"]:
    return np.asarray(np.einsum("mx,xy,my->m", slopes, covariance, slopes))
