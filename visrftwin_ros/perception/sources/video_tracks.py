"""Tracks of a recording, without ROS: the same detector and tracker as the nodes run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from visrftwin_ros.cameras.camera_models import fixed_camera
from visrftwin_ros.cameras.recordings import Recording
from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.appearance.embedding import ImageTextModel, PersonEmbedder
from visrftwin_ros.perception.detection.detector import make_detector
from visrftwin_ros.perception.sources.picture_watch import PictureWatch
from visrftwin_ros.perception.tracking.detector_noise import tracker_config
from visrftwin_ros.perception.tracking.people import People
from visrftwin_ros.perception.tracking.tracker import NANOSECONDS, PeopleTracker
from visrftwin_ros.perception.tracking.tracks_file import Tracks
from visrftwin_ros.site import model

LOG = logging.getLogger(__name__)


def frame_stamp_ns(number: int, frame_rate: float) -> int:
    """Time of a recording's frame, from 1, after its first: ns."""
    return round((number - 1) / frame_rate * NANOSECONDS)


def track_recording(
    site_camera: model.Camera,
    video: str | Path,
    kind: str = "auto",
    weights: str | Path = "",
    *,
    imgsz: int | None = None,
    tiles: int = 0,
    embeddings: ImageTextModel | None = None,
    frames: int | None = None,
    progress: bool = True,
) -> Tracks:
    """The people in a fixed camera's recording, frame by frame.

    embeddings: the network that embeds people; None: colours of clothes. frames: how many to read,
    all by default. Frame k is taken at (k - 1) / frame_rate of the
    site's camera, whatever the file says. Raises TwinError as the recording and detector do.
    """
    return Tracks.from_people(
        people_in_recording(
            site_camera,
            video,
            kind,
            weights,
            imgsz=imgsz,
            tiles=tiles,
            embeddings=embeddings,
            frames=frames,
            progress=progress,
        )
    )


def people_in_recording(
    site_camera: model.Camera,
    video: str | Path,
    kind: str = "auto",
    weights: str | Path = "",
    *,
    imgsz: int | None = None,
    tiles: int = 0,
    embeddings: ImageTextModel | None = None,
    frames: int | None = None,
    progress: bool = True,
) -> Iterator[tuple[int, People]]:
    """(frame number, people) as `track_recording` has them, while they come.

    A picture that shows nothing, of a covered or blinded lens, is no measurement that nobody is
    there: its people are those that were predicted.
    """
    camera = fixed_camera(site_camera)
    recording = Recording(video, camera.size)
    detector = make_detector(kind, weights, camera, imgsz=imgsz, tiles=tiles).detector
    embedder = None if embeddings is None else PersonEmbedder(embeddings)
    tracker = PeopleTracker(tracker_config(detector.kind))
    watched, refused = PictureWatch(site_camera.name, longest_repeat=0.0), set[str]()
    total = min(frames or recording.frame_count, recording.frame_count) or frames
    images = tqdm(
        islice(recording.frames(), frames),
        total=total,
        desc=f"tracking ({detector.kind})",
        unit="frame",
        disable=not progress,
    )
    for number, image in images:
        stamp_ns = frame_stamp_ns(number, site_camera.frame_rate)
        try:
            watched.check(image, stamp_ns)
        except TwinError as error:
            if str(error) not in refused:
                refused.add(str(error))
                LOG.warning("left out, from frame %d: %s", number, error)
            yield number, tracker.predict_to(stamp_ns)
            continue
        found = detector.detect(image, stamp_ns)
        if embedder is not None and any(found.track_id):
            found = embedder.embedded_detections(image, found)
        yield number, tracker.update(found, camera)
