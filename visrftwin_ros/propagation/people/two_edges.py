"""The field past two knife edges, one after the other: the double Fresnel integral."""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Float
from scipy.special import wofz

from visrftwin_ros.propagation.people.screen_diffraction import phasor_integrals

ComplexValues = Complex[np.ndarray, "*n"]
Values = Float[np.ndarray, "*#n"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
_SPENT = 36.0
"""Nepers after which an integrand has died away."""
_LEVEL = 1e-9
_LARGEST = 1 - 1e-9
"""Of `correlation`: closer edges are one edge."""


def field_past_edge(v: Float[np.ndarray, "*n"]) -> ComplexValues:
    """E/E0 past one edge: (1 + j)/2 Int_v^inf exp(-j pi u^2/2) du, ITU-R P.526-15 eqs. (12), (27)."""
    return np.asarray(0.5 - (0.5 + 0.5j) * phasor_integrals(v))


def field_past_two_edges(first: Values, second: Values, correlation: Values) -> ComplexValues:
    """E/E0 past two parallel edges, absorbing half-planes across the ray.

    first, second: the Fresnel parameter that each has alone between the source and the receiver,
    positive in the shadow. correlation: sqrt(a c / ((a + b) (b + c))) for edges b apart, a after
    the source and c before the receiver, 0 to 1; 1 = one edge. Kirchhoff's double integral
    (Millington, Hewitt and Immirzi, Proc. IEE 109C, 1962; Vogler, Radio Science 17, 1982, N = 2) in
    these parameters is the chance that two normal variables of variance 1/(j pi) with this
    correlation exceed them. It is taken along the path of steepest descent.
    """
    first, second, rho = np.broadcast_arrays(first, second, np.minimum(correlation, _LARGEST))
    larger, smaller = np.maximum(first, second), np.minimum(first, second)
    # Where both edges are below the ray, what passes is all but what would pass under them.
    lit = larger < 0
    x, y = np.where(lit, -smaller, larger), np.where(lit, -larger, smaller)
    past = _steepest_descent(x, y, rho)
    return np.where(lit, 1.0 - field_past_edge(x) - field_past_edge(y) + past, past)


def _steepest_descent(x: Values, y: Values, rho: Values) -> ComplexValues:
    """For x >= max(y, 0): over s from 0, where the first variable is x + s exp(-j pi/4)."""
    off = np.sqrt(1 - rho**2)
    slope = np.maximum(np.where(y > rho * x, (x - rho * y) / off**2, x), _LEVEL)
    end = np.minimum(np.sqrt(2 * _SPENT / np.pi), _SPENT * np.sqrt(2) / (np.pi * slope))
    # Here the second edge's shadow begins; with edges close together it does so at once.
    bend = np.clip((y - rho * x) / (np.sqrt(2) * np.maximum(rho, _LEVEL)), 0.0, end)
    total = np.zeros(np.shape(x), complex)
    for low, high in ((np.zeros_like(bend), bend), (bend, end)):
        half = (high - low) / 2
        s = (low + half)[..., None] + half[..., None] * _NODES
        total += half * (_integrand(s, x[..., None], y[..., None], rho[..., None]) @ _WEIGHTS)
    return np.asarray(total / np.sqrt(8))


def _integrand(s: Values, x: Values, y: Values, rho: Values) -> ComplexValues:
    """exp(-j pi u^2/2) erfc(...) at u = x + s exp(-j pi/4), scaled so that nothing overflows."""
    off = np.sqrt(np.pi / 2 / (1 - rho**2))
    z = np.exp(0.25j * np.pi) * off * (y - rho * x) - off * rho * s
    phase = -0.5j * np.pi * x**2 - (1 + 1j) * np.pi / np.sqrt(2) * x * s - np.pi / 2 * s**2
    behind = z.real < 0
    z = np.where(behind, -z, z)
    part = np.exp(phase - z**2) * wofz(1j * z)
    return np.where(behind, 2 * np.exp(phase) - part, part)
