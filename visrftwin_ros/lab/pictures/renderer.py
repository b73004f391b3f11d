"""Pictures of a world with its people, from a process of their own.

A fixed camera's empty room is traced once with more rays; of each picture only the surroundings of
people and robots are traced, and their difference to the empty room under the same random numbers,
which cancels the noise of what did not change, goes on top. A moving camera's picture is traced
whole. The noise that is left is filtered along surfaces (`lab.pictures.denoising`).
"""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from types import TracebackType

import numpy as np
from jaxtyping import UInt8

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.people.people import WalkingPeople
from visrftwin_ros.lab.pictures.picture import Extrinsics, Picture, Quality, Standing
from visrftwin_ros.lab.world.world import World
from visrftwin_ros.site.model import Camera


class Renderer:
    """Renders a world's cameras; a context manager that ends its process.

    cameras: by default those of the world's site. Pictures are equal for equal worlds, people,
    qualities and times, on one machine and thread count.
    """

    def __init__(
        self,
        world: World,
        people: WalkingPeople,
        cameras: tuple[Camera, ...] | None = None,
        quality: Quality = Quality(),
    ) -> None:
        self._cameras = tuple(world.site.cameras) if cameras is None else cameras
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, world, people, self._cameras, quality), daemon=True
        )
        self._process.start()
        theirs.close()

    def __enter__(self) -> Renderer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process."""
        self._pipe.close()
        self._process.join(10)
        if self._process.is_alive():
            self._process.terminate()

    def stop(self) -> None:
        """Ends the process at once, whatever it renders; who waits for it gets a TwinError."""
        self._process.terminate()

    def render(
        self,
        t: float,
        poses: Mapping[str, Extrinsics] | None = None,
        robots: Mapping[str, Standing] | None = None,
    ) -> dict[str, UInt8[np.ndarray, "h w 3"]]:
        """BGR pictures at time `t` [s] by camera: the fixed ones, and those that `poses` places.

        poses: of moving cameras at `t`; one that is not named is left out. robots: where driving
        robots are; the site's standing ones are there anyway.
        """
        pictures = self.labelled(t, poses, robots)
        return {name: picture.bgr for name, picture in pictures.items()}

    def labelled(
        self,
        t: float,
        poses: Mapping[str, Extrinsics] | None = None,
        robots: Mapping[str, Standing] | None = None,
        only: tuple[str, ...] | None = None,
    ) -> dict[str, Picture]:
        """As `render`, with who is where in the picture; `only` these cameras."""
        try:
            self._pipe.send((t, dict(poses or {}), dict(robots or {}), only))
            answer = self._pipe.recv()
        except (EOFError, BrokenPipeError, OSError) as error:
            raise TwinError(
                f"the lab's renderer ended at t = {t:g} s (exit code {self._process.exitcode}); "
                "Mitsuba's LLVM back end needs Debian's libllvm19"
            ) from error
        if isinstance(answer, str):
            raise TwinError(f"the lab's renderer failed at t = {t:g} s: {answer}")
        pictures: dict[str, Picture] = answer
        return pictures


def _serve(
    pipe: Connection,
    world: World,
    people: WalkingPeople,
    cameras: tuple[Camera, ...],
    quality: Quality,
) -> None:
    """The renderer's process: answers with pictures, or with what went wrong, until the pipe ends."""
    from visrftwin_ros.lab.pictures.photographer import Photographer

    photographer = None
    while True:
        try:
            t, poses, robots, only = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            if photographer is None:
                photographer = Photographer(world, people, cameras, quality)
            pipe.send(photographer.pictures(t, poses, robots, only))
        except Exception as error:  # whatever it is, it belongs to who asked
            pipe.send(f"{error}\n{traceback.format_exc()}")
