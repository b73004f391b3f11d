"""The outline of a surface's cells keeps what was seen to be open, and its triangles fill it exactly."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.mapping.outlines import (
    covered,
    loop_area,
    loops_of,
    onto_lines,
    straightened,
    triangles,
)

CELL = 0.05
SQUARE = np.array([[0.0, 0.0], [4.0, 0.0], [4.0, 3.0], [0.0, 3.0]])
HOLE = np.array([[1.0, 1.0], [1.0, 2.0], [2.5, 2.0], [2.5, 1.0]])


def grid(low: tuple[float, float], high: tuple[float, float], step: float = 0.02) -> np.ndarray:
    x, y = (np.arange(low[i] + step / 2, high[i], step) for i in (0, 1))
    return np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)


def wall_with_window() -> tuple[np.ndarray, np.ndarray]:
    """Points on a wall of 4 x 3 m, and places in the window of 1.5 x 1 m in it."""
    wall = grid((0, 0), (4, 3))
    inside = ((wall > HOLE.min(axis=0)) & (wall < HOLE.max(axis=0))).all(axis=1)
    return wall[~inside], np.repeat(grid((1, 1), (2.5, 2)), 2, axis=0)


def test_a_window_that_was_looked_through_is_a_hole() -> None:
    wall, window = wall_with_window()
    mask, corner, seen = covered(wall, window, CELL, 0.4, 0.3)
    loops = loops_of(mask, corner, CELL, 0.15)
    assert sorted(map(loop_area, loops)) == pytest.approx([1.5, 12.0], rel=0.04)
    assert seen > 0.99


def test_where_nobody_looked_the_wall_goes_on_and_counts_as_unseen() -> None:
    wall, _ = wall_with_window()
    mask, corner, seen = covered(wall, np.zeros((0, 2)), CELL, 0.4, 0.3)
    loops = loops_of(mask, corner, CELL, 0.15)
    assert [*map(loop_area, loops)] == pytest.approx([12.0], rel=0.03)
    assert seen == pytest.approx(10.5 / 12, abs=0.02)


def test_triangles_fill_an_outline_with_a_hole_exactly() -> None:
    made = triangles([SQUARE, HOLE])
    assert made is not None
    corners, faces = made
    a, b, c = (corners[faces[:, i]] for i in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert (area > 0).all()
    assert area.sum() / 2 == pytest.approx(12 - 1.5)
    middle = (a + b + c) / 3
    assert not ((middle > HOLE.min(axis=0)) & (middle < HOLE.max(axis=0))).all(axis=1).any()


def test_no_triangles_come_of_an_outline_that_crosses_itself() -> None:
    assert triangles([np.array([[0.0, 0.0], [2.0, 2.0], [2.0, 0.0], [0.0, 2.0]])]) is None


def test_edges_about_along_an_axis_are_turned_to_it() -> None:
    axis = 0.4
    turn = np.array([[np.cos(axis), np.sin(axis)], [-np.sin(axis), np.cos(axis)]])
    crooked = (SQUARE + np.array([[0, 0.05], [0.04, 0], [0, -0.03], [0.02, 0]])) @ turn
    edges = np.diff(np.vstack([*straightened(crooked, axis)] * 2)[:5], axis=0) @ turn.T
    assert np.abs(edges).min(axis=1).max() < 1e-9


def test_corners_meet_the_planes_that_they_are_near_to() -> None:
    lines = [(np.array([1.0, 0.0]), 4.1), (np.array([0.0, 1.0]), -0.05)]
    assert onto_lines(SQUARE, lines, 0.15) == pytest.approx(
        np.array([[0.0, -0.05], [4.1, -0.05], [4.1, 3.0], [0.0, 3.0]])
    )
