"""The field past two knife edges, one after the other: the double Fresnel integral."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Complex, Float

from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.people.screen_diffraction import phasor_integrals

ComplexValues = Complex[np.ndarray, "*n"]
Values = Float[np.ndarray, "*#n"]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_SLOW = 0.5
"""Phase at its end, over pi / 2, up to which an integral is taken as it stands."""
_SPENT = 20.0
"""Nepers after which an integrand has died away."""
_ONE_EDGE = 1 - 1e-9
"""Correlation from which two edges are one."""
_ON_THE_RAY = 1e-6
"""Fresnel parameter of an edge that only just touches the ray."""


def field_past_edge(v: Float[np.ndarray, "*n"]) -> ComplexValues:
    """E/E0 past one edge: (1 + j)/2 Int_v^inf exp(-j pi u^2/2) du, ITU-R P.526-15 section 4.1."""
    return np.asarray(0.5 - (0.5 + 0.5j) * phasor_integrals(v))


def field_past_two_edges(first: Values, second: Values, correlation: Values) -> ComplexValues:
    """E/E0 past two parallel edges, absorbing half-planes across the ray.

    first, second: the Fresnel parameter that each has alone between the source and the receiver,
    positive in the shadow. correlation: sqrt(a c / ((a + b) (b + c))) for edges b apart, a after
    the source and c before the receiver, 0 to 1; 1 = one edge. Kirchhoff's double integral
    (Millington, Hewitt and Immirzi, Proc. IEE 109C, 1962; Vogler, Radio Science 17, 1982, N = 2) in
    these parameters is the chance that two normal variables of variance 1/(j pi) with this
    correlation exceed them, which Owen's T function has (Ann. Math. Statist. 27, 1956, eq. (2.1)).
    """
    first, second, rho = np.broadcast_arrays(first, second, np.minimum(correlation, _ONE_EDGE))
    first, second = (
        np.where(np.abs(v) < _ON_THE_RAY, _ON_THE_RAY, v).astype(np.float64)
        for v in (first, second)
    )
    past = (field_past_edge(first) + field_past_edge(second)) / 2
    past -= np.where(first * second > 0, 0.0, 0.5)
    off = np.sqrt(1 - rho**2)
    for own, other in ((first, second), (second, first)):
        slope = (other - rho * own) / (own * off)
        to_infinity = field_past_edge(np.abs(own)) / 2
        v, end = np.abs(own).ravel(), np.abs(slope).ravel()
        up_to = _owen(v, end, to_infinity.ravel(), _NODES, _WEIGHTS)
        past -= np.sign(slope) * up_to.reshape(past.shape)
    return past


@compiled
def _owen(
    v: Float[np.ndarray, " n"],
    slope: Float[np.ndarray, " n"],
    to_infinity: Complex[np.ndarray, " n"],
    nodes: Float[np.ndarray, " q"],
    weights: Float[np.ndarray, " q"],
) -> Complex[np.ndarray, " n"]:
    """1/2 pi Int_0^slope exp(-j pi v^2 (1 + x^2) / 2) / (1 + x^2) dx; known for infinite slopes."""
    found = np.empty(len(v), np.complex128)
    way = complex(math.sqrt(0.5), -math.sqrt(0.5))
    for i in range(len(v)):
        square, begin = v[i] * v[i], slope[i]
        total = 0j
        if square * (1 + begin * begin) > _SLOW:
            # What is left beyond, on the path of steepest descent: x = slope + s exp(-j pi/4).
            end = math.sqrt(2 * _SPENT / (math.pi * square))
            if begin > 0:
                end = min(end, _SPENT * math.sqrt(2.0) / (math.pi * square * begin))
            for k in range(len(nodes)):
                x = begin + 0.5 * end * (1 + nodes[k]) * way
                part = 1 + x * x
                total += weights[k] * np.exp(-0.5j * math.pi * square * part) / part
            found[i] = to_infinity[i] - total * way * end / (4 * math.pi)
        else:
            # As it stands, x = tan(angle).
            angle = math.atan(begin)
            for k in range(len(nodes)):
                cosine = math.cos(0.5 * angle * (1 + nodes[k]))
                total += weights[k] * np.exp(-0.5j * math.pi * square / (cosine * cosine))
            found[i] = total * angle / (4 * math.pi)
    return found
