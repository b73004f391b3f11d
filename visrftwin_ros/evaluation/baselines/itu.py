"""Sionna with ITU-R P.2040 materials as they come: static, smooth, nobody there."""

from __future__ import annotations

from dataclasses import replace

from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.prediction import Prediction, Progress, Setting, Told
from visrftwin_ros.evaluation.ray_prediction import RayPredictor
from visrftwin_ros.materials.table import material_values
from visrftwin_ros.scene.surfaces import SurfaceMesh, surface_meshes
from visrftwin_ros.site.model import Site

SLAB = 0.1
"""Metres: the thickness that Sionna's ITURadioMaterial takes where none is given."""


def meshes_of_itu_materials(site: Site) -> tuple[SurfaceMesh, ...]:
    """The site's surfaces, each of the ITU entry of its material's name, exactly SLAB thick and
    without scattering; one whose material only the site knows keeps the site's permittivity."""
    changed = []
    for mesh, surface in zip(surface_meshes(site), site.scene, strict=True):
        try:
            values = material_values(surface.material, site.radio.frequency)
        except TwinError:
            values = mesh.material
        plain = replace(values, thickness=SLAB, thickness_spread=0.0, scattering_coefficient=0.0)
        changed.append(replace(mesh, material=plain))
    return tuple(changed)


class ItuMaterials:
    """The static place, traced by the same solver as the twin's."""

    name = "itu"
    label = "ITU materials"
    colour = "#1f77b4"
    what = "Sionna RT with ITU materials, nobody there"
    told: tuple[Told, ...] = ("positions", "geometry", "materials")
    headline = True

    def predict(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> Prediction:
        """Of every path."""
        tracer = RayPredictor(
            setting.site, meshes_of_itu_materials(setting.site), solves=setting.solves
        )
        return Prediction(
            paths=tracer.answers(questions, PeopleTimeline(), progress=progress).paths
        )
