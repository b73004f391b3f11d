"""Boxes that somebody tracks, in the live predictor: as people, at their own stamps."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up import boxes
from node_bench import OK, STALE, WARN, NodeBench
from test_bad_people import SECOND, Predictor, numbers_of, people, person

from visrftwin_ros.bodies.people import Bodies, together
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.campaign.bag_boxes import read_boxes
from visrftwin_ros.campaign.campaign_writer import CampaignWriter
from visrftwin_ros.messages.boxes import boxes_message
from visrftwin_ros.messages.people import bodies_from_message
from visrftwin_ros.msg import TrackedBoxes
from visrftwin_ros.nodes.messages.message_types import made
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.twin.engine import TwinEngine


def car(y: float = -6.0, speed: float = 0.0, **columns: Any) -> Bodies:
    """Between the access point and the robot that stands, driving north."""
    box = boxes((-2.0, y), heading=np.pi / 2, height=2.5, **columns)
    return replace(box, velocity=np.tile([0.0, speed, 0.0], (len(box), 1)))


class Street(Predictor):
    """A predictor that is told of boxes too."""

    def __init__(self, bench: NodeBench, site: Path) -> None:
        super().__init__(bench, site)
        self._boxes = bench.publisher(TrackedBoxes, "tracked_boxes")

    def tell(self, stamp: int, found: Bodies, frame: str = "world", **columns: Any) -> None:
        before = self.taken()
        self._boxes.publish(boxes_message(made, stamp, frame, found, **columns))
        self._bench.until(lambda: self.taken() != before, 1.0)

    def taken(self) -> object:
        return list(self.node._boxes._heard)

    def shadow(self, stamp: int) -> Any:
        return self.answer(people(stamp))["standing"]


def test_a_car_on_the_link_shadows_it_and_is_carried_on_by_its_velocity(
    bench: NodeBench, small_site: Path
) -> None:
    street = Street(bench, small_site)
    now = time.time_ns()
    street.tell(now, car(-10.0, 10.0))
    assert street.shadow(now).shadow_loss_db < 0.5
    link = street.shadow(now + 4 * SECOND // 10)
    assert link.shadow_loss_db > 20
    assert not link.stale
    assert bench.says("predictor: boxes", OK, "boxes arrive")


def test_that_nobody_publishes_boxes_is_no_fault(bench: NodeBench, small_site: Path) -> None:
    predictor = Predictor(bench, small_site)
    now = time.time_ns()
    assert not predictor.answer(people(now))["standing"].stale
    assert bench.says("predictor: people", OK)
    assert "predictor: boxes" not in bench.statuses


def test_old_boxes_never_count_as_fresh(bench: NodeBench, small_site: Path) -> None:
    street = Street(bench, small_site)
    now = time.time_ns()
    street.tell(now, car())
    assert not street.shadow(now).stale
    later = street.shadow(now + 2 * SECOND)
    assert later.stale
    assert later.age == pytest.approx(2.0)
    assert later.shadow_loss_db > 20  # where it was: an empty street would promise a clear link
    assert bench.says("predictor: boxes", STALE, "no fresh boxes for 2.0 s")
    street.tell(now - 30 * SECOND, car(5.0))
    assert street.shadow(now + 2 * SECOND + 1).stale
    street.tell(now + 2 * SECOND, car(5.0))
    again = street.shadow(now + 2 * SECOND + 2)
    assert not again.stale
    assert again.shadow_loss_db < 0.5


def test_boxes_that_are_stale_or_in_another_frame_are_not_taken(
    bench: NodeBench, small_site: Path
) -> None:
    street = Street(bench, small_site)
    now = time.time_ns()
    silent = boxes_message(made, now, "world", car())
    silent.stale = True
    street._boxes.publish(silent)
    street.tell(now, car(), "odom")
    assert bench.says("predictor: boxes", WARN, "expected the site's world frame 'world'")
    assert street.shadow(now).shadow_loss_db == 0


def test_bad_boxes_are_left_out_and_named(bench: NodeBench, small_site: Path) -> None:
    street = Street(bench, small_site)
    now = time.time_ns()
    good = car(ids=("good",))
    flat = replace(car(0.0, ids=("flat",)), height=np.zeros(1))
    nowhere = car(float("nan"), ids=("nowhere",))
    twice = car(3.0, ids=("good",))
    is_person = car(3.0, ids=("7",))
    everything = good
    for one in (flat, nowhere, twice, is_person):
        everything = together(everything, one)
    street.tell(now, everything)
    found = street.answer(people(now, person("7", 20.0, -6.0)))["standing"]
    for name in ("flat", "nowhere", "good", "7"):
        assert bench.says("predictor: bodies", WARN, name)
    street.tell(now + 1, good)
    np.testing.assert_allclose(
        numbers_of(found),
        numbers_of(street.answer(people(now + 1, person("7", 20.0, -6.0)))["standing"]),
    )
    covariance = np.full((1, 4, 4), np.nan)
    street.tell(now + 2, good, covariance=covariance)
    assert bench.says("predictor: boxes", WARN, "without a finite covariance, left out: good")


def test_a_box_on_a_bag_and_live_gives_the_same_channels(
    bench: NodeBench, small_site: Path, tmp_path: Path
) -> None:
    street = Street(bench, small_site)
    start = time.time_ns()
    stamps = [start + k * SECOND // 10 for k in range(12)]
    with CampaignWriter(tmp_path / "bag", {}) as writer:
        for k, stamp in enumerate(stamps):
            box = car(-9.0 + 0.5 * k, 5.0)
            street.tell(stamp, box, kinds=("car",))
            writer.boxes(stamp, "world", box, ("car",))
    records, problems = read_boxes(tmp_path / "bag", "world")
    assert problems == ()
    timeline = PeopleTimeline((), records)
    engine = TwinEngine(load_site(str(small_site)), small_site.parent / "cache", threads=2)
    fades = []
    for stamp in [stamp + SECOND // 25 for stamp in stamps]:
        walker = people(stamp, person("1", -4.0, -6.5))
        live = street.answer(walker)["standing"]
        state = engine.update(stamp, together(bodies_from_message(walker), timeline.at(stamp)))
        row = state.links.index(("ap", "standing"))
        expected = (state.metrics.path_loss_db[row], state.metrics.shadow_loss_db[row])
        np.testing.assert_allclose((live.path_loss_db, live.shadow_loss_db), expected, rtol=1e-5)
        fades.append(live.shadow_loss_db)
    engine.close()
    assert max(fades) > 20 and min(fades) < 3
