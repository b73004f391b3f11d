"""This package's own prediction: ray tracing with the people who are there."""

from __future__ import annotations

from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.link_targets import Questions
from visrftwin_ros.evaluation.prediction import Prediction, Progress, Setting, Told
from visrftwin_ros.evaluation.ray_prediction import RayPredictor
from visrftwin_ros.propagation.paths.link_metrics import LinkMetrics
from visrftwin_ros.site.residual_map import site_residuals


class Twin:
    """Paths and channels as the live engine has them."""

    name = "twin"
    label = "twin (nominal)"
    colour = "#d62728"
    what = "this package: ray tracing with people, materials as the site has them"
    told: tuple[Told, ...] = ("positions", "geometry", "materials", "people")
    headline = True

    def predict(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> Prediction:
        """What a sounder would tell apart of every path."""
        tracer = self._tracer(setting)
        return Prediction(paths=tracer.answers(questions, setting.people, progress=progress).paths)

    def channels(
        self, questions: Questions, setting: Setting, progress: Progress | None = None
    ) -> LinkMetrics:
        """Over every path."""
        tracer = self._tracer(setting)
        return tracer.answers(questions, setting.people, False, progress).metrics

    def _tracer(self, setting: Setting) -> RayPredictor:
        """What the site's soundings found off belongs to the materials that it has."""
        residuals = site_residuals(setting.site)
        return RayPredictor(
            setting.site, setting.meshes, residuals=residuals, solves=setting.solves
        )


class TwinOfTrueMaterials(Twin):
    """The same with what only a lab knows: the best that any calibration of materials could do."""

    name = "twin_true"
    label = "twin (true)"
    colour = "#ff9896"
    what = "the same with the true materials, which nobody has outside a lab"
    told: tuple[Told, ...] = ("positions", "geometry", "true materials", "people")

    def _tracer(self, setting: Setting) -> RayPredictor:
        return RayPredictor(setting.site, setting.meshes, solves=setting.solves)


class CalibratedTwin(Twin):
    """The same after a calibration on another campaign of the place."""

    name = "twin_calibrated"
    label = "twin (calibrated)"
    colour = "#8c1a11"
    what = "the same with materials and residuals calibrated on another campaign (--fit-bag)"
    told: tuple[Told, ...] = ("positions", "geometry", "materials", "people", "another campaign")

    def _tracer(self, setting: Setting) -> RayPredictor:
        place = setting.calibrated
        if place is None:
            raise TwinError("no campaign to calibrate on: give --fit-bag")
        return RayPredictor(
            setting.site, place.meshes, residuals=place.residuals, solves=setting.solves
        )
