"""What is given to be mapped: a recording, a cloud or a mesh, told by what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from visrftwin_ros.cameras.rgbd.folder import rgbd_frames
from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.scan import Scan
from visrftwin_ros.mapping.sources.bag_clouds import follow_bag, read_bag_clouds
from visrftwin_ros.mapping.sources.mesh_or_cloud import ENDINGS, read_mesh_or_cloud
from visrftwin_ros.mapping.sources.picture_points import MOST_VIEWS, read_picture_points
from visrftwin_ros.mapping.sources.rgbd_folder import read_rgbd_folder
from visrftwin_ros.mapping.sweeps import FARTHEST
from visrftwin_ros.site.frames import TransformBuffer
from visrftwin_ros.vision.bag_pictures import read_bag_pictures
from visrftwin_ros.vision.posed_pictures import PosedPicture
from visrftwin_ros.vision.rgbd_pictures import read_rgbd_pictures

Kind = Literal["bag", "frames", "file"]
MOST_PICTURES = 12
"""Of a camera, where nobody says otherwise."""
_NAMES: dict[Kind, str] = {
    "bag": "a rosbag2",
    "frames": "a folder of posed frames",
    "file": f"a mesh or a cloud ({', '.join(ENDINGS)})",
}


@dataclass(frozen=True)
class MapSource:
    """A source and how it is to be read; what is None or "" is as the kind of source has it.

    world_frame: TF frame of a bag's map. topic: of a bag's clouds. every: the N-th sweep or frame. farthest: m of
    a LiDAR's returns. unit: m, cm or mm, up: z or y, of a mesh or cloud. pictures: most of a camera. poses: by TF, or
    by the sweeps themselves. depth: of a LiDAR or RGB-D camera, or out of the pictures, as where a folder has no other.

    Raises TwinError where nothing is there, or nothing that is known, and on what would be ignored.
    """

    path: Path
    world_frame: str = ""
    topic: str = ""
    every: int | None = None
    farthest: float | None = None
    unit: str | None = None
    up: str | None = None
    pictures: int | None = None
    poses: Literal["tf", "lidar"] | None = None
    depth: Literal["sensor", "pictures"] | None = None

    def __post_init__(self) -> None:
        given = {name for name in _OF if getattr(self, name)}
        useless = sorted(name for name in given if self.kind not in _OF[name])
        if useless:
            whose = " or ".join(_NAMES[kind] for kind in _OF[useless[0]])
            options = " and ".join(f"--{name}" for name in useless)
            raise TwinError(
                f"{self.path} is {_NAMES[self.kind]}: {options} would be ignored, as --{useless[0]} is for {whose}"
            )
        of_sweeps = [name for name in ("every", "topic", "farthest") if getattr(self, name)]
        if self.poses == "lidar":  # its sweeps are followed for their poses
            of_sweeps = [name for name in of_sweeps if name == "every"]
        if of_sweeps and self._by_pictures:
            raise TwinError(
                f"{self.path} is mapped from its pictures: --{of_sweeps[0]} would be ignored"
            )

    @property
    def kind(self) -> Kind:
        """By the ending of a file and the content of a folder."""
        if not self.path.exists():
            raise TwinError(f"nothing at {self.path}")
        if self.path.suffix.lower() in ENDINGS:
            return "file"
        if self.path.suffix in (".mcap", ".db3") or (self.path / "metadata.yaml").exists():
            return "bag"
        if self.path.is_dir():
            return "frames"
        raise TwinError(
            f"{self.path}: expected a rosbag2, a folder of posed frames, a mesh or a cloud "
            f"({', '.join(ENDINGS)})"
        )

    @property
    def frame(self) -> str:
        """Of the map."""
        return self.world_frame or ("world" if self.kind == "bag" else "map")

    @property
    def has_pictures(self) -> bool:
        """Whether a source of this kind can show materials."""
        return self.kind != "file"

    def followed(
        self, progress: Callable[[int, int], None]
    ) -> tuple[TransformBuffer | None, tuple[str, ...]]:
        """Poses by its sweeps, and which of these have none; None where it brings its own."""
        if self.poses != "lidar":
            return None, ()
        farthest = self.farthest or FARTHEST
        return follow_bag(self.path, self.topic, self.frame, farthest, progress)

    def read(
        self, progress: Callable[[int, int], None], poses: TransformBuffer | None = None
    ) -> Scan:
        """Its points; TwinError as the kind's reader says. poses: as `followed` has them."""
        if self.kind == "file":
            return read_mesh_or_cloud(self.path, self.unit, self.up)
        if self._by_pictures:
            pictures, left_out = self._pictures(MOST_VIEWS, poses)
            has_up = self.kind == "bag" and poses is None
            return read_picture_points(pictures, left_out, self.path.name, has_up, progress)
        every = self.every or 1
        if self.kind == "bag":
            farthest = self.farthest or FARTHEST
            return read_bag_clouds(
                self.path, self.topic, self.frame, every, farthest, progress, poses
            )
        return read_rgbd_folder(self.path, every, progress)

    def read_pictures(
        self, poses: TransformBuffer | None = None
    ) -> tuple[tuple[PosedPicture, ...], tuple[str, ...]]:
        """Its pictures, and why others were left out; none of a mesh or a cloud. poses: as `followed` has them."""
        return self._pictures(self.pictures or MOST_PICTURES, poses)

    def _pictures(
        self, most: int, poses: TransformBuffer | None
    ) -> tuple[tuple[PosedPicture, ...], tuple[str, ...]]:
        if self.kind == "bag":
            return read_bag_pictures(self.path, self.frame, most, poses)
        return read_rgbd_pictures(self.path, most) if self.kind == "frames" else ((), ())

    @property
    def _by_pictures(self) -> bool:
        if self.depth is None and self.kind == "frames":
            return not any(frame.depth for frame in rgbd_frames(self.path)[0])
        return self.depth == "pictures"


_OF: dict[str, tuple[Kind, ...]] = {
    "topic": ("bag",),
    "farthest": ("bag",),
    "every": ("bag", "frames"),
    "unit": ("file",),
    "up": ("file",),
    "pictures": ("bag", "frames"),
    "poses": ("bag",),
    "depth": ("bag", "frames"),
}
"""Which kinds of source each setting is for."""
