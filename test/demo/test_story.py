"""What a demo says of warnings and advice, by the twin's own channels and by true ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.snapshot import Campaign
from visrftwin_ros.demo.record import GraphRecord, HandOverHeard, WarningHeard
from visrftwin_ros.demo.source import Source
from visrftwin_ros.demo.story import words
from visrftwin_ros.demo.worth import OWN, TRUE, Worth, worth
from visrftwin_ros.lab import shipped
from visrftwin_ros.site.loading import load_site
from visrftwin_ros.site.model import Site

BEGAN = 1_750_000_000 * 10**9
TIMES = np.arange(0, 8, 0.1)


def at(seconds: float) -> int:
    return BEGAN + round(seconds * 1e9)


def course(values: np.ndarray) -> list[tuple[int, float]]:
    return [(at(t), float(v)) for t, v in zip(TIMES, values, strict=True)]


def record(*advice: HandOverHeard, warned: tuple[float, ...] = ()) -> GraphRecord:
    """One robot; its first access point is away from 3 to 5 s, the other one is fair for good."""
    away = (TIMES > 2.95) & (TIMES < 4.95)
    return GraphRecord(
        image_stamps=[stamp for stamp, _ in course(TIMES)],
        detector="motion",
        shadow={"near > cart": course(np.where(away, 25.0, 0.0)), "far > cart": course(0 * TIMES)},
        snr_db={
            "near > cart": course(np.where(away, -10.0, 25.0)),
            "far > cart": course(0 * TIMES + 20.0),
        },
        fade_warnings=[
            WarningHeard("near > cart", at(t), at(t + 0.5), at(t + 1), 0.9) for t in warned
        ],
        hand_overs=list(advice),
    )


@pytest.fixture(scope="module")
def lobby() -> Site:
    return load_site(shipped.SITE)


@pytest.fixture(scope="module")
def campaign(lobby: Site) -> Campaign:
    return read_campaign(shipped.BAG, lobby)


@pytest.fixture(scope="module")
def truly(lobby: Site, campaign: Campaign) -> Worth:
    """Nobody advised anything."""
    return worth(record(), lobby, campaign)


def test_advice_that_is_followed_in_time_costs_its_interruption_alone(lobby: Site) -> None:
    stayed = worth(record(), lobby, None)
    assert stayed.by == OWN
    assert stayed.seconds == pytest.approx(8, abs=0.1)
    assert stayed.out["stay"] == pytest.approx(2.0, abs=0.051)
    assert stayed.out["twin"] == stayed.out["stay"]
    helped = worth(record(HandOverHeard("cart", "far", at(2.0))), lobby, None)
    assert helped.out["twin"] == pytest.approx(0.3, abs=0.051)
    late = worth(record(HandOverHeard("cart", "far", at(4.0))), lobby, None)
    assert late.out["twin"] == pytest.approx(1.3, abs=0.051)


def test_advice_to_another_robot_or_a_stranger_changes_nothing(lobby: Site) -> None:
    others = HandOverHeard("van", "far", at(2.0)), HandOverHeard("cart", "gone", at(2.0))
    found = worth(record(*others), lobby, None)
    assert found.out["twin"] == found.out["stay"]


@pytest.mark.parametrize(
    ("warned", "announced", "false", "lead"),
    [((), 0, 0, None), ((2.0,), 1, 0, 0.92), ((2.7,), 0, 0, 0.22), ((0.5, 2.0), 1, 1, 2.42)],
)
def test_warnings_count_from_when_they_were_heard(
    warned: tuple[float, ...], announced: int, false: int, lead: float | None, lobby: Site
) -> None:
    known = worth(record(warned=warned), lobby, None).known
    assert (known.fades, known.announced, known.false) == (1, announced, false)
    assert known.warnings == len(warned)
    # the loss passes 6 dB at 2.9 s + 0.1 s x 6/25
    assert known.lead is None if lead is None else known.lead == pytest.approx(lead, abs=0.01)


def test_where_true_channels_are_known_they_judge(truly: Worth, campaign: Campaign) -> None:
    assert truly.by == TRUE
    assert truly.seconds == pytest.approx(8 * len({c.rx for c in campaign.truth_channels}), rel=0.1)
    assert truly.out["oracle"] <= truly.out["react at 3 dB"] + 1e-9
    assert truly.out["twin"] == truly.out["stay"]


def test_a_campaign_without_true_channels_leaves_the_estimate(
    lobby: Site, campaign: Campaign
) -> None:
    assert worth(record(), lobby, replace(campaign, truth_channels=())).by == OWN


def test_the_story_is_told_in_order_and_ends_with_three_commands(lobby: Site) -> None:
    found = worth(record(warned=(2.0,)), lobby, None)
    source = Source(lobby, "lobby", "some.avi", "", "")
    lines = words(record(warned=(2.0,)), found, source, Path("out/demo")).splitlines()
    heads = [line for line in lines if line and not line.startswith(" ")]
    starts = ("What you see", "What the twin knew", "What that was worth", "The motion", "Every")
    assert all(head.startswith(start) for head, start in zip(heads, starts, strict=True)), heads
    assert OWN in heads[1] and OWN in heads[2]
    said = "\n".join(lines)
    assert "it had warned of 1 of them 0.5 s before" in said
    assert "know all that comes" not in said  # by its own channels nothing else can be told
    assert "WEIGHTS=" in said
    programs = [Path(line.split()[0]).name for line in lines[-3:]]
    assert programs == ["rerun", "visrftwin", "visrftwin"]
    assert "demo --site lobby" in lines[-2] and "site new" in lines[-1]


def test_with_true_channels_every_policy_is_told_and_the_bag_goes_on_live(
    lobby: Site, truly: Worth
) -> None:
    heard = replace(record(), detector="yolo")
    source = Source(lobby, "lobby", "", str(shipped.BAG), "")
    said = words(heard, truly, source, Path("out/demo"))
    assert "know all that comes" in said and TRUE in said
    assert "nothing to gain" in said  # eight seconds without an outage
    assert "WEIGHTS=" not in said
    assert "up --site lobby --bag" in said.splitlines()[-2]


def test_a_machine_that_did_not_follow_is_told_of(lobby: Site) -> None:
    source = Source(lobby, "lobby", "some.avi", "", "")
    for stale, told in ((10, False), (50, True)):
        heard = replace(record(), link_updates=100, stale_updates=stale)
        said = words(heard, worth(heard, lobby, None), source, Path("out/demo"))
        assert ("were stale" in said) == told
