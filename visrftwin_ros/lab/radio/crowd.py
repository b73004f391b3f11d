"""The people of a world, with what they have along, as one set of moving triangles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from visrftwin_ros.lab.people.avatars import Avatars
from visrftwin_ros.lab.people.rounding import Rounding
from visrftwin_ros.lab.people.topology import Topology
from visrftwin_ros.lab.radio.body_truth import Person
from visrftwin_ros.lab.world.ray_scene import RayScene


class Crowd:
    """What the LiDAR's rays and the radio's paths meet of `people`.

    scene: their triangles for rays, None where nobody is. Shadows come from
    rounder bodies.
    """

    def __init__(self, people: Avatars) -> None:
        self._people = people
        self._materials = people.walks.material
        self._rounding: list[Rounding] = []
        self._whole: list[Topology] = []
        self._facets: list[NDArray[np.int64]] = []
        self.scene: RayScene | None = None
        first, faces = 0, []
        for i, (mesh, carried) in enumerate(
            zip(people.meshes(0.0), people.carried(0.0), strict=True)
        ):
            body, along = mesh.faces.astype(np.int64), people.carried_faces(i)
            rounding = Rounding.of(Topology.of(body), len(mesh.vertices))
            rounder = len(rounding.points(mesh.vertices))
            self._rounding.append(rounding)
            self._whole.append(Topology.of(np.concatenate([rounding.faces, along + rounder])))
            self._facets.append(np.concatenate([body, along + rounder]))
            faces += [body + first, along + first + len(mesh.vertices)]
            first += len(mesh.vertices) + len(carried)
        if faces:
            self.scene = RayScene(self.vertices(0.0), np.concatenate(faces).astype(np.int64))

    def at(self, seconds: float) -> list[Person]:
        """Everybody's mesh; the ray scene goes there as well."""
        bodies = [mesh.vertices for mesh in self._people.meshes(seconds)]
        along = self._people.carried(seconds)
        if self.scene is not None:
            self.scene.move(_joined(bodies, along))
        return [
            Person(np.concatenate([rounding.points(body), carried]), whole, material, facets)
            for body, carried, rounding, whole, material, facets in zip(
                bodies,
                along,
                self._rounding,
                self._whole,
                self._materials,
                self._facets,
                strict=True,
            )
        ]

    def vertices(self, seconds: float) -> Float[np.ndarray, "v 3"]:
        """Everybody's vertices, in the order of the ray scene's."""
        bodies = [mesh.vertices for mesh in self._people.meshes(seconds)]
        return _joined(bodies, self._people.carried(seconds))


def _joined(
    bodies: Sequence[Float[np.ndarray, "v 3"]], along: Sequence[Float[np.ndarray, "w 3"]]
) -> Float[np.ndarray, "n 3"]:
    return np.concatenate([part for both in zip(bodies, along, strict=True) for part in both])
