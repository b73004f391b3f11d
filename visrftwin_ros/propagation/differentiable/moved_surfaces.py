"""Surfaces shifted and turned, with slopes."""

from __future__ import annotations

import torch
from jaxtyping import Float

from visrftwin_ros.propagation.differentiable.lobe_scene import LobeScene


def moved(
    scene: LobeScene, vertices: Float[torch.Tensor, "3 v"], moves: Float[torch.Tensor, "s 6"]
) -> Float[torch.Tensor, "3 v"]:
    """The corners `vertices`, metres, of the scene's surfaces after `moves`: of each surface a shift in
    metres and a turn as a rotation vector in radians (Rodrigues) about its corners' mean."""
    count = torch.bincount(scene.owner, minlength=len(scene))
    sums = vertices.new_zeros((3, len(scene))).index_add(1, scene.owner, vertices.detach())
    middle = (sums / count)[:, scene.owner]
    shift, turn = moves.T[:3, scene.owner], moves.T[3:, scene.owner]
    off = vertices - middle
    # sin a / a and (1 - cos a) / a^2, which have slopes where there is no turn.
    angle = ((turn**2).sum(dim=0) + 1e-24).sqrt()
    once, twice = torch.sinc(angle / torch.pi), 0.5 * torch.sinc(angle / (2 * torch.pi)) ** 2
    aside = torch.linalg.cross(turn, off, dim=0)
    return middle + shift + off + once * aside + twice * torch.linalg.cross(turn, aside, dim=0)
