"""The field behind a slice of bodies, marched past them step by step, in two dimensions.

The lab's own solver, of another kind than the twin's: no edge, no creeping wave, no table. A wave
E = exp(-jkr)/sqrt(r) v(r, phi) of a line source obeys, as far as it runs forwards,

    dv/dr = -j/(2 k r^2) d^2 v/dphi^2

(the parabolic equation; Levy, Parabolic Equation Methods for Electromagnetic Wave Propagation,
2000, chapters 2 and 7). v is 1 where nothing is in the way. Crank and Nicolson's steps, Numerov's
differences across; what is scattered ends in an absorber at both sides. On a surface y = h(x) the
normal derivative of E is jk d E (Leontovich), with d the surface's admittance at grazing incidence
for a field along the slice's normal and its impedance for one in the slice, hence

    dv/dy = jk (d sqrt(1 + h'^2) - h') v

(Zaporozhets and Levy, "Bistatic RCS calculations with the vector parabolic equation method", IEEE
Trans. Antennas Propag. 47, 1999). Where a surface recedes the field goes on inwards by that slope.
Behind the last body Kirchhoff's integral over the front of the wave carries v - 1 to the receiver.

Left out: what runs back, from the lit side of one body to another one as well.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Complex, Float, Int

from visrftwin_ros.compiled import compiled

ACROSS, STEP = 0.4, 1.0
"""Wavelengths between the nodes of the grid, and between its fronts where there are bodies."""
_LEAP = 8
"""Steps that a front takes at once where there are none."""
_MARGIN = 0.07
"""Metres beyond bodies and ray at each side; behind them comes the absorber."""
_ABSORBER = 0.05
_DAMPING = 60.0
"""1/m that the absorber takes at its end, from none, by the square of the depth."""
_MOST_CROSSINGS = 64
_STEEPEST = 1.5
"""Slope that a steeper surface counts as: nothing comes forwards off one."""
_INSIDE = 8
"""Nodes inside a surface over which the field goes on, for surfaces that recede."""
_FAINT = 1e-32
"""Of the power of the free field: what less of a decaying wave is left out."""
_LONG = 200
"""Nodes from which one end of a gap knows nothing of the other one within one step."""


@compiled
def slice_factor(
    sides: Float[np.ndarray, "m 4"],
    surface: Complex[np.ndarray, " m"],
    distance: float,
    wavelength: float,
) -> complex:
    """E/E0 - 1 at (`distance`, 0) metres, of a line source at (0, 0), behind what `sides` enclose.

    sides: from (x, y) to (x, y), metres, each body's outline closed and all run the same way round.
    surface: d of the module's text, of each side.
    """
    if len(sides) == 0:
        return 0j
    k = 2.0 * math.pi / wavelength
    step = STEP * wavelength
    polar, near, far, low, high = _about_the_source(sides)
    middle = 0.5 * (near + far)
    spacing = ACROSS * wavelength / middle
    reach = (_MARGIN + _ABSORBER) / middle
    low -= reach
    nodes = math.ceil((high + reach - low) / spacing) + 1
    radius = _fronts(polar, near - step, far, step)
    crossings, angle, slope, sense, owner = _crossings(polar, radius)

    v = np.ones(nodes, np.complex128)
    right = np.empty(nodes, np.complex128)
    below = np.empty(nodes, np.complex128)
    above = np.empty(nodes, np.complex128)
    starts = np.empty(_MOST_CROSSINGS, np.int64)
    ends = np.empty(_MOST_CROSSINGS, np.int64)
    shares = np.zeros((_MOST_CROSSINGS, 4), np.complex128)
    kept = np.empty(int(_ABSORBER / (ACROSS * wavelength)) + 1)
    kept_over = 0.0
    for n in range(1, len(radius)):
        step = radius[n] - radius[n - 1]
        if abs(step - kept_over) > 1e-9:
            kept_over = step
            for j in range(len(kept)):
                depth = 1.0 - j / len(kept)
                kept[j] = math.exp(-_DAMPING * step * depth * depth)
        gaps = _gaps(
            angle[n, : crossings[n]], slope[n], sense[n], owner[n], low, spacing, nodes,
            k, surface, radius[n] * spacing, starts, ends, shares,
        )  # fmt: skip
        half = 0.5 * (radius[n] + radius[n - 1])
        turn = 0.25 * step / (k * (half * spacing) ** 2)
        _advance(v, right, below, above, gaps, starts, ends, shares, complex(1.0 / 12.0, turn))
        for j in range(len(kept)):
            v[j] = 1.0 + (v[j] - 1.0) * kept[j]
            v[nodes - 1 - j] = 1.0 + (v[nodes - 1 - j] - 1.0) * kept[j]
    return _carried_on(v, low, spacing, radius[-1], distance, k)


@compiled
def _about_the_source(
    sides: Float[np.ndarray, "m 4"],
) -> tuple[Float[np.ndarray, "m 4"], float, float, float, float]:
    """The sides in polar coordinates; their least and largest radius and angle, the latter with 0."""
    polar = np.empty(sides.shape)
    near, far, low, high = math.inf, 0.0, 0.0, 0.0
    for i in range(len(sides)):
        for e in (0, 2):
            r, phi = (
                math.hypot(sides[i, e], sides[i, e + 1]),
                math.atan2(sides[i, e + 1], sides[i, e]),
            )
            polar[i, e], polar[i, e + 1] = r, phi
            near, far = min(near, r), max(far, r)
            low, high = min(low, phi), max(high, phi)
    return polar, near, far, low, high


@compiled
def _fronts(
    polar: Float[np.ndarray, "m 4"], first: float, far: float, step: float
) -> Float[np.ndarray, " n"]:
    """Radii of the fronts, from `first` to just beyond `far`."""
    count = math.ceil((far - first) / step) + 1
    taken = np.zeros(count + 1, np.bool_)
    for i in range(len(polar)):
        inner, outer = min(polar[i, 0], polar[i, 2]), max(polar[i, 0], polar[i, 2])
        for n in range(int((inner - first) / step), int((outer - first) / step) + 2):
            taken[min(n, count)] = True
    radius = np.empty(count + 1)
    radius[0] = first
    made, n = 1, 0
    while n < count:
        leap = 1
        while leap < _LEAP and n + leap < count and not (taken[n + leap] or taken[n + leap + 1]):
            leap += 1
        n += leap
        radius[made] = first + n * step
        made += 1
    return radius[:made]


@compiled
def _crossings(
    polar: Float[np.ndarray, "m 4"], radius: Float[np.ndarray, " n"]
) -> tuple[
    Int[np.ndarray, " n"],
    Float[np.ndarray, "n c"],
    Float[np.ndarray, "n c"],
    Int[np.ndarray, "n c"],
    Int[np.ndarray, "n c"],
]:
    """Where each front meets the sides: how often, and each time the angle, ascending, the slope dy/dr,
    which way round the side runs, and its number."""
    shape = (len(radius), _MOST_CROSSINGS)
    found = np.zeros(len(radius), np.int64)
    angle, slope = np.empty(shape), np.empty(shape)
    sense, owner = np.empty(shape, np.int64), np.empty(shape, np.int64)
    for i in range(len(polar)):
        r1, p1, r2, p2 = polar[i]
        if r1 == r2:
            continue
        way = 1
        if r1 > r2:
            r1, p1, r2, p2, way = r2, p2, r1, p1, -1
        turn = (p2 - p1) / (r2 - r1)
        n = np.searchsorted(radius, r1)
        while n < len(radius) and radius[n] < r2:
            c = found[n]
            if c < _MOST_CROSSINGS:
                met = p1 + turn * (radius[n] - r1)
                while c > 0 and angle[n, c - 1] > met:
                    angle[n, c], slope[n, c] = angle[n, c - 1], slope[n, c - 1]
                    sense[n, c], owner[n, c] = sense[n, c - 1], owner[n, c - 1]
                    c -= 1
                angle[n, c] = met
                slope[n, c] = min(max(radius[n] * turn, -_STEEPEST), _STEEPEST)
                sense[n, c], owner[n, c] = way, i
                found[n] += 1
            n += 1
    return found, angle, slope, sense, owner


@compiled
def _gaps(
    angle: Float[np.ndarray, " c"],
    slope: Float[np.ndarray, " c"],
    sense: Int[np.ndarray, " c"],
    owner: Int[np.ndarray, " c"],
    low: float,
    spacing: float,
    nodes: int,
    k: float,
    surface: Complex[np.ndarray, " m"],
    width: float,
    starts: Int[np.ndarray, " g"],
    ends: Int[np.ndarray, " g"],
    shares: Complex[np.ndarray, "g 4"],
) -> int:
    """How many gaps are open between bodies on one front. `starts` and `ends` get their first and
    last nodes; `shares` what the node below the first one has of its field, by what factor that
    changes from node to node further inside, and both above the last one. A gap that runs to an
    end of the grid has 0 there. width: metres between the nodes.
    """
    gaps, winding, start = 0, 0, 1
    shares[0, :] = 0.0
    for c in range(len(angle)):
        was = winding
        winding += sense[c]
        place = (angle[c] - low) / spacing
        if was == 0 and winding != 0:
            last = min(math.floor(place - 0.5), nodes - 2)
            if last >= start:
                starts[gaps], ends[gaps] = start, last
                away = place - last
                shares[gaps, 2], shares[gaps, 3] = _shares(
                    surface[owner[c]], -slope[c], k, width, away
                )
                gaps += 1
            shares[gaps, :] = 0.0
        elif was != 0 and winding == 0:
            start = max(math.ceil(place + 0.5), 1)
            away = start - place
            shares[gaps, 0], shares[gaps, 1] = _shares(surface[owner[c]], slope[c], k, width, away)
    if start <= nodes - 2:
        starts[gaps], ends[gaps] = start, nodes - 2
        gaps += 1
    return gaps


@compiled
def _shares(
    surface: complex, slope: float, k: float, width: float, away: float
) -> tuple[complex, complex]:
    """Of the field at a node `away` widths from a surface: what the next node has, inside of it,
    and the factor from there to one further in."""
    beta = 1j * k * width * (surface * math.sqrt(1.0 + slope * slope) - slope)
    # A surface that holds a wave has a negative real part; inwards that must not grow.
    decay = math.exp(-max(beta.real, 0.0))
    inwards = decay * complex(math.cos(beta.imag), -math.sin(beta.imag))
    return (1.0 - beta * (1.0 - away)) / (1.0 + beta * away), inwards


@compiled
def _advance(
    v: Complex[np.ndarray, " n"],
    right: Complex[np.ndarray, " n"],
    below: Complex[np.ndarray, " n"],
    above: Complex[np.ndarray, " n"],
    gaps: int,
    starts: Int[np.ndarray, " g"],
    ends: Int[np.ndarray, " g"],
    shares: Complex[np.ndarray, "g 4"],
    off: complex,
) -> None:
    """`v` one front on; off: of the step's matrix, beside the diagonal; the other arrays are for work.

    Within a gap the matrix has the same numbers in every row, so what a node gives to another falls
    by one factor from node to node; two sums of that kind, upwards and downwards at once, and a
    wave of that decay from each end that meets what holds there, are the solution.
    """
    nodes = len(v)
    back = off.conjugate()
    decay, own = _green(off)
    for g in range(gaps):
        a, end = starts[g], ends[g] + 1
        # Views from 0 upwards, as fast loops want them.
        here, before, after, known = v[a:end], v[a - 1 : end - 1], v[a + 1 : end + 1], right[a:end]
        for m in range(len(here)):
            known[m] = here[m] + back * (before[m] + after[m] - 2.0 * here[m])
    last = 0
    for g in range(gaps):
        v[last + 1 : starts[g]] = 0.0
        last = ends[g]
    v[last + 1 : nodes - 1] = 0.0
    for g in range(gaps):
        a, end = starts[g], ends[g] + 1
        here, known, low, high = v[a:end], right[a:end], below[a:end], above[a:end]
        known_down, high_down = known[::-1], high[::-1]
        up, down = 0j, 0j
        for m in range(len(here)):
            up = known[m] + decay * up
            down = known_down[m] + decay * down
            low[m], high_down[m] = up, down
        for m in range(len(here)):
            here[m] = own * (low[m] + high[m] - known[m])
        _meet_ends(v, a, end - 1, own * decay * down, own * decay * up, shares[g], decay)
    for g in range(gaps):
        for last, inner, way in ((starts[g], 0, -1), (ends[g], 2, 1)):
            value = v[last] * shares[g, inner]
            for m in range(1, _INSIDE):
                j = last + way * m
                if j < 1 or j > nodes - 2 or v[j] != 0.0:
                    break
                v[j] = value
                value *= shares[g, inner + 1]


@compiled
def _green(off: complex) -> tuple[complex, complex]:
    """Of the endless matrix with `off` beside 1 - 2 off: the factor by which what a node gives falls from
    node to node, and what it has itself."""
    diagonal = 1.0 - 2.0 * off
    root = np.sqrt(diagonal * diagonal - 4.0 * off * off)
    decay = (root - diagonal) / (2.0 * off)
    if decay.real * decay.real + decay.imag * decay.imag > 1.0:
        decay, root = 1.0 / decay, -root
    return decay, 1.0 / root


@compiled
def _meet_ends(
    v: Complex[np.ndarray, " n"],
    a: int,
    b: int,
    under: complex,
    over: complex,
    shares: Complex[np.ndarray, " 4"],
    decay: complex,
) -> None:
    """Adds to the nodes `a` to `b` the waves that decay from either end, so that the node beyond it has its
    share of the last one, or at the grid's ends the free wave. under, over: what these nodes have yet."""
    nodes = len(v)
    across = decay ** (b - a) if b - a < _LONG else 0j
    first = decay * (shares[0] * v[a] - under + (1.0 if a == 1 else 0.0))
    last = decay * (shares[2] * v[b] - over + (1.0 if b == nodes - 2 else 0.0))
    own, other = 1.0 - decay * shares[0], decay * across * (decay - shares[0])
    their, others = 1.0 - decay * shares[2], decay * across * (decay - shares[2])
    scale = 1.0 / (own * their - other * others)
    low, high = scale * (first * their - last * other), scale * (last * own - first * others)
    here = v[a : b + 1]
    back = here[::-1]
    for m in range(len(here)):
        here[m] += low
        back[m] += high
        low, high = low * decay, high * decay
        if low.real**2 + low.imag**2 + high.real**2 + high.imag**2 < _FAINT:
            break


@compiled
def _carried_on(
    v: Complex[np.ndarray, " n"], low: float, spacing: float, r: float, distance: float, k: float
) -> complex:
    """Kirchhoff's integral of v - 1 over the front of radius `r`, over the free field."""
    total = 0j
    for j in range(len(v)):
        cosine = math.cos(low + j * spacing)
        onward = math.sqrt(distance * (distance - 2.0 * r * cosine) + r * r)
        obliquity = 0.5 * (1.0 + (cosine * distance - r) / onward)
        turn = k * (r + onward - distance)
        wave = complex(math.cos(turn), -math.sin(turn))
        total += (v[j] - 1.0) * wave * (obliquity / math.sqrt(onward))
    return total * spacing * math.sqrt(k * r * distance / (4.0 * math.pi)) * (1.0 + 1.0j)
