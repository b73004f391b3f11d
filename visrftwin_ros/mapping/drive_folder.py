"""What a live map has seen so far, on disk: a stop in the middle loses none of it, and memory holds none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np

from visrftwin_ros.cameras.camera_models import Intrinsics, lens_of
from visrftwin_ros.errors import TwinError
from visrftwin_ros.mapping.scan import Scan, joined
from visrftwin_ros.mapping.sweeps import NOISE, View
from visrftwin_ros.vision.posed_pictures import SPARE, KeptApart, PosedPicture, apart

_FACTS = "drive.json"
_SWEEP, _PICTURE = "sweep", "picture"
_SQUARE = 0.5
"""m across the squares of ground that count as seen."""


class DriveFolder:
    """`SITE.drive` beside a site that is to be: one file a sweep and one a picture, each whole or not there.

    Over `most_points` every second sweep goes, and so does every second of those that follow; of each camera
    some more than `most_pictures` are kept, from places apart. world_frame: that all of it is in. resume:
    whether one that is there goes on. Raises TwinError where one is there and is not to go on, is none, or
    is of another frame, and where there is none to go on with.
    """

    def __init__(
        self,
        site_out: Path,
        world_frame: str,
        most_points: int,
        most_pictures: int,
        resume: bool,
    ) -> None:
        self.folder = site_out.with_name(f"{site_out.name}.drive")
        self._most_points, self._most_pictures = most_points, most_pictures
        self._every, self._heard = 1, 0
        self._sweeps: dict[int, int] = {}  # by number: points
        self._shown = 0
        self._pictures: dict[str, KeptApart[int]] = {}  # by camera: numbers
        self._last: np.ndarray | None = None
        self._squares: set[tuple[int, int]] = set()
        self.driven = 0.0
        """m, from sweep to sweep."""
        if self.folder.exists():
            self._go_on(world_frame, resume)
        elif resume:
            raise TwinError(f"nothing to resume: no interrupted map at {self.folder}")
        else:
            self.folder.mkdir(parents=True)
            facts = json.dumps({"world_frame": world_frame})
            (self.folder / _FACTS).write_text(f"{facts}\n")

    def _go_on(self, world_frame: str, resume: bool) -> None:
        try:
            frame = json.loads((self.folder / _FACTS).read_text())["world_frame"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TwinError(
                f"{self.folder} is no interrupted map: nothing there was touched"
            ) from error
        found = self._numbers(_SWEEP)
        if not resume:
            raise TwinError(
                f"{self.folder} holds {len(found)} sweeps of an interrupted map: resume goes on with it; or "
                "remove it"
            )
        if frame != world_frame:
            raise TwinError(
                f"{self.folder} is of the frame {frame!r}, not of {world_frame!r}: give another site_out"
            )
        for place, number in enumerate(found):  # numbered anew, without gaps
            self._file(_SWEEP, number).rename(self._file(_SWEEP, place))
            view = self._view(place)
            self._count(view)
            self._sweeps[place] = len(view[0])
        self._heard = len(found)
        self._thin()
        for number in self._numbers(_PICTURE):
            self._keep(number, self._picture(number))
            self._shown = number + 1

    @property
    def sweeps(self) -> int:
        """That are kept."""
        return len(self._sweeps)

    @property
    def shown(self) -> int:
        """Pictures that are kept."""
        return sum(len(kept.items) for kept in self._pictures.values())

    @property
    def seen(self) -> float:
        """m^2 of ground over which there are returns."""
        return len(self._squares) * _SQUARE**2

    def add_sweep(self, view: View) -> None:
        """Keeps a sweep, or every second or fourth where there are too many."""
        number, self._heard = self._heard, self._heard + 1
        self._count(view)
        if number % self._every:
            return
        points, place = view
        self._write(_SWEEP, number, {"points": points.astype(np.float32), "place": place})
        self._sweeps[number] = len(points)
        self._thin()

    def add_picture(self, picture: PosedPicture) -> None:
        """Keeps a picture, without loss, unless others were taken near it."""
        number, self._shown = self._shown, self._shown + 1
        if not self._keep(number, picture):
            return
        lens, camera = lens_of(picture.camera), picture.camera
        coded = cv2.imencode(".png", picture.bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
        content = {
            "name": np.array(picture.name),
            "png": coded,
            "kind": np.array(lens.kind),
            "size": np.array(lens.size),
            "matrix": lens.matrix,
            "distortion": lens.distortion,
            "rotation": camera.rotation,
            "translation": camera.translation,
        }
        self._write(_PICTURE, number, content)

    def scan(self, source: str) -> Scan:
        """Of every sweep that is kept; TwinError as `joined`."""
        views = [self._view(number) for number in sorted(self._sweeps)]
        source = f"{len(views)} sweeps of {source}"
        return joined(views, up=None, noise=NOISE, source=source, left_out=())

    def pictures(self) -> tuple[PosedPicture, ...]:
        """Of each camera the most that were asked for, from places apart."""
        found: list[PosedPicture] = []
        for kept in self._pictures.values():
            own = [self._picture(number) for number in kept.items]
            places = [(one.camera.center, one.camera.rotation[2]) for one in own]
            found += [own[row] for row in apart(places, self._most_pictures)]
        return tuple(found)

    def remove(self) -> None:
        """Once the site is there, or nothing was seen."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _count(self, view: View) -> None:
        points, place = view
        if self._last is not None:
            self.driven += float(np.linalg.norm(place - self._last))
        self._last = place
        squares = np.unique(np.floor(points[:, :2] / _SQUARE).astype(np.int64), axis=0)
        self._squares.update(map(tuple, squares.tolist()))

    def _thin(self) -> None:
        while sum(self._sweeps.values()) > self._most_points and len(self._sweeps) > 2:
            self._every *= 2
            for number in [n for n in self._sweeps if n % self._every]:
                del self._sweeps[number]
                self._file(_SWEEP, number).unlink()

    def _keep(self, number: int, picture: PosedPicture) -> bool:
        """Whether the picture is kept; what goes for it is gone."""
        camera = picture.name.split()[0]
        kept = self._pictures.setdefault(camera, KeptApart(SPARE * self._most_pictures))
        gone = kept.add(picture.camera.center, picture.camera.rotation[2], number)
        for other in gone:
            self._file(_PICTURE, other).unlink(missing_ok=True)
        return number not in gone

    def _view(self, number: int) -> View:
        found = self._read(_SWEEP, number)
        return found["points"].astype(np.float64), found["place"]

    def _picture(self, number: int) -> PosedPicture:
        found = self._read(_PICTURE, number)
        name, size = str(found["name"]), (int(found["size"][0]), int(found["size"][1]))
        lens = Intrinsics(str(found["kind"]), size, found["matrix"], found["distortion"])  # type: ignore[arg-type]
        camera = lens.posed(name, found["rotation"], found["translation"])
        return PosedPicture(name, camera, np.asarray(cv2.imdecode(found["png"], cv2.IMREAD_COLOR)))

    def _numbers(self, what: str) -> list[int]:
        return sorted(
            int(file.stem.partition("_")[2]) for file in self.folder.glob(f"{what}_*.npz")
        )

    def _file(self, what: str, number: int) -> Path:
        return self.folder / f"{what}_{number:06d}.npz"

    def _write(self, what: str, number: int, content: dict[str, np.ndarray]) -> None:
        half = self.folder / "half_written"
        with half.open("wb") as file:
            np.savez(file, **content)  # type: ignore[arg-type]
        half.rename(self._file(what, number))

    def _read(self, what: str, number: int) -> dict[str, np.ndarray]:
        file = self._file(what, number)
        try:
            with np.load(file, allow_pickle=False) as stored:
                return {name: stored[name] for name in stored.files}
        except (OSError, ValueError) as error:
            raise TwinError(f"{file} cannot be read: {error}; remove it") from error
