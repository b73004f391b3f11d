"""Path loss, delay spread, azimuth spread, K factor and shadow loss of links (paper, table 3).

Powers of the paths add; their phases do not enter. A receiver of 2.16 GHz resolves paths 0.14 m
apart, and within one such tap the phase turns with fractions of a millimetre that no map knows:
the sum of powers is the expectation of what it receives. Shadow loss, 20 log10(|E_free|/|E_rx|) in
the paper, uses the same sums, |E|^2 = sum of path powers; one body's fringes and nulls
stay in it, since they are in each path's own complex blockage factor.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.propagation.path_set import PathSet

Array = NDArray[np.float64]

_RAY_IS_CUT = 0.5
"""|E/E0| at a screen's edge (6.02 dB): below it the straight ray itself goes through a body."""


@dataclass(frozen=True)
class LinkMetrics:
    """One entry a link, (L,) each; power gains are between vertical isotropic antennas.

    path_loss_db: inf where no path is. delay_spread: seconds, RMS; azimuth_spread: radians, of
    arrival; both nan where no path is. k_factor_db: line of sight over all else, -inf without
    a line of sight, inf with nothing else, nan without a path. shadow_loss_db: positive = loss
    against the same link without people; nan where it has no path without people either.
    line_of_sight: the direct ray is free of walls and of people.
    """

    path_loss_db: Array
    delay_spread: Array
    azimuth_spread: Array
    k_factor_db: Array
    shadow_loss_db: Array
    line_of_sight: NDArray[np.bool_]


def link_metrics(
    paths: PathSet, field: NDArray[np.complex128], links: NDArray[np.intp] | None = None
) -> LinkMetrics:
    """Metrics of `links` (indices into paths.links, ascending; default all).

    field: (P,) factor E/E0 by people on each path.
    """
    wanted = np.arange(len(paths.links)) if links is None else links
    rows = _rows_of(paths, wanted)
    number = np.searchsorted(wanted, paths.link[rows])

    def per_link(values: NDArray[np.float64]) -> Array:
        return np.asarray(np.bincount(number, values, minlength=len(wanted)), float)

    free = paths.power[rows]
    power = free * np.abs(field[rows]) ** 2
    direct = paths.line_of_sight[rows]
    total, total_free = per_link(power), per_link(free)
    los = per_link(np.where(direct, power, 0.0))
    rest = per_link(np.where(direct, 0.0, power))
    seen = direct & (np.abs(field[rows]) > _RAY_IS_CUT)

    excess = paths.delay[rows] - paths.earliest[paths.link[rows]]
    phasor = paths.arrival_phasor[rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = per_link(power * excess) / total
        variance = per_link(power * (excess - mean[number]) ** 2) / total
        resultant = np.hypot(per_link(power * phasor.real), per_link(power * phasor.imag))
        concentration = np.minimum(resultant / total, 1.0)
        return LinkMetrics(
            path_loss_db=-10 * np.log10(total),
            delay_spread=np.sqrt(variance),
            azimuth_spread=np.sqrt(np.maximum(-2 * np.log(concentration), 0.0)),
            k_factor_db=10 * np.log10(los / rest),
            shadow_loss_db=10 * np.log10(total_free / total),
            line_of_sight=per_link(seen.astype(float)) > 0,
        )


def with_links_replaced(old: LinkMetrics, links: NDArray[np.intp], new: LinkMetrics) -> LinkMetrics:
    """`old` with the entries `links` taken from `new`; the others stay bit for bit."""
    merged = {}
    for f in fields(LinkMetrics):
        merged[f.name] = getattr(old, f.name).copy()
        merged[f.name][links] = getattr(new, f.name)
    return LinkMetrics(**merged)


def _rows_of(paths: PathSet, links: NDArray[np.intp]) -> NDArray[np.intp]:
    first, after = paths.offsets[links], paths.offsets[links + 1]
    count = after - first
    return np.repeat(first - (np.cumsum(count) - count), count) + np.arange(count.sum())
