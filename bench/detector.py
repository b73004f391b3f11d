"""What one image costs the detector, on real images; prints JSON, milliseconds.

VISRFTWIN_TEST_DATA=../shared/data python bench/detector.py WEIGHTS [--frames 200]

`network` is ultralytics' predict: fitting the image, the network, non-maximum suppression;
`box_tracker` ByteTrack's update; `detect` all of it with the colours of clothes, as the node waits
for it. The budget is 15 ms at 320 px on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from visrftwin_ros.cameras.recordings import Recording
from visrftwin_ros.perception.detection.yolo_detector import YoloDetector

WARM_UP = 10


def timed(function: Callable[..., Any], into: list[float]) -> Callable[..., Any]:
    """The function, which notes how long [ms] each call takes."""

    def call(*arguments: Any, **options: Any) -> Any:
        start = time.perf_counter()
        result = function(*arguments, **options)
        into.append(1e3 * (time.perf_counter() - start))
        return result

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--frames", type=int, default=200)
    arguments = parser.parse_args()

    video = Path(os.environ["VISRFTWIN_TEST_DATA"]) / "pets" / "vtest.avi"
    detector = YoloDetector(arguments.weights, camera="view1")
    took: dict[str, list[float]] = {"network": [], "box_tracker": [], "detect": []}
    detector._model.predict = timed(detector._model.predict, took["network"])
    detector._tracker.update = timed(detector._tracker.update, took["box_tracker"])
    detect = timed(detector.detect, took["detect"])
    found = [
        len(detect(image, round(number * 1e9 / 7)))
        for number, image in islice(Recording(video).frames(), WARM_UP + arguments.frames)
    ]
    report: dict[str, object] = {
        "weights": arguments.weights.name,
        "px": detector.imgsz,
        "images": arguments.frames,
        "boxes_mean": round(float(np.mean(found)), 1),
    }
    for name, values in took.items():
        settled = values[WARM_UP:]
        report[name] = {
            "median_ms": round(float(np.median(settled)), 1),
            "p99_ms": round(float(np.quantile(settled, 0.99)), 1),
        }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
