"""The lab bag that ships: whole, small, and what its README says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

import visrftwin_ros.lab
from visrftwin_ros.bags.bag_file import open_bag
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.site.loading import load_site

FOLDER = Path(visrftwin_ros.lab.__file__).parent / "bags"


def test_it_is_whole_and_a_few_megabytes() -> None:
    bag = FOLDER / "lobby_short"
    assert sum(file.stat().st_size for file in bag.iterdir()) < 6.5e6
    with open_bag(bag) as opened:
        assert not opened.stopped_by
        counts = {c.topic: c.msgcount for c in opened.connections}
    assert counts["/cctv_southwest/image_raw/compressed"] == 32
    assert counts["/lidar_top/points"] == 4


def test_it_reads_without_a_complaint_and_somebody_makes_a_fade() -> None:
    campaign = read_campaign(FOLDER / "lobby_short", load_site("lobby"))
    assert not campaign.problems
    assert len(campaign.truth_people[0][1]) == 3
    deepest = max(channel.shadow_loss_db for channel in campaign.truth_channels)
    assert 5 < deepest < 40
    assert np.median([len(snapshot.paths) for snapshot in campaign.snapshots]) > 10


def test_the_readme_has_the_command_that_made_it() -> None:
    campaign = read_campaign(FOLDER / "lobby_short", load_site("lobby"))
    made_by = dict(re.findall(r"--([\w-]+) ([\w.]+)", campaign.facts["made_by"]))
    told = dict(re.findall(r"--([\w-]+) ([\w.]+)", (FOLDER / "README.md").read_text()))
    assert told.pop("out") == "lobby_short"
    for option, value in told.items():
        same = made_by[option] == value
        assert same or float(made_by[option]) == float(value), option
