"""No node starts in a domain that cannot be, and fake sensors reach no twin but their own."""

from __future__ import annotations

import os

import pytest

from visrftwin_ros.cli import main
from visrftwin_ros.operations.domain import DOMAIN, RANGE, apart


@pytest.mark.parametrize("domain", ["233", "-1", "mine"])
def test_a_domain_that_cannot_be_is_told_before_any_node_starts(
    domain: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DOMAIN, domain)
    for command in (["up", "--site", "pets_campus", "--video", "none", "--no-viewer"], ["fleet"]):
        assert main(command) == 2
        said = capfd.readouterr().err.strip()
        assert said == f"visrftwin: ROS_DOMAIN_ID is {domain!r}: expected a number of 0 to 101"


@pytest.mark.parametrize("named", [None, "7", str(os.getpid() % 100 + 1)])
def test_a_graph_apart_is_on_this_machine_and_in_another_domain(
    named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RANGE, "SUBNET")
    if named is None:
        monkeypatch.delenv(DOMAIN)
    else:
        monkeypatch.setenv(DOMAIN, named)
    with pytest.raises(RuntimeError), apart():
        assert os.environ[DOMAIN] != named and 1 <= int(os.environ[DOMAIN]) <= 100
        assert os.environ[RANGE] == "LOCALHOST"
        raise RuntimeError
    assert os.environ.get(DOMAIN) == named and os.environ[RANGE] == "SUBNET"
