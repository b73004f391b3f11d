"""What the page tells somebody who keeps watch."""

from __future__ import annotations

import numpy as np
import pytest

from visrftwin_ros.beams.arrays import Mount
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import AntennaArray
from visrftwin_ros.viewing.lobes import lobe
from visrftwin_ros.viewing.watch import Alert, Coming, Watch, in_trouble

TICK = 100_000_000
HORIZON = np.array([0.0, 1.0, 2.0, 3.0])


def coming(*loss_db: float) -> Coming:
    return Coming(HORIZON, np.array(loss_db), np.array(loss_db) + 3.0)


@pytest.fixture
def watch() -> Watch:
    return Watch(load_site("pets_campus"))


def links_of(watch: Watch) -> list[tuple[str, str]]:
    for link in watch.links:
        watch.hear_channel(link, 0.0, False, "")
    return list(watch.links)


def test_before_anything_is_heard_all_is_stale_and_said_first(watch: Watch) -> None:
    text = watch.text(0)
    assert text.startswith(f"# STALE: {len(watch.links)} of {len(watch.links)} links")
    assert "no channels yet" in text
    links_of(watch)
    assert watch.text(3_661 * 10**9).startswith("## live, 01:01:01 UTC\n")
    watch.hear_channel(next(iter(watch.links)), 0.0, True, "people: no people for 1.2 s")
    assert "STALE: 1 of" in watch.text(0) and "no people for 1.2 s" in watch.text(0)


def test_the_links_in_most_trouble_come_first_and_those_that_serve_before_the_rest(
    watch: Watch,
) -> None:
    one, two, three, *_ = links_of(watch)
    watch.hear_channel(one, 12.0, False, "")
    watch.hear_coming(two, coming(0.0, 2.0, 20.0, 5.0))
    assert [link for link, _ in watch.by_trouble()[:2]] == [two, one]
    watch.hear_coming(three, Coming(HORIZON, np.full(4, np.nan), np.full(4, np.nan)))
    watch.hear_serving(three[1], three[0], reported=True)
    assert watch.by_trouble()[0][0] == three
    text = watch.text(0)
    assert "**12 dB**" in text and "**20 dB in 2.0 s**" in text
    assert [link for link, _ in in_trouble(watch)] == [two]


def test_a_robot_is_in_trouble_with_the_link_that_serves_it(watch: Watch) -> None:
    one, *_ = links_of(watch)
    other = next(link for link in watch.links if link[1] == one[1] and link != one)
    assert np.isnan(watch.loss_of(one[1]))  # nobody serves it yet
    watch.hear_serving(one[1], one[0], reported=True)
    assert watch.serves(one) and not watch.serves(other)
    watch.hear_channel(other, 20.0, False, "")
    assert watch.loss_of(one[1]) == 0.0
    watch.hear_coming(one, coming(0.0, 2.0, 9.0, 5.0))
    assert watch.loss_of(one[1]) == 9.0
    watch.hear_channel(one, 12.0, False, "")
    assert watch.loss_of(one[1]) == 12.0
    watch.hear_channel(one, 12.0, True, "people: none")
    assert np.isnan(watch.loss_of(one[1]))


def test_an_alert_counts_down_stays_a_while_and_goes(watch: Watch) -> None:
    watch.hear_alert(Alert(2_000_000_000, 2_500_000_000, "robot: hand over to **ap**"))
    assert "**in 1.5 s** robot: hand over" in watch.text(500_000_000)
    assert "**now** robot" in watch.text(3_000_000_000)
    assert "No alert" in watch.text(6_000_000_000)


def test_a_fade_that_may_have_begun_is_not_told_as_there(watch: Watch) -> None:
    one, *_ = links_of(watch)
    watch.hear_alert(Alert(1, 2_000_000_000, "fades", one))
    assert "**any moment** fades" in watch.text(1_000_000_000)
    watch.hear_channel(one, 12.0, False, "")
    assert "**now** fades" in watch.text(1_000_000_000)
    watch.hear_alert(Alert(3_000_000_000, 4_000_000_000, "fades again", one))
    told = watch.text(1_000_000_000)
    assert "**in 2.0 s** fades again" in told and "now" not in told.split("| robot")[0]


def test_alerts_are_of_links_that_serve_and_leave_the_table_in_sight(watch: Watch) -> None:
    one, *_ = links_of(watch)
    other = next(link for link in watch.links if link[1] == one[1] and link != one)
    for link in (one, other):
        watch.hear_alert(Alert(1, 2, f"{link[0]} fades", link))
    told = watch.text(0)  # nobody is known to serve: both may
    assert f"{one[0]} fades" in told and f"{other[0]} fades" in told
    watch.hear_serving(one[1], one[0], reported=True)
    told = watch.text(0)
    assert f"{one[0]} fades" in told and f"{other[0]} fades" not in told
    for k in range(10):
        watch.hear_alert(Alert(10 + k, 20, f"advice {k}"))
    told = watch.text(0)
    assert "advice 4" in told and "advice 5" not in told and "- 5 more" in told


def test_outage_is_of_who_serves_beside_who_did_at_first(watch: Watch) -> None:
    links_of(watch)
    robot = watch.site.robots[0].name
    first, other = (ap.name for ap in watch.site.access_points[:2])
    rates = {(first, robot): (1e9, 10.0, 0), (other, robot): (5e8, 8.0, 0)}
    for k in range(1, 21):
        if k == 11:  # the first fades, and the robot was handed over
            rates[first, robot] = (0.0, -np.inf, -1)
            watch.hear_advice(robot, k * TICK, other)
        watch.hear_beams(k * TICK, rates, False)
    outage = watch.outage[robot]
    assert outage.first == first and outage.out == 0
    assert outage.watched == pytest.approx(1.9) and outage.without == pytest.approx(1.0)
    assert f"staying with {first}: 1.0 s" in watch.text(
        0
    ) and "if advice is followed" in watch.text(0)
    # What is stale or after a pause tells nothing.
    watch.hear_beams(21 * TICK, rates, True)
    watch.hear_beams(90 * TICK, rates, False)
    assert watch.outage[robot].watched == pytest.approx(1.9)
    # What radios report counts more than advice.
    watch.hear_serving(robot, first, reported=True)
    watch.hear_serving(robot, other, reported=False)
    assert watch.serving[robot] == first


def test_a_hand_over_is_followed_at_its_time_and_not_when_it_is_advised(watch: Watch) -> None:
    links_of(watch)
    robot = watch.site.robots[0].name
    first, other = (ap.name for ap in watch.site.access_points[:2])
    rates = {(first, robot): (1e9, 10.0, 0), (other, robot): (5e8, 8.0, 0)}
    watch.hear_beams(TICK, rates, False)
    watch.hear_advice(robot, 3 * TICK, other)
    watch.hear_beams(2 * TICK, rates, False)
    assert watch.serving[robot] == first
    watch.hear_beams(3 * TICK, rates, False)
    assert watch.serving[robot] == other and not watch.advised


def test_a_name_that_the_site_lacks_is_left_out(watch: Watch) -> None:
    before = dict(watch.links)
    watch.hear_channel(("nobody", "nowhere"), 3.0, False, "")
    watch.hear_serving("nowhere", "nobody", reported=True)
    watch.hear_beams(TICK, {("nobody", "nowhere"): (1e9, 1.0, 0)}, False)
    assert watch.links == before and not watch.serving


def test_a_lobe_points_where_its_beam_does() -> None:
    mount = Mount(AntennaArray(rows=1, columns=8, element="tr38901"), yaw=0.5)
    ahead = lobe(mount, 4)
    tip = ahead[np.linalg.norm(ahead, axis=1).argmax()]
    # The fifth of eight beams lies half a step of 2/8 in sine off the boresight, and elements pull it in.
    assert np.sin(np.arctan2(tip[1], tip[0]) - 0.5) == pytest.approx(1 / 8, abs=0.03)
    assert 2.5 < np.linalg.norm(tip) <= 3.001
