"""Pictures of the renderer's process, ahead of those who wait for them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from jaxtyping import UInt8
from numpy import ndarray

from visrftwin_ros.interrupts import left_to_us
from visrftwin_ros.lab.recording.mast import panorama_pose
from visrftwin_ros.lab.recording.robot_drive import Drive

_AHEAD = 4
"""Pictures that wait, at most."""


@dataclass(frozen=True)
class Shot:
    """Which cameras take a picture at `seconds`."""

    seconds: float
    cameras: tuple[str, ...]


class PictureStream:
    """Renders `shots` in their order while others work; a context manager.

    make_renderer: starts the renderer's process (`rendering.Renderer`). moving: names of the
    cameras on the robot's mast.
    """

    def __init__(
        self,
        make_renderer: Callable[[], Any],
        shots: Sequence[Shot],
        drive: Drive,
        moving: frozenset[str],
    ) -> None:
        self._make = make_renderer
        self._shots = shots
        self._drive = drive
        self._moving = moving
        self._done: queue.Queue[dict[str, Any] | BaseException] = queue.Queue(_AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._render, name="pictures", daemon=True)

    def __enter__(self) -> PictureStream:
        with left_to_us():
            self._renderer = self._make()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if kind is not None:
            self._renderer.stop()
        while self._thread.is_alive():
            # Room for the picture in work, so that the thread sees that it is to stop.
            while not self._done.empty():
                self._done.get_nowait()
            self._thread.join(0.1)
        self._renderer.close()

    def next(self) -> dict[str, UInt8[ndarray, "h w 3"]]:
        """The pictures of the next shot, BGR by camera; raises what the renderer raised."""
        found = self._done.get()
        if isinstance(found, BaseException):
            raise found
        return {name: picture.bgr for name, picture in found.items()}

    def _render(self) -> None:
        for shot in self._shots:
            if self._stop.is_set():
                return
            place, yaw = self._drive.pose(shot.seconds)
            poses = {
                name: panorama_pose(self._drive, shot.seconds)
                for name in shot.cameras
                if name in self._moving
            }
            robots = {self._drive.robot: (float(place[0]), float(place[1]), yaw)}
            try:
                found = self._renderer.labelled(shot.seconds, poses, robots, shot.cameras)
            except BaseException as error:  # it belongs to who waits for the picture
                self._done.put(error)
                return
            self._done.put(found)
