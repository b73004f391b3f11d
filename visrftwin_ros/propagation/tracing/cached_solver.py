"""Full solves of a site, kept on disk so that a restart does not solve again."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np

from visrftwin_ros.errors import TwinError
from visrftwin_ros.propagation.paths.devices import Devices
from visrftwin_ros.propagation.paths.path_set import PathSet, empty
from visrftwin_ros.propagation.tracing.path_solver import solve, solver_version
from visrftwin_ros.scene.ray_device import Device
from visrftwin_ros.scene.surfaces import SurfaceMesh, fingerprint
from visrftwin_ros.site.model import Propagation, Site

_log = logging.getLogger(__name__)


class Discovery:
    """Finds the paths from a site's access points to receivers.

    solver_calls counts the full solves so far; answers from `folder` (None = keep nothing) are
    not among them.
    """

    def __init__(
        self,
        site: Site,
        meshes: tuple[SurfaceMesh, ...],
        folder: Path | None,
        device: Device = "auto",
    ) -> None:
        self._site = site
        self._meshes = meshes
        self._folder = folder
        self._solve: Callable[..., PathSet] = solve
        self.device: Device = device
        self.transmitters = Devices(
            tuple(ap.name for ap in site.access_points),
            np.array([ap.position for ap in site.access_points], float),
        )
        self.solver_calls = 0

    @property
    def settings(self) -> Propagation:
        """What it looks for."""
        return self._site.propagation

    def solving_by(self, solver: Callable[..., PathSet]) -> Discovery:
        """The same, by another function of `solve`'s arguments."""
        other = copy.copy(self)
        other._solve = solver
        return other

    def over(self, site: Site, meshes: tuple[SurfaceMesh, ...]) -> Discovery:
        """The same with the surfaces of that site, of these materials."""
        return Discovery(site, meshes, self._folder, self.device).solving_by(self._solve)

    def specular_paths_to(self, receivers: Devices) -> PathSet:
        """Lines of sight, specular reflections and refractions only: a fraction of the cost."""
        settings = self._site.propagation.model_copy(
            update={"diffuse": False, "diffraction": False}
        )
        return self._answer(receivers, settings)

    def paths_to(self, receivers: Devices) -> PathSet:
        """Every path to `receivers`, from disk where the same question was answered before."""
        return self._answer(receivers, self._site.propagation)

    def _answer(self, receivers: Devices, settings: Propagation) -> PathSet:
        if not receivers.names:
            return empty((), settings.max_depth)
        key = fingerprint(
            self._meshes,
            {
                "solver": solver_version(),
                "settings": settings.model_dump(),
                "frequency": self._site.radio.frequency,
                "transmitters": [self.transmitters.names, self.transmitters.positions.tolist()],
                "receivers": [receivers.names, receivers.positions.tolist()],
            },
        )
        file = self._folder / f"{self._site.name}-{key[:16]}.npz" if self._folder else None
        if file is not None and file.is_file():
            try:
                return PathSet.load(file, key)
            except TwinError as error:
                _log.warning("%s; solving again", error)
        self.solver_calls += 1
        paths = self._solve(
            self._meshes,
            self.transmitters,
            receivers,
            self._site.radio.frequency,
            settings,
            self.device,
        )
        if file is not None:
            try:
                paths.save(file, key)
            except OSError as error:
                _log.warning("cannot keep the paths in %s (%s); going on without", file, error)
        return paths
