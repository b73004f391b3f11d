"""Pictures come in order, ahead of who waits; failures and ends reach both sides."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.recording.picture_stream import PictureStream, Shot
from visrftwin_ros.lab.recording.robot_drive import Drive, plan_drive
from visrftwin_ros.lab.world.world import load_world


class FakeRenderer:
    """Pictures whose first pixel is the time; fails at `fails_at`; hangs at `hangs_at` until stopped."""

    def __init__(self, fails_at: float = np.inf, hangs_at: float = np.inf) -> None:
        self._fails_at, self._hangs_at = fails_at, hangs_at
        self.asked: list[tuple[float, set[str], tuple[str, ...]]] = []
        self.closed = False
        self._stopped = threading.Event()

    def labelled(
        self, t: float, poses: dict[str, Any], robots: dict[str, Any], only: tuple[str, ...]
    ) -> dict[str, Any]:
        self.asked.append((t, set(poses), only))
        assert list(robots) == ["sounder_robot"]
        if t >= self._fails_at:
            raise TwinError("no light")
        if t >= self._hangs_at:
            assert self._stopped.wait(20)
            raise TwinError("stopped")
        return {name: SimpleNamespace(bgr=np.full((2, 2, 3), t)) for name in only}

    def stop(self) -> None:
        self._stopped.set()

    def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="module")
def drive() -> Drive:
    return plan_drive(load_world("lobby", 1), 5.0, 4)


def stream(renderer: FakeRenderer, drive: Drive, shots: int = 6) -> PictureStream:
    plan = [Shot(float(k), ("fixed", "panorama")[: 1 + (k % 2 == 0)]) for k in range(shots)]
    return PictureStream(lambda: renderer, plan, drive, frozenset({"panorama"}))


def test_pictures_come_in_order_with_the_cameras_asked_for(drive: Drive) -> None:
    renderer = FakeRenderer()
    with stream(renderer, drive) as pictures:
        found = [pictures.next() for _ in range(6)]
    assert [float(f["fixed"][0, 0, 0]) for f in found] == [0, 1, 2, 3, 4, 5]
    assert [set(f) for f in found[:2]] == [{"fixed", "panorama"}, {"fixed"}]
    assert renderer.asked[0][1] == {"panorama"} and renderer.asked[1][1] == set()
    assert renderer.closed


def test_the_renderers_error_reaches_who_waits(drive: Drive) -> None:
    renderer = FakeRenderer(fails_at=1.0)
    with pytest.raises(TwinError, match="no light"), stream(renderer, drive) as pictures:
        pictures.next()
        pictures.next()
    assert renderer.closed


def test_an_error_of_ours_ends_a_picture_in_work(drive: Drive) -> None:
    renderer = FakeRenderer(hangs_at=0.0)
    began = time.monotonic()
    with pytest.raises(ZeroDivisionError), stream(renderer, drive):
        raise ZeroDivisionError
    assert time.monotonic() - began < 5
    assert renderer.closed


def test_it_renders_no_more_than_a_few_pictures_ahead(drive: Drive) -> None:
    renderer = FakeRenderer()
    with stream(renderer, drive, 40) as pictures:
        time.sleep(0.3)
        assert len(renderer.asked) <= 6
        pictures.next()
