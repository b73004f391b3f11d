"""One bag through the nodes and through `visrftwin track --bag`: the same tracks, the same complaints.

The referee of whatever handles a sensor's data. It knows topics, a bag, a site file and the command,
and nothing of how either side is built; the network alone is a fake, at the place where both load it.

Compared, of a bag with two cameras (one that stands, one on TF, both with their lens from CameraInfo),
a LiDAR and TF, in which everything below is wrong at once:

- tracks: how many people there are and where (within `SAME_PLACE`), at equal times; a name on one side
  is one name on the other throughout;
- complaints: which sensor's data were left out, and why, as a set.

And, each in a bag of its own, asserted on either side against what is true of the made scene:

- a TF sample that comes seconds late; samples out of order;
- TF that comes later than the nodes wait for it; TF of a moving LiDAR that comes after its sweep;
- a CameraInfo of another size, of a camera that stands and of one that moves;
- images from before the first CameraInfo;
- images of another size than the site's; boxes of another size than the tracker's CameraInfo;
- two cameras that send as one;
- clouds in another frame: one that TF knows, one on a frame that the site fixes, one that nobody knows;
- clouds without a return;
- a camera whose clock jumps ahead;
- a LiDAR's `learning_time`, as its site has it;
- all cameras left out: an error of the nodes, an exit code of the command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from parity_bag import (
    MAST,
    NORTH,
    SIZE,
    Event,
    GreyLevelDetector,
    Place,
    driving,
    images,
    infos,
    looking_at,
    made_site,
    mounts,
    nanoseconds,
    on_base,
    poses,
    sweeps,
    ticks,
    walkers,
    write_bag,
)
from parity_sides import WEIGHTS, Outcome, through_bag, through_nodes, track_differences
from scipy.spatial.transform import Rotation

from visrftwin_ros.cli import main
from visrftwin_ros.perception.detection import yolo_detector as yolo

Side = Callable[[Path, Path], Outcome]
NEAR = 0.4
"""m: pixels of 4 cm, seen from 9 m at a slant, and two or three of them to learn a velocity from."""
HALF, DOUBLE = (SIZE[0] // 2, SIZE[1] // 2), (2 * SIZE[0], 2 * SIZE[1])


on_either_side = pytest.mark.parametrize("side", [through_nodes, through_bag])


@pytest.fixture(autouse=True)
def fake_network(ros: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(yolo, "YoloDetector", GreyLevelDetector)
    yield


def north(seconds: float) -> list[Event]:
    """What the standing camera sends when all is well, with CameraInfo once a second."""
    stamps = ticks("north", seconds)
    return images("north", stamps, lambda _: NORTH) + infos("north", stamps[::5])


def rover(seconds: float, drive: Callable[[float], Place] = driving) -> list[Event]:
    """The same of the camera on the rover."""
    stamps = ticks("rover", seconds)
    return images("rover", stamps, lambda t: on_base(drive(t))) + infos("rover", stamps[::5])


def base_stamps(seconds: float) -> list[float]:
    """Of the rover's poses: ten a second, from before the first image to after the last."""
    return ticks("tf", seconds + 0.2, since=-0.2, period=0.1)


def astray(found: Outcome, sensor: str, since: float, until: float) -> list[str]:
    """Where others than the two walkers are seen, or one is not, at the stamps of a sensor."""
    wrong = []
    for stamp in (t for t in ticks(sensor, until) if t >= since):
        people = list(found.at(nanoseconds(stamp)).values())
        gaps = [
            min([np.hypot(*(place - at)) for at in people], default=9.9) for place in walkers(stamp)
        ]
        if len(people) != 2 or max(gaps) > NEAR:
            wrong.append(f"{stamp:.2f} s: {np.round(people, 2).tolist()}")
    return wrong


# Everything in one bag.


def test_a_bag_without_faults_gives_the_same_tracks(tmp_path: Path) -> None:
    site = made_site(tmp_path / "site")
    events = mounts() + poses(base_stamps(4.0)) + north(4.0) + rover(4.0)
    events += sweeps(ticks("mast", 4.0))
    bag = write_bag(tmp_path / "bag", events)
    by_nodes, by_bag = through_nodes(bag, site), through_bag(bag, site)
    assert track_differences(by_nodes, by_bag) == []
    assert astray(by_nodes, "rover", 0.5, 4.0) == []
    assert by_nodes.complaints == by_bag.complaints == set()


def test_a_bag_with_every_fault_gives_the_same_tracks_and_complaints(tmp_path: Path) -> None:
    seconds = 6.0
    site = made_site(tmp_path / "site")
    samples = poses(base_stamps(seconds))
    samples[15] = samples[15].later(2.6)  # of 1.28 s
    samples[23:25] = [sample.later(0.15) for sample in samples[23:25]]
    samples[45] = samples[45].later(0.11)  # behind the next
    clouds = sweeps(ticks("mast", seconds))
    clouds[10:11] = sweeps(ticks("mast", seconds)[10:11], "kitchen")
    clouds[20:21] = sweeps(ticks("mast", seconds)[20:21], "cover", turn=np.pi / 2)
    events = mounts() + samples + north(seconds) + rover(seconds) + clouds
    events += infos("north", ticks("north", seconds)[13:14], HALF)
    bag = write_bag(tmp_path / "bag", events)
    by_nodes, by_bag = through_nodes(bag, site), through_bag(bag, site)
    left_out = {("north", "CameraInfo of another size"), ("mast", "its cloud's frame is nowhere")}
    assert by_nodes.complaints == left_out
    assert by_bag.complaints == left_out
    assert track_differences(by_nodes, by_bag) == []


# TF.


@on_either_side
def test_a_late_tf_sample_costs_no_image(tmp_path: Path, side: Side) -> None:
    """The rover turns to and fro: a pose between samples far apart is not its own."""

    def turning(seconds: float) -> Place:
        place, turn = driving(seconds)
        return place, turn * Rotation.from_euler("z", 0.25 * np.sin(3.0 * seconds))

    site = made_site(tmp_path / "site", ["rover"])
    samples = poses(base_stamps(4.0), turning)
    samples[5] = samples[5].later(2.7)
    found = side(write_bag(tmp_path / "bag", mounts() + samples + rover(4.0, turning)), site)
    assert found.complaints == set()
    assert astray(found, "rover", 0.5, 4.0) == []


@on_either_side
def test_tf_samples_out_of_order_are_put_in_order(tmp_path: Path, side: Side) -> None:
    """The rover turns to the side and back at every second sample, which comes after the next; all
    have come before the image does."""

    def swaying(seconds: float) -> Place:
        place, turn = driving(seconds)
        to_side = abs((seconds + 0.02) / 0.1 % 2 - 1)
        return place, turn * Rotation.from_euler("z", 0.1 * to_side)

    site = made_site(tmp_path / "site", ["rover"])
    samples = poses(base_stamps(3.0), swaying)
    samples[::2] = [sample.later(0.11) for sample in samples[::2]]
    sent = [event.later(0.2) for event in rover(3.0, swaying)]
    found = side(write_bag(tmp_path / "bag", mounts() + samples + sent), site)
    assert found.complaints == set()
    assert astray(found, "rover", 1.0, 3.0) == []


def test_tf_that_comes_after_the_wait_is_missed_by_both(tmp_path: Path) -> None:
    site = made_site(tmp_path / "site", ["north", "rover"])
    samples = poses(base_stamps(4.0))
    samples[12:18] = [sample.later(0.6) for sample in samples[12:18]]
    events = mounts() + samples + north(4.0) + rover(4.0)
    bag = write_bag(tmp_path / "bag", events)
    by_nodes, by_bag = through_nodes(bag, site), through_bag(bag, site)
    assert by_nodes.complaints == {("rover", "its pose")}
    assert by_bag.complaints == by_nodes.complaints
    assert track_differences(by_nodes, by_bag) == []


def test_a_moving_lidar_is_where_tf_says_though_it_says_so_later(tmp_path: Path) -> None:
    def rolling(seconds: float) -> Place:
        return MAST.position + [1.5 * seconds - 3.0, 0.0, 0.0], Rotation.identity()

    site = made_site(tmp_path / "site", ["north", "mast"], mast={"position": None})
    samples = poses([0.05 + stamp for stamp in ticks("mast", 3.2, -0.4)], rolling, "mast")
    clouds = sweeps(ticks("mast", 3.0), place=lambda t: rolling(t)[0])
    bag = write_bag(tmp_path / "bag", samples + north(3.0) + clouds)
    by_nodes, by_bag = through_nodes(bag, site), through_bag(bag, site)
    assert by_nodes.complaints == by_bag.complaints == set()
    assert track_differences(by_nodes, by_bag) == []


# Cameras.


@pytest.mark.parametrize("camera", ["north", "rover"])
@on_either_side
def test_a_camera_info_of_another_size_is_left_out(tmp_path: Path, side: Side, camera: str) -> None:
    site = made_site(tmp_path / "site", [camera])
    sent = north(3.0) if camera == "north" else mounts() + poses(base_stamps(3.0)) + rover(3.0)
    kept = [event for event in sent if "camera_info" not in event.topic or event.arrives < 0.5]
    wrong = infos(camera, ticks(camera, 3.0)[5:], HALF)
    found = side(write_bag(tmp_path / "bag", kept + wrong), site)
    assert found.complaints == {(camera, "CameraInfo of another size")}
    assert astray(found, camera, 0.6, 3.0) == []


def test_images_before_the_first_camera_info_are_left_out_by_both(tmp_path: Path) -> None:
    site = made_site(tmp_path / "site", ["north"])
    stamps = ticks("north", 2.0)
    events = images("north", stamps, lambda _: NORTH) + infos("north", stamps[3:])
    bag = write_bag(tmp_path / "bag", events)
    by_nodes, by_bag = through_nodes(bag, site), through_bag(bag, site)
    assert by_nodes.complaints == {("north", "no CameraInfo")}
    assert by_bag.complaints == by_nodes.complaints
    assert track_differences(by_nodes, by_bag) == []


@on_either_side
def test_an_image_of_another_size_is_left_out(tmp_path: Path, side: Side) -> None:
    site = made_site(tmp_path / "site", ["north"])
    events = north(2.0)
    events[5:6] = images("north", ticks("north", 2.0)[5:6], lambda _: NORTH, size=DOUBLE)
    found = side(write_bag(tmp_path / "bag", events), site)
    assert found.complaints == {("north", "image of another size")}
    assert astray(found, "north", 1.2, 2.0) == []


def test_boxes_of_another_size_than_the_camera_info_are_left_out(tmp_path: Path) -> None:
    """The detector's site has the camera as it is, the tracker's as it was."""
    size = {"image_width": DOUBLE[0], "image_height": DOUBLE[1]}
    detectors = made_site(tmp_path / "detectors", ["north"], north=size)
    site = made_site(tmp_path / "site", ["north"])
    stamps = ticks("north", 1.5)
    events = images("north", stamps, lambda _: NORTH, size=DOUBLE) + infos("north", stamps)
    found = through_nodes(write_bag(tmp_path / "bag", events), site, detectors)
    assert found.complaints == {("north", "image of another size")}
    assert not any(found.people.values())


@on_either_side
def test_the_second_of_two_cameras_that_send_as_one_is_left_out(tmp_path: Path, side: Side) -> None:
    site = made_site(tmp_path / "site", ["north"])
    attic = np.array([6.0, 6.0, 4.0])
    seen = (attic, looking_at(attic, [1.0, -1.0, 1.0]))
    between = [stamp + 0.1 for stamp in ticks("north", 2.0)]
    events = north(2.0) + images("north", between, lambda _: seen, frame="attic")
    found = side(write_bag(tmp_path / "bag", events), site)
    assert found.complaints == {("north", "two send as one")}
    assert astray(found, "north", 0.5, 2.0) == []


@on_either_side
def test_an_image_from_a_clock_that_jumped_ahead_is_left_out(tmp_path: Path, side: Side) -> None:
    site = made_site(tmp_path / "site", ["north", "mast"])
    events = north(3.0)
    events[7] = events[7].stamped(20.0 + ticks("north", 3.0)[7])
    events += sweeps(ticks("mast", 3.0))
    found = side(write_bag(tmp_path / "bag", events), site)
    assert found.complaints == {("north", "its clock")}
    assert astray(found, "mast", 1.8, 3.0) == []
    assert max(found.people) < nanoseconds(3.2)


# LiDARs.


@pytest.mark.parametrize("parent", ["world", "mast"])
@on_either_side
def test_a_cloud_in_another_frame_is_placed_by_tf(tmp_path: Path, side: Side, parent: str) -> None:
    """On TF, or on TF under the frame that the site gives the LiDAR."""
    site = made_site(tmp_path / "site", ["mast"])
    clouds = sweeps(ticks("mast", 4.6), "cover", turn=np.pi / 2)
    found = side(write_bag(tmp_path / "bag", mounts(parent) + clouds), site)
    assert found.complaints == set()
    assert astray(found, "mast", 3.9, 4.6) == []


@on_either_side
def test_a_cloud_in_a_frame_that_nobody_knows_is_left_out(tmp_path: Path, side: Side) -> None:
    site = made_site(tmp_path / "site", ["north", "mast"])
    events = north(2.0) + sweeps(ticks("mast", 2.0), "kitchen")
    found = side(write_bag(tmp_path / "bag", events), site)
    assert found.complaints == {("mast", "its cloud's frame is nowhere")}
    assert astray(found, "north", 0.5, 2.0) == []


@on_either_side
def test_a_cloud_without_returns_is_left_out(tmp_path: Path, side: Side) -> None:
    site = made_site(tmp_path / "site", ["north", "mast"])
    events = north(2.0) + sweeps(ticks("mast", 2.0), returns=False)
    found = side(write_bag(tmp_path / "bag", events), site)
    assert found.complaints == {("mast", "no returns")}
    assert astray(found, "north", 0.5, 2.0) == []


@on_either_side
def test_a_lidar_learns_for_as_long_as_its_site_says(tmp_path: Path, side: Side) -> None:
    site = made_site(tmp_path / "site", ["mast"], mast={"learning_time": 0.0})
    found = side(write_bag(tmp_path / "bag", sweeps(ticks("mast", 2.0))), site)
    assert found.complaints == set()
    assert astray(found, "mast", 1.0, 2.0) == []


# Everything left out.


def all_cameras_refused(folder: Path) -> tuple[Path, Path]:
    """A bag and its site: a LiDAR that is well, and no CameraInfo."""
    events = mounts() + poses(base_stamps(1.0)) + sweeps(ticks("mast", 1.0))
    events += [event for event in north(1.0) + rover(1.0) if "camera_info" not in event.topic]
    return write_bag(folder / "bag", events), made_site(folder / "site")


def test_every_camera_that_is_left_out_is_named_by_the_nodes(tmp_path: Path) -> None:
    found = through_nodes(*all_cameras_refused(tmp_path))
    assert found.complaints == {("north", "no CameraInfo"), ("rover", "no CameraInfo")}


def test_a_bag_of_which_no_camera_was_used_is_an_error_of_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    bag, site = all_cameras_refused(tmp_path)
    command: list[Any] = ["track", "--site", site, "--bag", bag, "--out", tmp_path / "tracks.csv"]
    command += ["--detector", "yolo", "--weights", WEIGHTS]
    code = main([str(word) for word in command])
    said = caplog.text + capsys.readouterr().err
    assert "'north'" in said and "'rover'" in said
    assert code != 0
