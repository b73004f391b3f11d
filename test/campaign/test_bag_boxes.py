"""Boxes that were tracked during a campaign."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_campaign import FACTS, SECOND, STAMP, person, snapshot
from made_up import boxes

from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.campaign.bag_boxes import read_boxes
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.campaign_writer import CampaignWriter
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site


def written(path: Path, frame: str = "world", ids: tuple[str, ...] = ("car",)) -> Path:
    """A second of a box that drives, of a person and of snapshots."""
    with CampaignWriter(path, FACTS) as writer:
        for k in range(11):
            stamp = STAMP + k * SECOND // 10
            places = [(2.0 + 0.3 * k, 4.0 + i) for i in range(len(ids))]
            driving = replace(
                boxes(*places, ids=ids, material=""), velocity=np.array([[3.0, 0, 0]] * len(ids))
            )
            writer.boxes(stamp, frame, driving, kinds=("car",) * len(ids))
            writer.truth_people(stamp, "world", person(k / 10))
            writer.snapshot(snapshot(k / 10), "world")
    return path


def test_boxes_of_a_campaign_join_its_people_at_their_own_stamps(
    site: Site, tmp_path: Path
) -> None:
    campaign = read_campaign(written(tmp_path / "bag"), site)
    assert not any("box" in problem for problem in campaign.problems)
    assert len(campaign.boxes) == 11
    then = PeopleTimeline(campaign.truth_people, campaign.boxes).at(
        STAMP + SECOND // 2 + SECOND // 20
    )
    assert then.ids == ("p1", "car")
    assert then.is_box.tolist() == [False, True]
    assert then.material == ("wool", "metal")
    np.testing.assert_allclose(then.position[1], [3.65, 4.0, 0.0])


def test_boxes_are_forgotten_half_a_second_after_the_last_and_people_are_not(
    tmp_path: Path,
) -> None:
    records, _ = read_boxes(written(tmp_path / "bag"), "world")
    people = [(STAMP + k * SECOND, person(k)) for k in range(4)]
    timeline = PeopleTimeline(people, records)
    assert timeline.at(STAMP + SECOND + SECOND // 4).ids == ("p1", "car")
    assert timeline.at(STAMP + 2 * SECOND).ids == ("p1",)


def test_unusable_boxes_are_left_out_and_named(site: Site, tmp_path: Path) -> None:
    campaign = read_campaign(written(tmp_path / "bag", ids=("car", "car")), site)
    assert "/tracked_boxes: box 'car' is unusable and left out (11 times)" in campaign.problems
    assert [bodies.ids for _, bodies in campaign.boxes] == [("car",)] * 11


def test_a_box_under_a_persons_id_gives_way(site: Site, tmp_path: Path) -> None:
    campaign = read_campaign(written(tmp_path / "bag", ids=("p1", "van")), site)
    then = PeopleTimeline(campaign.truth_people, campaign.boxes).at(STAMP)
    assert then.ids == ("p1", "van")
    assert then.is_box.tolist() == [False, True]


def test_boxes_in_another_frame_are_left_out_and_named(site: Site, tmp_path: Path) -> None:
    campaign = read_campaign(written(tmp_path / "bag", frame="odom"), site)
    assert campaign.boxes == ()
    assert any("boxes in frame 'odom' are left out" in problem for problem in campaign.problems)


def test_a_bag_without_boxes_says_what_is_missing(tmp_path: Path) -> None:
    with CampaignWriter(tmp_path / "bag", FACTS) as writer:
        writer.snapshot(snapshot(0.0), "world")
    with pytest.raises(
        TwinError, match="expected /tracked_boxes of type visrftwin_ros/msg/TrackedBoxes"
    ):
        read_boxes(tmp_path / "bag", "world")
