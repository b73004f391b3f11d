"""A site is not judged by the recording that it was calibrated on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sounded_yard import campaign, places

from visrftwin_ros.calibration.calibrated_site import REPORT
from visrftwin_ros.calibration.fitted_on import refuse_own_fit
from visrftwin_ros.campaign.snapshot_marks import snapshot_marks
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site


def test_recordings_that_begin_at_one_time_have_no_snapshot_in_common() -> None:
    one, again, other = (campaign(places(6), seed).snapshots for seed in (3, 3, 4))
    assert [s.stamp_ns for s in one] == [s.stamp_ns for s in other]
    assert snapshot_marks(one) == snapshot_marks(again)
    assert len(snapshot_marks(one)) == 6
    assert not snapshot_marks(one) & snapshot_marks(other)
    unplaced = [replace(s, rx_position=np.full(3, np.nan)) for s in one]
    assert snapshot_marks(unplaced) == snapshot_marks(unplaced[::-1])


def test_one_snapshot_in_common_is_enough(site: Site, tmp_path: Path) -> None:
    site = site.model_copy(update={"folder": tmp_path})
    scored, fitted = campaign(places(6), 3), campaign(places(6), 4)
    assert refuse_own_fit(site, scored) == []
    shared = (*fitted.snapshots[:5], scored.snapshots[5])
    (tmp_path / REPORT).write_text(json.dumps({"fitted_on": sorted(snapshot_marks(shared))}))
    with pytest.raises(TwinError, match="was calibrated on 1 of the 6 snapshots"):
        refuse_own_fit(site, scored)
    (tmp_path / REPORT).write_text(
        json.dumps({"fitted_on": sorted(snapshot_marks(fitted.snapshots))})
    )
    assert refuse_own_fit(site, scored) == []


@pytest.mark.parametrize("content", ["{", '{"fitted_on": 3}', '{"fitted_on": [3]}'])
def test_a_report_that_is_none_is_named(site: Site, tmp_path: Path, content: str) -> None:
    (tmp_path / REPORT).write_text(content)
    with pytest.raises(TwinError, match=REPORT):
        refuse_own_fit(site.model_copy(update={"folder": tmp_path}), campaign(places(6)))


def test_a_map_of_unknown_origin_is_said_to_be_one(site: Site, tmp_path: Path) -> None:
    unknown = site.model_copy(update={"folder": tmp_path, "residuals": "residuals.yaml"})
    assert "worth nothing" in refuse_own_fit(unknown, campaign(places(6)))[0]
