"""What the links of a recording are like at each tick, worked out by several processes at once."""

from __future__ import annotations

import multiprocessing
import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from types import TracebackType

import numpy as np
from jaxtyping import Float

from visrftwin_ros.campaign.snapshot import Snapshot, TrueChannel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.interrupts import left_to_us
from visrftwin_ros.lab.radio.channel_truth import ChannelTruth, Instant
from visrftwin_ros.lab.radio.crowd import Crowd
from visrftwin_ros.lab.radio.sounder import Askew, Sounder
from visrftwin_ros.lab.radio.static_truth import StaticTruth
from visrftwin_ros.lab.recording.request import Cast, Request, stamp_of
from visrftwin_ros.lab.recording.robot_drive import TICK
from visrftwin_ros.propagation.paths.path_set import PathSet
from visrftwin_ros.scene.ray_device import prepare


@dataclass(frozen=True)
class Tick:
    """channels: the truth, of every link. snapshots: what the sounder records, of each access point,
    where it measures at this tick."""

    channels: list[TrueChannel]
    snapshots: list[Snapshot]


@dataclass(frozen=True)
class Links:
    """The links at any row of the drive: equal rows are answered alike, whichever came before.

    places: (K, 3) metres, of the driving robot's antenna, at which the static paths were solved; solved:
    these paths.
    """

    request: Request
    cast: Cast
    places: Float[np.ndarray, "k 3"]
    solved: Sequence[PathSet]

    def at(self, row: int) -> Tick:
        """The row's truth and, at a sounding, the records."""
        seconds, drive = row * TICK, self.cast.drive
        receiver = np.append(drive.position[row], self._antenna_height)
        ends = {**self._ends, drive.robot: receiver}
        now = self._truth.at(ends, self.crowd.at(seconds), self.crowd.scene)
        channels = now.channels(stamp_of(seconds), self.cast.world.true_site.radio, ends)
        return Tick(channels, self._sounded(row, now) if row in drive.soundings else [])

    @cached_property
    def static(self) -> StaticTruth:
        """The place without people."""
        world = self.cast.world
        return StaticTruth(
            world.true_site, world.walls, self.cast.drive.robot, self.places, self.solved
        )

    @cached_property
    def crowd(self) -> Crowd:
        """Everybody, with the triangles that rays meet."""
        return Crowd(self.cast.people)

    @cached_property
    def _truth(self) -> ChannelTruth:
        site = self.cast.world.true_site
        aps = {ap.name: np.array(ap.position, float) for ap in site.access_points}
        return ChannelTruth(self.static, aps, site.radio)

    @cached_property
    def _ends(self) -> dict[str, Float[np.ndarray, " 3"]]:
        return {
            r.name: np.array([*r.position, r.antenna_height])
            for r in self.cast.world.true_site.robots
            if r.position
        }

    @cached_property
    def _antenna_height(self) -> float:
        robots = self.cast.world.true_site.robots
        return next(r.antenna_height for r in robots if r.name == self.cast.drive.robot)

    @cached_property
    def _sounder(self) -> Sounder:
        asked = self.request
        return Sounder(
            self.cast.world.true_site.radio.bandwidth,
            asked.seconds,
            asked.drive_seed,
            asked.limits,
            asked.offsets,
            asked.seed,
        )

    def _sounded(self, row: int, now: Instant) -> list[Snapshot]:
        world, drive, sounder = self.cast.world, self.cast.drive, self._sounder
        radio, yaw = world.true_site.radio, float(drive.yaw[row])
        found = []
        for number, (ap, known) in enumerate(
            zip(world.true_site.access_points, world.site.access_points, strict=True)
        ):
            paths = sounder.measure(
                now.of_link((ap.name, drive.robot)),
                row * TICK,
                number,
                ap.yaw,
                yaw,
                Askew(known.yaw - ap.yaw, known.pitch - ap.pitch),
            )
            found.append(
                Snapshot(
                    stamp_ns=stamp_of(row * TICK),
                    tx=ap.name,
                    rx=drive.robot,
                    frequency=radio.frequency,
                    bandwidth=radio.bandwidth,
                    paths=paths,
                    noise_floor_dbm=sounder.noise_floor_dbm,
                    tx_position=np.array(known.position, float),
                    rx_position=np.append(drive.position[row], self._antenna_height),
                    rx_yaw=yaw,
                )
            )
        return found


class TickStream:
    """The ticks of a drive in their order; a context manager that ends its processes.

    processes: that take turns at the rows, each ahead of who asks by what its pipe holds; with one
    nothing is started and the caller works. Which of them a row falls to changes no bit of it.
    """

    def __init__(self, processes: int, threads: int) -> None:
        self._count, self._threads = (processes if processes > 1 else 0), threads
        self._processes: list[multiprocessing.process.BaseProcess] = []
        self._pipes: list[Connection] = []
        self._links: Links | None = None
        self._row = 0

    def __enter__(self) -> TickStream:
        context = multiprocessing.get_context("spawn")
        with left_to_us():
            for number in range(self._count):
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=_serve, args=(theirs, number, self._count, self._threads), daemon=True
                )
                process.start()
                theirs.close()
                self._processes.append(process)
                self._pipes.append(ours)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.terminate()
            process.join()

    def begin(self, links: Links) -> None:
        """Says what is to be worked out, from the first row on."""
        self._links = links
        for number, pipe in enumerate(self._pipes):
            try:
                pipe.send(links)
            except OSError as error:
                raise self._ended(number) from error

    def next(self) -> Tick:
        """That of the next row; a TwinError where a process failed or was ended."""
        row = self._row
        self._row += 1
        if not self._pipes:
            assert self._links is not None
            return self._links.at(row)
        number = row % self._count
        try:
            found = self._pipes[number].recv()
        except (EOFError, OSError) as error:
            raise self._ended(number) from error
        if isinstance(found, str):
            raise TwinError(f"the links at t = {row * TICK:g} s could not be worked out: {found}")
        tick: Tick = found
        return tick

    def _ended(self, number: int) -> TwinError:
        process = self._processes[number]
        process.join(1)
        return TwinError(
            f"a process that works out the lab's links ended (exit code {process.exitcode}); where "
            "memory is short, `--processes 1` takes less"
        )


def _serve(pipe: Connection, first: int, step: int, threads: int) -> None:
    """Sends its share of the rows, until it is done or nobody reads any more."""
    try:
        links: Links = pipe.recv()
        for found in _ticks(links, range(first, len(links.cast.drive), step), threads):
            pipe.send(found)
    except (EOFError, OSError):
        return


def _ticks(links: Links, rows: Iterable[int], threads: int) -> Iterator[Tick | str]:
    """Those of `rows`; last, where something goes wrong, what it is."""
    try:
        prepare("llvm", threads)
        for row in rows:
            yield links.at(row)
    except Exception as error:  # whatever it is, it belongs to who asked
        yield f"{error}\n{traceback.format_exc()}"
