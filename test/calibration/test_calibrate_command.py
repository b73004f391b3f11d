"""`visrftwin calibrate` from a bag to a site that loads."""

from __future__ import annotations

from pathlib import Path

import pytest
from sounded_yard import recorded

from visrftwin_ros.cli import main
from visrftwin_ros.site.model import Site


def test_a_bag_becomes_a_site_with_its_report_and_stays_without_force(
    site: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    bag, out = recorded(tmp_path / "bag", 8), tmp_path / "calibrated"
    command = ["calibrate", str(bag), "--site", str(site.folder), "--out", str(out)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "6 soundings learnt from, 2 kept aside" in said
    assert main(["site", "check", "--site", str(out)]) == 0
    asked = ["--site", str(out), "--out", str(tmp_path / "scores")]
    assert main(["evaluate", str(bag), *asked]) == 2
    assert "was calibrated on 8 of the 8 snapshots" in capsys.readouterr().err
    before = (out / "site.yaml").read_text()
    assert main(command) == 2
    assert "--force" in capsys.readouterr().err
    assert (out / "site.yaml").read_text() == before


def test_a_campaign_of_one_sounding_is_refused_and_nothing_is_written(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag, out = recorded(tmp_path / "bag", 1), tmp_path / "calibrated"
    assert main(["calibrate", str(bag), "--site", str(site.folder), "--out", str(out)]) == 2
    assert "expected at least 5" in capsys.readouterr().err
    assert not out.exists()


def test_a_bag_kept_to_judge_by_is_refused(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag, out = recorded(tmp_path / "bag", 8, set="judge"), tmp_path / "calibrated"
    assert main(["calibrate", str(bag), "--site", str(site.folder), "--out", str(out)]) == 2
    assert "of the judge set" in capsys.readouterr().err
    assert not out.exists()
