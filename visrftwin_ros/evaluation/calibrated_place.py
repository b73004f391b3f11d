"""A place as another campaign taught it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from visrftwin_ros.cache import cache_folder
from visrftwin_ros.calibration.calibration import calibrated
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.data_sets import refuse_judge
from visrftwin_ros.campaign.snapshot import Campaign
from visrftwin_ros.campaign.snapshot_marks import snapshot_marks
from visrftwin_ros.errors import TwinError
from visrftwin_ros.scene.surfaces import SurfaceMesh
from visrftwin_ros.site.model import Site
from visrftwin_ros.site.residual_map import ResidualMap


@dataclass(frozen=True, eq=False)
class CalibratedPlace:
    """meshes: the site's surfaces, of the materials that were learnt. residuals: what is left."""

    meshes: tuple[SurfaceMesh, ...]
    residuals: ResidualMap


def calibrated_place(fit_bag: Path, scored: Campaign, site: Site, seed: int) -> CalibratedPlace:
    """As `visrftwin calibrate` has it of the campaign in `fit_bag`.

    Raises TwinError where that is of the judge set, shares a snapshot with the campaign that is `scored`,
    or does not do for a calibration.
    """
    campaign = read_campaign(fit_bag, site)
    refuse_judge(fit_bag, campaign)
    both = snapshot_marks(campaign.snapshots) & snapshot_marks(scored.snapshots)
    if both:
        raise TwinError(
            f"{fit_bag} has {len(both)} snapshot(s) of {scored.source}, which is scored: fit on another "
            f"campaign"
        )
    found = calibrated(campaign, site, cache_folder("paths"), seed=seed)
    meshes = tuple(
        replace(mesh, material=material)
        for mesh, material in zip(found.known.sounded.meshes, found.materials, strict=True)
    )
    return CalibratedPlace(meshes, found.residuals)
