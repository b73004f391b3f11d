"""The people of a world as one set of moving triangles."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from visrftwin_ros.lab.people.outline import Topology
from visrftwin_ros.lab.people.people import WalkingPeople
from visrftwin_ros.lab.radio.body_truth import Person
from visrftwin_ros.lab.world.ray_scene import RayScene


class Crowd:
    """What the LiDAR's rays and the radio's paths meet of `people`.

    scene: their triangles for rays, None where nobody is. materials: of their clothes, N names.
    """

    def __init__(self, people: WalkingPeople) -> None:
        self._people = people
        meshes = people.meshes(0.0)
        self._topologies = [Topology.of(mesh.faces.astype(np.int64)) for mesh in meshes]
        self.materials = people.walks.material
        self.scene: RayScene | None = None
        if meshes:
            first = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
            faces = [m.faces + offset for m, offset in zip(meshes, first, strict=False)]
            self.scene = RayScene(self.vertices(0.0), np.concatenate(faces).astype(np.int64))

    def at(self, seconds: float) -> list[Person]:
        """Everybody's mesh; the ray scene goes there as well."""
        persons = [
            Person(np.asarray(mesh.vertices, float), topology)
            for mesh, topology in zip(self._people.meshes(seconds), self._topologies, strict=True)
        ]
        if self.scene is not None:
            self.scene.move(np.concatenate([person.vertices for person in persons]))
        return persons

    def vertices(self, seconds: float) -> Float[np.ndarray, "v 3"]:
        """Everybody's vertices, in the order of the ray scene's."""
        return np.concatenate([mesh.vertices for mesh in self._people.meshes(seconds)])
