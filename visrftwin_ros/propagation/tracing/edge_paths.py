"""Paths over a single edge, every one of them: each edge of a scene is tried."""

from __future__ import annotations

import numpy as np

from visrftwin_ros.propagation.fields.utd_edges import edge_parameter
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import (
    DIFFRACTION,
    PathSet,
    empty,
    of_same_links,
    path_delay,
)
from visrftwin_ros.propagation.replay.image_method import Chains
from visrftwin_ros.propagation.replay.path_replay import Replay
from visrftwin_ros.propagation.replay.replay_scene import ReplayScene


def with_every_edge(
    traced: PathSet, scene: ReplayScene, transmitters: Devices, receivers: Devices
) -> PathSet:
    """`traced`, its paths over nothing but one edge replaced by all there are.

    Rays find an edge by chance, and another one when there are more of them. Those over edges of
    which the law cannot be evaluated stay.
    """
    once = np.flatnonzero((traced.n_vertices == 3) & (traced.interactions[:, 0] == DIFFRACTION))
    known = Chains.of(traced, once, scene).evaluated
    kept = np.ones(len(traced), bool)
    kept[once[known]] = False
    found = edge_paths(scene, transmitters, receivers, traced.depth)
    return of_same_links(traced.links, [traced.select(kept), found])


def edge_paths(
    scene: ReplayScene, transmitters: Devices, receivers: Devices, depth: int
) -> PathSet:
    """Every path that bends once, over an edge that both ends see, and meets nothing else.

    Links come transmitter first. Where on the edge: Keller's cone (J. Opt. Soc. Am. 52, 1962).
    Paths have room for `depth` interactions, at least one.
    """
    links = tuple((tx, rx) for tx in transmitters.names for rx in receivers.names)
    surface, edges = scene.edges.all
    if not links or not len(surface):
        return empty(links, depth)
    link, edge = (i.ravel() for i in np.indices((len(links), len(surface))))
    tx, rx = np.divmod(link, len(receivers.names))
    start, end = transmitters.positions[tx], receivers.positions[rx]
    origin, along = edges.origin[edge], edges.along[edge]
    place = edge_parameter(start, end, origin, along)
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((place > 0) & (place < edges.length[edge]))
    point = origin[rows] + place[rows, None] * along[rows]
    vertices = np.repeat(end[rows, None], depth + 2, axis=1)
    vertices[:, 0], vertices[:, 1] = start[rows], point
    count = len(rows)
    interactions = np.zeros((count, depth), np.uint8)
    objects = np.full((count, depth), -1, np.int32)
    normals = np.zeros((count, depth, 3))
    interactions[:, 0], objects[:, 0] = DIFFRACTION, surface[edge[rows]]
    normals[:, 0] = along[rows]
    tried = PathSet(
        links=links,
        link=link[rows].astype(np.int32),
        vertices=vertices,
        n_vertices=np.full(count, 3, np.int32),
        interactions=interactions,
        objects=objects,
        normals=normals,
        transfer=np.zeros((count, 2, 2), complex),
        delay=path_delay(vertices),
    )
    return Replay.of(tried, scene).at(np.tile(receivers.positions, (len(transmitters.names), 1)))
