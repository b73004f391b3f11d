"""Seeds and their sets; some families only judge; who fits is refused the judge's bags."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import visrftwin_ros.lab
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.data_sets import refuse_judge, set_of, set_of_drive
from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.world.data_sets import family_of, textures_of
from visrftwin_ros.lab.world.world import load_world
from visrftwin_ros.site.loading import load_site

BAG = Path(visrftwin_ros.lab.__file__).parent / "bags" / "lobby_short"


def test_every_seed_is_of_one_set_and_some_families_only_judge() -> None:
    sets = {seed: family_of(seed) for seed in range(0, 5000, 1)}
    assert {f.set for f in sets.values()} == {"none", "fit", "choose", "judge"}
    seen = {f for f in sets.values() if f.set in ("fit", "choose")}
    judged = {f for f in sets.values() if f.set == "judge"}
    for kind in ("layout", "textures", "assignment"):
        only = {getattr(f, kind) for f in judged} - {getattr(f, kind) for f in seen}
        assert only, kind


def test_a_familys_layout_is_surveyed_and_its_textures_show() -> None:
    plain, screens = load_world("lobby", 3000), load_world("lobby", 3003)
    names = {surface.name for surface in screens.site.scene}
    assert "screen_a" in names and "screen_a" not in {s.name for s in plain.site.scene}
    assert textures_of(screens.family).brightness < 0


def test_nothing_is_fitted_on_a_bag_of_the_judge_set(capsys: pytest.CaptureFixture[str]) -> None:
    campaign = read_campaign(BAG, load_site("lobby"))
    assert set_of(campaign.facts) == "none"
    refuse_judge(BAG, campaign)
    judging = replace(campaign, facts={**campaign.facts, "set": "judge", "seed": 3001})
    with pytest.raises(TwinError, match=r"judge set \(seed 3001\)"):
        refuse_judge(BAG, judging)
    sounded = replace(campaign, facts={**campaign.facts, "set": set_of_drive("judge", 1)})
    refuse_judge(BAG, sounded)  # what a user would sound there
    assert set_of_drive("judge", 0) == "judge" and set_of_drive("fit", 1) == "fit"
    assert main(["campaign", "info", str(BAG), "--site", "lobby", "--for-fitting"]) == 0
    assert '"set": "none"' in capsys.readouterr().out
