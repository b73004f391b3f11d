"""Paths out of impulse responses: noise floor, and CLEAN over the delay.

CLEAN (Hoegbom, Astronomy and Astrophysics Suppl. 15, 1974; for impulse responses Cramer, Scholtz
and Win, IEEE Trans. Antennas Propag. 50, 2002): take the strongest echo, subtract the sounder's
response to it, go on. That response is D(t) = sum_f exp(j 2 pi f t) / N over the N frequencies that
the sounder uses: all of a flat band, or those whose bins are not exactly empty, as of an OFDM
signal with unused subcarriers, whose side lobes a stopping rule would otherwise take for noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float

OVERSAMPLING = 8
"""Grid points a tap on which an echo is placed before the parabola refines it."""

_EMPTY = 1e-20
"""Share of the strongest bin's power below which a bin was never filled."""


@dataclass(frozen=True)
class Extraction:
    """When CLEAN stops: threshold_db over the noise floor, dynamic_range_db under the strongest
    echo (side lobes of a response that is not quite the assumed one lie there), after `most`."""

    threshold_db: float = 12.0
    dynamic_range_db: float = 25.0
    most: int = 50


@dataclass(frozen=True)
class Echoes:
    """P echoes, strongest first: delay (P,) in taps, amplitude (P,) complex in the strongest beam,
    beam (P,) its index. floor: mean noise power of one tap."""

    delay: Float[np.ndarray, " p"]
    amplitude: Complex[np.ndarray, " p"]
    beam: np.ndarray
    floor: float


def noise_floor(response: Complex[np.ndarray, "b n"]) -> float:
    """Mean noise power of a tap: the lower quartile of all taps' powers over -ln(3/4).

    Powers of complex Gaussian noise are exponential, whose quartile is 0.288 of the mean; echoes,
    which raise a mean or a median, leave the quartile alone while they fill few taps.
    """
    return float(np.quantile(np.abs(response) ** 2, 0.25) / -np.log(0.75))


def used_frequencies(response: Complex[np.ndarray, "b n"]) -> Bool[np.ndarray, " n"]:
    """(N,) bins, in the order of np.fft, that hold more than rounding errors in some beam."""
    power = (np.abs(np.fft.fft(response, axis=1)) ** 2).max(axis=0)
    return np.asarray(power > _EMPTY * power.max())


def extract_echoes(
    response: Complex[np.ndarray, "b n"], limits: Extraction | None = None
) -> Echoes:
    """The echoes in the impulse responses of B beams over N taps of one delay axis.

    An echo has one delay in all beams and an amplitude in each. Amplitudes are those of taps where
    all frequencies are used. Stops where what is left does not stand out of its own noise floor.
    """
    limits = limits or Extraction()
    taps = response.shape[1]
    used = used_frequencies(response)
    if not used.any():
        nothing = np.zeros(0)
        return Echoes(nothing, nothing.astype(complex), nothing.astype(np.intp), 0.0)
    scale = taps / used.sum()
    frequency = np.fft.fftfreq(taps)
    left = np.fft.fft(response, axis=1)
    delays: list[float] = []
    amplitudes: list[complex] = []
    strongest: list[int] = []
    weakest = 0.0
    while True:
        floor = noise_floor(np.fft.ifft(left, axis=1)) * scale**2
        delay = _strongest_delay(left)
        turn = np.where(used, np.exp(-2j * np.pi * frequency * delay), 0)
        each = (left @ turn.conj()) / used.sum()
        beam = int(np.abs(each).argmax())
        power = float(np.abs(each[beam]) ** 2)
        least = max(weakest, floor * 10 ** (limits.threshold_db / 10))
        if power <= least or len(delays) == limits.most:
            break
        weakest = weakest or power * 10 ** (-limits.dynamic_range_db / 10)
        left = left - each[:, None] * turn
        delays.append(delay % taps)
        amplitudes.append(complex(each[beam]))
        strongest.append(beam)
    order = np.argsort(-np.abs(np.array(amplitudes, complex)))
    return Echoes(
        np.array(delays, float)[order],
        np.array(amplitudes, complex)[order],
        np.array(strongest, np.intp)[order],
        floor,
    )


def _strongest_delay(spectrum: Complex[np.ndarray, "b n"]) -> float:
    """Taps; the largest power over the beams on a fine grid, refined by a parabola."""
    beams, taps = spectrum.shape
    half = (taps + 1) // 2
    fine = np.zeros((beams, taps * OVERSAMPLING), complex)
    fine[:, :half], fine[:, half - taps :] = spectrum[:, :half], spectrum[:, half:]
    power = (np.abs(np.fft.ifft(fine, axis=1)) ** 2).max(axis=0)
    peak = int(power.argmax())
    left, middle, right = power[[peak - 1, peak, (peak + 1) % len(power)]]
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float(peak + shift) / OVERSAMPLING


def rms_delay_spread(delay: Float[np.ndarray, " p"], power: Float[np.ndarray, " p"]) -> float:
    """RMS spread of the delays weighted by power (ITU-R P.1407, section 2.2.2); NaN without any."""
    total = power.sum()
    if total <= 0:
        return float("nan")
    mean = (power * delay).sum() / total
    return float(np.sqrt((power * (delay - mean) ** 2).sum() / total))
