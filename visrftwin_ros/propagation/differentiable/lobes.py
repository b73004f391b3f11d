"""The lobe about the mirror's direction, in which a hit scatters what it reflects.

f = ((1 + cos psi) / 2)^alpha / F(alpha, theta_i), psi off the mirror's direction: the directive model of
Degli-Esposti et al. (IEEE Trans. Antennas Propag. 55, 2007), normalised so that all of f over the half
space before the surface is 1. alpha need not be whole. F falls where the surface cuts the lobe, by half
at grazing incidence; of a lobe and the same one taken backwards it is not the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int

from visrftwin_ros.errors import TwinError

NARROWEST = 1e4
"""Largest alpha: a lobe of 1.1 degrees, within what single precision tells apart."""
_COSINES = 128
"""Of the table over the angle of incidence, squares of equal steps: F turns within alpha^-1/2 of
grazing incidence."""
_NODES = 48
"""Of the integral over the cut part of the lobe (Gauss and Legendre)."""
_GRAZING = 1e-9
"""Least cosine of incidence, where a root has no slope."""


@dataclass(frozen=True)
class Lobes:
    """Of S surfaces. alpha: (S,). log_angle: (S, cosines) the logarithm of F, solid angle in sr."""

    alpha: Float[torch.Tensor, " s"]
    log_angle: Float[torch.Tensor, "s cosines"]

    @classmethod
    def of(cls, alpha: Float[torch.Tensor, " s"]) -> Lobes:
        """Raises TwinError where an alpha is not within 0 and NARROWEST."""
        given = alpha.detach()
        if not bool(((given >= 0) & (given <= NARROWEST)).all()):
            wrong = [float(a) for a in given if not 0 <= float(a) <= NARROWEST]
            raise TwinError(f"a lobe's alpha is {wrong[0]:g}: it is from 0 to {NARROWEST:g}")
        root = torch.linspace(0, 1, _COSINES, dtype=alpha.dtype, device=alpha.device)
        return cls(alpha, lobe_angle(alpha, root**2).log())

    def log_density(
        self,
        surface: Int[torch.Tensor, " n"],
        cosine: Float[torch.Tensor, " n"],
        gap: Float[torch.Tensor, " n"],
    ) -> Float[torch.Tensor, " n"]:
        """Logarithm of f, 1/sr. cosine: of the angle of incidence. gap: (1 - cos psi) / 2."""
        place = cosine.clamp(_GRAZING, 1.0).sqrt() * (_COSINES - 1)
        low = place.detach().floor().clamp(max=_COSINES - 2).long()
        share = place - low
        angle = torch.lerp(self.log_angle[surface, low], self.log_angle[surface, low + 1], share)
        return self.log_shape(surface, gap) - angle

    def log_shape(
        self, surface: Int[torch.Tensor, " n"], gap: Float[torch.Tensor, " n"]
    ) -> Float[torch.Tensor, " n"]:
        """Logarithm of ((1 + cos psi) / 2)^alpha."""
        return self.alpha[surface] * torch.log1p(-gap.clamp(max=1 - 1e-6))


def lobe_angle(
    alpha: Float[torch.Tensor, " s"], cosine: Float[torch.Tensor, " c"]
) -> Float[torch.Tensor, "s c"]:
    """F(alpha, theta_i) in sr by the cosine of theta_i: the whole rings about the mirror's direction in
    closed form, those that the surface cuts by a sum over cos psi = sin theta_i cos chi."""
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    like: Any = {"dtype": alpha.dtype, "device": alpha.device}
    chi = torch.tensor((node + 1) * math.pi / 2, **like)
    step = torch.tensor(weight * math.pi / 2, **like)
    power = alpha[:, None] + 1
    sine = (1 - cosine**2).clamp(min=0).sqrt()
    whole = 4 * math.pi / power * (1 - ((1 + sine) / 2) ** power)
    off = sine[:, None] * chi.cos()
    width = 2 * torch.acos(
        (-off * cosine[:, None] / ((1 - off**2).clamp(min=1e-30).sqrt() * sine[:, None] + 1e-30))
        .clamp(-1, 1)
    )  # fmt: skip
    ring = width * sine[:, None] * chi.sin() * step
    shape = alpha[:, None, None] * torch.log((1 + off) / 2)
    return whole + (shape.exp() * ring).sum(dim=-1)


def drawn_gap(
    alpha: Float[torch.Tensor, " n"], drawn: Float[torch.Tensor, " n"]
) -> Float[torch.Tensor, " n"]:
    """(1 - cos psi) / 2 of a direction of the whole, uncut lobe, of density
    (alpha + 1) / (4 pi) ((1 + cos psi) / 2)^alpha, by a number drawn evenly from 0 to 1."""
    return -torch.expm1(torch.log(drawn.clamp(min=1e-30)) / (alpha + 1))
