"""What is to be recorded, and who and what is in it: drawn from the seed before any work."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab.people.avatars import Avatars, make_avatars
from visrftwin_ros.lab.people.walks import Walks, plan_walks
from visrftwin_ros.lab.radio.sounder import SounderLimits, SounderOffsets
from visrftwin_ros.lab.radio.static_truth import Fineness
from visrftwin_ros.lab.recording.lidar import LidarModel
from visrftwin_ros.lab.recording.robot_drive import Drive, plan_drive
from visrftwin_ros.lab.world.floor_plan import CELL, floor_plan
from visrftwin_ros.lab.world.sight import hidden_share
from visrftwin_ros.lab.world.world import World, load_world

START_NS = 1_750_000_000_000_000_000
"""ROS time at which every recording begins: equal seeds give equal bags."""
_ROOM = 3.0
"""Square metres of free floor a person, at least."""


@dataclass(frozen=True)
class Request:
    """What to record.

    camera_rate: pictures a second of each fixed camera, 0 for none; panorama_rate: of the robot's;
    lidar_rate: of sweeps kept, 0 for none. access_points: how many, default the site's. drive: of several
    in the place that the seed draws; another robot's way, other people, noise and power reference. processes:
    that work out the links, at once; with one it is the caller's. threads: of each process. command: how
    to make it again, for the bag's facts.
    """

    world: str
    people: int
    seconds: float
    seed: int
    camera_rate: float = 10.0
    panorama_rate: float = 2.0
    lidar_rate: float = 10.0
    lidar: LidarModel = field(default_factory=LidarModel)
    jpeg_quality: int = 85
    fineness: Fineness = field(default_factory=Fineness)
    access_points: int | None = None
    drive: int = 0
    limits: SounderLimits = field(default_factory=SounderLimits)
    offsets: SounderOffsets = field(default_factory=SounderOffsets)
    processes: int = 2
    threads: int = 2
    command: str = ""

    @property
    def drive_seed(self) -> int:
        """Draws what is of this drive alone; of the first one the seed itself."""
        if not self.drive:
            return self.seed
        return int(np.random.SeedSequence([self.seed, self.drive]).generate_state(1)[0])


@dataclass(frozen=True)
class Cast:
    """A world and everybody who moves in it."""

    world: World
    drive: Drive
    walks: Walks
    people: Avatars

    @property
    def hidden_share(self) -> float:
        """Of the soundings, those without a line of sight in the empty place."""
        robot = next(r for r in self.world.site.robots if r.name == self.drive.robot)
        places = self.drive.position[self.drive.soundings]
        return float(hidden_share(self.world, places, robot.antenna_height).mean())


def cast(request: Request) -> Cast:
    """The world, the robot's way and the people's, drawn from the seed; TwinError on bad input."""
    if not 0 < request.seconds <= 3600:
        raise TwinError(f"{request.seconds:g} s of recording: give more than 0 and up to 3600")
    if request.drive < 0:
        raise TwinError(f"drive {request.drive}: expected 0, 1, 2, ...")
    if request.people < 1:
        raise TwinError(f"{request.people} people: give at least 1; the lab is about people")
    world = load_world(request.world, request.seed, request.access_points)
    room = float((floor_plan(world).clearance > 0.4).sum()) * CELL**2
    most = int(room / _ROOM)
    if request.people > most:
        raise TwinError(
            f"{request.people} people do not fit into {request.world}: its {room:.0f} m^2 of free "
            f"floor take {most}"
        )
    seed = request.drive_seed
    drive = plan_drive(world, request.seconds, seed)
    walks = plan_walks(world, request.people, request.seconds, seed, drive.path)
    return Cast(world, drive, walks, make_avatars(walks, seed))


def stamp_of(seconds: float) -> int:
    """ROS time, nanoseconds, at `seconds` of the recording."""
    return START_NS + round(seconds * 1e9)
