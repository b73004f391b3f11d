"""A demo runs on what was named, else on the site's recording, else on the lab's that ships."""

from __future__ import annotations

from pathlib import Path

import pytest

from visrftwin_ros.demo import source as module
from visrftwin_ros.demo.run import run_demo
from visrftwin_ros.demo.source import demo_source
from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab import shipped


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine without the recording and without a network."""

    def refuse(*_: object) -> str:
        raise TwinError("no apt-get here to fetch the PETS video with")

    monkeypatch.setattr(module, "find_video", refuse)


@pytest.mark.usefixtures("unreachable")
def test_without_its_recording_the_labs_is_played(capsys: pytest.CaptureFixture[str]) -> None:
    found = demo_source("pets_campus", "auto", "", "")
    assert found.site.name == shipped.SITE and found.player == "campaign_replay"
    assert Path(found.weights).is_dir()
    said = capsys.readouterr().err
    assert "no apt-get here" in said and "of the lab" in said
    assert found.frame_count() == 32
    assert found.camera.pose is not None
    assert found.frame(1).shape == (480, 640, 3)
    assert found.node_table()[-1].executable == "campaign_replay"


@pytest.mark.usefixtures("unreachable")
def test_a_recording_that_was_named_must_be_there() -> None:
    with pytest.raises(TwinError, match="no apt-get"):
        demo_source("pets_campus", "some.avi", "", "")


def test_a_bag_is_played_whole(tmp_path: Path) -> None:
    found = demo_source(shipped.SITE, "auto", str(shipped.BAG), "")
    with pytest.raises(TwinError, match="--frames is for videos"):
        run_demo(found, 5, tmp_path)


def test_a_site_without_a_recording_says_what_to_give() -> None:
    with pytest.raises(TwinError, match="--video or --bag"):
        demo_source(shipped.SITE, "auto", "", "")
