"""Ray tracing that knows the geometry alone: one material everywhere, nobody there."""

from __future__ import annotations

from dataclasses import replace

from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.prediction import Prediction, Progress, Setting, Told
from visrftwin_ros.evaluation.ray_prediction import RayPredictor
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import Site

ONE_MATERIAL = "concrete"
"""The commonest building material; without scattering, which geometry does not tell either."""


def meshes_of_one_material(site: Site) -> tuple[SurfaceMesh, ...]:
    """The site's surfaces, all of ONE_MATERIAL."""
    everywhere = replace(
        material_values(ONE_MATERIAL, site.radio.frequency), scattering_coefficient=0.0
    )
    return tuple(replace(mesh, material=everywhere) for mesh in surface_meshes(site))


class GeometryAlone:
    """The static place, traced by the same solver as the twin's."""

    name = "geometry"
    label = "geometry only"
    colour = "#17becf"
    what = "ray tracing, one material everywhere, nobody there"
    told: tuple[Told, ...] = ("positions", "geometry")
    headline = False

    def predict(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> Prediction:
        """Of every path."""
        tracer = RayPredictor(
            setting.site, meshes_of_one_material(setting.site), solves=setting.solves
        )
        return Prediction(
            paths=tracer.answers(questions, PeopleTimeline(), progress=progress).paths
        )
