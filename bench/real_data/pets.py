"""People tracked in the PETS recording, by the detectors of the product."""

from __future__ import annotations

from score_pets import score_pets

from real_data.page import Inputs, Section, table

RUNS = (
    ("YOLOv8n int8, 640 px", "yolo", "yolov8n_int8_openvino_model", 0, 1),
    ("YOLOv8n int8, 320 px", "yolo", "yolov8n320_int8_openvino_model", 0, 1),
    ("the same, with two tiles", "yolo", "yolov8n320_int8_openvino_model", 2, 1),
    ("motion detector, no weights, from frame 20 on", "motion", "", 0, 20),
)
FRAMES = 65


def section(inputs: Inputs) -> Section:
    scores = {
        name: score_pets(
            inputs.data,
            kind,
            str(inputs.data / "detector" / weights) if weights else "",
            frames=FRAMES,
            score_from=first,
            tiles=tiles,
        )
        for name, kind, weights, tiles, first in RUNS
    }
    rows = [
        (name, s.frames, f"{s.recall:.3f}", f"{s.precision:.3f}", f"{s.error_median:.3f}",
         f"{s.error_p90:.3f}", f"{s.mota:.3f}", f"{s.idf1:.3f}", s.switches)
        for name, s in scores.items()
    ]  # fmt: skip
    head = ("", "annotated frames", "recall", "precision", "ground error, median (m)", "90 % (m)",
            "MOTA", "IDF1", "identity changes")  # fmt: skip
    best = scores[RUNS[0][0]]
    return Section(
        title="People on the ground: PETS 2009 S2.L1",
        source="PETS 2009 S2.L1 view 1 (768 x 576, 7 fps) as in OpenCV's samples; ground truth of "
        "MOTChallenge 2015, every fifth of frames 1 to 65.",
        licence="OpenCV samples; MOTChallenge 2015.",
        text=f"The product's detector and tracker, without ROS, frames 1 to {FRAMES}; a match is "
        f"within 1 m on the ground.\n\n{table(head, rows)}",
        shows="That people in real CCTV are found, placed to decimetres and keep their names over "
        "nine seconds; and what the smaller network and the detector without weights cost, and what"
        " tiles win back of it.",
        cannot="Long occlusions, crowds, night, several cameras, a LiDAR: it is one camera in "
        f"daylight, {best.frames} annotated frames of nine seconds with {best.truth / best.frames:.0f} "
        "people at a time. The camera was calibrated against ground truth of the same recording, which "
        "flatters the ground error.",
        headline=(
            ("PETS, YOLOv8n 640 px: recall / precision / IDF1",
             f"{best.recall:.3f} / {best.precision:.3f} / {best.idf1:.3f}", "aim: 0.93 / 0.90 / 0.85"),
            ("PETS, ground error, median / 90 %",
             f"{best.error_median:.2f} / {best.error_p90:.2f} m", "aim: 0.15 / 0.35 m"),
        ),
    )  # fmt: skip
