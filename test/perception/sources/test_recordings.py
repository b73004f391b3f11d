"""Recordings: missing, corrupt and of another size; tracks off line and their file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from walking_scene import CAMERA, PETS, body_boxes, walk

from visrftwin_ros.cameras.recordings import Recording
from visrftwin_ros.errors import TwinError
from visrftwin_ros.perception.sources.video_tracks import (
    frame_stamp_ns,
    people_in_recording,
    track_recording,
)
from visrftwin_ros.perception.tracking.tracks_file import HEADER, Tracks, read_tracks, write_tracks


def made_video(path: Path, size: tuple[int, int] = (64, 48), frames: int = 20) -> Path:
    """A film whose k-th image (from 1) is as bright as 10 k in its corner."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, size)
    for k in range(1, frames + 1):
        image = np.full((size[1], size[0], 3), 120, np.uint8)
        image[:16, :16] = 10 * k
        writer.write(image)
    writer.release()
    return path


def image_places(data: bytes) -> list[int]:
    """Where the images of an AVI file start."""
    places, start = [], data.find(b"movi")
    while (start := data.find(b"00dc", start + 4)) >= 0:
        places.append(start)
    return places


def spoilt(path: Path, frame: int) -> Path:
    """The film with one image's data zeroed."""
    data = bytearray(path.read_bytes())
    start, end = image_places(bytes(data))[frame - 1 : frame + 1]
    data[start + 8 : end] = bytes(end - start - 8)
    path.write_bytes(data)
    return path


def test_a_missing_video_is_named(tmp_path: Path) -> None:
    with pytest.raises(TwinError, match=r"no video at .*gone\.avi"):
        Recording(tmp_path / "gone.avi")


def test_a_file_that_is_no_video_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.avi").write_text("not a film")
    with pytest.raises(TwinError, match=r"text\.avi.*no video"):
        Recording(tmp_path / "text.avi")


def test_images_of_another_size_than_the_calibration_are_refused_with_both_sizes(
    tmp_path: Path,
) -> None:
    with pytest.raises(TwinError, match=r"64x48.*768x576"):
        Recording(made_video(tmp_path / "a.avi"), CAMERA.size)


def test_frames_count_from_one_and_can_be_read_again(tmp_path: Path) -> None:
    recording = Recording(made_video(tmp_path / "a.avi"))
    assert (recording.size, recording.frame_count) == ((64, 48), 20)
    for _ in range(2):
        shades = [
            (number, round(image[4:12, 4:12].mean() / 10)) for number, image in recording.frames()
        ]
        assert shades == [(k, k) for k in range(1, 21)] and recording.skipped == 0


def test_a_corrupt_frame_is_skipped_counted_and_keeps_its_number(tmp_path: Path) -> None:
    recording = Recording(spoilt(made_video(tmp_path / "a.avi"), 7))
    shades = [
        (number, round(image[4:12, 4:12].mean() / 10)) for number, image in recording.frames()
    ]
    assert shades == [(k, k) for k in range(1, 21) if k != 7] and recording.skipped == 1


def test_a_film_that_breaks_off_gives_what_it_has_and_counts_the_rest(tmp_path: Path) -> None:
    path = made_video(tmp_path / "a.avi")
    data = path.read_bytes()
    path.write_bytes(data[: image_places(data)[12]])
    recording = Recording(path)
    assert [number for number, _ in recording.frames()] == list(range(1, 13))
    assert recording.skipped == 8


def street_film(path: Path, frames: int = 40, covered: range = range(0)) -> Path:
    """A dark walker on a grey street, as the PETS camera would film it, from frame 15 on; black
    while the lens is covered."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, CAMERA.size)
    for k in range(1, frames + 1):
        image = np.empty((576, 768, 3), np.uint8)
        image[:] = np.linspace(118, 138, 768)[None, :, None]
        if k in covered:
            image[:] = 2 * (k % 3)
        elif k >= 15:
            x, y, width, height = np.rint(body_boxes(walk(k, (-11.0, -9.0), (0.8, 0.3)))[0]).astype(
                int
            )
            cv2.ellipse(
                image,
                (int(x), int(y)),
                (int(width) // 2, int(height) // 2),
                0,
                0,
                360,
                (30, 40, 60),
                -1,
            )
        writer.write(image)
    writer.release()
    return path


def test_tracks_of_a_recording_are_in_metres_and_in_the_sites_own_time(tmp_path: Path) -> None:
    tracks = track_recording(PETS, street_film(tmp_path / "a.avi"), "motion", progress=False)
    late = tracks.frame >= 32
    assert set(tracks.ids) == {"1"} and late.sum() == 9
    truth = np.vstack([walk(k, (-11.0, -9.0), (0.8, 0.3)) for k in tracks.frame[late]])
    np.testing.assert_allclose(tracks.position[late], truth, atol=0.3)
    # 7 frames a second, although the file says 10.
    np.testing.assert_allclose(np.median(tracks.velocity[late], axis=0), [0.8, 0.3], atol=0.15)


def test_a_frames_limit_stops_early_and_a_corrupt_frame_does_not(tmp_path: Path) -> None:
    film = spoilt(street_film(tmp_path / "a.avi"), 20)
    numbers = [
        number for number, _ in people_in_recording(PETS, film, "motion", frames=30, progress=False)
    ]
    assert numbers == [k for k in range(1, 32) if k != 20][: len(numbers)] and len(numbers) == 30


def test_a_covered_lens_says_nothing_and_the_people_are_those_predicted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    film = street_film(tmp_path / "a.avi", covered=range(33, 36))
    frames = dict(people_in_recording(PETS, film, "motion", progress=False))
    assert [frames[k].ids for k in (32, 33, 35, 36)] == [("1",)] * 4
    truth = walk(35, (-11.0, -9.0), (0.8, 0.3))
    np.testing.assert_allclose(frames[35].position[:1], truth, atol=0.4)
    assert [r.getMessage() for r in caplog.records if "covered or blinded" in r.getMessage()] == [
        "left out, from frame 33: camera 'view1': its picture is black: is the lens covered or"
        " blinded?"
    ]


def test_frame_stamps_follow_the_frame_rate() -> None:
    assert frame_stamp_ns(1, 7.0) == 0 and frame_stamp_ns(8, 7.0) == 1_000_000_000


def some_tracks() -> Tracks:
    return Tracks(
        frame=np.array([1, 1, 3]),
        ids=("1", "2", "1"),
        position=np.array([[1.2345, -2.0], [0.0, 0.5], [1.5, -2.25]]),
        velocity=np.array([[0.5, 0.25], [0.0, 0.0], [-1.0, 1.0]]),
        height=np.array([1.7, 1.8, 1.7]),
        score=np.array([0.9, 0.5, 0.25]),
    )


def test_tracks_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    write_tracks(some_tracks(), path)
    assert path.read_text().splitlines()[0] == "frame,id,x,y,vx,vy,height,score"
    again = read_tracks(path)
    assert again.ids == ("1", "2", "1") and again.frame.tolist() == [1, 1, 3]
    for name in ("position", "velocity", "height", "score"):
        np.testing.assert_allclose(getattr(again, name), getattr(some_tracks(), name), atol=6e-4)


def test_no_tracks_are_a_file_with_a_header(tmp_path: Path) -> None:
    write_tracks(Tracks.from_people([]), tmp_path / "none.csv")
    again = read_tracks(tmp_path / "none.csv")
    assert len(again) == 0 and again.position.shape == (0, 2)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["frame,x,y"], "line 1: header 'frame,x,y'"),
        ([], "line 1: header 'nothing'"),
        ([",".join(HEADER), "1,1,0,0,0,0,1.7,0.9", "2,1,nan,0,0,0,1.7,0.9"], "line 3"),
        ([",".join(HEADER), "1,1,0,0,0,0,1.7"], "line 2"),
        ([",".join(HEADER), "1,1,zero,0,0,0,1.7,0.9"], "line 2.*zero"),
        ([",".join(HEADER), "0,1,0,0,0,0,1.7,0.9"], "frame 0"),
    ],
)
def test_a_wrong_tracks_file_is_named_with_its_line(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text("\n".join(lines))
    with pytest.raises(TwinError, match=message):
        read_tracks(path)


def test_a_missing_tracks_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TwinError, match=r"no file at .*tracks\.csv"):
        read_tracks(tmp_path / "tracks.csv")
