"""How well tracks agree with the truth.

CLEAR MOT: Bernardin & Stiefelhagen, EURASIP JIVP 2008. IDF1: Ristani et al., ECCV workshops 2016.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import linear_sum_assignment

from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.tracking.tracks_file import (
    Tracks,
    read_numbers,
    read_tracks,
    whole_frames,
)

TRUTH_HEADER = (
    "frame",
    "id",
    "bb_left",
    "bb_top",
    "bb_width",
    "bb_height",
    "conf",
    "world_x",
    "world_y",
)


@dataclass(frozen=True)
class Truth:
    """R rows, one a person and annotated frame: frame from 1, ids, position (R, 2) world m."""

    frame: Int[np.ndarray, " r"]
    ids: tuple[str, ...]
    position: Float[np.ndarray, "r 2"]


@dataclass(frozen=True)
class TrackScore:
    """Agreement over the annotated frames.

    recall, precision, mota, idf1: shares. error_median, error_p90: ground distance of matches, m,
    NaN without a match. switches: times that a person's track changed. truth, tracked, matched:
    rows.
    """

    recall: float
    precision: float
    error_median: float
    error_p90: float
    switches: int
    mota: float
    idf1: float
    frames: int
    truth: int
    tracked: int
    matched: int


def read_truth(path: str | Path) -> Truth:
    """Read ground truth in MOTChallenge columns. Raises TwinError with the wrong line."""
    numbers, ids = read_numbers(path, TRUTH_HEADER, text="id")
    frame = whole_frames(numbers[:, 0], path)
    return Truth(frame=frame, ids=ids, position=numbers[:, -2:])


def score_tracks(
    tracks: Tracks,
    truth: Truth,
    match_distance: float = 1.0,
    frames: tuple[int, int] | None = None,
) -> TrackScore:
    """Recall, precision, ground error and identity figures.

    Pairs are those of least total distance within `match_distance` [m] on the ground, frame by
    frame. Only frames that the truth annotates count (and `frames`, first and last, limits them);
    in those everyone tracked counts, for the truth is taken to name everybody in view.
    """
    numbers = np.unique(truth.frame)
    if frames is not None:
        numbers = numbers[(numbers >= frames[0]) & (numbers <= frames[1])]
    if not len(numbers):
        raise TwinError("the truth annotates none of the frames to score")
    truth_rows = np.flatnonzero(np.isin(truth.frame, numbers))
    track_rows = np.flatnonzero(np.isin(tracks.frame, numbers))
    pairs: list[tuple[int, int, float]] = []
    near: dict[tuple[str, str], int] = {}
    for number in numbers:
        i = truth_rows[truth.frame[truth_rows] == number]
        j = track_rows[tracks.frame[track_rows] == number]
        apart = np.linalg.norm(truth.position[i][:, None] - tracks.position[j][None], axis=2)
        pairs += [(i[a], j[b], apart[a, b]) for a, b in _matches(apart, match_distance)]
        for a, b in np.argwhere(apart <= match_distance):
            names = (truth.ids[i[a]], tracks.ids[j[b]])
            near[names] = near.get(names, 0) + 1
    switches = _switches([(truth.ids[i], tracks.ids[j]) for i, j, _ in pairs])
    error = np.array([distance for *_, distance in pairs])
    hits, wanted, given = len(pairs), len(truth_rows), len(track_rows)
    return TrackScore(
        recall=hits / wanted,
        precision=hits / given if given else 0.0,
        error_median=float(np.median(error)) if hits else float("nan"),
        error_p90=float(np.percentile(error, 90)) if hits else float("nan"),
        switches=switches,
        mota=1 - (wanted - hits + given - hits + switches) / wanted,
        idf1=2 * _identity_hits(near) / (wanted + given),
        frames=len(numbers),
        truth=wanted,
        tracked=given,
        matched=hits,
    )


def score_files(
    tracks: str | Path,
    truth: str | Path,
    match_distance: float = 1.0,
    frames: tuple[int, int] | None = None,
) -> dict[str, float | int | None]:
    """`score_tracks` of two CSV files, as JSON takes it (NaN becomes None)."""
    score = score_tracks(read_tracks(tracks), read_truth(truth), match_distance, frames)
    return {
        name: None if isinstance(value, float) and np.isnan(value) else value
        for name, value in asdict(score).items()
    }


def _matches(apart: Float[np.ndarray, "n m"], limit: float) -> list[tuple[int, int]]:
    """Pairs of least total distance; as many as lie within the limit."""
    if not apart.size:
        return []
    barred = limit * (min(apart.shape) + 1)
    i, j = linear_sum_assignment(np.where(apart <= limit, apart, barred))
    return [(int(a), int(b)) for a, b in zip(i, j, strict=True) if apart[a, b] <= limit]


def _switches(pairs: list[tuple[str, str]]) -> int:
    """Times that a person's track differs from the one before, in the order of the frames."""
    last: dict[str, str] = {}
    count = 0
    for person, track in pairs:
        count += last.get(person, track) != track
        last[person] = track
    return count


def _identity_hits(near: dict[tuple[str, str], int]) -> int:
    """Rows that agree under the best one-to-one naming of tracks as people."""
    people = sorted({person for person, _ in near})
    tracks = sorted({track for _, track in near})
    counts = np.zeros((len(people), len(tracks)))
    for (person, track), count in near.items():
        counts[people.index(person), tracks.index(track)] = count
    i, j = linear_sum_assignment(counts, maximize=True)
    return int(counts[i, j].sum())
