"""The predictors that a campaign is scored with: a new one is one file and one line here."""

from __future__ import annotations

from visrftwin_ros.errors import TwinError
from visrftwin_ros.evaluation.baselines.free_space import FreeSpace
from visrftwin_ros.evaluation.baselines.geometry import GeometryAlone
from visrftwin_ros.evaluation.baselines.inh import IndoorHotspot
from visrftwin_ros.evaluation.baselines.itu import ItuMaterials
from visrftwin_ros.evaluation.baselines.nearest import NearestOfStretches, NearestSnapshot
from visrftwin_ros.evaluation.baselines.nerf2 import NeRF2, NeRF2OfStretches
from visrftwin_ros.evaluation.baselines.pointnet import (
    PointNet,
    PointNetOfAllOthers,
    PointNetOfStretches,
)
from visrftwin_ros.evaluation.baselines.rf3dgs import RF3DGS, RF3DGSOfStretches
from visrftwin_ros.evaluation.baselines.umi import UrbanMicro
from visrftwin_ros.evaluation.prediction import Predictor
from visrftwin_ros.evaluation.twin_predictor import CalibratedTwin, Twin, TwinOfTrueMaterials

TWINS: tuple[Predictor, ...] = (Twin(), TwinOfTrueMaterials(), CalibratedTwin())
"""This package's own, by what they are told."""
LEARN_LONG: tuple[Predictor, ...] = (
    PointNetOfAllOthers(),
    NeRF2(),
    NeRF2OfStretches(),
    RF3DGS(),
    RF3DGSOfStretches(),
)
"""Asked only where somebody names them: a minute of one core each for a campaign."""
PREDICTORS: tuple[Predictor, ...] = (
    *TWINS,
    FreeSpace(),
    IndoorHotspot(),
    UrbanMicro(),
    GeometryAlone(),
    ItuMaterials(),
    PointNet(),
    PointNetOfStretches(),
    NearestSnapshot(),
    NearestOfStretches(),
    *LEARN_LONG,
)
"""In the order of tables and figures. The first is the one under test, which targets are asked of
and figures draw in front; those that are none of TWINS are what it is compared with."""


def all_names() -> tuple[str, ...]:
    """Of PREDICTORS."""
    return tuple(predictor.name for predictor in PREDICTORS)


def usual_names(fitted: bool) -> tuple[str, ...]:
    """Of those that are asked where nobody names any; fitted: there is a campaign to calibrate on."""
    usual = (p for p in PREDICTORS if p not in LEARN_LONG)
    return tuple(p.name for p in usual if fitted or "another campaign" not in p.told)


def under_test() -> Predictor:
    """The one that the others are the measure of."""
    return PREDICTORS[0]


def predictor_named(name: str) -> Predictor:
    """One of PREDICTORS. Raises TwinError where there is none of that name."""
    for predictor in PREDICTORS:
        if predictor.name == name:
            return predictor
    raise TwinError(f"no predictor {name!r}; there are {', '.join(all_names())}")
