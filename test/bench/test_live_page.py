"""The bench of the page reads off a screenshot when its camera picture was taken."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))

import live_page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> live_page.Site:
    return live_page.forty_links(tmp_path_factory.mktemp("sites"))


@pytest.mark.parametrize("faded", [False, True])
@pytest.mark.parametrize("behind", [0.0, 1.3, 600.0])
def test_the_time_is_read_from_a_picture_on_the_page(
    behind: float, faded: bool, site: live_page.Site
) -> None:
    now = 1_796_011_088_794_616_008
    picture = live_page.timed_picture(site.cameras[0], now - round(behind * 1e9))
    page = np.full((800, 1280, 3), 245, np.uint8)
    page[100:280, 40:360] = cv2.resize(picture, (320, 180), interpolation=cv2.INTER_AREA)[..., ::-1]
    if faded:  # as Rerun draws it, on a light page
        strip = np.abs(page.astype(int) - live_page.FRAME).max(axis=-1) < 40
        page = (187 + page * (68 / 255)).astype(np.uint8)
        page[strip] = live_page.FADED_FRAME
    shown = live_page.time_shown(page, now)
    assert shown is not None
    assert now * 1e-9 - shown == pytest.approx(behind, abs=live_page.TICK)


def test_what_is_drawn_in_a_like_colour_further_down_does_not_mislead(site: live_page.Site) -> None:
    now = 1_796_011_088_794_616_008
    picture = live_page.timed_picture(site.cameras[0], now)[..., ::-1]
    page = np.full((800, 1280, 3), 245, np.uint8)
    page[100:280, 40:360] = cv2.resize(picture, (320, 180), interpolation=cv2.INTER_AREA)
    page[620:623, 100:300] = live_page.FRAME  # a curve
    shown = live_page.time_shown(page, now)
    assert shown == pytest.approx(now * 1e-9, abs=live_page.TICK)


def test_a_page_without_the_picture_tells_no_time() -> None:
    page = np.full((800, 1280, 3), 245, np.uint8)
    assert live_page.time_shown(page, 1) is None
    page[620:623, 100:300] = live_page.FRAME  # the picture itself is faded
    assert live_page.time_shown(page, 1) is None


def test_there_are_forty_links_and_somebody_in_three(site: live_page.Site) -> None:
    assert len(site.access_points) * len(site.robots) == 40
    people = live_page.MadeUpPeople(site)
    first, later = people.after(0.0, 0.1), people.after(1.0, 0.1)
    assert len(first) == 6 and first.ids == later.ids
    robots = {r.name: np.array(r.position) for r in site.robots if r.position}
    for name, place in zip(live_page.IN_TROUBLE, first.position, strict=False):
        assert 0.5 < np.linalg.norm(place[:2] - robots[name]) < 1.3
