"""What each sensor adds: the same walkers through some or all of three cameras and a LiDAR.

All is simulated (`simulated/sensor_scene.py`): boxes of body meshes with
a detector's noise and misses, a turning 128-beam LiDAR that traces the same meshes, and synthetic
embeddings, which stand for a network's: see there how like they are. `north` and `south` look at the
western half from both sides, `east` at the other end; nobody but the LiDAR sees the gap between.
"""

from __future__ import annotations

from dataclasses import asdict

from visrftwin_ros.benchmarks.simulated.sensor_scene import CAMERAS, Scene, scored, walks

SETS = (
    ("1 camera", ("north",)),
    ("2 cameras, overlapping", ("north", "south")),
    ("2 cameras, disjoint", ("north", "east")),
    ("3 cameras", tuple(CAMERAS)),
)


def run(people: int, seconds: float, seed: int) -> list[dict[str, object]]:
    """Prints a Markdown table; its rows."""
    scene = Scene(walks(people, seed), seconds, seed)
    sweeps, seen = scene.lidar_arrivals()
    print(
        "| sensors | embeddings | recall | precision | error, median (90 %) "
        "| error where the LiDAR sees them | IDF1 | identity changes |\n|---|---|---|---|---|---|---|---|"
    )
    rows: list[dict[str, object]] = []
    for text, cameras in (*SETS, ("LiDAR alone", ())):
        for lidar in (False, True) if cameras else (True,):
            for embedded in (False, True) if cameras else (False,):
                arrivals = [a for name in cameras for a in scene.camera_arrivals(name, embedded)]
                found = scored(scene, [*arrivals, *(sweeps if lidar else [])], seen)
                score = found.score
                name = f"{text} + LiDAR" if lidar and cameras else text
                print(
                    f"| {name} | {'synthetic' if embedded else 'none'} | {score.recall:.2f} "
                    f"| {score.precision:.2f} | {score.error_median:.3f} m "
                    f"({score.error_p90:.2f} m) | {found.seen_median:.3f} m | {score.idf1:.2f} "
                    f"| {score.switches} |",
                    flush=True,
                )
                row = {"sensors": name, "embeddings": embedded, "ids": found.identities}
                rows.append({**row, "seen_median": found.seen_median, **asdict(score)})
    return rows
