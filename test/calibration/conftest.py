"""A yard that was sounded, and what that taught."""

from __future__ import annotations

import pytest
from sounded_yard import campaign, places, yard

from visrftwin_ros.calibration.calibration import Calibration, calibrated
from visrftwin_ros.scene.ray_device import prepare
from visrftwin_ros.site.model import Site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    prepare(threads=2)
    return yard(tmp_path_factory.mktemp("sites") / "yard")


@pytest.fixture(scope="session")
def found(site: Site) -> Calibration:
    """Learnt from 40 soundings, judged by 10."""
    return calibrated(campaign(places(50)), site, None)
