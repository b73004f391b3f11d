"""The doctor names what is wrong before a twin starts and while one runs, and scripts can tell."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from node_bench import NodeBench

from visrftwin_ros.cli import main
from visrftwin_ros.operations.doctor import look_at_machine
from visrftwin_ros.operations.graph import Graph
from visrftwin_ros.operations.graph_doctor import Heard, Stream, Topic, findings
from visrftwin_ros.operations.node_table import NodeSpec, node_table
from visrftwin_ros.site.loading import load_site


def doctor(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "visrftwin_ros.cli", "doctor", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def wrong(site: str = "pets_campus", weights: str = "") -> dict[str, str]:
    found = look_at_machine(site, weights, 39123, 39124)
    return {finding.subject: finding.said for finding in found if finding.wrong}


def test_a_sound_machine_has_nothing_wrong() -> None:
    assert wrong() == wrong("lobby") == {}


@pytest.mark.parametrize(
    ("site", "weights", "subject", "said"),
    [
        ("atlantis", "", "site", "atlantis"),
        ("lobby", "none", "weights", "panorama may move"),
        ("pets_campus", "/no/net.onnx", "weights of view1", "/no/net.onnx: not there"),
    ],
)
def test_what_cannot_start_is_named(site: str, weights: str, subject: str, said: str) -> None:
    assert said in wrong(site, weights)[subject]


def test_wrong_surroundings_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "EVERYWHERE")
    monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", str(tmp_path / "none.xml"))
    found = wrong()
    assert "expected one of LOCALHOST" in found["DDS range"]
    assert "no such file" in found["DDS profile"]


def test_a_machine_that_cannot_start_a_node_is_told_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "profile.xml"
    profile.write_text("<profiles><unclosed></profiles>")
    monkeypatch.setenv("FASTRTPS_DEFAULT_PROFILES_FILE", str(profile))
    monkeypatch.setenv("ROS_DOMAIN_ID", "150")
    monkeypatch.setenv("RMW_IMPLEMENTATION", "rmw_cyclonedds_cpp")
    monkeypatch.setenv("ROS_SECURITY_ENABLE", "true")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for cache in ("paths", "numba"):  # the second holds machine code
        (tmp_path / "visrftwin" / cache).mkdir(parents=True)
        (tmp_path / "visrftwin" / cache).chmod(0o777)
    found = wrong()
    assert found.pop("DDS profile").startswith(f"{profile}: no XML")
    assert found.pop("DDS domain") == "150; expected 0 to 101"
    assert "not among the wheels" in found.pop("middleware")
    assert "no security plug-in" in found.pop("security")
    assert "others may write it" in found.pop("cache paths")
    assert "others may write it" in found.pop("cache numba")
    assert found == {}


@pytest.mark.parametrize(
    ("variable", "value", "why"),
    [
        ("ROS_DOMAIN_ID", "500", "ROS_DOMAIN_ID is '500': expected a number of 0 to 101"),
        ("ROS_DOMAIN_ID", "abc", "ROS_DOMAIN_ID is 'abc': expected a number of 0 to 101"),
        ("RMW_IMPLEMENTATION", "rmw_cyclonedds_cpp", "rmw_cyclonedds_cpp is not among the wheels"),
    ],
)
def test_where_no_node_can_start_the_machine_is_looked_at_all_the_same(
    variable: str,
    value: str,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(variable, value)
    assert main(["doctor", "--site", "pets_campus", "--seconds", "1"]) == 1
    said = capsys.readouterr().out
    assert f"WRONG graph: not listened to: {why}" in said and "shared memory: " in said


def test_bad_arguments_are_no_finding(capsys: pytest.CaptureFixture[str]) -> None:
    for bad in (["--namespace", "7th"], ["--seconds", "0"]):
        assert main(["doctor", "--site", "pets_campus", *bad]) == 2
    said = capsys.readouterr().err
    assert "is no ROS name" in said and "expected 0.5 to 3600" in said


@pytest.fixture
def bench(ros: None) -> Iterator[NodeBench]:
    bench = NodeBench()
    yield bench
    bench.close()


def said(heard: Heard, site: str = "pets_campus") -> dict[str, str]:
    """What is wrong, by subject."""
    found = findings(load_site(site), [], heard)
    return {finding.subject: finding.said for finding in found if finding.wrong}


RUNS = {"people_tracker: configure": (b"\x00", "configured")}


IMAGE = "sensor_msgs/msg/Image"
RAW = "/view1/image_raw"


def camera(count: int = 28, *whose: str, kind: str = IMAGE, age: float = 0.1) -> Stream:
    """Listened to for 4 s; its driver also publishes compressed images."""
    raw = Topic(RAW, IMAGE, count, publishers=[(name, kind) for name in whose or ("/driver",)])
    raw.ages.extend([age] * count)
    packed = Topic(f"{RAW}/compressed", "sensor_msgs/msg/CompressedImage", 28)
    packed.publishers = [("/driver", packed.kind)]
    return Stream((raw, packed), 7.0, "camera view1")


def test_a_sound_camera_is_nothing_to_talk_of() -> None:
    assert said(Heard(4.0, [camera()], RUNS)) == {}
    assert said(Heard(4.0, [camera(8, "/twin/campaign_replay")], RUNS)) == {}
    half_speed = Heard(4.0, [camera(14)], RUNS, clock_ns=(5 * 10**9, 7 * 10**9))
    assert said(half_speed) == {}


@pytest.mark.parametrize(
    ("stream", "told"),
    [
        (camera(8), f"{RAW}: 2.0 a second from 1 publishers: the site has 7 a second"),
        (camera(28, "/a", "/b"), "/a, /b; expected one: stop the others"),
        (camera(0, kind="sensor_msgs/msg/PointCloud2"), f"PointCloud2, expected {IMAGE}"),
        (camera(28, age=60.0), "60.0 s old when they come; synchronise the clocks"),
        (camera(28, age=-5.0), "5.0 s ahead of the clock; synchronise the clocks"),
    ],
)
def test_what_is_wrong_with_a_camera_is_named_with_what_would_be_right(
    stream: Stream, told: str
) -> None:
    assert told in said(Heard(4.0, [stream], RUNS))["input camera view1"]


def test_a_camera_that_does_not_come_is_wrong_once_a_twin_runs() -> None:
    silent = Stream((Topic(RAW, IMAGE),), 7.0, "camera view1")
    topics = {"/usb/image_raw": [IMAGE], "/view1/debug_image": [IMAGE]}
    told = said(Heard(4.0, [silent], RUNS, topics=topics))["input camera view1"]
    assert told.endswith("from 0 publishers; start its driver, or remap one of /usb/image_raw")
    assert said(Heard(4.0, [silent], topics=topics)) == {}


def test_clocks_that_do_not_agree_are_named() -> None:
    live = said(Heard(4.0, [], RUNS, clocks={"people_tracker": -30.0}))
    assert "30.0 s ahead of this machine's clock" in live["clock of people_tracker"]
    replay = said(Heard(4.0, [], RUNS, clocks={"people_tracker": 1e8}, clock_ns=(5, 6)))
    assert "set its use_sim_time" in replay["clock of people_tracker"]
    starts = Heard(
        4.0, [], RUNS, clocks={"people_tracker": 1.75e9}, clock_ns=(5, 1_750_000_001 * 10**9)
    )
    assert said(starts)["clock of people_tracker"].startswith("it has heard no /clock yet")
    of_wall_time = {"twin/campaign_replay": -5e7, "people_tracker": 0.1}
    plays = {"clock_ns": (5, 6), "clock_publishers": ["/twin/campaign_replay"]}
    assert said(Heard(4.0, [], RUNS, clocks=of_wall_time, **plays)) == {}
    twice = said(Heard(4.0, [], RUNS, clock_publishers=["/replay", "/gazebo"]))
    assert twice == {"clock": "/clock comes from /replay, /gazebo: stop one of them"}


def test_frames_that_are_missing_or_hang_elsewhere_are_named() -> None:
    frames = {"panorama_optical_frame": "tripod", "street_optical_frame": "world"}
    found = said(Heard(4.0, [], RUNS, frames=frames), "lobby")
    assert "2 trees; publish how the others hang from 'world'" in found["frames"]
    assert "ends at 'tripod'" in found["frame panorama_optical_frame"]
    assert all("is not on TF" in text for name, text in found.items() if "robot" in text)


def test_nodes_that_are_not_there_are_named_but_for_what_only_looks() -> None:
    site = load_site("pets_campus")
    found = findings(site, node_table(site, "pets_campus"), Heard(4.0, [], RUNS))
    missing = {f.subject for f in found if f.wrong}
    assert "node view1/people_detector" in missing and "node beam_selector" in missing
    assert not missing & {"node people_tracker", "node twin_viewer"}


@pytest.mark.timeout(120)
def test_a_graph_that_is_not_sound_is_heard_over_ros(quiet_domain: None) -> None:
    script = Path(__file__).parents[1] / "support" / "unsound_graph.py"
    unsound = subprocess.Popen([sys.executable, str(script)])
    try:
        code, said = doctor("--site", "pets_campus", "--json", "--seconds", "6")
    finally:
        unsound.kill()
        unsound.wait()
    found = {
        row["subject"]: row["said"]
        for row in json.JSONDecoder().raw_decode(said)[0]
        if row["wrong"]
    }
    assert code == 1
    assert "s old when they come; synchronise the clocks" in found["input camera view1"]
    assert (
        found["frame cart"]
        == "hangs from 'odom' and from 'world': two publish it; stop one of them"
    )
    assert "/probe publish volatile" in found["frames of /tf_static"]
    assert "/probe, /probe; expected one" in found["topic /channels"]


@pytest.mark.timeout(200)
def test_a_running_graph_is_looked_at(quiet_domain: None) -> None:
    code, said = doctor("--site", "pets_campus", "--seconds", "2")
    assert (code, "no node of a twin was heard" in said) == (0, True), said
    # Nothing is wrong with what does not come yet, but it is not well either.
    (camera,) = (line for line in said.splitlines() if "start its driver" in line)
    assert camera.startswith("-     input camera view1")
    specs = [
        NodeSpec("site_frames", "", {"site": "pets_campus"}),
        NodeSpec("people_detector", "/view1", {"site": "pets_campus", "detector": "motion"}),
    ]
    graph = Graph(specs)
    graph.start()
    try:
        deadline = time.monotonic() + 90.0
        while not (
            "2 nodes: site_frames, view1/people_detector" in said and "no image arrives" in said
        ):
            assert time.monotonic() < deadline, said
            code, said = doctor("--site", "pets_campus", "--seconds", "3")
    finally:
        graph.stop()
    assert code == 1
    assert "memory of nodes: " in said and "site_frames" in said.partition("memory of nodes")[2]
    assert "WRONG view1/people_detector: images: no image arrives" in said
    assert "topic /channels: 0.0 a second from 0 publishers" in said
