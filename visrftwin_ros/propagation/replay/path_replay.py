"""Known paths carried along with receivers that move: the image method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
from jaxtyping import Complex, Float, Int, Shaped
from scipy.constants import speed_of_light

from visrftwin_ros.propagation.paths.path_set import DIFFUSE, PathSet, concatenated, lengths
from visrftwin_ros.propagation.replay.image_method import Chains
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.scene.visibility import OFF_SURFACE, SHORTEST

Vectors = Float[np.ndarray, "n 3"]

Part = TypeVar("Part", "Scattered", Chains)


@dataclass(frozen=True)
class Scattered:
    """N paths that end in a diffuse reflection: their scattering points stay.

    rows: in the PathSet. point, normal: of the last reflection, on the side to which
    it scatters. delay: seconds to the point. transfer: up to Lambert's law,
    spreading and air from there.
    """

    rows: Int[np.ndarray, " n"]
    point: Vectors
    normal: Vectors
    delay: Float[np.ndarray, " n"]
    transfer: Complex[np.ndarray, "n 2 2"]

    @classmethod
    def of(cls, known: PathSet, rows: Int[np.ndarray, " n"], decay: float) -> Scattered:
        last = known.n_vertices[rows] - 2
        point = known.vertices[rows, last]
        step = known.vertices[rows, last + 1] - point
        normal = known.normals[rows, last - 1]
        normal = normal * np.sign((step * normal).sum(axis=1, keepdims=True))
        length = np.linalg.norm(step, axis=1)
        return cls(
            rows=rows,
            point=point,
            normal=normal,
            delay=known.delay[rows] - length / speed_of_light,
            transfer=known.transfer[rows] / _lobe(step, normal, length, decay)[:, None, None],
        )

    def at(
        self, receiver: Vectors, scene: ReplayScene
    ) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"], Complex[np.ndarray, "k 2 2"]]:
        """Which of them reach `receiver`, ascending; their delays and transfers."""
        step = receiver - self.point
        ahead = np.einsum("ij,ij->i", step, self.normal)
        length = lengths(step)
        facing = ahead > 0
        # Any ray will do for the few that look away: sorting them out costs more.
        step[~facing], length[~facing] = self.normal[~facing], 1.0
        step /= np.maximum(length, 1e-9)[:, None]
        hit = scene.visibility.first_hit(self.point + OFF_SURFACE * self.normal, step)
        found = np.flatnonzero(facing & (hit > length - 2 * OFF_SURFACE) & (length > SHORTEST))
        length = length[found]
        # As in `_lobe`: Lambert's law, whose cosine is ahead / length, times spreading and air.
        lobe = np.sqrt(ahead[found] / length) / length * np.exp(-scene.decay * length)
        return (
            found,
            self.delay[found] + length / speed_of_light,
            self.transfer.take(found, axis=0) * lobe[:, None, None],
        )


@dataclass(frozen=True, eq=False)
class Replay:
    """Known paths of some links, to be carried to wherever the receivers go.

    Every path has a fixed part, up to its last diffuse reflection (or the transmitter), and from
    there a part that is built again by the image method: vertices exact, visibility checked
    again, Fresnel and diffraction coefficients computed again. The scattering point of a diffuse
    reflection stays; its field follows Lambert's law and the new distance.
    """

    known: PathSet
    scattered: Scattered
    chains: Chains
    scene: ReplayScene

    @classmethod
    def of(cls, known: PathSet, scene: ReplayScene) -> Replay:
        last = np.maximum(known.n_vertices - 3, 0)
        ends_diffuse = np.zeros(len(known), bool)
        if known.depth:
            kind = known.interactions[np.arange(len(known)), last]
            ends_diffuse = (kind == DIFFUSE) & (known.n_vertices > 2)
        return cls(
            known,
            Scattered.of(known, np.flatnonzero(ends_diffuse), scene.decay),
            Chains.of(known, np.flatnonzero(~ends_diffuse), scene),
            scene,
        )

    @classmethod
    def joined(cls, parts: Sequence[Replay]) -> Replay:
        """The links of all `parts`, one after the other; at least one, of one scene."""
        first = np.cumsum([0, *(len(part.known) for part in parts)])
        return cls(
            concatenated([part.known for part in parts]),
            _joined([part.scattered for part in parts], first),
            _joined([part.chains for part in parts], first),
            parts[0].scene,
        )

    def at(self, receivers: Float[np.ndarray, "links 3"]) -> PathSet:
        """The paths that still exist with the receiver of each link there, world frame."""
        known, scattered, chains = self.known, self.scattered, self.chains
        number = known.link
        seen, delay, transfer = scattered.at(receivers[number[scattered.rows]], self.scene)
        alive, vertices, chain_delay, chain = chains.at(receivers[number[chains.rows]], self.scene)
        scattered_rows, chain_rows = scattered.rows[seen], chains.rows[alive]
        kept = np.zeros(len(known), bool)
        kept[scattered_rows], kept[chain_rows] = True, True
        rows = np.flatnonzero(kept)
        place = np.cumsum(kept) - 1
        to_scattered, to_chains = place[scattered_rows], place[chain_rows]

        def merged(
            of_scattered: Shaped[np.ndarray, "a ..."], of_chains: Shaped[np.ndarray, "b ..."]
        ) -> Shaped[np.ndarray, "n ..."]:
            both = np.empty((len(rows), *of_scattered.shape[1:]), of_scattered.dtype)
            both[to_scattered], both[to_chains] = of_scattered, of_chains
            return both

        link, n_vertices = number[rows], known.n_vertices[rows]
        line = known.vertices.take(rows, axis=0)
        line[to_chains] = vertices
        ends = receivers.take(link, axis=0)
        line[:, -1] = ends
        for d in range(2, line.shape[1] - 1):
            np.copyto(line[:, d], ends, where=(n_vertices <= d + 1)[:, None])
        straight = np.flatnonzero(n_vertices == 2)
        line[straight, 1:] = ends[straight, None]
        return PathSet(
            links=known.links,
            link=link,
            vertices=line,
            n_vertices=n_vertices,
            interactions=known.interactions.take(rows, axis=0),
            objects=known.objects.take(rows, axis=0),
            normals=known.normals.take(rows, axis=0),
            transfer=merged(transfer, chain),
            delay=merged(delay, chain_delay),
        )


def _lobe(
    step: Vectors,
    normal: Vectors,
    length: Float[np.ndarray, " n"],
    decay: float,
) -> Float[np.ndarray, " n"]:
    """Lambert's law times spreading and air from scattering points along `step`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        # Behind the surface or on top of the point: such a path is dropped.
        cosine = np.maximum(np.einsum("ij,ij->i", step, normal), 0.0) / length
        return np.asarray(np.sqrt(cosine) / length * np.exp(-decay * length))


def _joined(parts: Sequence[Part], first: Int[np.ndarray, " parts"]) -> Part:
    columns = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(parts[0])
    }
    columns["rows"] = np.concatenate(
        [part.rows + offset for part, offset in zip(parts, first, strict=False)]
    )
    return type(parts[0])(**columns)
