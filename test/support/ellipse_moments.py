"""The field round perfectly conducting elliptic cylinders, E along their axes, by Nystroem's method."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import hankel1, j0, j1, y0, y1

Array = NDArray[np.float64]


def field_round_ellipse(
    source: Array, receiver: Array, half_axes: Array, wavelength: float, a_wave: float = 5.0
) -> complex:
    """E/E0 at `receiver` (2,) for a line source at `source` (2,), metres in the ellipse's axes.

    The combined-field equation (I + K - j eta S) psi = -2 E0, eta = k, in Kress' quadrature of its
    logarithmic kernels (Colton and Kress, Inverse Acoustic and Electromagnetic Scattering Theory,
    section 3.5), which converges exponentially; at least `a_wave` points a wavelength. On points
    that mirror in both axes the matrix falls apart into four of a quarter of the size.
    """
    k = 2 * np.pi / wavelength
    quarter = int(np.ceil(np.pi * half_axes.max() * a_wave / wavelength / 2))
    n = 2 * quarter
    t = np.pi / n * (np.arange(2 * n) + 0.5)
    first = np.arange(quarter)
    mirrored = [first, n - 1 - first, 2 * n - 1 - first, n + first]
    blocks = [_kernel(t, first, columns, half_axes, k) for columns in mirrored]
    incident = [-2 * _green(_on(t[rows], half_axes) - source, k) for rows in mirrored]
    density = np.zeros(2 * n, complex)
    for signs in ((1, 1, 1, 1), (1, -1, 1, -1), (1, 1, -1, -1), (1, -1, -1, 1)):
        matrix = np.eye(quarter) - sum(s * block for s, block in zip(signs, blocks, strict=True))
        right = sum(s * part for s, part in zip(signs, incident, strict=True)) / 4
        solved = np.linalg.solve(matrix, right)
        for s, rows in zip(signs, mirrored, strict=True):
            density[rows] += s * solved
    free = _green((receiver - source)[None], k)[0]
    scattered = _radiated(density, t, receiver - _on(t, half_axes), half_axes, k)
    return complex(np.conj((free + scattered) / free))  # the book's waves go as exp(-jwt)


def field_round_ellipses(
    source: Array,
    receiver: Array,
    centres: Array,
    half_axes: Array,
    wavelength: float,
    a_wave: float = 5.0,
) -> complex:
    """The same round several bodies, centres and half axes (n, 2), that do not touch.

    The densities of all bodies are solved for together; between two bodies the kernel is smooth
    and takes the trapezoidal rule, which converges as fast.
    """
    k = 2 * np.pi / wavelength
    counts = [2 * int(np.ceil(np.pi * half.max() * a_wave / wavelength)) for half in half_axes]
    at = [np.pi / (count // 2) * (np.arange(count) + 0.5) for count in counts]
    places = [centre + _on(t, half) for centre, t, half in zip(centres, at, half_axes, strict=True)]
    starts = np.cumsum([0, *counts])
    system = np.eye(starts[-1], dtype=complex)
    for i, j in np.ndindex(len(counts), len(counts)):
        if i == j:
            rows = np.arange(counts[i])
            block = _kernel(at[i], rows, rows, half_axes[i], k)
        else:
            apart = places[i][:, None] - places[j][None]
            block = -2 * _weights(at[j], apart, half_axes[j], k)
        system[starts[i] : starts[i + 1], starts[j] : starts[j + 1]] -= block
    incident = -2 * _green(np.concatenate(places) - source, k)
    density = np.linalg.solve(system, incident)
    scattered = sum(
        _radiated(density[starts[j] : starts[j + 1]], at[j], receiver - places[j], half, k)
        for j, half in enumerate(half_axes)
    )
    free = _green((receiver - source)[None], k)[0]
    return complex(np.conj((free + scattered) / free))


def _radiated(
    density: NDArray[np.complex128], t: Array, towards: Array, half_axes: Array, k: float
) -> complex:
    return complex((_weights(t, towards, half_axes, k) * density).sum())


def _weights(t: Array, towards: Array, half_axes: Array, k: float) -> NDArray[np.complex128]:
    """What the density at each of the points `t` adds `towards` (..., t, 2) it, D - j eta S."""
    r = np.hypot(towards[..., 0], towards[..., 1])
    outwards = np.stack([half_axes[1] * np.cos(t), half_axes[0] * np.sin(t)], axis=1)
    speed = np.hypot(*outwards.T)
    double = 0.25j * k * (outwards * towards).sum(axis=-1) / r * hankel1(1, k * r)
    single = 0.25j * hankel1(0, k * r) * speed
    return np.asarray(2 * np.pi / len(t) * (double - 1j * k * single))


def _on(t: Array, half_axes: Array) -> Array:
    return np.stack([half_axes[0] * np.cos(t), half_axes[1] * np.sin(t)], axis=1)


def _green(apart: Array, k: float) -> NDArray[np.complex128]:
    return np.asarray(0.25j * hankel1(0, k * np.hypot(*apart.T)))


def _kernel(t: Array, rows: NDArray, columns: NDArray, half_axes: Array, k: float) -> NDArray:
    """Rows and columns of the weighted L + j eta M of Colton and Kress, (3.72) to (3.78)."""
    n = len(t) // 2
    a, b = half_axes
    place = _on(t, half_axes)
    apart = place[rows][:, None] - place[columns][None]
    outwards = np.stack([b * np.cos(t[columns]), a * np.sin(t[columns])], axis=1)
    speed = np.hypot(*outwards.T)
    facing = (apart * outwards).sum(axis=2)
    same = rows[:, None] == columns[None]
    r = np.where(same, 1.0, np.hypot(apart[..., 0], apart[..., 1]))
    bessel = (j0(k * r), j1(k * r))
    double_log = k / (2 * np.pi) * facing / r * bessel[1]
    double = -0.5j * k * facing / r * (bessel[1] + 1j * y1(k * r))
    single_log = -speed / (2 * np.pi) * np.where(same, 1.0, bessel[0])
    single = 0.5j * speed * (bessel[0] + 1j * y0(k * r))
    turn = t[rows][:, None] - t[columns][None]
    log = np.log(np.where(same, 1.0, 4 * np.sin(turn / 2) ** 2))
    double_rest = np.where(same, a * b / (2 * np.pi * speed**2), double - double_log * log)
    on_itself = speed * (0.5j - np.euler_gamma / np.pi - np.log(k * speed / 2) / np.pi)
    single_rest = np.where(same, on_itself, single - single_log * log)
    weight = _log_weights(n)[np.abs(rows[:, None] - columns[None])]
    logs, rest = double_log + 1j * k * single_log, double_rest + 1j * k * single_rest
    return np.asarray(weight * logs + np.pi / n * rest)


def _log_weights(n: int) -> Array:
    """R_j of the trigonometric quadrature with the weight ln(4 sin^2(t/2)), 2n points."""
    j, m = np.arange(2 * n), np.arange(1, n)
    spectrum = np.zeros(2 * n)
    spectrum[m] = 1 / m
    return np.asarray(-2 * np.pi / n * np.fft.fft(spectrum).real - (-1.0) ** j * np.pi / n**2)
