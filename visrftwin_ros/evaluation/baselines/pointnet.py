"""A regressor in the manner of PointNet, from positions and the scene's point cloud.

After Mi et al., "Measurement-Based Prediction of mmWave Channel Parameters Using Deep Learning and
Point Cloud", IEEE OJVT 5, 2024, and Qi et al., "PointNet", CVPR 2017: a perceptron shared by all
points, the maximum over the points, and a head that also sees the two positions. Small, since it
learns from a fifth of a campaign.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.metric_scores import SnapshotMetrics
from visrftwin_ros.evaluation.prediction import Prediction, Progress, Setting, Told
from visrftwin_ros.scene.surfaces import SurfaceMesh

if TYPE_CHECKING:
    import torch

POINTS, STEPS, BATCH = 256, 400, 64
LEARNING_RATE, WEIGHT_DECAY = 3e-3, 1e-3
_REACH = 10.0
"""Metres that become 1 in the network."""
_LEAST = 4
"""Snapshots without which there is nothing to fit."""
_SHORTEST_SPREAD = 1e-11
"""Seconds and radians under which a spread's logarithm is cut off."""


class PointNet:
    """Path loss, spreads and K factor learnt from the known snapshots."""

    name = "pointnet"
    label = "PointNet (random)"
    colour = "#2ca02c"
    what = "PointNet-style regression, trained on a share drawn at random"
    told: tuple[Told, ...] = ("positions", "geometry", "snapshots")
    headline = True

    def predict(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> Prediction:
        """Path loss, spreads and K factor learnt from `setting.known`; the same for the same seed.

        Raises TwinError where too little is known to learn from.
        """
        if (count := len(setting.known.questions)) < _LEAST:
            raise TwinError(
                f"pointnet has {count} snapshot(s) to learn from, needs {_LEAST}: "
                "a longer campaign or a larger --train-share"
            )
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(setting.seed)
                cloud = surface_points(setting.meshes, POINTS, setting.seed)
                target = _targets(setting.known.metrics)
                mean, scale = _standardising(target)
                wanted = (target - mean) / scale
                network, losses = _fitted(setting.known.questions, cloud, wanted)
                with torch.no_grad():
                    answer = network(*_inputs(questions, cloud)).numpy()
        finally:
            torch.set_num_threads(threads)
        return Prediction(metrics=_metrics(answer * scale + mean), learnt=True, losses=losses)


class PointNetOfStretches(PointNet):
    """The same, learnt from whole parts of the drive: it has to carry what it learnt elsewhere."""

    name = "pointnet_stretch"
    label = "PointNet (stretches)"
    colour = "#98df8a"
    what = "PointNet-style regression, trained on whole stretches of that share"
    told: tuple[Told, ...] = ("positions", "geometry", "stretches")
    headline = False


class PointNetOfAllOthers(PointNet):
    """The same, learnt from nine tenths, which take turns: the paper's PointNet on 100 %."""

    name = "pointnet_all"
    label = "PointNet (all others)"
    colour = "#006d2c"
    what = "PointNet-style regression, each tenth by one trained on all others"
    told: tuple[Told, ...] = ("positions", "geometry", "other snapshots")
    headline = False


def surface_points(
    meshes: Sequence[SurfaceMesh], count: int, seed: int
) -> Float[np.ndarray, "n 3"]:
    """Points spread evenly over the area of all surfaces, m, as a LiDAR map would give them."""
    corners = np.concatenate([mesh.vertices[mesh.faces] for mesh in meshes])
    side = corners[:, 1:] - corners[:, :1]
    area = np.linalg.norm(np.cross(side[:, 0], side[:, 1]), axis=1)
    rng = np.random.default_rng(seed)
    face = rng.choice(len(corners), count, p=area / area.sum())
    first, second = rng.random((2, count))
    fold = first + second > 1
    first, second = np.where(fold, 1 - first, first), np.where(fold, 1 - second, second)
    return np.asarray(
        corners[face, 0] + first[:, None] * side[face, 0] + second[:, None] * side[face, 1]
    )


def _targets(metrics: SnapshotMetrics) -> Float[np.ndarray, "n 4"]:
    """NaN where not known; spreads as logarithms, since they cannot be negative."""
    columns = [
        metrics.path_loss_db,
        np.log(np.maximum(metrics.delay_spread, _SHORTEST_SPREAD)),
        np.log(np.maximum(metrics.azimuth_spread, _SHORTEST_SPREAD)),
        metrics.k_factor_db,
    ]
    stacked = np.column_stack(columns)
    stacked[~np.isfinite(stacked)] = np.nan
    return stacked


def _standardising(target: Float[np.ndarray, "n 4"]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and spread (4,) of what is known; NaN mean where nothing is, so that the answer is."""
    known = np.isfinite(target)
    count = known.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mean = np.where(known, target, 0.0).sum(axis=0) / count
        deviation = np.where(known, target - mean, 0.0)
        scale = np.sqrt((deviation**2).sum(axis=0) / count)
    return mean, np.where(scale > 0, scale, 1.0)


def _metrics(answer: Float[np.ndarray, "n 4"]) -> SnapshotMetrics:
    loss, delay, azimuth, k_factor = answer.astype(float).T
    return SnapshotMetrics(loss, np.exp(delay), np.exp(azimuth), k_factor)


def _inputs(
    questions: Questions, cloud: Float[np.ndarray, "c 3"]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Points as seen from both ends (N, C, 6), and the ends themselves (N, 7)."""
    import torch

    tx, rx = questions.tx_position / _REACH, questions.rx_position / _REACH
    points = cloud / _REACH
    seen = np.concatenate([points - rx[:, None], points - tx[:, None]], axis=2)
    ends = np.column_stack([tx, rx, np.log10(np.maximum(questions.distance, 0.1))])
    return torch.tensor(seen, dtype=torch.float32), torch.tensor(ends, dtype=torch.float32)


def _network() -> Any:
    import torch
    from torch import nn

    class PointRegressor(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shared = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 64), nn.ReLU())
            self.head = nn.Sequential(nn.Linear(64 + 7, 64), nn.ReLU(), nn.Linear(64, 4))

        def forward(self, points: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
            scene = self.shared(points).max(dim=1).values
            found: torch.Tensor = self.head(torch.cat([scene, ends], dim=1))
            return found

    return PointRegressor()


def _fitted(
    questions: Questions, cloud: Float[np.ndarray, "c 3"], target: Float[np.ndarray, "n 4"]
) -> tuple[Any, Float[np.ndarray, " s"]]:
    """The network, and the mean squared error of each step's batch."""
    import torch

    points, ends = _inputs(questions, cloud)
    wanted = torch.tensor(target, dtype=torch.float32)
    known = torch.isfinite(wanted)
    wanted = torch.where(known, wanted, torch.zeros_like(wanted))
    network = _network()
    optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    losses = np.zeros(STEPS)
    for step in range(STEPS):
        rows = torch.randperm(len(points))[:BATCH]
        error = (network(points[rows], ends[rows]) - wanted[rows]) * known[rows]
        loss = error.square().sum() / known[rows].sum().clamp(min=1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses[step] = loss.item()
    return network, losses
