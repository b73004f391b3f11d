"""Path loss, delay spread, azimuth spread, K factor and shadow loss of links (paper, table 3).

Powers of the paths add; their phases do not enter. A receiver of 2.16 GHz resolves paths 0.14 m
apart, and within one such tap the phase turns with fractions of a millimetre that no map knows:
the sum of powers is the expectation of what it receives. Both shadow losses, 20 log10(|E_free| /
|E_rx|), use the same sums, |E|^2 = sum of path powers; one body's fringes and nulls stay in them,
since they are in each path's own complex blockage factor. They differ in E_free: all paths of the
link without people in `shadow_loss_db`, which tells what people take; the line of sight alone in
free space, as in the paper's section 6.6, in `shadow_loss_los_db`, which also tells what walls take
and other paths add, and is negative where those add more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Complex, Float, Int, Int32

from visrftwin_ros.compiled import compiled
from visrftwin_ros.propagation.paths.path_set import PathSet, squared_magnitude

Rows = Int[np.ndarray, " k"]

_RAY_IS_CUT = 0.5
"""|E/E0| at a screen's edge (6.02 dB): below it the straight ray itself goes through a body."""
_FAINT = 1e-6
"""Share of a link's power without people below which its sums are built from scratch."""


@dataclass(frozen=True)
class LinkMetrics:
    """One entry a link, (L,) each; power gains are between vertical isotropic antennas.

    path_loss_db: inf where no path is. delay_spread: seconds, RMS; azimuth_spread: radians, of
    arrival; both nan where no path is. k_factor_db: line of sight over all else, -inf without
    a line of sight, inf with nothing else, nan without a path. shadow_loss_db: positive = loss
    against the same link without people; nan where it has no path without people.
    shadow_loss_los_db: positive = loss against the line of sight alone in free space, whether
    anything is in its way or not; nan where no path is.
    line_of_sight: the direct ray is free of walls and of people.
    """

    path_loss_db: Float[np.ndarray, " links"]
    delay_spread: Float[np.ndarray, " links"]
    azimuth_spread: Float[np.ndarray, " links"]
    k_factor_db: Float[np.ndarray, " links"]
    shadow_loss_db: Float[np.ndarray, " links"]
    shadow_loss_los_db: Float[np.ndarray, " links"]
    line_of_sight: Bool[np.ndarray, " links"]


@dataclass(frozen=True)
class LinkSums:
    """What the metrics are made of, (L,) each: sums over a link's paths, so that sets of paths add.

    power, direct, scattered: with people, of all paths, the line of sight, and the rest. free:
    without people. delay, delay_square: power times excess delay [s] over the straight line
    between the ends, and times its square. phasor: power times exp(j azimuth of arrival). seen:
    lines of sight that no body cuts. straight: metres from end to end, the same in all sets of a
    link's paths; 0 where a set has none.
    """

    power: Float[np.ndarray, " links"]
    free: Float[np.ndarray, " links"]
    direct: Float[np.ndarray, " links"]
    scattered: Float[np.ndarray, " links"]
    delay: Float[np.ndarray, " links"]
    delay_square: Float[np.ndarray, " links"]
    phasor: Complex[np.ndarray, " links"]
    seen: Float[np.ndarray, " links"]
    straight: Float[np.ndarray, " links"]

    def __len__(self) -> int:
        return len(self.power)

    def metrics(self, wavelength: float) -> LinkMetrics:
        """The metrics of these sums; LinkMetrics says what they are without power.

        wavelength: metres.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = self.delay / self.power
            variance = np.maximum(self.delay_square / self.power - mean**2, 0.0)
            line = (wavelength / (4 * np.pi * self.straight)) ** 2  # Friis
            concentration = np.minimum(np.abs(self.phasor) / self.power, 1.0)
            return LinkMetrics(
                path_loss_db=-10 * np.log10(self.power),
                delay_spread=np.sqrt(variance),
                azimuth_spread=np.sqrt(np.maximum(-2 * np.log(concentration), 0.0)),
                k_factor_db=10 * np.log10(self.direct / self.scattered),
                shadow_loss_db=np.where(
                    self.free > 0, 10 * np.log10(self.free / self.power), np.nan
                ),
                shadow_loss_los_db=np.where(
                    self.straight > 0, 10 * np.log10(line / self.power), np.nan
                ),
                line_of_sight=self.seen > 0,
            )

    def replaced(self, links: Rows, new: LinkSums) -> LinkSums:
        """These with the entries `links` taken from `new`; the others stay bit for bit."""
        return self._merged(links, new, add=False)

    def plus(self, links: Rows, more: LinkSums) -> LinkSums:
        """These with `more` added to the entries `links`; the others stay bit for bit."""
        return self._merged(links, more, add=True)

    def stronger_by(self, gain_db: Float[np.ndarray, " links"]) -> LinkSums:
        """The same paths, all of a link with `gain_db` more power."""
        factor = 10 ** (gain_db / 10)
        unscaled = ("seen", "straight")
        return LinkSums(
            **{
                f.name: getattr(self, f.name) * (1 if f.name in unscaled else factor)
                for f in fields(LinkSums)
            }
        )

    def differ(self, other: LinkSums) -> Bool[np.ndarray, " links"]:
        """Some sum of the link is not the same, to the bit."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(LinkSums))
        return np.logical_or.reduce([ours != theirs for ours, theirs in pairs])

    def _merged(self, links: Rows, new: LinkSums, add: bool) -> LinkSums:
        merged = {}
        for f in fields(LinkSums):
            entries = getattr(self, f.name).copy()
            entries[links] = (entries[links] if add else 0) + getattr(new, f.name)
            merged[f.name] = entries
        if add:
            merged["straight"] = self.straight.copy()
            merged["straight"][links] = np.maximum(self.straight[links], new.straight)
        return LinkSums(**merged)


def no_sums(links: int) -> LinkSums:
    """Of links without a path."""
    zeros = np.zeros(links)
    return LinkSums(zeros, zeros, zeros, zeros, zeros, zeros, zeros.astype(complex), zeros, zeros)


def link_sums(
    paths: PathSet, field: Complex[np.ndarray, " paths"], links: Rows | None = None
) -> LinkSums:
    """Sums over the paths of `links` (indices into paths.links, ascending; default all).

    field: factor E/E0 by people on each path.
    """
    rows = np.arange(len(paths)) if links is None else _rows_of(paths, links)
    strength = squared_magnitude(field[rows])
    count = len(paths.links if links is None else links)
    number = paths.link if links is None else np.searchsorted(links, paths.link[rows])
    seen = (strength > _RAY_IS_CUT**2).astype(float)
    return _sums(paths, rows, number, count, strength, seen, free=True)


def shadowed_sums(
    paths: PathSet,
    free: LinkSums,
    factor: Complex[np.ndarray, " touched"],
    touched: Rows,
) -> LinkSums:
    """`link_sums` from `free`, the sums without people, and the paths `touched`, ascending, with
    their `factor` alone; the cost does not grow with the others, on which it is 1.
    """
    count = len(paths.links)
    strength = squared_magnitude(factor)
    cut = np.where(strength > _RAY_IS_CUT**2, 0.0, -1.0)
    number = paths.link[touched]
    change = _sums(paths, touched, number, count, strength - 1, cut, free=False)
    sums = free.plus(np.arange(count), change)
    # Where next to nothing is left, a difference of large sums would be mostly rounding.
    left = np.minimum(sums.power, sums.scattered + np.where(free.scattered > 0, 0, np.inf))
    faint = np.flatnonzero(left < _FAINT * np.minimum(free.power, free.scattered))
    if not len(faint):
        return sums
    field = np.ones(len(paths), complex)
    field[touched] = factor
    return sums.replaced(faint, link_sums(paths, field, faint))


def _sums(
    paths: PathSet,
    rows: Rows,
    number: Rows,
    count: int,
    weight: Float[np.ndarray, " k"],
    seen: Float[np.ndarray, " k"],
    free: bool,
) -> LinkSums:
    """Over `rows`, into entry `number` of `count`.

    weight: of their powers. seen: of each line of sight among them. free: they are all of the
    links' paths.
    """
    total = _added(
        rows, number.astype(np.intp), count, weight, seen,
        paths.moments, paths.n_vertices, paths.vertices,
    )  # fmt: skip
    return LinkSums(
        power=total[0] + total[1],
        free=total[2] + total[3] if free else np.zeros(count),
        direct=total[0],
        scattered=total[1],
        delay=total[4],
        delay_square=total[5],
        phasor=total[6] + 1j * total[7],
        seen=total[8],
        straight=total[9],
    )


@compiled
def _added(
    rows: Rows,
    number: Rows,
    count: int,
    weight: Float[np.ndarray, " k"],
    seen: Float[np.ndarray, " k"],
    moments: Float[np.ndarray, "5 paths"],
    n_vertices: Int32[np.ndarray, " paths"],
    vertices: Float[np.ndarray, "paths v 3"],
) -> Float[np.ndarray, "10 count"]:
    """Sums by number: weighted power of direct paths and of the others, which may be far smaller;
    power of both; the other moments, weighted; `seen`; and metres from end to end."""
    total = np.zeros((10, count))
    for k in range(len(rows)):
        row, to = rows[k], number[k]
        indirect = int(n_vertices[row] > 2)
        power = moments[0, row]
        total[indirect, to] += weight[k] * power
        total[2 + indirect, to] += power
        for moment in range(1, 5):
            total[3 + moment, to] += weight[k] * moments[moment, row]
        if not indirect:
            total[8, to] += seen[k]
        if total[9, to] == 0.0:
            square = 0.0
            for x in range(3):
                square += (vertices[row, -1, x] - vertices[row, 0, x]) ** 2
            total[9, to] = math.sqrt(square)
    return total


def _rows_of(paths: PathSet, links: Rows) -> Int[np.ndarray, " rows"]:
    first, after = paths.offsets[links], paths.offsets[links + 1]
    count = after - first
    return np.repeat(first - (np.cumsum(count) - count), count) + np.arange(count.sum())
