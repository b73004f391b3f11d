"""What is wrong with a bag or its site is named, with the file; what can be used is used."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_campaign import FACTS, STAMP, made_site, rover_pose, snapshot, write_campaign
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from visrftwin_ros.bags.bag_types import campaign_typestore
from visrftwin_ros.campaign.campaign_messages import snapshot_message
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.campaign_writer import CampaignWriter
from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site


@pytest.mark.parametrize("name", ["cdr_test_0.mcap", "talker.mcap", "wbag_0.mcap"])
def test_a_recording_without_snapshots_is_no_campaign(
    name: str, site: Site, test_data: Path
) -> None:
    with pytest.raises(TwinError, match=rf"{name} has no snapshots.*/sounder/snapshots"):
        read_campaign(test_data / "mcap" / name, site)


def test_a_missing_bag_is_named(site: Site, tmp_path: Path) -> None:
    with pytest.raises(TwinError, match=r"no bag at .*nothing_here"):
        read_campaign(tmp_path / "nothing_here", site)


@pytest.mark.parametrize("kept", [0, 5, 3000])
def test_a_torn_file_is_named_with_the_place(kept: int, site: Site, tmp_path: Path) -> None:
    file = write_campaign(tmp_path / "bag", site) / "bag.mcap"
    file.write_bytes(file.read_bytes()[:kept])
    expected = {0: "is empty", 5: "is no MCAP", 3000: "cut off at byte 3000"}[kept]
    with pytest.raises(TwinError, match=rf"bag\.mcap.*{expected}"):
        read_campaign(tmp_path / "bag", site)


def test_damage_in_the_middle_is_named(site: Site, tmp_path: Path) -> None:
    file = write_campaign(tmp_path / "bag", site) / "bag.mcap"
    data = bytearray(file.read_bytes())
    data[20_000:24_000] = b"\xff" * 4000
    file.write_bytes(data)
    with pytest.raises(TwinError, match=str(tmp_path / "bag")):
        read_campaign(tmp_path / "bag", site)


def test_a_folder_of_a_killed_recorder_is_named(site: Site, tmp_path: Path) -> None:
    (write_campaign(tmp_path / "bag", site) / "metadata.yaml").unlink()
    with pytest.raises(TwinError, match=r"no metadata\.yaml.*bag\.mcap"):
        read_campaign(tmp_path / "bag", site)
    assert len(read_campaign(tmp_path / "bag" / "bag.mcap", site).snapshots) == 5


def test_a_bag_without_messages_has_no_snapshots(site: Site, tmp_path: Path) -> None:
    with CampaignWriter(tmp_path / "bag", FACTS):
        pass
    with pytest.raises(TwinError, match=r"has no snapshots.*this bag has /campaign"):
        read_campaign(tmp_path / "bag", site)


def test_a_single_snapshot_is_a_campaign(site: Site, tmp_path: Path) -> None:
    with CampaignWriter(tmp_path / "bag", FACTS) as writer:
        writer.snapshot(snapshot(0.0), "world")
    campaign = read_campaign(tmp_path / "bag", site)
    assert len(campaign.snapshots) == 1 and len(campaign.snapshots[0].paths) == 4
    assert campaign.truth_materials is None and campaign.truth_channels == ()
    # Nobody says where the robot was; that is told and not guessed.
    assert np.isnan(campaign.snapshots[0].rx_position).all()
    assert any("'rover' unknown" in text and "no TF" in text for text in campaign.problems)


def test_links_of_unknown_devices_are_left_out_and_counted(site: Site, tmp_path: Path) -> None:
    with CampaignWriter(tmp_path / "bag", FACTS) as writer:
        rover_pose(writer, 0.0)
        rover_pose(writer, 1.0)
        writer.snapshot(snapshot(0.0), "world")
        writer.snapshot(snapshot(0.5, tx="ap9"), "world")
        writer.snapshot(snapshot(1.0, tx="ap9"), "world")
    campaign = read_campaign(tmp_path / "bag", site)
    assert len(campaign.snapshots) == 1
    (problem,) = campaign.problems
    assert "no access point or robot 'ap9'; it has ap, rover" in problem and "2 times" in problem


def test_a_site_that_does_not_fit_is_refused(site: Site, tmp_path: Path) -> None:
    bag = write_campaign(tmp_path / "bag", site)
    other = made_site(tmp_path / "other").model_copy(
        update={
            "name": "other",
            "access_points": [site.access_points[0].model_copy(update={"name": "mast"})],
        }
    )
    with pytest.raises(TwinError, match=r"no snapshot can be used in site 'other'.*'ap'.*has mast"):
        read_campaign(bag, other)


def test_another_sites_campaign_is_told(site: Site, tmp_path: Path) -> None:
    with CampaignWriter(tmp_path / "bag", {**FACTS, "site": "lobby"}) as writer:
        rover_pose(writer, 0.0)
        writer.snapshot(snapshot(0.0), "world")
    problems = read_campaign(tmp_path / "bag", site).problems
    assert problems == ("recorded in site 'lobby', read with site 'made'",)


def test_a_snapshot_in_a_sensors_frame_is_left_out(site: Site, tmp_path: Path) -> None:
    with CampaignWriter(tmp_path / "bag", FACTS) as writer:
        rover_pose(writer, 0.0)
        writer.snapshot(snapshot(0.0), "world")
        writer.snapshot(replace(snapshot(0.0), stamp_ns=STAMP + 5), "rover/horn")
    campaign = read_campaign(tmp_path / "bag", site)
    assert len(campaign.snapshots) == 1
    assert any("'rover/horn'" in text for text in campaign.problems)


def test_a_snapshot_without_a_carrier_is_left_out(site: Site, tmp_path: Path) -> None:
    with CampaignWriter(tmp_path / "bag", FACTS) as writer:
        rover_pose(writer, 0.0)
        writer.snapshot(snapshot(0.0), "world")
        writer.snapshot(replace(snapshot(0.0), frequency=float("nan")), "world")
    campaign = read_campaign(tmp_path / "bag", site)
    assert len(campaign.snapshots) == 1
    assert any("frequency is nan" in text for text in campaign.problems)


def test_other_message_types_are_no_obstacle(site: Site, tmp_path: Path) -> None:
    """A topic of a type that is not installed beside ours, and one of ours with a wrong type."""
    foreign = get_typestore(Stores.ROS2_JAZZY)
    foreign.register(get_types_from_msg("float64 gain\nstring[] notes", "sounder_x/msg/Agc"))
    ours = campaign_typestore()
    text = "std_msgs/msg/String"
    kind = "visrftwin_ros/msg/ChannelSnapshot"
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        agc = writer.add_connection("/agc", "sounder_x/msg/Agc", typestore=foreign)
        message = foreign.types["sounder_x/msg/Agc"](gain=3.0, notes=["a"])
        writer.write(agc, STAMP, foreign.serialize_cdr(message, "sounder_x/msg/Agc"))
        people = writer.add_connection("/truth/people", text, typestore=ours)
        writer.write(people, STAMP, ours.serialize_cdr(ours.types[text](data="two"), text))
        link = writer.add_connection("sounder/snapshots", kind, typestore=ours)  # no slash
        data = ours.serialize_cdr(snapshot_message(snapshot(0.0), "world"), kind)
        writer.write(link, STAMP, data)
        writer.write(link, STAMP + 1, bytes(data)[:30])
    campaign = read_campaign(tmp_path / "bag", site)
    assert len(campaign.snapshots) == 1 and campaign.truth_people == ()
    assert any("/truth/people is std_msgs/msg/String" in text for text in campaign.problems)
    assert any("a message of sounder/snapshots is no" in text for text in campaign.problems)


def test_a_definition_that_makes_no_sense_is_named(site: Site, tmp_path: Path) -> None:
    kind = "visrftwin_ros/msg/ChannelSnapshot"
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        link = writer.add_connection(
            "/sounder/snapshots", kind, msgdef="this is no { definition", rihs01="RIHS01_0"
        )
        writer.write(link, STAMP, b"\x00\x01\x00\x00")
    with pytest.raises(TwinError, match=r"no snapshot can be used.*is no visrftwin_ros/msg/Chan"):
        read_campaign(tmp_path / "bag", site)


def test_a_robot_whose_tf_has_a_gap_has_no_place_there(site: Site, tmp_path: Path) -> None:
    with CampaignWriter(tmp_path / "bag", FACTS) as writer:
        for seconds in (0.0, 1.0, 9.0):
            rover_pose(writer, seconds)
        for seconds in (0.5, 5.0):
            writer.snapshot(snapshot(seconds), "world")
    campaign = read_campaign(tmp_path / "bag", site)
    np.testing.assert_allclose(campaign.snapshots[0].rx_position, [1.125, 2.0, 1.1], atol=1e-6)
    assert np.isnan(campaign.snapshots[1].rx_position).all()
    assert any("'rover' unknown" in text and "gap of 8.0 s" in text for text in campaign.problems)


def test_info_says_what_is_in_a_campaign(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = write_campaign(tmp_path / "bag", site)
    assert main(["campaign", "info", str(bag), "--site", str(site.folder)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["complete"] and said["seconds"] == pytest.approx(2.0)
    assert said["facts"] == FACTS and said["problems"] == []
    assert said["topics"]["/tf"] == {"type": "tf2_msgs/msg/TFMessage", "messages": 21}
    (link,) = said["links"]
    assert (link["tx"], link["rx"], link["snapshots"], link["rx_placed"]) == ("ap", "rover", 5, 5)
    assert link["rx_to"] == pytest.approx([1.5, 2.0, 1.1])
    assert said["truth"] == {"people": 21, "channels": 21, "materials": ["ground"]}


def test_the_command_names_a_torn_bag_and_ends_with_2(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_campaign(tmp_path / "bag", site) / "bag.mcap"
    file.write_bytes(file.read_bytes()[:-100])
    assert main(["campaign", "info", str(tmp_path / "bag"), "--site", str(site.folder)]) == 2
    said = capsys.readouterr().err
    assert "bag.mcap is cut off at byte" in said and "visrftwin campaign recover" in said
