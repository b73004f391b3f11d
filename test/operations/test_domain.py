"""No node starts in a domain that cannot be, and fake sensors reach no twin but their own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from itertools import count

import pytest

from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.operations import domain
from visrftwin_ros.operations.domain import (
    DOMAIN,
    OWN_DOMAINS,
    RANGE,
    apart,
    claimed_domain,
)


@pytest.mark.parametrize("named", ["233", "-1", "mine"])
def test_a_domain_that_cannot_be_is_told_before_any_node_starts(
    named: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DOMAIN, named)
    for command in (["up", "--site", "pets_campus", "--video", "none", "--no-viewer"], ["fleet"]):
        assert main(command) == 2
        said = capfd.readouterr().err.strip()
        assert said == f"visrftwin: ROS_DOMAIN_ID is {named!r}: expected a number of 0 to 101"


@pytest.mark.parametrize("named", [None, "7"])
def test_a_graph_apart_is_on_this_machine_and_in_another_domain(
    named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RANGE, "SUBNET")
    if named is None:
        monkeypatch.delenv(DOMAIN)
    else:
        monkeypatch.setenv(DOMAIN, named)
    with pytest.raises(RuntimeError), apart():
        assert os.environ[DOMAIN] != named and int(os.environ[DOMAIN]) in OWN_DOMAINS
        assert os.environ[RANGE] == "LOCALHOST"
        raise RuntimeError
    assert os.environ.get(DOMAIN) == named and os.environ[RANGE] == "SUBNET"


def test_no_two_graphs_apart_have_one_domain_whatever_their_process_numbers() -> None:
    code = (
        "from visrftwin_ros.operations import domain; from itertools import count;"
        "domain._next = count({first}); own = domain.claimed_domain(); print(own.__enter__(), flush=True);"
        "input()"
    )
    words = [sys.executable, "-c", code.format(first=4)]
    with ExitStack() as stack:
        running = [
            stack.enter_context(
                subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(3)
        ]
        claimed = [process.stdout.readline().strip() for process in running if process.stdout]
        assert len(set(claimed)) == 3 and all(int(one) in OWN_DOMAINS for one in claimed)
        for process in running:
            process.communicate("\n", timeout=60)
    with claimed_domain() as first:
        pass
    with claimed_domain() as second:
        assert second != first


def test_a_domain_that_has_a_node_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with apart():
        named = os.environ[DOMAIN]
        code = (
            "import time, rclpy; rclpy.init(); node = rclpy.create_node('somebody');"
            "print('is in', flush=True); time.sleep(100)"
        )
        node = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    with node:
        assert node.stdout and node.stdout.readline() == "is in\n"
        monkeypatch.setattr(domain, "_next", count(int(named) - 1))
        with claimed_domain() as other:
            assert str(other) != named
        node.kill()
    monkeypatch.setattr(domain, "_next", count(int(named) - 1))
    with claimed_domain() as again:
        assert str(again) == named


def test_where_every_domain_is_taken_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domain, "_somebody_is_in", lambda _: True)
    with pytest.raises(TwinError, match="domains 1 to 100 all have nodes"), claimed_domain():
        pass
