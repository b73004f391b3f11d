"""The example of docs/CAMPAIGN.md writes a campaign that is read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.nodes.campaign_replay import CampaignReplay
from visrftwin_ros.site.loading import load_site

ROOT = Path(__file__).resolve().parents[2]
DOC = (ROOT / "docs" / "CAMPAIGN.md").read_text()


def test_the_example_writes_a_campaign(tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", DOC, re.DOTALL)
    assert found is not None
    (tmp_path / "msg").symlink_to(ROOT / "msg")
    (tmp_path / "example.py").write_text(found[1])
    # Alone: without this package on the path.
    subprocess.run([sys.executable, "-I", "example.py"], cwd=tmp_path, check=True, timeout=60)
    campaign = read_campaign(tmp_path / "my_campaign", load_site("pets_campus"))
    assert len(campaign.snapshots) == 10
    first = campaign.snapshots[0]
    assert (first.tx, first.rx, len(first.paths)) == ("ap_lamp", "robot_north", 2)
    assert first.paths.delay.tolist() == [33e-9, 41e-9]
    assert first.paths.gain_db[1] == pytest.approx(-109.0)
    assert np.isnan(first.paths.phase).all()
    # pets_campus: the robot stands at (-1.2, -3.6) with its antenna at 0.8 m
    np.testing.assert_allclose(first.rx_position, [-1.2, -3.6, 0.8])
    assert campaign.problems == ("no topic /campaign: what the campaign is remains unknown",)


def test_every_parameter_of_the_replay_is_described() -> None:
    table = DOC.split("| parameter of `campaign_replay` |")[1].split("\n\n")[0]
    described = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert described == [parameter.name for parameter in CampaignReplay.parameters]
