"""Where Sionna RT takes a wrong distance behind an edge."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from visrftwin_ros.propagation.paths.path_set import DIFFRACTION, PathSet


def overlong_behind_edge(paths: PathSet) -> Bool[np.ndarray, " paths"]:
    """Where Sionna RT 2.2.0 takes the way from the edge to the receiver for too long.

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
