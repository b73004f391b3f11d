"""The ticks of a drive by several processes: in their order, and what goes wrong with its text."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.recording.links import Links, TickStream


@dataclass(frozen=True)
class Troubled:
    """Links that answer with the row and the process; that fail at row 3, and end the process at row 4."""

    cast: Any

    def at(self, row: int) -> tuple[int, int]:
        if row == 3:
            raise OSError("no air to speak of")
        if row == 4:
            os._exit(7)
        return row, os.getpid()


def test_ticks_come_in_their_order_and_trouble_with_its_text() -> None:
    links = cast(Links, Troubled(SimpleNamespace(drive=range(6))))
    with TickStream(2, 1) as ticks:
        ticks.begin(links)
        found = [cast(tuple[int, int], ticks.next()) for _ in range(3)]
        assert [row for row, _ in found] == [0, 1, 2]
        assert found[0][1] == found[2][1] != found[1][1]
        assert os.getpid() not in {process for _, process in found}
        with pytest.raises(TwinError, match=r"(?s)t = 0.15 s.*no air to speak of.*in at"):
            ticks.next()
        with pytest.raises(TwinError, match=r"ended \(exit code 7\).*--processes 1"):
            ticks.next()
