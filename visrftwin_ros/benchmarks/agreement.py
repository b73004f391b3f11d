"""How the twin's paths compare with those of a full solve that has the people in its scene."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from visrftwin_ros.benchmarks.sionna_faults import fields_with_faults
from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.paths.path_segments import path_segments
from visrftwin_ros.propagation.paths.path_set import (
    DIFFUSE,
    PathSet,
    path_delay,
    squared_magnitude,
)
from visrftwin_ros.propagation.people.cylinder_hits import hidden
from visrftwin_ros.propagation.replay.material_update import revalued
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.twin.channel_state import ChannelState

_SAME_PATH = 5e-3
"""Metres: Sionna's vertices are off by a millimetre, as it starts rays off the surfaces."""


@dataclass(frozen=True)
class Agreement:
    """matched_power: share of the power of the full solve's specular, refracted and diffracted
    paths, clear of people in both, that the twin has as well.

    99th percentiles over the matched paths, without people, at equal physics, that is with the
    solver's proven faults (`sionna_faults`) in the twin's formulas: gain_diff_db_p99 at the solver's
    vertices, which lie a millimetre beside the law of reflection (another of its faults),
    gain_diff_db_p99_own_vertices at the twin's. gain_diff_db_p99_by_power: below which 99 % of the
    matched power lies. delay_diff_s_p99. law_diff_db_p99: as served, by our law, from the solver's.
    extra_power: of the twin's clear paths that the full solve lacks, over the matched.
    diffuse_power_diff_db: of the sums over all links with people, at equal physics.
    """

    matched_power: float
    gain_diff_db_p99: float
    gain_diff_db_p99_own_vertices: float
    gain_diff_db_p99_by_power: float
    law_diff_db_p99: float
    delay_diff_s_p99: float
    extra_power: float
    diffuse_power_diff_db: float


def agreement(state: ChannelState, full: PathSet, bodies: Bodies, scene: ReplayScene) -> Agreement:
    """`state` against `full`, Sionna's, whose objects beyond those of the static `scene` are the
    people."""
    surfaces = len(scene.bounds)
    theirs = full.select(_deterministic(full) & ~(full.objects >= surfaces).any(axis=1))
    theirs = theirs.select(_clear(theirs, bodies))
    total = matched = extra = diffuse = 0.0
    laws, gains, delays, matches = [], [], [], []
    for group in state.groups:
        sampled = np.flatnonzero(~_deterministic(group.paths))
        strength = np.abs(group.blockage.field[sampled]) ** 2
        scattered = revalued(group.paths.select(sampled), scene, scene.as_sionna_has_it)
        diffuse += float((scattered.power * strength).sum())
        ours = group.paths.select(_deterministic(group.paths))
        ours = ours.select(_clear(ours, bodies))
        for i, number in enumerate(group.numbers):
            known, wanted = ours.of_link(i), theirs.of_link(int(number))
            twin = _twins(ours, known, theirs, wanted)
            has = twin >= 0
            rows = np.arange(wanted.start, wanted.stop)[has]
            total += float(theirs.power[wanted].sum())
            matched += float(theirs.power[rows].sum())
            alone = np.setdiff1d(np.arange(known.start, known.stop), twin[has])
            extra += float(ours.power[alone].sum())
            twins = ours.select(twin[has])
            laws.append(_gain_db(twins.transfer, theirs.power[rows]))
            gains.append(_gain_db(fields_with_faults(twins, scene), theirs.power[rows]))
            delays.append(twins.delay - path_delay(theirs.vertices[rows]))
            matches.append(rows)
    shared = theirs.select(np.concatenate(matches))
    at_theirs = _gain_db(fields_with_faults(shared, scene), shared.power)
    gain = np.abs(np.concatenate(gains))
    their_diffuse = float(full.power[~_deterministic(full)].sum())
    return Agreement(
        matched_power=matched / total,
        gain_diff_db_p99=_quantile(np.abs(at_theirs)),
        gain_diff_db_p99_own_vertices=_quantile(gain),
        gain_diff_db_p99_by_power=_quantile(gain, shared.power),
        law_diff_db_p99=_quantile(np.abs(np.concatenate(laws))),
        delay_diff_s_p99=_quantile(np.abs(np.concatenate(delays))),
        extra_power=extra / matched,
        diffuse_power_diff_db=float(10 * np.log10(diffuse / their_diffuse)),
    )


def _gain_db(transfer: NDArray[np.complex128], power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of vertically polarised isotropic antennas over `power`."""
    return np.asarray(10 * np.log10(squared_magnitude(transfer[:, 0, 0]) / power))


def _twins(ours: PathSet, known: slice, theirs: PathSet, wanted: slice) -> NDArray[np.intp]:
    """For each of `theirs[wanted]` the row of the same path among `ours[known]`, or -1."""
    apart = np.abs(theirs.vertices[wanted, None] - ours.vertices[None, known]).max(axis=(2, 3))
    other = (theirs.interactions[wanted, None] != ours.interactions[None, known]).any(axis=2)
    apart[other] = np.inf
    if not apart.size:
        return np.full(len(apart), -1)
    nearest = apart.argmin(axis=1)
    found = apart[np.arange(len(apart)), nearest] < _SAME_PATH
    return np.where(found, nearest + known.start, -1)


def _deterministic(paths: PathSet) -> NDArray[np.bool_]:
    return ~(paths.interactions == DIFFUSE).any(axis=1)


def _clear(paths: PathSet, bodies: Bodies) -> NDArray[np.bool_]:
    """(P,) no straight piece passes through the box round a body."""
    segments = path_segments(paths)
    everything = np.arange(len(segments))
    free = np.ones(len(paths), bool)
    # An ellipse round the box that the full solve has for a body.
    wide = replace(bodies, width=bodies.width * np.sqrt(2), depth=bodies.depth * np.sqrt(2))
    for body in range(len(bodies)):
        free[segments.path[hidden(segments, everything, wide, body)]] = False
    return free


def _quantile(values: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> float:
    """The value below which 99 % of the weight lies; all weigh the same without `weights`."""
    weights = np.ones_like(values) if weights is None else weights
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    return float(values[order[np.searchsorted(share, 0.99)]])
