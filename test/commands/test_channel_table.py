import csv
from pathlib import Path

import numpy as np
import pytest
from made_up import boxes

from visrftwin_ros.bodies.people import nobody
from visrftwin_ros.bodies.timeline import PeopleTimeline
from visrftwin_ros.commands.channel_table import CHANNEL_COLUMNS, predict_tracks, write_channels
from visrftwin_ros.perception.tracking.track_bodies import BodiesOfTracks
from visrftwin_ros.perception.tracking.tracks_file import Tracks
from visrftwin_ros.site.model import Site
from visrftwin_ros.twin.engine import TwinEngine

SECOND = 1_000_000_000


def tracks(rows: list[tuple[int, str, float, float, float, float]]) -> Tracks:
    """Rows (frame, id, x, y, vx, vy)."""
    number = np.array([[frame, *values] for frame, _, *values in rows], float)
    return Tracks(
        frame=number[:, 0].astype(np.int64),
        ids=tuple(name for _, name, *_ in rows),
        position=number[:, 1:3],
        velocity=number[:, 3:5],
        height=np.full(len(rows), 1.75),
        score=np.ones(len(rows)),
    )


@pytest.fixture(scope="module")
def engine() -> TwinEngine:
    site = Site.model_validate(
        {
            "name": "yard",
            "propagation": {"samples": 5000, "max_depth": 1},
            "scene": [
                {"name": "floor", "kind": "ground", "size": (40, 40), "material": "concrete"}
            ],
            "access_points": [
                {"name": "west", "position": (-8, 0, 2), "array": {"rows": 1, "columns": 8}},
                {
                    "name": "north",
                    "position": (0, 8, 2),
                    "yaw": -1.57,
                    "array": {"rows": 1, "columns": 8},
                },
            ],
            "robots": [
                {
                    "name": "stays",
                    "position": (0, 0),
                    "yaw": 3.14,
                    "array": {"rows": 1, "columns": 4},
                },
                {"name": "drives", "path": {"waypoints": [(2, -3), (4, -3)], "speed": 1.0}},
            ],
        }
    )
    return TwinEngine(site, threads=2)


WALK = tracks([(k, "a", -3.0, 1.5 - 0.3 * k, 0.0, -1.2) for k in range(1, 11)])


def test_boxes_beside_the_tracks_shadow_as_they_drive_by(engine: TwinEngine) -> None:
    driving = [
        (5 * SECOND + k * SECOND // 4, boxes((-4.0, 5.0 - k), heading=np.pi / 2, height=2.5))
        for k in range(11)
    ]
    rows = predict_tracks(engine, WALK, 5 * SECOND, 4.0, boxes=PeopleTimeline((), driving))
    with_car = [r for r in rows if r["tx"] == "west" and r["rx"] == "stays"]
    alone = [
        r
        for r in predict_tracks(engine, WALK, 5 * SECOND, 4.0)
        if r["tx"] == "west" and r["rx"] == "stays"
    ]
    assert float(str(with_car[5]["shadow_loss_db"])) > float(str(alone[5]["shadow_loss_db"])) + 10
    assert float(str(with_car[0]["shadow_loss_db"])) < 1


def test_there_is_one_row_a_frame_and_link_and_it_is_the_engines(engine: TwinEngine) -> None:
    done: list[tuple[int, int]] = []
    rows = list(
        predict_tracks(engine, WALK, 5 * SECOND, 4.0, progress=lambda *step: done.append(step))
    )
    assert len(rows) == 10 * 4 and done[-1] == (10, 10)
    assert all(tuple(row) == CHANNEL_COLUMNS for row in rows)
    bodies = BodiesOfTracks(WALK)
    for frame in range(1, 11):
        state = engine.update(5 * SECOND + (frame - 1) * SECOND // 4, bodies.at(frame))
        for i, link in enumerate(state.links):
            row = rows[(frame - 1) * 4 + i]
            assert (row["frame"], row["tx"], row["rx"]) == (frame, *link)
            assert float(str(row["path_loss_db"])) == pytest.approx(
                state.metrics.path_loss_db[i], abs=1e-4
            )
            for name in ("shadow_loss_db", "shadow_loss_los_db"):
                assert float(str(row[name])) == pytest.approx(
                    getattr(state.metrics, name)[i], abs=1e-4
                )


def test_the_fade_costs_rate_and_only_on_the_link_walked_through(engine: TwinEngine) -> None:
    rows = list(predict_tracks(engine, WALK, 0, 4.0))
    west = [row for row in rows if (row["tx"], row["rx"]) == ("west", "stays")]
    north = [row for row in rows if (row["tx"], row["rx"]) == ("north", "stays")]
    loss = [float(str(row["shadow_loss_db"])) for row in west]
    assert max(loss) > 10 and int(np.argmax(loss)) == 4  # frame 5 stands on the link
    assert int(str(west[4]["mcs"])) < int(str(west[0]["mcs"]))
    assert west[4]["affected"] == 1
    assert {row["affected"] for row in north} == {0}
    assert len({row["snr_db"] for row in north}) == 1


def test_a_frame_without_people_frees_the_links(engine: TwinEngine) -> None:
    gap = tracks([(1, "a", -3.0, 0.0, 0.0, 0.0), (3, "a", -3.0, 5.0, 0.0, 0.0)])
    rows = [
        r for r in predict_tracks(engine, gap, 0, 7.0) if r["rx"] == "stays" and r["tx"] == "west"
    ]
    assert [float(str(row["shadow_loss_db"])) > 3 for row in rows] == [True, False, False]
    assert [row["affected"] for row in rows] == [1, 1, 0]


def test_no_tracks_give_no_rows_and_a_file_has_a_header(engine: TwinEngine, tmp_path: Path) -> None:
    nothing = tracks([(1, "a", 0, 0, 0, 0)])
    empty = Tracks(
        nothing.frame[:0],
        (),
        nothing.position[:0],
        nothing.velocity[:0],
        nothing.height[:0],
        nothing.score[:0],
    )
    assert list(predict_tracks(engine, empty, 0, 7.0)) == []
    engine.update(0, nobody())
    file = tmp_path / "channels.csv"
    with file.open("w", newline="") as stream:
        assert write_channels(predict_tracks(engine, WALK, 0, 4.0), stream) == 40
    with file.open() as stream:
        table = list(csv.DictReader(stream))
    assert tuple(table[0]) == CHANNEL_COLUMNS
    assert float(table[0]["delay_spread_s"]) > 0


def test_headings_follow_walking_and_are_kept_standing() -> None:
    turning = tracks([(1, "a", 0, 0, 0, 1.0), (2, "a", 0, 0, 0.1, 0), (3, "b", 0, 0, 0, 0)])
    bodies = BodiesOfTracks(turning)
    assert bodies.at(1).heading[0] == pytest.approx(np.pi / 2)
    assert bodies.at(2).heading[0] == pytest.approx(np.pi / 2)
    assert bodies.at(3).heading[0] == 0
    assert len(bodies.at(4)) == 0
