"""What is whole in a torn recording can be saved; the saved bag says that it is not complete."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import made_campaign
import pytest
from made_campaign import write_campaign

from visrftwin_ros.bags.bag_recovery import recover_bag
from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site


def test_the_whole_part_of_a_torn_file_is_saved(site: Site, tmp_path: Path) -> None:
    whole = write_campaign(tmp_path / "bag", site, seconds=400.0)
    file = whole / "bag.mcap"
    full = read_campaign(whole, site).snapshots
    data = file.read_bytes()
    assert len(data) > 3_000_000  # three chunks at least
    file.write_bytes(data[: len(data) // 2])
    command = ["campaign", "recover", str(whole), "--out", str(tmp_path / "saved")]
    assert main(command) == 0
    campaign = read_campaign(tmp_path / "saved", site)
    assert 0.3 * len(full) < len(campaign.snapshots) < 0.6 * len(full)
    for saved, given in zip(campaign.snapshots, full, strict=False):
        assert (saved.stamp_ns, saved.tx, saved.rx) == (given.stamp_ns, given.tx, given.rx)
        assert saved.paths.delay.tolist() == given.paths.delay.tolist()
    assert any("not complete" in text and "bag.mcap" in text for text in campaign.problems)
    assert file.stat().st_size == len(data) // 2  # the torn one stays as it was


def test_a_killed_recorder_leaves_what_can_be_saved(site: Site, tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from made_campaign import *; "
        "from visrftwin_ros.site.loading import load_site; "
        "write_campaign(Path(sys.argv[1]), load_site(sys.argv[2]), seconds=1e6)"
    )
    bag = tmp_path / "bag"
    folder = str(Path(made_campaign.__file__).parent)
    recorder = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {folder!r}); {program}",
         str(bag), str(site.folder)]
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (bag / "bag.mcap").exists() and (bag / "bag.mcap").stat().st_size > 2_500_000:
            break
        time.sleep(0.05)
    recorder.kill()
    recorder.wait()
    with pytest.raises(TwinError, match="recover"):
        read_campaign(bag, site)
    found = recover_bag(bag, tmp_path / "saved")
    assert found.messages > 100
    assert len(read_campaign(tmp_path / "saved", site).snapshots) > 10


def test_nothing_is_overwritten_or_made_of_nothing(site: Site, tmp_path: Path) -> None:
    whole = write_campaign(tmp_path / "bag", site)
    with pytest.raises(TwinError, match="the torn bag itself"):
        recover_bag(whole, whole, force=True)
    other = write_campaign(tmp_path / "other", site)
    with pytest.raises(TwinError, match="--force"):
        recover_bag(whole, other)
    (tmp_path / "junk.mcap").write_bytes(b"\x89MCAP0\r\n" + b"\x01" * 500)
    with pytest.raises(TwinError, match="no whole message"):
        recover_bag(tmp_path / "junk.mcap", tmp_path / "saved")
    with pytest.raises(TwinError, match=r"no \.mcap"):
        recover_bag(tmp_path / "nothing", tmp_path / "saved")
    assert not (tmp_path / "saved").exists()
