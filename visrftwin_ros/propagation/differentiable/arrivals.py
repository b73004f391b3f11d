"""What each way over lobes carries, with slopes by lobes, materials and the places of surfaces.

Of a way over hits x_1 ... x_D, counted from the transmitter, with segments r_0 ... r_D,

    dP = (lambda / 4 pi)^2 |Gamma|^2 prod_k f_k cos theta_k dA_k / prod_k r_k^2,

theta_k the angle of incidence (supplement (15); Gamma is the product of Fresnel's matrices at those
angles between the antennas' polarisations). Its integral over the surfaces tends to the mirrors'
(lambda Gamma / 4 pi r)^2 as alpha grows, *without* the factor r_i^2 / (r_i + r_s)^2 of (17) and (18):
the mirror's direction turns with the hit, so that over a surface the lobe passes the receiver
(r_i + r_s) / r_i times as fast as the direction to it does. (21) holds the lobe's axis still and needs
the factor for that; here it would count twice, 6 dB at r_i = r_s.

The drawn ways keep their shares of the triangles' corners, and the triangles may move: all that changes
with them, distances, angles, areas, has slopes. What has none is which way is free.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Complex, Float, Int

from visrftwin_ros.propagation.differentiable.fresnel_slopes import face_reflection
from visrftwin_ros.propagation.differentiable.lobe_paths import Ends, LobePaths
from visrftwin_ros.propagation.differentiable.lobe_scene import LobeScene, length_of
from visrftwin_ros.propagation.differentiable.lobes import Lobes

_TINY = 1e-12

Permittivity = Callable[
    [Float[torch.Tensor, "3 n"], Int[torch.Tensor, " n"]], Complex[torch.Tensor, " n"]
]
"""Relative complex permittivity by place, metres, and surface."""


@dataclass(frozen=True)
class Arrivals:
    """N shares of power at receivers. power: gain between isotropic antennas, both vertical.
    direction: unit, from the receiver to where it comes from. length: metres. receiver: index."""

    power: Float[torch.Tensor, " n"]
    direction: Float[torch.Tensor, "3 n"]
    length: Float[torch.Tensor, " n"]
    receiver: Int[torch.Tensor, " n"]

    def total(self, receivers: int) -> Float[torch.Tensor, " receivers"]:
        """Power gain of each."""
        return self.power.new_zeros(receivers).index_add(0, self.receiver, self.power)

    def delay_profile(
        self, receivers: int, start: float, step: float, count: int
    ) -> Float[torch.Tensor, "receivers count"]:
        """Power gain by length of the way, metres, in `count` bins of `step` about start + i step;
        what lies between two is shared by both, what is beyond them left out."""
        place = (self.length - start) / step
        low = place.detach().floor()
        profile = self.power.new_zeros(receivers * count)
        for bin_, share in ((low, low + 1 - place), (low + 1, place - low)):
            inside = (bin_ >= 0) & (bin_ < count)
            at = (self.receiver * count + bin_.long())[inside]
            profile = profile.index_add(0, at, (self.power * share)[inside])
        return profile.view(receivers, count)


def arrivals(
    scene: LobeScene,
    vertices: Float[torch.Tensor, "3 v"],
    paths: Sequence[LobePaths],
    lobes: Lobes,
    permittivity: Permittivity,
    ends: Ends,
    wavelength: float,
) -> Arrivals:
    """What arrives over `paths` with the scene's corners at `vertices`, metres. Rays of one receiver to
    E transmitters arrive as at E receivers."""
    parts = [
        _of_depth(scene, vertices, ways, lobes, permittivity, ends, wavelength) for ways in paths
    ]
    return Arrivals(
        torch.cat([part.power for part in parts]),
        torch.cat([part.direction for part in parts], dim=1),
        torch.cat([part.length for part in parts]),
        torch.cat([part.receiver for part in parts]),
    )


def _of_depth(
    scene: LobeScene,
    vertices: torch.Tensor,
    paths: LobePaths,
    lobes: Lobes,
    permittivity: Permittivity,
    ends: Ends,
    wavelength: float,
) -> Arrivals:
    kind = vertices.dtype
    depth, count = paths.triangle.shape
    hits = [_hit(scene, vertices, paths, k) for k in range(depth)]
    first = ends.start.to(kind)[:, None].expand(3, count)
    places = [first, *(hit.place for hit in hits), ends.others.to(kind)[:, paths.other]]
    steps = [b - a for a, b in pairwise(places)]
    lengths = [length_of(step) for step in steps]
    ways = [step / length for step, length in zip(steps, lengths, strict=True)]
    log_power = -paths.log_density.to(kind)
    for length in lengths:
        log_power = log_power - 2 * length.log()
    if ends.from_rx:
        ways, hits = [-way for way in ways[::-1]], hits[::-1]
    complex_kind = torch.complex128 if kind == torch.float64 else torch.complex64
    field = _vertical(ways[0]).to(complex_kind)
    for hit, before, after in zip(hits, ways[:-1], ways[1:], strict=True):
        slant = (before * hit.normal).sum(dim=0)
        mirrored = before - 2 * slant * hit.normal
        gap = ((mirrored - after) ** 2).sum(dim=0) / 4
        log_power = log_power + lobes.log_density(hit.surface, slant.abs(), gap)
        log_power = log_power + (hit.area * slant.abs()).log()
        te, tm = face_reflection(slant.abs(), permittivity(hit.place, hit.surface))
        field = _reflected(field, before, mirrored, hit.normal, te, tm)
        field = _turned(field, mirrored, after, gap)
    amplitude = (field * _vertical(ways[-1])).sum(dim=0)
    polarised = amplitude.real**2 + amplitude.imag**2
    power = (wavelength / (4 * math.pi)) ** 2 * log_power.exp() * polarised
    return Arrivals(power, -ways[-1], sum(lengths, torch.zeros_like(power)), paths.other)


@dataclass(frozen=True)
class _Hit:
    """place: metres. normal: unit, to either side. area: of its triangle, doubled, m^2."""

    place: torch.Tensor
    normal: torch.Tensor
    area: torch.Tensor
    surface: torch.Tensor


def _hit(scene: LobeScene, vertices: torch.Tensor, paths: LobePaths, k: int) -> _Hit:
    triangle = paths.triangle[k]
    a, b, c = scene.faces[:, triangle]
    place, corner = vertices[:, a], paths.corner[k].to(vertices.dtype)
    one, two = vertices[:, b] - place, vertices[:, c] - place
    across = torch.linalg.cross(one, two, dim=0)
    area = length_of(across)
    place = place + corner[0] * one + corner[1] * two
    return _Hit(place, across / area, area, scene.surface[triangle])


def _vertical(way: torch.Tensor) -> torch.Tensor:
    """Unit polarisation of a vertical antenna for a direction; none straight up and down."""
    up = -way * way[2]
    up = up + torch.tensor([0.0, 0.0, 1.0], dtype=way.dtype, device=way.device)[:, None]
    return up / ((up**2).sum(dim=0) + _TINY).sqrt()


def _reflected(
    field: torch.Tensor,
    before: torch.Tensor,
    mirrored: torch.Tensor,
    normal: torch.Tensor,
    te: torch.Tensor,
    tm: torch.Tensor,
) -> torch.Tensor:
    """The field that goes on as `mirrored`."""
    across = torch.linalg.cross(before, normal, dim=0)
    upright = torch.where(normal[2].abs() < 0.9, 0.0, 1.0)
    apart = torch.stack([upright, torch.zeros_like(upright), 1 - upright]).to(normal.dtype)
    spare = torch.linalg.cross(normal, apart, dim=0)
    across = torch.where((across**2).sum(dim=0) > _TINY, across, spare)
    across = across / length_of(across)
    into = torch.linalg.cross(across, before, dim=0)
    out = torch.linalg.cross(across, mirrored, dim=0)
    return (te * (field * across).sum(dim=0)) * across + (tm * (field * into).sum(dim=0)) * out


def _turned(
    field: torch.Tensor, mirrored: torch.Tensor, after: torch.Tensor, gap: torch.Tensor
) -> torch.Tensor:
    """The field at right angles to `mirrored`, turned the shortest way with it to `after`: a lobe
    depolarises nothing."""
    along = (field * after).sum(dim=0) / (2 * (1 - gap)).clamp(min=1e-6)
    return field - along * (mirrored + after)
