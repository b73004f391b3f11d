"""Paths over one edge and few mirrors, every one of them: each edge of a scene is tried."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from visrftwin_ros.propagation.fields.utd_edges import Wedges
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import (
    DIFFRACTION,
    SPECULAR,
    PathSet,
    empty,
    of_same_links,
    path_delay,
    without_duplicates,
)
from visrftwin_ros.propagation.replay.image_method import Chains
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene
from visrftwin_ros.propagation.tracing.mirror_paths import Planes, last_rank

_PLANES = (0, 600)
"""Of the largest planes, those that are tried as mirrors beside an edge: with none, and with one."""
_EDGES = (1_000_000, 1200)
"""Of the longest edges, those that are tried with no and with one mirror, and those as long."""
_AT_ONCE = 20_000
"""Ways that are looked along at once: each takes some kilobytes."""


def with_every_edge(
    traced: PathSet, planes: Planes, scene: ReplayScene, transmitters: Devices, receivers: Devices
) -> PathSet:
    """`traced`, its paths over nothing but one edge and at most one mirror, of the largest,
    replaced by all there are.

    Rays find such by chance, and others when there are more of them. Those over edges of which the
    law cannot be evaluated stay.
    """
    bends = (traced.interactions == DIFFRACTION).sum(axis=1)
    mirrors = (traced.interactions == SPECULAR).sum(axis=1)
    alone = (bends == 1) & (traced.n_vertices == mirrors + 3) & (mirrors < len(_PLANES))
    once = np.flatnonzero(alone)
    chains, count = Chains.of(traced, once, scene), mirrors[once]
    tried = chains.evaluated & (chains.edge[:, 6] >= _shortest(scene.edges.all[1])[count])
    among = np.minimum(_PLANES, len(planes.rank))
    tried &= last_rank(planes, traced.select(once)) < among[count]
    kept = np.ones(len(traced), bool)
    kept[once[tried]] = False
    found = edge_paths(planes, scene, transmitters, receivers, traced.depth)
    return of_same_links(traced.links, [traced.select(kept), found])


def edge_paths(
    planes: Planes,
    scene: ReplayScene,
    transmitters: Devices,
    receivers: Devices,
    depth: int,
    most: int = len(_PLANES) - 1,
) -> PathSet:
    """Every path that bends once, over an edge, has at most `most` mirrors before and behind it,
    of the largest (`_PLANES`, `_EDGES`), and meets nothing else.

    Links come transmitter first. Paths have room for `depth` interactions, at least one.
    """
    links = tuple((tx, rx) for tx in transmitters.names for rx in receivers.names)
    if not links or not len(scene.edges.all[0]):
        return empty(links, depth)
    places = np.tile(receivers.positions, (len(transmitters.names), 1))
    parts, waiting = [], [empty((), depth)]
    for ways in _ways(planes, scene, transmitters, receivers, depth, min(most, depth - 1)):
        waiting.append(ways)
        if sum(map(len, waiting)) > _AT_ONCE:
            parts.append(Replay.of(of_same_links(links, waiting), scene).at(places))
            waiting = [empty((), depth)]
    parts.append(Replay.of(of_same_links(links, waiting), scene).at(places))
    # Surfaces that touch are mirrors at one and the same place.
    return without_duplicates(of_same_links(links, parts))


def _shortest(edges: Wedges) -> Float[np.ndarray, " n"]:
    """Metres from which edges are tried, by the number of mirrors beside them."""
    longest = np.sort(edges.length)[::-1]
    return np.array([0.0 if n > len(longest) else longest[n - 1] for n in _EDGES])


def _ways(
    planes: Planes,
    scene: ReplayScene,
    transmitters: Devices,
    receivers: Devices,
    depth: int,
    most: int,
) -> Iterator[PathSet]:
    """What `edge_paths` looks along, link after link; without fields."""
    from visrftwin_ros.propagation.tracing.edge_search import beams_from, bends_between

    surface, edges = scene.edges.all
    among = np.array(_PLANES[: most + 1])
    shortest = _shortest(edges)[: most + 1]
    bounds = planes.normal, planes.level, planes.low, planes.high
    tried = planes.mirrors, among, planes.outward_for(transmitters, receivers)
    beams = [
        [beams_from(place, *bounds, *tried, edges) for place in ends.positions]
        for ends in (transmitters, receivers)
    ]
    for t, start in enumerate(beams[0]):
        for r, end in enumerate(beams[1]):
            found = bends_between(
                start, end, edges, among, shortest, *bounds, planes.first, planes.triangles
            )
            count, width = found.planes.shape
            bend = np.arange(width) == found.before[:, None]
            mirror = found.planes >= 0
            vertices = np.repeat(receivers.positions[None, [r]], count, axis=0)
            vertices = np.repeat(vertices, depth + 2, axis=1)
            vertices[:, 0] = transmitters.positions[t]
            inner = vertices[:, 1 : width + 1]
            inner[bend | mirror] = found.points[bend | mirror]
            interactions = np.zeros((count, depth), np.uint8)
            objects = np.full((count, depth), -1, np.int32)
            normals = np.zeros((count, depth, 3))
            interactions[:, :width] = np.select([bend, mirror], [DIFFRACTION, SPECULAR])
            over = surface[found.edge][:, None]
            objects[:, :width] = np.select([bend, mirror], [over, planes.surface[found.planes]], -1)
            normals[:, :width] = np.where(
                bend[..., None],
                edges.along[found.edge][:, None],
                planes.normal[found.planes] * mirror[..., None],
            )
            yield PathSet(
                links=(),
                link=np.full(count, t * len(receivers.names) + r, np.int32),
                vertices=vertices,
                n_vertices=(bend | mirror).sum(axis=1).astype(np.int32) + 2,
                interactions=interactions,
                objects=objects,
                normals=normals,
                transfer=np.zeros((count, 2, 2), complex),
                delay=path_delay(vertices),
            )
