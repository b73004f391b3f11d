"""Trains the person detector that ships with the lab, from nothing, and scores it on unseen scenes.

    python -m visrftwin_ros.lab.training.detector_data FOLDER --split train --scenes 110
    python -m visrftwin_ros.lab.training.detector_data FOLDER --split test --scenes 6 --frames 10
    python bench/train_lab_detector.py FOLDER --minutes 45 --size 384
    python bench/train_lab_detector.py FOLDER --minutes 45 --start FOLDER/runs/lab/weights/last.pt
    python bench/train_lab_detector.py FOLDER --only-score visrftwin_ros/lab/weights/lab_person_openvino_model

The network is ultralytics' YOLOv8n with random weights; no weights of anybody else go in.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

WEIGHTS = Path(__file__).resolve().parents[1] / "visrftwin_ros" / "lab" / "weights"
SIZE = 512
"""Pixels of the network's input, in training and in scoring."""
LEAST_VISIBLE, LEAST_HEIGHT, OVERLAP = 0.2, 20.0, 0.5
"""The rule of the score: a person counts of whom this share shows, taller than this [px]; one that
shows less may be found or not. A box is right from this intersection over union on."""


class _SinglePrecision:
    """A loss that stays in single precision, so that the edges of boxes are not rounded."""

    def __init__(self, loss: Any) -> None:
        self._loss = loss

    def __call__(self, predictions: Any, batch: Any) -> Any:
        import torch

        with torch.autocast("cpu", enabled=False):
            return self._loss(_single(predictions), batch)


def _single(values: Any) -> Any:
    """The same nest of lists and dictionaries with every tensor in single precision."""
    if isinstance(values, dict):
        return {key: _single(value) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return type(values)(_single(value) for value in values)
    return values.float()


def _fast(trainer: Any) -> None:
    """All its cores (ultralytics leaves one idle), and the layout that bfloat16 is fastest in."""
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    trainer.model.to(memory_format=torch.channels_last)
    trainer.model.criterion = _SinglePrecision(trainer.model.init_criterion())


def train(data: Path, minutes: float, size: int, start: Path | None) -> Path:
    """The last weights of so long a training; `start`: weights of an earlier run to go on from."""
    import torch
    from ultralytics import YOLO, settings

    settings.update({"sync": False})
    description = data / "data.yaml"
    description.write_text(
        yaml.safe_dump({"path": str(data), "train": "train", "val": "test", "names": {0: "person"}})
    )
    model = YOLO(str(start or "yolov8n.yaml"), task="detect")
    model.add_callback("on_train_start", _fast)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model.train(
            data=str(description),
            pretrained=start is not None,
            time=minutes / 60,
            epochs=300,
            imgsz=size,
            batch=8,
            nbs=8,  # a step for every batch: there is little time
            workers=1,
            cache="ram",
            amp=False,  # its check would fetch weights
            optimizer="AdamW",
            lr0=0.002 if start is None else 0.001,
            cos_lr=True,
            warmup_epochs=1.0,
            close_mosaic=3,
            scale=0.4,
            mosaic=0.7,
            hsv_h=0.1,
            val=False,
            plots=False,
            project=str(data / "runs"),
            name="lab",
            exist_ok=True,
            device="cpu",
            seed=0,
        )
    return data / "runs" / "lab" / "weights" / "last.pt"


def export(weights: Path) -> Path:
    """The network as OpenVINO in half precision, under the package's weights."""
    from ultralytics import YOLO

    named = Path(shutil.copy(weights, weights.with_name("lab_person.pt")))
    made = Path(YOLO(str(named)).export(format="openvino", half=True, dynamic=True, imgsz=640))
    target = WEIGHTS / "lab_person_openvino_model"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(made, target)
    facts = target / "metadata.yaml"
    told = yaml.safe_load(facts.read_text())
    told["description"] = "Person detector for the pictures of the lab"  # not where it was trained
    facts.write_text(yaml.safe_dump(told, sort_keys=False))
    return target


def score(weights: Path, data: Path) -> dict[str, Any]:
    """Precision and recall on the test scenes, over the confidence."""
    from ultralytics import YOLO

    model = YOLO(str(weights), task="detect")
    found: list[tuple[float, bool]] = []
    people = 0
    images = sorted((data / "test" / "images").glob("*.jpg"))
    for image in images:
        table = np.loadtxt(
            data / "test" / "boxes" / f"{image.stem}.csv", delimiter=",", skiprows=1, ndmin=2
        ).reshape(-1, 5)
        counted = (table[:, 4] >= LEAST_VISIBLE) & (table[:, 3] - table[:, 1] > LEAST_HEIGHT)
        people += int(counted.sum())
        boxes = model.predict(
            str(image), imgsz=SIZE, conf=0.02, iou=0.5, verbose=False, device="cpu"
        )[0].boxes
        scores, edges = boxes.conf.cpu().numpy(), boxes.xyxy.cpu().numpy()
        found += _matched(scores, edges, table[:, :4], counted)
    return {"images": len(images), "people": people, **_curve(found, people)}


def _matched(
    scores: NDArray[np.float64],
    boxes: NDArray[np.float64],
    truth: NDArray[np.float64],
    counted: NDArray[np.bool_],
) -> list[tuple[float, bool]]:
    """(score, right) of the boxes that count: each takes the free person it overlaps most."""
    free, result = np.ones(len(truth), bool), []
    for k in np.argsort(-scores):
        overlap = np.where(free, _overlap(boxes[k], truth), 0.0) if len(truth) else np.zeros(0)
        best = int(np.argmax(overlap)) if len(truth) else -1
        if best >= 0 and overlap[best] >= OVERLAP:
            free[best] = False
            if counted[best]:
                result.append((float(scores[k]), True))
        else:
            result.append((float(scores[k]), False))
    return result


def _overlap(box: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union with boxes (N, 4) of corners."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=1)
    area = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], axis=1)
    return np.asarray(common / (area - common))


def _curve(found: list[tuple[float, bool]], people: int) -> dict[str, Any]:
    """Recall at precision 0.9 and the confidence that gives it, and the best balance."""
    order = sorted(found, reverse=True)
    right = np.cumsum([hit for _, hit in order])
    precision, recall = right / np.arange(1, len(order) + 1), right / max(people, 1)
    good = np.flatnonzero(precision >= 0.9)
    even = int(np.argmax(2 * precision * recall / np.maximum(precision + recall, 1e-9)))
    last = int(good[-1]) if len(good) else 0
    return {
        "recall_at_precision_0.9": round(float(recall[last]), 4) if len(good) else 0.0,
        "confidence": round(order[last][0], 3),
        "best_f1": {
            "precision": round(float(precision[even]), 4),
            "recall": round(float(recall[even]), 4),
            "confidence": round(order[even][0], 3),
        },
    }


def main() -> None:
    """Trains, exports and scores; or scores only."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--size", type=int, default=SIZE, help="pixels of the network's input")
    parser.add_argument("--start", type=Path, help="weights of an earlier run to go on from")
    parser.add_argument("--only-score", type=Path, metavar="WEIGHTS")
    parser.add_argument("--only-export", type=Path, metavar="PT", help="ship these, then score")
    options = parser.parse_args()
    os.environ["YOLO_AUTOINSTALL"] = "false"
    weights = options.only_score
    if options.only_export is not None:
        weights = export(options.only_export)
    elif weights is None:
        weights = export(
            train(options.data.resolve(), options.minutes, options.size, options.start)
        )
    print(json.dumps(score(weights, options.data.resolve()), indent=1))


if __name__ == "__main__":
    main()
