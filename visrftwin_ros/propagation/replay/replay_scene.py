"""What replaying needs of the static scene."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Self

import numpy as np

from visrftwin_ros.propagation.fields.free_space import wavelength_of
from visrftwin_ros.propagation.fields.fresnel_coefficients import (
    SurfaceElectrics,
    surface_electrics,
)
from visrftwin_ros.propagation.fields.gas_absorption import amplitude_decay
from visrftwin_ros.propagation.fields.utd_edges import SceneEdges
from visrftwin_ros.scene.ray_device import Device
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.scene.visibility import Visibility


class SurfaceFields:
    """What the fields of known paths need of the static scene: its surfaces, edges and air.

    meshes: the surfaces; frequency: Hz. decay: 1/m by which air takes from a field's amplitude.
    """

    def __init__(self, meshes: Sequence[SurfaceMesh], frequency: float) -> None:
        self.meshes, self.frequency = tuple(meshes), frequency
        self.electrics = surface_electrics(meshes, frequency)
        self.wavelength = wavelength_of(frequency)
        self.decay = amplitude_decay(frequency)
        self.edges = SceneEdges(meshes)
        self.bounds = np.array([(m.vertices.min(axis=0), m.vertices.max(axis=0)) for m in meshes])

    def with_materials(self, meshes: Sequence[SurfaceMesh]) -> Self:
        """The same surfaces in the same places, of other materials."""
        other = self.with_electrics(surface_electrics(meshes, self.frequency))
        other.meshes = tuple(meshes)
        return other

    def with_electrics(self, electrics: SurfaceElectrics) -> Self:
        """The same surfaces, whatever their meshes say they are made of."""
        other = copy.copy(self)
        other.electrics = electrics
        return other

    @property
    def as_sionna_has_it(self) -> Self:
        """The same for Sionna RT: every slab of just its thickness, no air."""
        other = self.with_electrics(self.electrics.exactly_thick)
        other.decay = 0.0
        return other


class ReplayScene(SurfaceFields):
    """What replaying needs of the static scene: its surfaces' fields and what hides what."""

    def __init__(
        self, meshes: Sequence[SurfaceMesh], frequency: float, device: Device = "auto"
    ) -> None:
        super().__init__(meshes, frequency)
        self.visibility = Visibility(meshes, device)

    def same_places(self, other: ReplayScene) -> bool:
        """Whether `other` has the same surfaces in the same places, of whatever materials."""
        return other.visibility is self.visibility
