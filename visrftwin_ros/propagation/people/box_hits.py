"""Boxes as plain obstacles to straight segments: there or not, without diffraction."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int

from visrftwin_ros.bodies.people import Bodies
from visrftwin_ros.propagation.people.cylinder_hits import Lines, hidden

_PARALLEL = np.float32(1e-6)
"""Metres of a whole segment along an axis of the box under which it runs along that face."""


def hidden_by_bodies(
    segments: Lines,
    candidates: Int[np.ndarray, " c"],
    bodies: Bodies,
    body: Int[np.ndarray, " c"],
) -> Int[np.ndarray, " k"]:
    """`cylinder_hits.hidden` of persons and boxes together."""
    if not bodies.is_box.any():
        return hidden(segments, candidates, bodies, body)
    box = bodies.is_box[body]
    cut = np.zeros(len(candidates), bool)
    for rows, law in ((np.flatnonzero(~box), hidden), (np.flatnonzero(box), hidden_by_boxes)):
        cut[rows[law(segments, candidates[rows], bodies, body[rows])]] = True
    return np.flatnonzero(cut)


def hidden_by_boxes(
    segments: Lines,
    candidates: Int[np.ndarray, " c"],
    bodies: Bodies,
    body: Int[np.ndarray, " c"],
) -> Int[np.ndarray, " k"]:
    """Which of the segments `candidates` pass through their box: positions, ascending.

    The three slabs between opposite faces, each of which the segment is in for a share of its
    length (Kay and Kajiya, SIGGRAPH 1986); in single precision, as persons.
    """
    cos, sin = (turn(bodies.heading).astype(np.float32).take(body) for turn in (np.cos, np.sin))
    foot = bodies.position.astype(np.float32).take(body, axis=0).T
    start = [
        column.take(candidates) - at for column, at in zip(segments.columns, foot, strict=False)
    ]
    step = [column.take(candidates) for column in segments.columns[3:6]]
    half_height = (bodies.height / 2).astype(np.float32).take(body)
    at, way = (
        [x * cos + y * sin, y * cos - x * sin]
        for x, y in ((start[0], start[1]), (step[0], step[1]))
    )
    slabs = (
        (at[0], way[0], bodies.depth),
        (at[1], way[1], bodies.width),
        (start[2] - half_height, step[2], bodies.height),
    )
    enter, leave = np.zeros(len(body), np.float32), np.ones(len(body), np.float32)
    for place, along, size in slabs:
        half = (size / 2).astype(np.float32).take(body)
        enter, leave = _within(enter, leave, place, along, half)
    return np.flatnonzero(enter < leave)


def _within(
    enter: Float32[np.ndarray, " c"],
    leave: Float32[np.ndarray, " c"],
    place: Float32[np.ndarray, " c"],
    way: Float32[np.ndarray, " c"],
    half: Float32[np.ndarray, " c"],
) -> tuple[Float32[np.ndarray, " c"], Float32[np.ndarray, " c"]]:
    """The part of the segment, as shares of it, that is also within `half` of the middle."""
    still = np.abs(way) < _PARALLEL
    safe = np.where(still, np.float32(1), way)
    one, other = (-half - place) / safe, (half - place) / safe
    outside = still & (np.abs(place) >= half)
    low = np.where(still, np.where(outside, np.inf, -np.inf), np.minimum(one, other))
    high = np.where(still, np.inf, np.maximum(one, other))
    return np.maximum(enter, low).astype(np.float32), np.minimum(leave, high).astype(np.float32)
