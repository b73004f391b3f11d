"""A radiance field in the manner of NeRF2, with delays.

After Zhao, An, Pan and Yang, "NeRF2: Neural Radio-Frequency Radiance Fields", MobiCom 2023: a perceptron says of each
point of space how much it takes (density) and what it sends on towards the receiver by access point and direction; what
arrives from a direction is the sum along it. Ours is one of power; lies in the plan, since robots drive at one height;
and its points also say what way their wave has gone before. Small, since it learns from a fifth of a campaign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from visrftwin_ros.evaluation.baselines.radiance import Aim, Components, FieldPredictor, Links
from visrftwin_ros.evaluation.prediction import Measured, Told

if TYPE_CHECKING:
    import torch

DIRECTIONS, SAMPLES = 72, 24
"""Around the receiver, and points along each."""
STEPS, LEARNING_RATE = 300, 3e-3
FREQUENCIES = 5
"""Octaves of the position that the perceptron is given."""
WIDTH = 64
REACH = 10.0
"""Metres that become 1 in the perceptron."""
NEAREST = 0.3
"""m from the receiver to the first point."""


class NeRF2(FieldPredictor):
    """Paths learnt from the known snapshots, by what points of the plan send on."""

    name = "nerf2"
    label = "NeRF2-like (random)"
    colour = "#8c564b"
    what = "NeRF2-like radiance field of power and delay, trained on a share drawn at random"
    told: tuple[Told, ...] = ("positions", "snapshots")
    headline = False

    steps, rate = STEPS, LEARNING_RATE

    def field(self, known: Measured, aim: Aim) -> Any:
        return point_field(aim.reach)


class NeRF2OfStretches(NeRF2):
    """The same, learnt from whole parts of the drive."""

    name = "nerf2_stretch"
    label = "NeRF2-like (stretches)"
    colour = "#c49c94"
    what = "NeRF2-like radiance field, trained on whole stretches of that share"
    told: tuple[Told, ...] = ("positions", "stretches")


def along_rays(density: torch.Tensor, sent: torch.Tensor, step: torch.Tensor) -> torch.Tensor:
    """Power that arrives from each point (..., S) of a ray, nearest first: what it sends, less what those before
    it take. density: 1/m. step: (S,) m that each point stands for."""
    import torch

    taken = density * step
    before = torch.cumsum(taken, dim=-1) - taken
    return torch.exp(-before) * (1.0 - torch.exp(-taken)) * sent


def point_field(reach: float) -> Any:
    """A new field of points up to `reach` m from the receiver."""
    import torch
    from torch import nn

    edges = np.geomspace(NEAREST, reach, SAMPLES + 1)
    along = torch.tensor((edges[1:] + edges[:-1]) / 2, dtype=torch.float32)
    step = torch.tensor(np.diff(edges), dtype=torch.float32)
    azimuth = torch.linspace(-np.pi, np.pi, DIRECTIONS + 1)[:-1]
    towards = torch.stack([azimuth.cos(), azimuth.sin()], dim=-1)

    class PointField(nn.Module):
        """Density of a point; by transmitter and direction its power, and the way (m) its wave has gone before."""

        def __init__(self) -> None:
            super().__init__()
            self.trunk = nn.Sequential(
                *(nn.Linear(2 + 4 * FREQUENCIES, WIDTH), nn.ReLU()),
                *(nn.Linear(WIDTH, WIDTH), nn.ReLU()),
            )
            self.density = nn.Linear(WIDTH, 1)
            self.head = nn.Sequential(
                nn.Linear(WIDTH + 2 + 3, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 2)
            )

        def forward(self, links: Links) -> Components:
            points = links.rx[:, None, None, :2] + along[:, None] * towards[:, None]
            place = points / REACH
            waves = [place * (np.pi * 2.0**k) for k in range(FREQUENCIES)]
            trunk = self.trunk(
                torch.cat([place, *(w.sin() for w in waves), *(w.cos() for w in waves)], dim=-1)
            )
            shape = (*points.shape[:-1], -1)
            ends = towards[:, None].expand(shape), (links.tx / REACH)[:, None, None].expand(shape)
            sent, before = self.head(torch.cat([trunk, *ends], dim=-1)).unbind(-1)
            density = nn.functional.softplus(self.density(trunk)[..., 0] - 2.0)
            power = along_rays(density, sent.clamp(max=20.0).exp(), step)
            rise = (links.rx - links.tx)[:, 2].square()[:, None, None]
            way = torch.sqrt(along.square() + rise) + nn.functional.softplus(before - 2.0)
            seen = azimuth[:, None].expand(power.shape[1:]).reshape(1, -1)
            return Components(power.flatten(1), seen, way.flatten(1))

    return PointField()
