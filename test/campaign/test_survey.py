"""A bag's own survey, beside the site that it is read with."""

from __future__ import annotations

from pathlib import Path

import pytest

from visrftwin_ros.campaign.survey import own_survey, survey_contradiction
from visrftwin_ros.site.loading import load_site, write_site
from visrftwin_ros.site.model import Site


@pytest.fixture
def bag(site: Site, tmp_path: Path) -> Path:
    folder = tmp_path / "bag"
    folder.mkdir()
    write_site(site, folder)
    return folder


def test_a_bag_is_known_by_its_folder_or_its_file(bag: Path, tmp_path: Path) -> None:
    assert own_survey(bag) == bag
    (bag / "bag.mcap").touch()
    assert own_survey(bag / "bag.mcap") == bag
    (tmp_path / "other").mkdir()
    assert own_survey(tmp_path / "other") is None


def test_the_same_survey_and_other_materials_are_no_contradiction(bag: Path, site: Site) -> None:
    assert survey_contradiction(load_site(str(bag)), bag) == ""
    scene = [surface.model_copy(update={"material": "metal"}) for surface in site.scene]
    assert survey_contradiction(site.model_copy(update={"scene": scene}), bag) == ""


def test_what_is_missing_added_or_moved_is_named(bag: Path, site: Site) -> None:
    first, *rest = site.scene
    fewer = survey_contradiction(site.model_copy(update={"scene": rest}), bag)
    assert f"has surfaces that the site lacks: {first.name}" in fewer
    more = [*site.scene, first.model_copy(update={"name": "kiosk"})]
    assert "lacks surfaces of the site: kiosk" in survey_contradiction(
        site.model_copy(update={"scene": more}), bag
    )
    ap, *others = site.access_points
    lifted = ap.model_copy(update={"position": (*ap.position[:2], ap.position[2] + 0.5)})
    moved = survey_contradiction(site.model_copy(update={"access_points": [lifted, *others]}), bag)
    assert f"elsewhere or of other size: {ap.name}" in moved
    assert (
        survey_contradiction(site.model_copy(update={"name": "elsewhere", "scene": rest}), bag)
        == ""
    )


def test_a_survey_that_cannot_be_read_is_told_and_keeps_nobody_from_reading(
    bag: Path, site: Site
) -> None:
    (bag / "site.yaml").write_text("scene: 3")
    assert "cannot be read" in survey_contradiction(site, bag)
