"""The fields of known paths by the lab's own walls: only where a path goes comes from the tracer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from visrftwin_ros.lab.radio.wall_law import Hits, WallLaw
from visrftwin_ros.propagation.fields.utd_edges import Wedges, diffracted_field
from visrftwin_ros.propagation.paths.path_set import (
    DIFFRACTION,
    DIFFUSE,
    REFRACTION,
    SPECULAR,
    PathSet,
    lengths,
)
from visrftwin_ros.propagation.replay.replay_scene import SurfaceFields

_HEAD_ON = 1e-9
Vectors = Float[np.ndarray, "n 3"]


def with_true_fields(
    paths: PathSet, law: WallLaw, scene: SurfaceFields, hollow: Bool[np.ndarray, " surfaces"]
) -> PathSet:
    """`paths` (mirrors, walls passed, one edge at most) with the fields that `law` gives them.

    A box that is passed counts as one wall however many faces are met, but `hollow` ones (houses) as
    one at each face. Paths that scatter, that bend twice or over what is no edge, and those that a wall
    holds within itself, whose stack has them already, are left out.
    """
    edges = scene.edges.of(*_bends(paths))
    kept = ~(paths.interactions == DIFFUSE).any(axis=1)
    bent = (paths.interactions == DIFFRACTION).sum(axis=1)
    no_edge = np.zeros(len(paths), bool)
    no_edge[np.nonzero(paths.interactions == DIFFRACTION)[0][edges.length == 0]] = True
    counted, trapped = _crossings(paths, hollow)
    kept &= (bent <= 1) & ~no_edge & ~trapped
    single = np.isin(np.nonzero(paths.interactions == DIFFRACTION)[0], np.flatnonzero(kept))
    return _evaluated(
        paths.select(kept), law, scene, edges.take(np.flatnonzero(single)), counted[kept]
    )


def _bends(paths: PathSet) -> tuple[Int[np.ndarray, " n"], Vectors, Vectors]:
    row, d = np.nonzero(paths.interactions == DIFFRACTION)
    return paths.objects[row, d], paths.vertices[row, d + 1], paths.normals[row, d]


def _crossings(
    paths: PathSet, hollow: Bool[np.ndarray, " surfaces"]
) -> tuple[Bool[np.ndarray, "p d"], Bool[np.ndarray, " p"]]:
    """Which refractions count, and which paths turn round within a wall.

    Of a closed box, the first face counts and the second, the way out, does not; a single sheet is
    met once and has no way out.
    """
    count, depth = paths.interactions.shape
    counted = np.zeros((count, depth), bool)
    trapped = np.zeros(count, bool)
    passed = paths.interactions == REFRACTION
    for d in range(depth):
        same = paths.objects[:, :d] == paths.objects[:, [d]]
        before = (same & passed[:, :d]).sum(axis=1)
        thick = hollow[np.maximum(paths.objects[:, d], 0)]
        counted[:, d] = passed[:, d] & ((before % 2 == 0) | thick)
        trapped |= (paths.interactions[:, d] == SPECULAR) & (before % 2 == 1)
    return counted, trapped


def _evaluated(
    paths: PathSet,
    law: WallLaw,
    scene: SurfaceFields,
    edges: Wedges,
    counted: Bool[np.ndarray, "p d"],
) -> PathSet:
    """Two unit fields carried along each path (Born and Wolf, section 1.5.2: TE and TM at each face)."""
    count, depth = paths.interactions.shape
    if not count:
        return paths
    step = np.diff(paths.vertices, axis=1)
    length = lengths(step)
    way = step / np.where(length > 0, length, 1.0)[..., None]
    way_so_far, total = np.cumsum(length, axis=1), length.sum(axis=1)
    rows = np.arange(count)
    field = np.stack(_spherical(way[:, 0]), axis=1).astype(complex)  # path, sent, xyz
    spreading = 1 / total
    edge_of = np.full(count, -1)
    edge_of[np.nonzero(paths.interactions == DIFFRACTION)[0]] = np.arange(len(edges.length))
    for d in range(depth):
        kind = paths.interactions[:, d]
        met = np.flatnonzero((kind == SPECULAR) | ((kind == REFRACTION) & counted[:, d]))
        if len(met):
            hits = Hits(
                surface=paths.objects[met, d],
                point=paths.vertices[met, d + 1],
                along=way[met, d],
                normal=paths.normals[met, d],
                before=np.maximum(way_so_far[met, d], 1e-3),
                after=np.maximum(total[met] - way_so_far[met, d], 1e-3),
            )
            found, mirrored = law.coefficients(hits), kind[met] == SPECULAR
            smooth = np.where(mirrored, law.smoothness(hits.surface, hits.cosine), 1.0)
            te = smooth * np.where(mirrored, found.reflected_te, found.transmitted_te)
            tm = smooth * np.where(mirrored, found.reflected_tm, found.transmitted_tm)
            field[met] = _past_face(field[met], way[met, d], way[met, d + 1], hits.normal, te, tm)
        bent = np.flatnonzero(kind == DIFFRACTION)
        if len(bent):
            before, after = way_so_far[bent, d], (total - way_so_far[:, d])[bent]
            wedges = edges.take(edge_of[bent])
            field[bent] = _past_edge(
                field[bent],
                way[bent, d],
                way[bent, d + 1],
                paths,
                bent,
                d,
                wedges,
                law,
                (before, after),
            )
            spreading[bent] = 1 / np.sqrt(before * after * (before + after))
    last = way[rows, paths.n_vertices - 2]
    theta, phi = _spherical(last)
    # The receiver looks along the wave: its phi has the other sign.
    seen = np.stack([theta, -phi], axis=1)
    transfer = np.einsum("prx,psx->prs", seen, field)
    strength = law.wavelength / (4 * np.pi) * spreading * np.exp(-scene.decay * total)
    return replace(paths, transfer=transfer * strength[:, None, None])


def _past_face(
    field: Complex[np.ndarray, "n 2 3"],
    before: Vectors,
    after: Vectors,
    normal: Vectors,
    te: Complex[np.ndarray, " n"],
    tm: Complex[np.ndarray, " n"],
) -> Complex[np.ndarray, "n 2 3"]:
    across = np.cross(before, normal)
    head_on = np.linalg.norm(across, axis=1) < _HEAD_ON
    if head_on.any():
        axis = np.eye(3)[np.abs(before[head_on]).argmin(axis=1)]
        across[head_on] = np.cross(before[head_on], axis)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    over, on = np.cross(before, across), np.cross(after, across)
    one = te[:, None] * np.einsum("psx,px->ps", field, across)
    other = tm[:, None] * np.einsum("psx,px->ps", field, over)
    return np.asarray(one[..., None] * across[:, None] + other[..., None] * on[:, None])


def _past_edge(
    field: Complex[np.ndarray, "n 2 3"],
    incoming: Vectors,
    outgoing: Vectors,
    paths: PathSet,
    bent: Int[np.ndarray, " n"],
    d: int,
    wedges: Wedges,
    law: WallLaw,
    around: tuple[Float[np.ndarray, " n"], Float[np.ndarray, " n"]],
) -> Complex[np.ndarray, "n 2 3"]:
    """The predictor's uniform theory, with the lab's reflections at both faces."""
    wedges = wedges.facing(incoming)
    reflection = []
    for direction, face in ((incoming, wedges.near), (outgoing, wedges.far)):
        hits = Hits(
            paths.objects[bent, d],
            paths.vertices[bent, d + 1],
            direction,
            face,
            np.maximum(around[0], 1e-3),
            np.maximum(around[1], 1e-3),
        )
        found = law.coefficients(hits)
        smooth = law.smoothness(hits.surface, hits.cosine)
        reflection += [found.reflected_te * smooth, found.reflected_tm * smooth]
    return diffracted_field(field, incoming, outgoing, wedges, *around, reflection, law.wavelength)


def _spherical(direction: Vectors) -> tuple[Vectors, Vectors]:
    """theta and phi of unit vectors; phi is +y straight up and down."""
    flat = np.hypot(direction[:, 0], direction[:, 1])
    upright = flat == 0
    c = np.where(upright, 1.0, direction[:, 0] / np.where(upright, 1.0, flat))
    s = np.where(upright, 0.0, direction[:, 1] / np.where(upright, 1.0, flat))
    z = direction[:, 2]
    return np.stack([z * c, z * s, -flat], axis=1), np.stack([-s, c, np.zeros(len(c))], axis=1)
