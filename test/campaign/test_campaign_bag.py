"""What is written into a campaign bag is what is read from it."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from made_campaign import (
    FACTS,
    SECOND,
    STAMP,
    made_site,
    rover_pose,
    snapshot,
    true_channel,
    write_campaign,
)

from visrftwin_ros.campaign.bag_reader import read_campaign
from visrftwin_ros.campaign.bag_writer import CampaignWriter
from visrftwin_ros.campaign.snapshot import PATH_FIELDS
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return made_site(tmp_path / "site")


def test_a_campaign_is_read_as_it_was_written(site: Site, tmp_path: Path) -> None:
    campaign = read_campaign(write_campaign(tmp_path / "bag", site), site)
    assert dict(campaign.facts) == FACTS
    assert campaign.problems == ()
    assert [s.stamp_ns - STAMP for s in campaign.snapshots] == [k * SECOND // 2 for k in range(5)]
    third, written = campaign.snapshots[2], snapshot(1.0)
    assert (third.tx, third.rx, third.frequency, third.bandwidth) == ("ap", "rover", 60.5e9, 2e9)
    assert third.noise_floor_dbm == -85.0
    for name in PATH_FIELDS:
        found, given = getattr(third.paths, name), getattr(written.paths, name)
        np.testing.assert_allclose(found, given, rtol=1e-6, err_msg=name)
    np.testing.assert_array_equal(third.paths.delay, written.paths.delay)  # float64 all the way


def test_devices_stand_where_the_site_and_tf_say(site: Site, tmp_path: Path) -> None:
    third = read_campaign(write_campaign(tmp_path / "bag", site), site).snapshots[2]
    np.testing.assert_allclose(third.tx_position, [0.0, 0.0, 3.0])
    np.testing.assert_allclose(third.rx_position, [1.25, 2.0, 1.1], atol=1e-9)
    assert third.rx_yaw == pytest.approx(0.4)


def test_the_truth_is_apart_and_complete(site: Site, tmp_path: Path) -> None:
    campaign = read_campaign(write_campaign(tmp_path / "bag", site), site)
    assert len(campaign.truth_people) == len(campaign.truth_channels) == 21
    stamp, bodies = campaign.truth_people[10]
    assert stamp == STAMP + SECOND and bodies.ids == ("p1",) and bodies.material == ("wool",)
    np.testing.assert_allclose(bodies.position, [[3.0, 2.0, 0.0]])
    np.testing.assert_allclose(bodies.height, 1.75)
    channel, given = campaign.truth_channels[10], true_channel(1.0)
    assert (channel.tx, channel.rx, channel.line_of_sight) == ("ap", "rover", True)
    for name in ("path_loss_db", "delay_spread", "azimuth_spread", "k_factor_db", "shadow_loss_db"):
        assert getattr(channel, name) == pytest.approx(getattr(given, name), rel=1e-6), name
    assert len(channel.paths) == 2
    np.testing.assert_allclose(channel.rx_position, [1.25, 2.0, 1.1], atol=1e-9)
    assert campaign.truth_materials is not None
    ground = campaign.truth_materials["ground"]
    assert (ground.relative_permittivity, ground.conductivity, ground.thickness) == (5.2, 0.9, 0.2)


def test_unsorted_snapshots_are_sorted_and_named(site: Site, tmp_path: Path) -> None:
    with CampaignWriter(tmp_path / "bag", FACTS) as writer:
        for seconds in (0.0, 4.0, 2.0):
            rover_pose(writer, seconds)
            # Logged when it arrived, measured when its header says.
            late = replace(snapshot(seconds), stamp_ns=STAMP + round((5 - seconds) * SECOND))
            writer.snapshot(late, "world")
    campaign = read_campaign(tmp_path / "bag", site)
    stamps = [s.stamp_ns for s in campaign.snapshots]
    assert stamps == sorted(stamps) and len(stamps) == 3


def test_an_existing_path_is_refused_without_force(site: Site, tmp_path: Path) -> None:
    bag = write_campaign(tmp_path / "bag", site)
    before = {file.name: file.read_bytes() for file in bag.iterdir()}
    with pytest.raises(TwinError, match="--force"):
        CampaignWriter(bag, FACTS)
    assert {file.name: file.read_bytes() for file in bag.iterdir()} == before
    write_campaign(bag, site, seconds=0.5, force=True)
    assert len(read_campaign(bag, site).snapshots) == 2


def test_force_never_touches_what_is_no_bag(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(TwinError, match="no bag"):
        CampaignWriter(tmp_path / "thesis", FACTS, force=True)
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "years of work"


def test_ctrl_c_keeps_what_was_recorded_and_marks_it(site: Site, tmp_path: Path) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        CampaignWriter(tmp_path / "bag", FACTS) as writer,
    ):
        for k in range(100):
            rover_pose(writer, k / 2)
            writer.snapshot(snapshot(k / 2), "world")
            if k == 6:
                os.kill(os.getpid(), signal.SIGINT)
    campaign = read_campaign(tmp_path / "bag", site)
    assert len(campaign.snapshots) == 7
    assert any("not complete" in text and "Ctrl-C" in text for text in campaign.problems)
    metadata = yaml.safe_load((tmp_path / "bag" / "metadata.yaml").read_text())
    custom = metadata["rosbag2_bagfile_information"]["custom_data"]
    assert custom == {"complete": "false", "stopped_by": "Ctrl-C"}


def test_a_failing_recorder_keeps_what_was_recorded(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), CampaignWriter(tmp_path / "bag", FACTS) as writer:
        rover_pose(writer, 0.0)
        writer.snapshot(snapshot(0.0), "world")
        writer.snapshot(snapshot(1 / 0), "world")
    campaign = read_campaign(tmp_path / "bag", site)
    assert len(campaign.snapshots) == 1
    assert any("ZeroDivisionError" in text for text in campaign.problems)
