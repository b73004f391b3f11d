"""What is proven wrong with Sionna RT 2.2.0's fields, switched on in our formulas: for comparing at
equal physics, and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from visrftwin_ros.propagation.fields.fresnel_coefficients import slab_reflection
from visrftwin_ros.propagation.fields.path_transfer import chain_transfer, spherical_basis
from visrftwin_ros.propagation.fields.utd_edges import (
    STRAIGHT,
    Wedges,
    edge_terms,
    face_matrix,
    past_edge_by,
)
from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, NONE, PathSet, lengths
from visrftwin_ros.propagation.replay.image_method import Chains
from visrftwin_ros.propagation.replay.replay_scene import SurfaceFields

Vectors = Float[np.ndarray, "n 3"]
Values = Float[np.ndarray, " n"]


def fields_with_faults(paths: PathSet, scene: SurfaceFields) -> Complex[np.ndarray, "p 2 2"]:
    """Transfers at the vertices of `paths`, none diffuse, with every fault of Sionna's: slabs of one
    exact thickness, no air, edges of `diffracted_with_faults` with the ways of
    `overlong_behind_edge`. Where no edge is found there, that of `paths`."""
    scene = scene.as_sionna_has_it
    chains = Chains.of(paths, np.arange(len(paths)), scene)
    transfer = np.where(chains.evaluated[:, None, None], chains.fields(scene), paths.transfer)
    bent = np.flatnonzero((paths.interactions == DIFFRACTION).any(axis=1) & chains.evaluated)
    if len(bent):
        edge = chains.edge[bent]
        wedges = Wedges(edge[:, :3], edge[:, 3:6], edge[:, 6], edge[:, 7:10], edge[:, 10:13])
        transfer[bent] = _Bent(paths.select(bent), wedges, scene).transfer()
    return transfer


def overlong_behind_edge(paths: PathSet) -> Bool[np.ndarray, " paths"]:
    """Where Sionna RT takes the way from the edge to the receiver for too long.

    The field behind an edge depends on s', the way to it, and s, the way from it (Kouyoumjian and
    Pathak, Proc. IEEE 62, 1974). `FieldCalculator._diffraction_compute_s_s_prime` adds up s over
    the path's places for vertices up to the first unused one, and takes that for a vertex as well.
    `ImageMethod` has left the edge point's mirror image there: the point itself where nothing
    follows the edge, so that no harm is done, else a place as far behind the last vertex as the
    edge point is on the way to it. So s comes out too long by twice the way from the edge to the
    last vertex, unless all places are used: the same path has another field at another
    `max_depth`.
    """
    edge = paths.interactions == DIFFRACTION
    used = paths.n_vertices - 2
    follows = edge.any(axis=1) & (edge.argmax(axis=1) < used - 1)
    return follows & (used < paths.depth)


def diffracted_with_faults(
    field: Complex[np.ndarray, "n 2 3"],
    incoming: Vectors,
    outgoing: Vectors,
    wedges: Wedges,
    before: Values,
    after: Values,
    reflection: Sequence[Complex[np.ndarray, " n"]],
    wavelength: float,
) -> Complex[np.ndarray, "n 2 3"]:
    """As `diffracted_field`, put together as Sionna RT does: each face's reflection multiplies one
    term of the wave itself and, with the other sign, one of its own, and a far face in the shadow
    takes neither. `reflection` of both faces is that at the angle of incidence."""
    direct, other_direct, of_far, of_near = edge_terms(
        incoming, outgoing, wedges, before, after, wavelength
    )
    edge = wedges.along
    near_face = face_matrix(incoming, edge, wedges.near, *reflection[:2])
    far_face = face_matrix(incoming, edge, wedges.far, *reflection[2:])
    dark = (incoming * wedges.far).sum(axis=1) > 0
    far_face = np.where(dark[:, None, None], STRAIGHT, far_face)
    matrix = near_face * (direct - of_near)[:, None, None]
    matrix += far_face * (other_direct - of_far)[:, None, None]
    return past_edge_by(matrix, field, incoming, outgoing, edge)


@dataclass(frozen=True)
class _Bent:
    """Paths over one edge each, taken apart there."""

    paths: PathSet
    wedges: Wedges
    scene: SurfaceFields

    def transfer(self) -> Complex[np.ndarray, "n 2 2"]:
        paths, scene = self.paths, self.scene
        rows = np.arange(len(paths))
        at = (paths.interactions == DIFFRACTION).argmax(axis=1)
        line = paths.vertices
        piece = lengths(np.diff(line, axis=1))
        first = np.arange(piece.shape[1]) <= at[:, None]
        before, after = (np.where(side, piece, 0.0).sum(axis=1) for side in (first, ~first))
        to_last = after - piece[rows, paths.n_vertices - 2]
        after = after + 2 * np.where(overlong_behind_edge(paths), to_last, 0.0)

        incoming = (line[rows, at + 1] - line[rows, at]) / piece[rows, at][:, None]
        outgoing = (line[rows, at + 2] - line[rows, at + 1]) / piece[rows, at + 1][:, None]
        arrived = self._chain(np.zeros(len(rows), int), at + 2)
        theta, phi = (axis.T for axis in spherical_basis(incoming.T))
        field = np.einsum("nis,nix->nsx", arrived, np.stack([theta, -phi], axis=1))
        wedges = self.wedges.facing(incoming)
        slab = scene.electrics.slabs(paths.objects[rows, at])
        smooth = scene.electrics.smoothness[paths.objects[rows, at]]
        reflection = [
            coefficient * smooth
            for face in (wedges.near, wedges.far)
            for coefficient in slab_reflection(
                np.abs((incoming * face).sum(axis=1)), *slab, scene.wavelength
            )
        ]
        left = diffracted_with_faults(
            field, incoming, outgoing, wedges, before, after, reflection, scene.wavelength
        )
        basis = np.stack([axis.T for axis in spherical_basis(outgoing.T)], axis=1)
        sent = np.einsum("nsx,nix->nis", left, basis)
        spreading = scene.wavelength / (4 * np.pi) / np.sqrt(before * after * (before + after))
        whole = self._chain(at + 1, paths.n_vertices) @ sent
        return np.asarray(whole * spreading[:, None, None])

    def _chain(
        self, start: Int[np.ndarray, " n"], n_vertices: Int[np.ndarray, " n"]
    ) -> Complex[np.ndarray, "n 2 2"]:
        """From vertex `start` to the last of `n_vertices`, neither counted as an interaction."""
        paths, number = self.paths, np.arange(self.paths.depth)
        within = (number >= start[:, None]) & (number < n_vertices[:, None] - 2)
        return chain_transfer(
            paths.vertices,
            np.where(within, paths.interactions, NONE).astype(np.uint8),
            paths.objects,
            paths.normals,
            n_vertices,
            start,
            self.scene.electrics,
            self.scene.wavelength,
            self.wedges,
        )
