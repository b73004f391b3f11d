"""Slopes by lobe, material and place against finite differences with the same drawn ways; by place also
against differences of an integral that knows of no ways."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from lobe_cases import FREQUENCY, WAVELENGTH, beside, perfect, plate, plate_power

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.propagation.differentiable.angle_spectrum import AngleSpectrum, log_error_db
from visrftwin_ros.propagation.differentiable.arrivals import Permittivity, arrivals
from visrftwin_ros.propagation.differentiable.lobe_paths import Ends, LobePaths, lobe_paths
from visrftwin_ros.propagation.differentiable.lobe_scene import LobeScene
from visrftwin_ros.propagation.differentiable.lobes import Lobes
from visrftwin_ros.propagation.differentiable.moved_surfaces import moved
from visrftwin_ros.propagation.differentiable.surface_materials import (
    ConstantMaterials,
    PositionMaterials,
    material_numbers,
)
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import AntennaArray

ARRAY = AntennaArray(rows=4, columns=4)
Loss = Callable[..., torch.Tensor]


class Corner:
    """A floor and a wall, a transmitter and two receivers, drawn once from the transmitter."""

    def __init__(self) -> None:
        floor = plate(3)
        side = floor.vertices[:, [2, 1, 0]] * [1, 1, 0.5] + [3.0, 0, 1.5]
        self.scene = LobeScene([floor, SurfaceMesh("wall", side, floor.faces, floor.material)])
        self.alpha = torch.tensor([9.0, 20.0]).double()
        others = torch.tensor([[1.5, -1], [-0.5, 1], [1, 1.2]]).double()
        self.ends = Ends(torch.tensor([-1.5, 0.3, 1.4]).double(), others, False)
        self.paths = self.drawn(self.scene)
        self.constant = ConstantMaterials(
            torch.tensor([material_numbers(4, 0.3), material_numbers(7, 2)])
            .double()
            .T.contiguous(),
            FREQUENCY,
        )
        self.moves = torch.zeros(2, 6).double()
        self.spectrum = AngleSpectrum(ARRAY, step_deg=6)
        with torch.no_grad():
            self.reference = self.read(self.alpha * 2, perfect_double, self.moves)

    def drawn(self, scene: LobeScene) -> tuple[LobePaths, ...]:
        return lobe_paths(scene, Lobes.of(self.alpha.float()), self.ends, 3000, 2, 4)

    def read(
        self, alpha: torch.Tensor, materials: Permittivity, moves: torch.Tensor
    ) -> torch.Tensor:
        """Spectra of both receivers."""
        corners = moved(self.scene, self.scene.vertices.double(), moves)
        shares = arrivals(
            self.scene, corners, self.paths, Lobes.of(alpha), materials, self.ends, WAVELENGTH
        )
        return self.spectrum.of(shares, [Mount(ARRAY, 2.0, 0.2), Mount(ARRAY, 0.1)])

    def loss(
        self, alpha: torch.Tensor, materials: Permittivity, moves: torch.Tensor
    ) -> torch.Tensor:
        return log_error_db(self.read(alpha, materials, moves), self.reference)


def perfect_double(place: torch.Tensor, surface: torch.Tensor) -> torch.Tensor:
    return perfect(place, surface).to(torch.complex128)


@pytest.fixture(scope="module")
def corner() -> Corner:
    return Corner()


def assert_slopes(loss: Callable[[], torch.Tensor], numbers: torch.Tensor, step: float) -> None:
    """Of each of a few numbers, within 1 % of the central difference."""
    (slopes,) = torch.autograd.grad(loss(), numbers)
    flat, found = numbers.detach().view(-1), slopes.reshape(-1)
    rows = torch.argsort(found.abs(), descending=True)[:12]
    assert float(found[rows[0]].abs()) > 0
    for row in rows.tolist():
        kept = float(flat[row])
        sides = []
        for sign in (1, -1):
            flat[row] = kept + sign * step
            with torch.no_grad():
                sides.append(float(loss()))
        flat[row] = kept
        difference = (sides[0] - sides[1]) / (2 * step)
        assert float(found[row]) == pytest.approx(difference, rel=0.01, abs=1e-6)


def test_of_the_lobes(corner: Corner) -> None:
    alpha = corner.alpha.clone().requires_grad_()
    assert_slopes(lambda: corner.loss(alpha, corner.constant, corner.moves), alpha, 1e-4)


def test_of_a_material_a_surface(corner: Corner) -> None:
    numbers = corner.constant.numbers
    assert_slopes(lambda: corner.loss(corner.alpha, corner.constant, corner.moves), numbers, 1e-5)


def test_of_the_network_of_the_place(corner: Corner) -> None:
    low, high = torch.tensor([-3.0, -3, 0]).double(), torch.tensor([3.0, 3, 3]).double()
    network = PositionMaterials(low, high, FREQUENCY, material_numbers(4, 0.3))
    for weights in (network.layers[0].weight, network.layers[-1].bias):
        assert_slopes(lambda: corner.loss(corner.alpha, network, corner.moves), weights, 1e-6)


def test_of_shifts_and_turns_of_surfaces(corner: Corner) -> None:
    """All three axes of both, those in their own planes as well."""
    moves = torch.zeros(2, 6).double().requires_grad_()
    loss = corner.loss(corner.alpha, corner.constant, moves)
    (slopes,) = torch.autograd.grad(loss, moves)
    assert bool((slopes.abs() > 1e-6).all())
    assert_slopes(lambda: corner.loss(corner.alpha, corner.constant, moves), moves, 1e-6)


def test_a_plates_power_by_its_place_is_the_slope_of_its_integral() -> None:
    """In its own plane only its rim tells that it moves."""
    tx, rx = (beside(50, 2, 1.5, from_rx).start.double() for from_rx in (False, True))
    place = np.array([0.15, 0.1, 0.0])
    ends = Ends(rx, tx[:, None], True)
    scene = LobeScene([plate(0.5, (0.15, 0.1, 0.0))])
    lobes = Lobes.of(torch.tensor([30.0]).double())
    paths = lobe_paths(scene, Lobes.of(torch.tensor([30.0])), ends, 1_000_000, 1, 1)[1:]
    moves = torch.zeros(1, 6).double().requires_grad_()
    corners = moved(scene, scene.vertices.double(), moves)
    shares = arrivals(scene, corners, paths, lobes, perfect_double, ends, WAVELENGTH)
    total = shares.power.sum()
    (slopes,) = torch.autograd.grad(total, moves)

    def integral(shift: np.ndarray) -> float:
        return plate_power(30, tx.numpy(), rx.numpy(), 0.5, place + shift, points=60)

    assert float(total.detach()) == pytest.approx(integral(np.zeros(3)), rel=0.01)
    steps = 1e-3 * np.eye(3)
    expected = [(integral(step) - integral(-step)) / 2e-3 for step in steps]
    np.testing.assert_allclose(slopes[0, :3], expected, rtol=0.02)


def test_slopes_of_a_moved_scene_are_those_of_ways_drawn_anew(corner: Corner) -> None:
    """Where no shadow's rim turns, the drawn ways and the moved ones are of the same sum."""
    shift = 0.05 * torch.tensor([[0.0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 0, 0]]).double()
    totals = []
    for sign in (1, -1):
        scene = corner.scene.moved(
            moved(corner.scene, corner.scene.vertices.double(), sign * shift)
        )
        paths = lobe_paths(scene, Lobes.of(corner.alpha.float()), corner.ends, 100_000, 1, 4)[1:]
        with torch.no_grad():
            shares = arrivals(
                scene, scene.vertices.double(), paths, Lobes.of(corner.alpha), perfect_double,
                corner.ends, WAVELENGTH,
            )  # fmt: skip
        totals.append(float(shares.power.sum()))
    paths = lobe_paths(corner.scene, Lobes.of(corner.alpha.float()), corner.ends, 100_000, 1, 4)[1:]
    moves = torch.zeros(2, 6).double().requires_grad_()
    shares = arrivals(
        corner.scene, moved(corner.scene, corner.scene.vertices.double(), moves), paths,
        Lobes.of(corner.alpha), perfect_double, corner.ends, WAVELENGTH,
    )  # fmt: skip
    (slopes,) = torch.autograd.grad(shares.power.sum(), moves)
    assert float(slopes[0, 2]) == pytest.approx((totals[0] - totals[1]) / 0.1, rel=0.03)
