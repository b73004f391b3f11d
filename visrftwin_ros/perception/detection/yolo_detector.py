"""People and vehicles in images by any network that ultralytics loads, with ByteTrack or BoT-SORT."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from visrftwin_ros.bodies.vehicle_sizes import VEHICLE_SIZES
from visrftwin_ros.cameras.image_check import checked_image
from visrftwin_ros.cameras.pinhole import CameraModel
from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.appearance.clothing_colours import clothing_colours
from visrftwin_ros.perception.detection.picture_tiles import MOST_TILES, Boxes, Sight, together
from visrftwin_ros.perception.measurements.detections import PERSON, Detections
from visrftwin_ros.perception.measurements.feet import Feet, keypoint_feet, mask_feet

LOG = logging.getLogger(__name__)
RIGHT_WEIGHTS = (
    "give a .pt or .onnx file or an exported folder such as yolov8n_openvino_model, or use the"
    " motion detector, which needs none"
)

ALLOW_CODE_VARIABLE = "VISRFTWIN_ALLOW_CODE"
"""Environment variable: not empty where weights that can run code, such as a .pt, may be read."""
TASKS = ("detect", "segment", "pose")
BOX_TRACKERS = ("bytetrack", "botsort")
SAME_PERSON_OVERLAP = 0.5
"""Intersection over union from which the weaker of two boxes goes (non-maximum suppression).
ultralytics' 0.7 leaves second boxes around pairs of people, which the tracker would have to doubt;
a person lost to 0.5 stands behind another, and the tracker carries them through."""


_WORTH_TELLING = 1.5
"""Times as far that tiles show people from which the diagnostics say so."""
WARM_UP_SIZE = (480, 640)
"""px, height and width of the blank image that a network sees first."""


class YoloDetector:
    """Boxes around people, each with its box tracker's id and a colour embedding of its clothes;
    where they stand too, of networks that give masks or body keypoints. Around vehicles, boxes alone.

    weights: path of a .pt, .onnx or exported folder, or the bare name of a released network, which
    ultralytics downloads. imgsz: px, side of the network's input; None takes the export's own, or
    640; an export of fixed size keeps its own (`imgsz` of the instance says which). confidence:
    least score of a box. threads: of torch (OpenVINO and ONNX follow the process's CPU affinity).
    box_tracker: 'bytetrack', or 'botsort', which takes a moving camera's motion out first.
    tiles: parts of a picture larger than the input that are looked at closer, at most, where people
    are too small in the whole: of a `standing` camera those on the ground, else everywhere.
    vehicles: whether those are reported too; `vehicles` of the instance: the classes that are known.
    Raises TwinError where the weights are missing, unreadable or know no person, and where reading
    them could run code (all but ONNX and OpenVINO) and that is not allowed.
    """

    kind = "yolo"

    def __init__(
        self,
        weights: str | Path,
        *,
        camera: str = "",
        imgsz: int | None = None,
        confidence: float = 0.1,
        threads: int = 2,
        box_tracker: str = "bytetrack",
        vehicles: bool = False,
        tiles: int = 0,
        standing: CameraModel | None = None,
    ) -> None:
        self._camera, self._standing = camera, standing
        self._tiles, self._sights = tiles, dict[tuple[int, int], Sight]()
        self._model = _loaded(weights)
        self._arguments: dict[str, Any] = {
            "conf": confidence,
            "iou": SAME_PERSON_OVERLAP,
            "verbose": False,
        }
        if imgsz is not None:
            self._arguments["imgsz"] = imgsz
        _bound_torch_threads(threads)
        self._model.add_callback("on_predict_start", _skip_warm_up)
        with _as_twin_error(weights):
            # The first image compiles the network: here, not in the first callback.
            self._model.predict(np.zeros((*WARM_UP_SIZE, 3), dtype=np.uint8), **self._arguments)
        people = _person_classes(self._model.names, weights)
        self._kinds = dict.fromkeys(people, PERSON)
        if vehicles:
            known = {number: name.lower() for number, name in self._model.names.items()}
            self._kinds |= {n: name for n, name in known.items() if name in VEHICLE_SIZES}
        self.vehicles = tuple(sorted(set(self._kinds.values()) - {PERSON}))
        self._arguments["classes"] = list(self._kinds)
        self.imgsz = int(np.max(self._model.predictor.imgsz))
        if imgsz is not None and self.imgsz != imgsz:
            LOG.warning(
                "%s was exported for images of %d px; the %d px asked for are not used",
                weights,
                self.imgsz,
                imgsz,
            )
        self._tracker = _box_tracker(box_tracker, confidence)
        # The box tracker's first update is slow too.
        self.detect(np.zeros((*WARM_UP_SIZE, 3), dtype=np.uint8), 0)
        self.reset()

    def detect(self, image_bgr: Any, stamp_ns: int) -> Detections:
        """The people and vehicles in an 8-bit BGR image taken at a ROS time.

        Raises TwinError where the image is of another type or shape.
        """
        image = checked_image(image_bgr)
        size = (image.shape[1], image.shape[0])
        found = self._found(image)
        sight = self.sight(size)
        if len(sight.tiles):
            closer = [
                self._found(image[top:bottom, left:right]).of_tile(tile, size)
                for tile in sight.tiles
                for left, top, right, bottom in [tile]
            ]
            found = together(found, closer, sight, SAME_PERSON_OVERLAP)
        kind = tuple(self._kinds[int(number)] for number in found.number)
        person = np.array([name == PERSON for name in kind], dtype=bool)
        people, track_id = np.flatnonzero(person), [""] * len(kind)
        known = _as_results(found.where(person), size)
        for *_, number, _score, _class, index in self._tracker.update(known, image):
            track_id[people[int(index)]] = str(int(number))
        sides = found.corners[:, 2:] - found.corners[:, :2]
        return Detections(
            stamp_ns=stamp_ns,
            camera=self._camera,
            image_size=size,
            box=np.hstack([found.corners[:, :2] + sides / 2, sides]),
            score=found.score,
            track_id=tuple(track_id),
            embedding=clothing_colours(image, found.corners),
            feet=found.feet,
            kind=kind,
        )

    def sight(self, size: tuple[int, int]) -> Sight:
        """How far people are seen in pictures of (width, height) px, and by which tiles."""
        if size not in self._sights:
            self._sights = {size: Sight.of(self._standing, size, self.imgsz, self._tiles)}
        return self._sights[size]

    @property
    def sees(self) -> str:
        """How far a standing camera's people are seen, and how they would be farther; '' of one that moves."""
        if self._standing is None:
            return ""
        size = self._standing.size
        sight, best = self.sight(size), Sight.of(self._standing, size, self.imgsz, MOST_TILES)
        text = sight.told()
        if best.tile_reach > _WORTH_TELLING * sight.tile_reach:
            text += f"; with tiles: {len(best.tiles)} up to {best.tile_reach:.0f} m"
        return text

    def _found(self, image: np.ndarray) -> Boxes:
        """What the network finds in a picture, or a part of one."""
        result = self._model.predict(image, **self._arguments)[0].cpu().numpy()
        boxes = result.boxes
        corners, score = boxes.xyxy.astype(np.float64), boxes.conf.astype(np.float64)
        return Boxes(corners, score, boxes.cls.astype(int), _feet(result))

    def reset(self) -> None:
        """Forget the stream: the next image belongs to another one, or to its beginning."""
        self._tracker.reset()


def _import_ultralytics() -> Any:
    """ultralytics and OpenVINO, told to install no packages and to ask and tell nobody elsewhere."""
    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ.setdefault("YOLO_OFFLINE", "true")  # it looks up two names to see whether it can
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # as if not installed
    os.environ.setdefault("YOLO_VERBOSE", "false")  # it writes to standard output
    import ultralytics

    # Before the first YOLO object: its event sender reads the setting once, when it is made.
    if ultralytics.settings["sync"]:
        ultralytics.settings.update({"sync": False})
    return ultralytics


def is_released_name(weights: str | Path) -> bool:
    """Whether this names a network for ultralytics to fetch, such as yolov8n.pt, and no path."""
    name = str(weights).strip()
    return bool(name) and Path(name).name == name and Path(name).suffix in {"", ".pt"}


def _loaded(weights: str | Path) -> Any:
    name = str(weights).strip()
    # ultralytics would look a missing path up on the network, by its last part.
    if not name or not (Path(name).exists() or is_released_name(name)):
        raise TwinError(f"no detector weights at {name!r}; {RIGHT_WEIGHTS}")
    if not (_is_data(name) or os.environ.get(ALLOW_CODE_VARIABLE)):
        raise TwinError(
            f"detector weights {name!r} are refused: reading them can run code that is in them; give"
            f" an .onnx file or an OpenVINO folder, or, if you trust them, set {ALLOW_CODE_VARIABLE}=1"
            " (`visrftwin up --allow-code`)"
        )
    ultralytics = _import_ultralytics()
    with _as_twin_error(weights):
        model = ultralytics.YOLO(name, task=None if name.endswith(".pt") else _task(name))
    if model.task not in TASKS:
        raise TwinError(
            f"the network in {name!r} is for the task {model.task!r}, not {', '.join(TASKS)};"
            f" {RIGHT_WEIGHTS}"
        )
    return model


def _is_data(name: str) -> bool:
    """Whether these weights are numbers and a graph, and nothing that is run when they are read."""
    return name.endswith(".onnx") or (Path(name).is_dir() and any(Path(name).glob("*.xml")))


def _task(export: str) -> str:
    """What an exported network is for, as its metadata say."""
    from ultralytics.nn.backends.base import BaseBackend

    return str(BaseBackend.read_metadata(export).get("task") or "detect")


def _skip_warm_up(predictor: Any) -> None:
    """ultralytics' warm-up imports torchvision, two seconds of every start and 100 MB, for the
    suppression of boxes alone; that of ultralytics itself, which it takes else, keeps the same."""
    predictor.done_warmup = True


def _as_results(boxes: Boxes, size: tuple[int, int]) -> Any:
    """The same as ultralytics' own, for its trackers."""
    from ultralytics.engine.results import Boxes as Results

    rows = np.column_stack([boxes.corners, boxes.score, boxes.number])
    return Results(rows.astype(np.float32), (size[1], size[0]))


def _feet(result: Any) -> Feet:
    """Of one image's ultralytics Results, on the CPU as arrays."""
    if result.keypoints is not None:
        return keypoint_feet(result.keypoints.data, result.boxes.xyxy)
    if result.masks is None:
        return Feet.unknown(len(result.boxes))
    from ultralytics.utils.ops import scale_coords

    masks = result.masks.data.astype(np.uint8)
    found = mask_feet(masks)
    # Masks are of the network's input, into which the image was fitted with margins.
    return replace(found, point=scale_coords(masks.shape[1:], found.point, result.orig_shape))


@contextmanager
def _as_twin_error(weights: str | Path) -> Iterator[None]:
    try:
        yield
    # ultralytics raises whatever its many loaders raise, bare Exception and SystemExit included.
    except (Exception, SystemExit) as error:
        first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TwinError(
            f"cannot load detector weights {str(weights)!r}: {first_line}; {RIGHT_WEIGHTS}"
        ) from error


def _person_classes(names: dict[int, str], weights: str | Path) -> list[int]:
    people = [number for number, name in names.items() if name in ("person", "pedestrian")]
    if not people and len(names) == 1:
        people = list(names)
    if not people:
        raise TwinError(
            f"the network in {str(weights)!r} knows no class 'person', only "
            f"{', '.join(list(names.values())[:5])}...; {RIGHT_WEIGHTS}"
        )
    return people


def _box_tracker(name: str, confidence: float) -> Any:
    """ultralytics' ByteTrack or BoT-SORT with its own defaults, down to the least score we ask for."""
    if name not in BOX_TRACKERS:
        raise TwinError(f"no box tracker {name!r}; choose {', '.join(BOX_TRACKERS)}")
    from ultralytics.trackers.bot_sort import BOTSORT
    from ultralytics.trackers.byte_tracker import BYTETracker
    from ultralytics.utils import YAML, IterableSimpleNamespace
    from ultralytics.utils.checks import check_yaml

    settings = IterableSimpleNamespace(**YAML.load(check_yaml(f"{name}.yaml")))
    settings.track_low_thresh = min(settings.track_low_thresh, confidence)
    return BOTSORT(settings) if name == "botsort" else BYTETracker(settings)


def _bound_torch_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
