"""A radiance field of splats in the manner of RF-3DGS, with delays.

After Zhang, Sun, Berweger, Gentile and Hu, "RF-3DGS: Wireless Channel Modeling with Radio Radiance Field and 3D
Gaussian Splatting", arXiv:2411.19420: Gaussian blobs, each with a place, a size, an opacity and a directional emission,
laid over each other from the receiver outwards. Ours is of power, in the plan, and a wave that comes from a splat has
gone some way of its own from each access point before, which gives delays; its emission is a Fourier series of second
order in azimuth by access point.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from scipy.constants import speed_of_light

from visrftwin_ros.evaluation.baselines.radiance import Aim, Components, FieldPredictor, Links
from visrftwin_ros.evaluation.prediction import Measured, Told

if TYPE_CHECKING:
    import torch

SPLATS = 96
STEPS, LEARNING_RATE = 600, 3e-2
ORDER = 2
"""Of the emission in azimuth."""


class RF3DGS(FieldPredictor):
    """Paths learnt from the known snapshots, by splats in the plan."""

    name = "rf3dgs"
    label = "RF-3DGS-like (random)"
    colour = "#e377c2"
    what = "RF-3DGS-like splats of power and delay, trained on a share drawn at random"
    told: tuple[Told, ...] = ("positions", "snapshots")
    headline = False

    steps, rate = STEPS, LEARNING_RATE

    def field(self, known: Measured, aim: Aim) -> Any:
        return splats(known)


class RF3DGSOfStretches(RF3DGS):
    """The same, learnt from whole parts of the drive."""

    name = "rf3dgs_stretch"
    label = "RF-3DGS-like (stretches)"
    colour = "#f7b6d2"
    what = "RF-3DGS-like splats, trained on whole stretches of that share"
    told: tuple[Told, ...] = ("positions", "stretches")


def first_places(known: Measured, count: int) -> Float[np.ndarray, "k 2"]:
    """Where splats begin, m: on the directions of measured paths, drawn by power's root, as far away as these are
    long, which is where the access point stands or is mirrored to."""
    import torch

    paths, questions = known.paths, known.questions
    sound = (
        (paths.power > 0)
        & np.isfinite(paths.power)
        & np.isfinite(paths.arrival[:, 0])
        & np.isfinite(paths.delay)
    )
    rows = np.flatnonzero(sound)
    share = torch.tensor(np.sqrt(paths.power[rows]))
    drawn = rows[torch.multinomial(share, count, replacement=True).numpy()]
    link, azimuth = paths.channel[drawn], paths.arrival[drawn, 0]
    rise = (questions.tx_position - questions.rx_position)[link, 2]
    away = np.sqrt(np.maximum((paths.delay[drawn] * speed_of_light) ** 2 - rise**2, 0.01))
    towards = np.column_stack([np.cos(azimuth), np.sin(azimuth)])
    return np.asarray(questions.rx_position[link, :2] + away[:, None] * towards)


def composed(
    opacity: torch.Tensor, size: torch.Tensor, distance: torch.Tensor, azimuth: torch.Tensor
) -> torch.Tensor:
    """Share of each splat (N, K) that is seen past those nearer: each takes its opacity, as far as it covers the
    other's direction. opacity, size (m): (K,). distance (m), azimuth (rad): (N, K) from the receiver."""
    import torch

    off = azimuth[:, :, None] - azimuth[:, None, :]
    off = torch.atan2(off.sin(), off.cos())
    wide = (size / distance).clamp(min=0.02)
    covers = (-0.5 * (off / wide[:, None, :]).square()).exp()
    nearer = (distance[:, None, :] < distance[:, :, None]).float()
    return opacity * torch.exp(torch.log1p(-opacity * covers * nearer).sum(dim=-1))


def splats(known: Measured) -> Any:
    """New splats, where measured paths point to."""
    import torch
    from torch import nn

    places = torch.tensor(first_places(known, SPLATS), dtype=torch.float32)
    aps = len(set(known.questions.tx))

    class Splats(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.place = nn.Parameter(places + 0.2 * torch.randn(SPLATS, 2))
            self.size = nn.Parameter(torch.full((SPLATS,), np.log(0.3)))
            self.opacity = nn.Parameter(torch.full((SPLATS,), -1.0))
            self.sent = nn.Parameter(torch.full((aps, SPLATS), -3.0))
            self.lobe = nn.Parameter(torch.zeros(aps, SPLATS, 2 * ORDER))
            self.before = nn.Parameter(torch.full((aps, SPLATS), -2.0))

        def forward(self, links: Links) -> Components:
            way_there = self.place - links.rx[:, None, :2]
            distance = way_there.square().sum(dim=-1).add(1e-4).sqrt()
            azimuth = torch.atan2(way_there[..., 1], way_there[..., 0])
            orders = torch.arange(1, ORDER + 1)
            turned = azimuth[..., None] * orders
            waves = torch.cat([turned.cos(), turned.sin()], dim=-1)
            sent = self.sent[links.ap] + (self.lobe[links.ap] * waves).sum(dim=-1)
            seen = composed(self.opacity.sigmoid(), self.size.exp(), distance, azimuth)
            rise = (links.rx - links.tx)[:, 2].square()[:, None]
            before = nn.functional.softplus(self.before[links.ap])
            way = torch.sqrt(distance.square() + rise) + before
            return Components(seen * sent.clamp(max=20.0).exp(), azimuth, way)

    return Splats()
