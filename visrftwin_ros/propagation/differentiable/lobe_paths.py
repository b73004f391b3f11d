"""Which ways power may go from lobe to lobe, drawn by rays from one end and joined to the others.

From a transmitter the first directions are even over the sphere, as mmDiff's are (supplement B and G);
from a receiver they are even over *its* sphere, so that each degree of its spectrum has its share of
rays. Further ones are drawn from the lobes. Every hit is joined to every other end that it sees. The
ways alone are drawn here: what they carry, and its slopes, is `arrivals.py`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int

from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.differentiable.lobe_scene import LobeScene, length_of
from visrftwin_ros.propagation.differentiable.lobes import Lobes, drawn_gap
from visrftwin_ros.scene.visibility import OFF_SURFACE, SHORTEST

FAINTEST = 1e-6
"""Of a lobe's peak: what is fainter is not joined. At alpha >> 1 it is that share of the power."""

Vectors = Float[torch.Tensor, "3 n"]


@dataclass(frozen=True)
class LobePaths:
    """K ways over D hits each.

    triangle, corner: of the hits, in order from the end that sent the rays; corner: shares of a
    triangle's second and third corner, which stay as they are where the triangle moves. other: index
    of the other end. log_density: of drawing it, per share of the triangles' doubled areas; the number
    of rays counts.
    """

    triangle: Int[torch.Tensor, "d k"]
    corner: Float[torch.Tensor, "d 2 k"]
    other: Int[torch.Tensor, " k"]
    log_density: Float[torch.Tensor, " k"]


@dataclass(frozen=True)
class Ends:
    """Where rays start and where they are joined to, metres. from_rx: they start at the receiver."""

    start: Float[torch.Tensor, " 3"]
    others: Float[torch.Tensor, "3 e"]
    from_rx: bool


def lobe_paths(
    scene: LobeScene, lobes: Lobes, ends: Ends, rays: int, depth: int, seed: int
) -> tuple[LobePaths, ...]:
    """Ways over 0, 1, ... `depth` hits; the same for the same seed. Raises TwinError for no ray."""
    if rays < 1 or depth < 0:
        raise TwinError(f"{rays} rays over {depth} bounces: expected at least 1 and 0")
    with torch.no_grad():
        return _drawn(scene, lobes, ends, rays, depth, np.random.default_rng(seed))


def even_directions(count: int, random: np.random.Generator) -> Float[np.ndarray, "3 n"]:
    """Unit vectors: a spiral of Fibonacci, turned at random, so that each is even over the sphere."""
    k = np.arange(count) + random.random()
    height = 1 - 2 * k / count
    turn = 2 * np.pi * k * (math.sqrt(5) - 1) / 2
    flat = np.sqrt(np.maximum(1 - height**2, 0))
    axes, _ = np.linalg.qr(random.standard_normal((3, 3)))
    return np.asarray(axes @ np.stack([flat * np.cos(turn), flat * np.sin(turn), height]))


def _drawn(
    scene: LobeScene,
    lobes: Lobes,
    ends: Ends,
    rays: int,
    depth: int,
    random: np.random.Generator,
) -> tuple[LobePaths, ...]:
    def tensor(values: np.ndarray) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.float32, device=scene.device)

    start, others = ends.start.float(), ends.others.float()
    vertices = scene.vertices
    origin = start[:, None].expand(3, rays)
    direction = tensor(even_directions(rays, random))
    density = torch.full((rays,), math.log(rays / (4 * math.pi)), device=scene.device)
    triangles = torch.zeros((0, rays), dtype=torch.int64, device=scene.device)
    corners = torch.zeros((0, 2, rays), device=scene.device)
    found = [_direct(scene, start, others)]
    for _ in range(depth):
        hits = scene.hits(origin, direction)
        met = torch.nonzero(hits.triangle >= 0)[:, 0]
        where, length, heading = hits.triangle[met], hits.length[met], direction[:, met]
        corner = hits.corner[:, met]
        triangles = torch.cat([triangles[:, met], where[None]])
        corners = torch.cat([corners[:, :, met], corner[None]])
        a, b, c = scene.faces[:, where]
        place = vertices[:, a]
        one, two = vertices[:, b] - place, vertices[:, c] - place
        place = place + corner[0] * one + corner[1] * two
        across = torch.linalg.cross(one, two, dim=0)
        area = length_of(across)
        normal = across / area
        slant = (heading * normal).sum(dim=0)
        normal = torch.where(slant > 0, -normal, normal)
        near = length < OFF_SURFACE
        share = slant.abs().clamp(min=1e-9) * area / length.clamp(min=1e-9) ** 2
        density = density[met] + share.log()
        mirrored = heading + 2 * slant.abs() * normal
        surface = scene.surface[where]
        above = place + OFF_SURFACE * normal
        found.append(
            _joined(scene, lobes, others, (triangles, corners, density.where(~near, torch.inf)),
                    (above, mirrored, normal, surface))
        )  # fmt: skip
        numbers = tensor(random.random((2, rays)))[:, : len(where)]
        direction, log_drawn = _next_directions(lobes, surface, mirrored, numbers)
        leaves = torch.nonzero((direction * normal).sum(dim=0) > 0)[:, 0]
        triangles, corners = triangles[:, leaves], corners[:, :, leaves]
        density = (density + log_drawn)[leaves]
        origin, direction = above[:, leaves], direction[:, leaves]
    return tuple(found)


def _direct(scene: LobeScene, start: torch.Tensor, others: torch.Tensor) -> LobePaths:
    seen = scene.free(start[:, None].expand_as(others), others)
    seen &= length_of(others - start[:, None]) > SHORTEST
    other = torch.nonzero(seen)[:, 0]
    nothing = other.new_zeros((0, len(other)))
    return LobePaths(
        nothing,
        nothing.new_zeros((0, 2, len(other)), dtype=torch.float32),
        other,
        torch.zeros(len(other), device=scene.device),
    )


def _joined(
    scene: LobeScene,
    lobes: Lobes,
    others: torch.Tensor,
    ways: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    at: tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor],
) -> LobePaths:
    """Hits (above the surface, the mirror's direction, normal, surface) with the ends that they see."""
    triangles, corners, density = ways
    above, mirrored, normal, surface = at
    hit, other = [], []
    for index in range(others.shape[1]):
        step = others[:, index, None] - above
        length = length_of(step)
        towards = step / length.clamp(min=1e-9)
        gap = ((towards - mirrored) ** 2).sum(dim=0) / 4
        shape = lobes.log_shape(surface, gap)
        heard = (shape > math.log(FAINTEST)) & ((towards * normal).sum(dim=0) > 0)
        heard &= (length > SHORTEST) & torch.isfinite(density)
        rows = torch.nonzero(heard)[:, 0]
        seen = scene.free(above[:, rows], others[:, index, None].expand(3, len(rows)))
        rows = rows[seen]
        hit.append(rows)
        other.append(torch.full_like(rows, index))
    rows = torch.cat(hit)
    return LobePaths(triangles[:, rows], corners[:, :, rows], torch.cat(other), density[rows])


def _next_directions(
    lobes: Lobes, surface: torch.Tensor, mirrored: torch.Tensor, numbers: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Unit vectors from the whole lobe, and the logarithm of their density, 1/sr."""
    alpha = lobes.alpha[surface]
    gap = drawn_gap(alpha, numbers[0])
    cosine, sine = 1 - 2 * gap, 2 * (gap * (1 - gap)).clamp(min=0).sqrt()
    turn = 2 * math.pi * numbers[1]
    one, two = _across(mirrored)
    direction = cosine * mirrored + sine * (turn.cos() * one + turn.sin() * two)
    return direction, ((alpha + 1) / (4 * math.pi)).log() + lobes.log_shape(surface, gap)


def _across(axis: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Two unit vectors at right angles to `axis` and each other (Duff et al., JCGT 6, 2017)."""
    x, y, z = axis
    sign = torch.where(z >= 0, 1.0, -1.0)
    a = -1 / (sign + z)
    b = x * y * a
    one = torch.stack([1 + sign * x * x * a, sign * b, -sign * x])
    two = torch.stack([b, sign + y * y * a, -y])
    return one, two
