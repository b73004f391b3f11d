"""The scores and the room behind docs/mmdiff.md."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "bench"))

import mmdiff_room  # noqa: E402


def spectrum(*waves: tuple[int, int, float]) -> np.ndarray:
    """Spots at elevation and azimuth, degrees, of these powers."""
    elevation, azimuth = np.meshgrid(np.arange(-90, 91), np.arange(-90, 91), indexing="ij")
    return np.asarray(
        sum(p * np.exp(-((elevation - e) ** 2 + (azimuth - a) ** 2) / 50) for e, a, p in waves)
    )


def test_a_peak_is_found_within_the_tolerance_and_its_errors_are_said() -> None:
    truth = spectrum((0, 10, 1.0), (40, -50, 0.2), (-30, 60, 0.1))
    ours = spectrum((3, 10, 2.0), (40, -50, 0.2), (-60, -60, 0.1))
    one, all_ = (mmdiff_room.score([ours], [truth], most) for most in (1, 5))
    assert (one.f1, one.angle_deg) == (1, pytest.approx(3))
    assert one.power_db == pytest.approx(3.01, abs=0.01)
    assert all_.f1 == pytest.approx(2 / 3)
    assert all_.angle_deg == pytest.approx(1.5)


def test_a_peak_that_is_faint_or_aside_is_none() -> None:
    found = mmdiff_room.peaks(spectrum((0, 0, 1.0), (50, 0, 1e-3), (85, 0, 0.5)), 5)
    assert [len(column) for column in found] == [1, 1, 1]


def test_the_noise_of_a_mesh_moves_corners_and_tears_none_apart() -> None:
    clean = mmdiff_room.clean_room()
    scan = mmdiff_room.noisy(clean, 0.05, 1)
    before, after = (np.concatenate([m.vertices for m in meshes]) for meshes in (clean, scan))
    assert (after - before).std() == pytest.approx(0.05, rel=0.1)
    _, place = np.unique(before.round(6), axis=0, return_inverse=True)
    _, moved = np.unique(after.round(6), axis=0, return_inverse=True)
    assert place.max() == moved.max()
    assert len(np.unique(np.stack([place.ravel(), moved.ravel()]), axis=1).T) == place.max() + 1


def test_places_are_in_the_air_of_the_room() -> None:
    places = mmdiff_room.drawn_places(50, 3).positions
    assert (places > 0.3).all() and (places < mmdiff_room.SIZE - 0.3).all()
    cabinet = (places[:, 0] > 3.3) & (places[:, 1] > 2.4) & (places[:, 2] < 2)
    assert not cabinet.any()
