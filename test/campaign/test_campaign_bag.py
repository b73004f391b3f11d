"""What is written into a campaign bag is what is read from it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from made_campaign import (
    FACTS,
    SECOND,
    STAMP,
    rover_pose,
    snapshot,
    true_channel,
    write_campaign,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from visrftwin_ros.bags.bag_types import campaign_typestore, made, message_folder
from visrftwin_ros.campaign.campaign_messages import snapshot_message, true_channels_message
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.campaign_writer import CampaignWriter
from visrftwin_ros.campaign.snapshot import PATH_FIELDS
from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.paths import path_messages
from visrftwin_ros.site.model import Site


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
    assert channel.shadow_loss_los_db == 3.75
    for name in ("path_loss_db", "delay_spread", "azimuth_spread", "k_factor_db", "shadow_loss_db"):
        assert getattr(channel, name) == pytest.approx(getattr(given, name), rel=1e-6), name
    assert len(channel.paths) == 2
    np.testing.assert_allclose(channel.rx_position, [1.25, 2.0, 1.1], atol=1e-9)
    assert campaign.truth_materials is not None
    ground = campaign.truth_materials["ground"]
    assert (ground.relative_permittivity, ground.conductivity, ground.thickness) == (5.2, 0.9, 0.2)


def test_unsorted_snapshots_are_sorted_and_named(site: Site, tmp_path: Path) -> None:
    """Of a recorder that logs what arrives late when it arrives."""
    kind, store = "visrftwin_ros/msg/ChannelSnapshot", campaign_typestore()
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        topic = writer.add_connection("/sounder/snapshots", kind, typestore=store)
        for arrived, seconds in enumerate((0.0, 4.0, 2.0, 3.0)):
            message = snapshot_message(snapshot(seconds), "world")
            writer.write(topic, STAMP + arrived, store.serialize_cdr(message, kind))
    campaign = read_campaign(tmp_path / "bag", site)
    stamps = [(s.stamp_ns - STAMP) // SECOND for s in campaign.snapshots]
    assert stamps == [0, 2, 3, 4]
    assert "snapshots: 1 stamps go back in time; sorted by stamp" in campaign.problems


def test_truth_of_older_bags_is_read(site: Site, tmp_path: Path) -> None:
    """Bags outlive versions: each is read by the definitions in it. Once the paths of a link lay in
    its channel, and a field of today was missing."""
    older, types = get_typestore(Stores.ROS2_JAZZY), {}
    for file in message_folder().glob("*.msg"):
        lines = [line for line in file.read_text().splitlines() if "shadow_loss_los_db" not in line]
        if file.stem == "LinkChannel":
            lines.append("RadioPath[] paths")
        types |= get_types_from_msg("\n".join(lines), f"visrftwin_ros/msg/{file.stem}")
    older.register(types)
    kind = "visrftwin_ros/msg/LinkChannels"
    assert older.hash_rihs01(kind) != campaign_typestore().hash_rihs01(kind)
    true = true_channel(0.0)
    now = true_channels_message(STAMP, "world", [true])
    link = SimpleNamespace(**vars(now.channels[0]), paths=path_messages(made, vars(true.paths)))
    then = SimpleNamespace(**{**vars(now), "channels": [link]})
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        sounding = snapshot_message(snapshot(0.0), "world")
        for topic, name, message in (
            ("/sounder/snapshots", sounding.__msgtype__, sounding),
            ("/truth/channels", kind, then),
        ):
            connection = writer.add_connection(topic, name, typestore=older)
            writer.write(connection, STAMP, older.serialize_cdr(message, name))
    (channel,) = read_campaign(tmp_path / "bag", site).truth_channels
    assert channel.shadow_loss_db == 2.5 and channel.line_of_sight
    assert np.isnan(channel.shadow_loss_los_db)
    np.testing.assert_array_equal(channel.paths.delay, true.paths.delay)


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


def test_the_definitions_are_found_in_an_installed_package_too(tmp_path: Path) -> None:
    """A copy of the code without its checkout, as `pip install` leaves it."""
    root = Path(__file__).resolve().parents[2]
    shutil.copytree(root / "visrftwin_ros", tmp_path / "visrftwin_ros")
    shutil.copytree(root / "msg", tmp_path / "prefix" / "share" / "visrftwin_ros" / "msg")
    program = (
        "from visrftwin_ros.bags.bag_types import campaign_typestore, made, message_folder; "
        "print(message_folder()); "
        "print(campaign_typestore().hash_rihs01('visrftwin_ros/msg/ChannelSnapshot'))"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path),
        "AMENT_PREFIX_PATH": f"{tmp_path / 'prefix'}:{sys.prefix}",
    }
    said = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert Path(said[0]) == tmp_path / "prefix" / "share" / "visrftwin_ros" / "msg"
    assert said[1] == campaign_typestore().hash_rihs01("visrftwin_ros/msg/ChannelSnapshot")
