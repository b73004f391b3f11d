"""What one image costs the detector, on real images, milliseconds.

`network` is ultralytics' predict: fitting the image, the network, non-maximum suppression;
`box_tracker` ByteTrack's update; `detect` all of it with the colours of clothes, as the node waits
for it. The budget is 15 ms at 320 px on two cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from visrftwin_ros.cameras.recordings import Recording
from visrftwin_ros.perception.detection.yolo_detector import YoloDetector
from visrftwin_ros.perception.sources.video_tracks import frame_stamp_ns
from visrftwin_ros.site.model import Site

WARM_UP = 10


def timed(function: Callable[..., Any], into: list[float]) -> Callable[..., Any]:
    """The function, which notes how long [ms] each call takes."""

    def call(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        result = function(*arguments, **options)
        into.append(1e3 * (time.perf_counter() - start))
        return result

    return call


def run(site: Site, video: str, weights: Path, frames: int) -> dict[str, object]:
    """Of so many images of the site's first camera, after WARM_UP others."""
    camera = site.camera()
    detector = YoloDetector(weights, camera=camera.name)
    took: dict[str, list[float]] = {"network": [], "box_tracker": [], "detect": []}
    detector._model.predict = timed(detector._model.predict, took["network"])
    detector._tracker.update = timed(detector._tracker.update, took["box_tracker"])
    detect = timed(detector.detect, took["detect"])
    found = [
        len(detect(image, frame_stamp_ns(number, camera.frame_rate)))
        for number, image in islice(Recording(video).frames(), WARM_UP + frames)
    ]
    report: dict[str, object] = {
        "weights": weights.name,
        "px": detector.imgsz,
        "images": frames,
        "boxes_mean": round(float(np.mean(found)), 1),
    }
    for name, values in took.items():
        settled = values[WARM_UP:]
        report[name] = {
            "median_ms": round(float(np.median(settled)), 1),
            "p99_ms": round(float(np.quantile(settled, 0.99)), 1),
        }
    return report
