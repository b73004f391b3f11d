"""What a site was calibrated on, so that nobody judges it by that."""

from __future__ import annotations

import json
from typing import Any

from visrftwin_ros.calibration.calibrated_site import REPORT
from visrftwin_ros.campaign.snapshot import Campaign
from visrftwin_ros.campaign.snapshot_marks import snapshot_marks
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site


def refuse_own_fit(site: Site, campaign: Campaign) -> list[str]:
    """TwinError where `site` was calibrated on snapshots of `campaign`, which is to judge it; what
    cannot be told, in words."""
    file = site.folder / REPORT
    content: Any = {}
    if file.is_file():
        try:
            content = json.loads(file.read_text())
        except ValueError as error:
            raise TwinError(f"{file}: no JSON: {error}") from error
    known = content.get("fitted_on") if isinstance(content, dict) else None
    if known is None:
        if not site.residuals:
            return []
        return [
            f"nothing beside the site says what its {site.residuals} were fitted on ({REPORT} of "
            "`visrftwin calibrate` does): if on this campaign, its scores are worth nothing"
        ]
    if not isinstance(known, list) or not all(isinstance(mark, str) for mark in known):
        raise TwinError(f"{file}: fitted_on: expected a list of marks of snapshots")
    own = snapshot_marks(campaign.snapshots)
    if both := own & set(known):
        raise TwinError(
            f"site {site.folder} was calibrated on {len(both)} of the {len(own)} snapshots of "
            f"{campaign.source}: it would be judged by what it was told. Score it on another campaign, "
            "or the site as it was before"
        )
    return []
