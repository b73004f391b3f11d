"""Samples of one scattered field made one path: those of one patch, seen in one direction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int, Int64

from visrftwin_ros.propagation.paths.path_set import (
    DIFFUSE,
    PathSet,
    angles,
    of_same_links,
    squared_magnitude,
)

_NORMAL_STEPS = 20
"""A unit normal's parts are told apart in so many steps: the faces of a box, not of a ball."""
_WEAK = 1e-4
"""Share of a link's power under which a group is merged further: in wider cells, and in the end
with those of other sequences that end on the same surface."""
_DELAY = 5e-8
"""Seconds by which paths of one group differ at most, for each radian of a cell's width."""
_LEVELS = ((1, True), (2, True), (4, True), (4, False))
"""Width of the cells, and whether sequences are told apart; all but the first for weak groups."""


def merged_diffuse(paths: PathSet, cell: float) -> PathSet:
    """`paths` with the diffuse ones of a link merged that meet the same faces in the same order
    and leave and arrive within the same cells of `cell` radians; 0 merges nothing.

    A tracer's diffuse paths are random samples of one field: thousands a link, of a hundredth of
    its power. What is left of a group is its sample nearest to the power-weighted mean place,
    with the group's power in every polarisation: a path that was traced, so that surfaces,
    visibility and delay fit each other. Path loss is kept to rounding. A direction moves by less
    than a cell's diagonal at either end and a delay by less than 50 ns a radian of `cell`;
    groups of less than 1e-4 of the link's power take cells of up to four times the width, and in
    the end with those of any sequence that ends on the same surface.
    """
    scattered = (paths.interactions == DIFFUSE).any(axis=1)
    if cell <= 0 or not scattered.any():
        return paths
    of_link = np.bincount(paths.link, paths.power, len(paths.links))
    left, done = paths.select(scattered), [paths.select(~scattered)]
    for width, told_apart in _LEVELS:
        left = _merged(left, _groups(left, width * cell, told_apart))
        weak = left.power < _WEAK * of_link[left.link]
        done.append(left.select(~weak))
        left = left.select(weak)
    return of_same_links(paths.links, [*done, left])


def _merged(paths: PathSet, group: Int[np.ndarray, " paths"]) -> PathSet:
    """One path of each group, with the power of all."""
    if not len(paths):
        return paths
    order = np.argsort(group, kind="stable")
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    strength = squared_magnitude(paths.transfer[order])
    total = np.add.reduceat(strength, first, axis=0)
    last = paths.vertices[np.arange(len(paths)), paths.n_vertices - 2]
    places = np.concatenate([paths.vertices[:, 1], last], axis=1)[order]
    nearest = _nearest_to_the_mean(places, strength.sum(axis=(1, 2)), first)
    left = paths.select(order[nearest])
    # A polarisation that this sample lacks has no phase of its own.
    phasor = np.ones_like(left.transfer)
    size = np.sqrt(strength[nearest])
    np.divide(left.transfer, size, out=phasor, where=size > 0)
    return replace(left, transfer=phasor * np.sqrt(total))


def _groups(paths: PathSet, cell: float, told_apart: bool) -> Int[np.ndarray, " paths"]:
    """Numbers of the groups, from 0."""
    if told_apart:
        faces = np.round(paths.normals * _NORMAL_STEPS).astype(np.int16)
        columns = (paths.interactions, paths.objects, faces.reshape(len(paths), -1))
        sequence = _numbers(np.concatenate(columns, axis=1, dtype=np.int16, casting="unsafe"))
    else:
        sequence = paths.objects[np.arange(len(paths)), paths.n_vertices - 3]
    cells = _cells(paths.departure, cell), _cells(paths.arrival, cell)
    late = np.floor(paths.delay / (_DELAY * cell)).astype(np.int64)
    return _numbers(np.column_stack([paths.link, sequence, *cells, late]))


def _numbers(table: Int[np.ndarray, "k columns"]) -> Int[np.ndarray, " k"]:
    """Equal numbers, from 0, for equal rows."""
    table = np.ascontiguousarray(table)
    whole = table.view(np.dtype((np.void, table.itemsize * table.shape[1]))).ravel()
    return np.unique(whole, return_inverse=True)[1]


def _cells(directions: Float[np.ndarray, "k 3"], cell: float) -> Int64[np.ndarray, " k"]:
    """Numbers of the cells, `cell` radians high and about as wide, that directions lie in."""
    azimuth, elevation = angles(directions)
    band = np.floor(elevation / cell)
    # Fewer cells round a band near the pole: all are of about one size.
    widest = np.cos(np.clip((band + 0.5) * cell, -np.pi / 2, np.pi / 2))
    column = np.floor(azimuth * np.maximum(widest, cell) / cell)
    return (band * 4096 + column).astype(np.int64)


def _nearest_to_the_mean(
    places: Float[np.ndarray, "k columns"],
    weight: Float[np.ndarray, " k"],
    first: Int[np.ndarray, " groups"],
) -> Int[np.ndarray, " groups"]:
    """Of each group of rows, which begin at `first`, the one nearest to the weighted mean."""
    weight = np.maximum(weight, np.finfo(float).tiny)
    mean = np.add.reduceat(places * weight[:, None], first, axis=0)
    mean /= np.add.reduceat(weight, first)[:, None]
    group = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(weight))))
    apart = ((places - mean[group]) ** 2).sum(axis=1)
    return np.lexsort((apart, group))[first]
