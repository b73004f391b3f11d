"""Tracks off line: `tracks.csv` and what it holds."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.tracking.people import People

HEADER = ("frame", "id", "x", "y", "vx", "vy", "height", "score")


@dataclass(frozen=True)
class Tracks:
    """R rows, one a person and frame, in the order of the frames.

    frame: (R,) from 1. ids: R names. position: (R, 2) world m on the ground. velocity: (R, 2) m/s.
    height: (R,) m. score: (R,) 0 to 1.
    """

    frame: Int[np.ndarray, " r"]
    ids: tuple[str, ...]
    position: Float[np.ndarray, "r 2"]
    velocity: Float[np.ndarray, "r 2"]
    height: Float[np.ndarray, " r"]
    score: Float[np.ndarray, " r"]

    def __len__(self) -> int:
        return len(self.frame)

    @classmethod
    def from_people(cls, frames: Iterable[tuple[int, People]]) -> Tracks:
        """Rows of (frame number, people) pairs."""
        pairs = [(number, people) for number, people in frames if len(people)]
        if not pairs:
            return cls(
                np.zeros(0, np.int64), (), np.zeros((0, 2)), np.zeros((0, 2)), *[np.zeros(0)] * 2
            )
        return cls(
            frame=np.concatenate([np.full(len(people), number) for number, people in pairs]),
            ids=tuple(name for _, people in pairs for name in people.ids),
            position=np.concatenate([people.position for _, people in pairs]),
            velocity=np.concatenate([people.velocity for _, people in pairs]),
            height=np.concatenate([people.height for _, people in pairs]),
            score=np.concatenate([people.score for _, people in pairs]),
        )


def write_tracks(tracks: Tracks, path: str | Path) -> None:
    """Write the HEADER and its rows."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(track_rows(tracks))


def track_rows(tracks: Tracks) -> list[list[str]]:
    """The cells of HEADER's columns; millimetres and mm/s are kept."""
    numbers = np.column_stack([tracks.position, tracks.velocity, tracks.height, tracks.score])
    return [
        [str(frame), name, *(f"{value:.3f}" for value in row)]
        for frame, name, row in zip(tracks.frame, tracks.ids, numbers, strict=True)
    ]


def read_tracks(path: str | Path) -> Tracks:
    """Read what `write_tracks` wrote. Raises TwinError with the line of what is wrong."""
    numbers, ids = read_numbers(path, HEADER, text="id")
    frame = whole_frames(numbers[:, 0], path)
    return Tracks(
        frame=frame,
        ids=ids,
        position=numbers[:, 1:3],
        velocity=numbers[:, 3:5],
        height=numbers[:, 5],
        score=numbers[:, 6],
    )


def read_numbers(
    path: str | Path, header: tuple[str, ...], text: str
) -> tuple[Float[np.ndarray, "r c"], tuple[str, ...]]:
    """The finite numbers of a CSV with a known header, and its one column of `text`."""
    if not Path(path).is_file():
        raise TwinError(f"no file at {str(path)!r}; expected a CSV with {','.join(header)}")
    try:
        with open(path, newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise TwinError(f"{path}: no CSV text ({error}); expected {','.join(header)}") from error
    if not lines or tuple(cell.strip() for cell in lines[0]) != header:
        found = ",".join(lines[0]) if lines else "nothing"
        raise TwinError(f"{path}: line 1: header {found!r}; expected {','.join(header)!r}")
    place = header.index(text)
    numbers, names = [], []
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        try:
            row = [float(cell) for k, cell in enumerate(line) if k != place]
        except ValueError as error:
            raise TwinError(f"{path}: line {number}: {error}; expected numbers") from error
        if len(line) != len(header) or not np.all(np.isfinite(row)):
            raise TwinError(
                f"{path}: line {number}: {','.join(line)!r}; expected {len(header)} finite values"
            )
        numbers.append(row)
        names.append(line[place])
    return np.array(numbers, dtype=np.float64).reshape(-1, len(header) - 1), tuple(names)


def whole_frames(column: Float[np.ndarray, " r"], path: str | Path) -> Int[np.ndarray, " r"]:
    """Frame numbers, which are whole and count from 1."""
    wrong = np.flatnonzero((column < 1) | (column != np.rint(column)))
    if len(wrong):
        raise TwinError(
            f"{path}: data row {wrong[0] + 1}: frame {column[wrong[0]]:g};"
            " frames are whole and count from 1"
        )
    return column.astype(np.int64)
