"""A spectrum shows a wave where it comes from, and is what the array's covariance gives."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from visrftwin_ros.beams.arrays import Mount, in_device_frame, steering, unit_vectors
from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.differentiable.angle_spectrum import AngleSpectrum, log_error_db
from visrftwin_ros.propagation.differentiable.arrivals import Arrivals
from visrftwin_ros.site.model import AntennaArray

ARRAY = AntennaArray(rows=4, columns=8)
MOUNT = Mount(ARRAY, yaw=0.7, pitch=0.2)


def waves(azimuth: list[float], elevation: list[float], power: list[float]) -> Arrivals:
    """From these directions, degrees before the array."""
    local = unit_vectors(np.deg2rad(azimuth), np.deg2rad(elevation))
    world = local @ in_device_frame(np.eye(3), MOUNT).T
    count = len(power)
    return Arrivals(
        torch.tensor(power).double(),
        torch.tensor(world.T),
        torch.ones(count).double(),
        torch.zeros(count).long(),
    )


def test_a_wave_is_a_peak_of_its_power_where_it_comes_from() -> None:
    grid = AngleSpectrum(ARRAY)
    found = grid.of(waves([23.0], [-11.0], [0.4]), [MOUNT])[0]
    row, column = np.unravel_index(int(found.argmax()), found.shape)
    assert (grid.angles_deg[row], grid.angles_deg[column]) == (-11, 23)
    assert float(found.max()) == pytest.approx(0.4)
    world = grid.directions(MOUNT)[row, column]
    np.testing.assert_allclose(world, waves([23.0], [-11.0], [1.0]).direction[:, 0], atol=1e-9)


@pytest.mark.parametrize("windowed", [False, True])
def test_it_is_the_covariance_seen_by_steered_beams(windowed: bool) -> None:
    shares = waves([10.0, -40, 33], [5.0, 20, -60], [1.0, 0.3, 0.1])
    grid = AngleSpectrum(ARRAY, step_deg=15, windowed=windowed)
    toward = in_device_frame(shares.direction.numpy().T, MOUNT)
    response = steering(ARRAY, toward)
    covariance = np.einsum("p,pi,pj->ij", shares.power.numpy(), response, response.conj())
    rows, columns = (np.hanning(n + 2)[1:-1] if windowed else np.ones(n) for n in (4, 8))
    window = np.outer(rows, columns).ravel()
    beams = steering(ARRAY, in_device_frame(grid.directions(MOUNT).reshape(-1, 3), MOUNT)) * window
    expected = np.einsum("gi,ij,gj->g", beams.conj(), covariance, beams).real / window.sum() ** 2
    np.testing.assert_allclose(grid.of(shares, [MOUNT])[0].ravel(), expected, atol=1e-12)


def test_what_comes_from_behind_is_not_heard_and_nothing_is_zeros() -> None:
    behind = waves([170.0], [0.0], [1.0])
    assert float(AngleSpectrum(ARRAY).of(behind, [MOUNT]).abs().max()) == 0
    nothing = Arrivals(
        torch.zeros(0), torch.zeros(3, 0), torch.zeros(0), torch.zeros(0, dtype=torch.int64)
    )
    spectra = AngleSpectrum(ARRAY).of(nothing, [MOUNT, MOUNT])
    assert spectra.shape == (2, 181, 181)
    assert float(spectra.abs().max()) == 0
    assert float(log_error_db(spectra, spectra)) == 0


def test_ten_times_the_power_is_an_error_of_ten_db() -> None:
    one = torch.rand(5, 5, generator=torch.Generator().manual_seed(2)) + 1
    assert float(log_error_db(10 * one, one)) == pytest.approx(10, abs=1e-3)


def test_a_step_that_is_none_is_refused() -> None:
    with pytest.raises(TwinError, match="step is 0 degrees"):
        AngleSpectrum(ARRAY, step_deg=0)
