"""How the face of a half space reflects, with slopes by its material."""

from __future__ import annotations

import torch
from jaxtyping import Complex, Float

_GRAZING = 1e-6


def face_reflection(
    cosine: Float[torch.Tensor, " n"], permittivity: Complex[torch.Tensor, " n"]
) -> tuple[Complex[torch.Tensor, " n"], Complex[torch.Tensor, " n"]]:
    """TE and TM off a half space, ITU-R P.2040-4 eqs. (31): no wave comes back from its far side.

    permittivity: relative, eps_r - j sigma / (omega eps_0). cosine: of the angle of incidence.
    """
    cosine = cosine.clamp(min=_GRAZING)
    root = torch.sqrt(permittivity - (1 - cosine**2))
    scaled = permittivity * cosine
    return (cosine - root) / (cosine + root), (scaled - root) / (scaled + root)
