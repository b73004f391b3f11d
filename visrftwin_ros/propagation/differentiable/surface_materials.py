"""Permittivity as a function of the place on a surface: one pair of numbers a surface, or a network."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from jaxtyping import Complex, Float, Int
from scipy.constants import epsilon_0

PERMITTIVITY = (1.0, 200.0)
CONDUCTIVITY = (1e-3, 1e6)
"""S/m; the ranges of the supplement C."""


def complex_permittivity(
    values: Float[torch.Tensor, "2 n"], frequency: float
) -> Complex[torch.Tensor, " n"]:
    """eps_r - j sigma / (omega eps_0) of numbers that may be any: each quantity's logarithm goes through
    its range as they go from low to high (a logistic curve, which unlike a clip has slopes everywhere)."""
    ranges = [(math.log(low), math.log(high)) for low, high in (PERMITTIVITY, CONDUCTIVITY)]
    eps, sigma = (
        (low + (high - low) * torch.sigmoid(row)).exp()
        for (low, high), row in zip(ranges, values, strict=True)
    )
    return torch.complex(eps, -sigma / (2 * math.pi * frequency * epsilon_0))


def material_numbers(permittivity: float, conductivity: float) -> tuple[float, float]:
    """The numbers that `complex_permittivity` takes for these values."""
    numbers = []
    for value, (low, high) in zip(
        (permittivity, conductivity), (PERMITTIVITY, CONDUCTIVITY), strict=True
    ):
        share = math.log(value / low) / math.log(high / low)
        share = min(max(share, 1e-3), 1 - 1e-3)
        numbers.append(math.log(share / (1 - share)))
    return numbers[0], numbers[1]


class ConstantMaterials(torch.nn.Module):
    """One material a surface. start: (2, S) as `material_numbers` gives them."""

    def __init__(self, start: Float[torch.Tensor, "2 s"], frequency: float) -> None:
        super().__init__()
        self.numbers = torch.nn.Parameter(start.clone())
        self.frequency = frequency

    def forward(
        self, place: Float[torch.Tensor, "3 n"], surface: Int[torch.Tensor, " n"]
    ) -> Complex[torch.Tensor, " n"]:
        return complex_permittivity(self.numbers[:, surface], self.frequency)


class PositionMaterials(torch.nn.Module):
    """A network of the place alone: 4 layers of 64 after a positional encoding of 6 octaves
    (supplement C). low, high: the corners of the room, metres, which are -1 and 1 of the encoding.

    It begins at one material everywhere, `start` as of `material_numbers`.
    """

    OCTAVES, WIDTH, LAYERS = 6, 64, 4
    middle: torch.Tensor
    reach: torch.Tensor
    octaves: torch.Tensor

    def __init__(
        self,
        low: Float[torch.Tensor, " 3"],
        high: Float[torch.Tensor, " 3"],
        frequency: float,
        start: tuple[float, float],
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.frequency = frequency
        self.register_buffer("middle", (low + high)[:, None] / 2)
        self.register_buffer("reach", ((high - low)[:, None] / 2).clamp(min=1e-6))
        self.register_buffer("octaves", math.pi * 2.0 ** torch.arange(self.OCTAVES))
        widths = [6 * self.OCTAVES] + [self.WIDTH] * self.LAYERS
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            layers = [
                part
                for one, two in pairwise(widths)
                for part in (torch.nn.Linear(one, two), torch.nn.ReLU())
            ]
            last = torch.nn.Linear(self.WIDTH, 2)
            torch.nn.init.normal_(last.weight, std=0.01)
        with torch.no_grad():
            last.bias.copy_(torch.tensor(start))
        self.layers = torch.nn.Sequential(*layers, last).to(low.dtype)

    def forward(
        self, place: Float[torch.Tensor, "3 n"], surface: Int[torch.Tensor, " n"]
    ) -> Complex[torch.Tensor, " n"]:
        along = (place - self.middle) / self.reach
        turn = (along[None] * self.octaves[:, None, None]).reshape(3 * self.OCTAVES, -1)
        encoded = torch.cat([turn.sin(), turn.cos()])
        return complex_permittivity(self.layers(encoded.T).T, self.frequency)
