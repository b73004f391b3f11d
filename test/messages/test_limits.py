"""What a message may hold: times, sizes and numbers out of their limits are refused or cut, by name."""

from __future__ import annotations

import struct
import time
import zlib
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from visrftwin_ros.errors import TwinError
from visrftwin_ros.messages.image_size import coded_size
from visrftwin_ros.messages.images import image_from_message
from visrftwin_ros.messages.limits import (
    FARTHEST,
    LONGEST_NAME,
    MOST_SERVING,
    Limits,
    check_message,
    check_place,
    check_time,
)
from visrftwin_ros.messages.stamps import NANOSECONDS

NOW = 1_700_000_000 * NANOSECONDS
NAN, INF = float("nan"), float("inf")


def at(sec: int, nanosec: int = 0) -> Any:
    return SimpleNamespace(sec=sec, nanosec=nanosec)


def message(**fields: Any) -> Any:
    header = SimpleNamespace(stamp=at(NOW // NANOSECONDS), frame_id="world")
    return SimpleNamespace(**{"header": header, **fields})


def person(name: str, x: float = 0.0, size: float = 0.5) -> Any:
    place = SimpleNamespace(x=x, y=0.0, z=0.0)
    sizes = {"width": size, "depth": 0.3, "height": 1.8}
    return SimpleNamespace(id=name, material="", position=place, seen_by=[], **sizes)


@pytest.mark.parametrize(
    ("stamp", "why"),
    [
        (at(-1), "no ROS time"),
        (at(5, NANOSECONDS), "no ROS time"),
        (at(0), "fill in its header"),
        (at(NOW // NANOSECONDS + 1), "1.00 s in the future"),
        (at(2**31 - 1), "in the future"),
    ],
)
def test_a_stamp_that_is_no_time_of_now_is_refused(stamp: Any, why: str) -> None:
    with pytest.raises(TwinError, match=why):
        check_time(stamp, NOW, ahead=0.5)


def test_a_stamp_a_little_before_the_clock_is_taken() -> None:
    check_time(at(NOW // NANOSECONDS, 400_000_000), NOW, ahead=0.5)
    check_time(at(2**31 - 1), 0, ahead=0.5)  # before the first /clock nothing can be said


def test_ten_thousand_people_are_cut_in_milliseconds_and_named() -> None:
    crowd = message(people=[person(str(k)) for k in range(10_000)])
    start = time.thread_time()
    told = check_message("visrftwin_ros/TrackedPeople", crowd, Limits(), NOW)
    assert time.thread_time() - start < 0.2
    assert told == "10000 people come: only the first 200 are taken"
    assert [p.id for p in crowd.people] == [str(k) for k in range(200)]


def test_people_out_of_this_world_are_left_out_and_named() -> None:
    people = [
        person("near"),
        person("far", x=1e9),
        person("no place", x=INF),
        person("wide", size=30),
    ]
    crowd = message(people=people)
    told = check_message("visrftwin_ros/TrackedPeople", crowd, Limits(), NOW)
    assert [p.id for p in crowd.people] == ["near"]
    assert "far, no place, wide" in told


def box(name: str, x: float, length: float) -> Any:
    size = SimpleNamespace(x=length, y=2.0, z=2.0)
    place = SimpleNamespace(x=x, y=0.0, z=0.0)
    return SimpleNamespace(id=name, kind="car", material="", position=place, size=size)


def test_boxes_out_of_this_world_are_left_out_and_the_rest_is_cut() -> None:
    some = message(boxes=[box("van", 0.0, 5.0), box("far", 2e5, 5.0), box("long", 0.0, 99.0)])
    told = check_message("visrftwin_ros/TrackedBoxes", some, Limits(), NOW)
    assert told == "boxes over 100000 m away or 30 m large are left out: far, long"
    assert [one.id for one in some.boxes] == ["van"]
    many = message(boxes=[box(str(k), 0.0, 5.0) for k in range(5_000)])
    assert "first 500" in check_message("visrftwin_ros/TrackedBoxes", many, Limits(), NOW)
    assert len(many.boxes) == 500


def path(count: int) -> Any:
    return SimpleNamespace(vertices=[None] * count)


def link(**fields: Any) -> Any:
    return SimpleNamespace(tx="ap", rx="robot", **fields)


def forecast(horizons: int, losses: list[float]) -> Any:
    values = {"shadow_loss_db": losses, "shadow_loss_upper_db": losses}
    levels = {"quantiles": [], "shadow_loss_quantiles_db": [], "snr_quantiles_db": []}
    return link(horizon=[0.1 * k for k in range(horizons)], **values, **levels)


def spread(levels: list[float], snr_db: list[float]) -> Any:
    made = forecast(1, [0.0])
    made.quantiles, made.snr_quantiles_db = levels, snr_db
    return made


def ahead(horizon: list[float]) -> Any:
    made = forecast(len(horizon), [0.0] * len(horizon))
    made.horizon = horizon
    return made


def other(made: Any) -> Any:
    """The same of another link."""
    made.rx = "other"
    return made


def telemetry(**values: float) -> dict[str, Any]:
    unknown = dict.fromkeys(("frequency", "rssi_dbm", "snr_db", "phy_rate"), NAN)
    return {"tx": "ap", "rx": "r", **unknown, **values}


@pytest.mark.parametrize(
    ("kind", "fields", "why"),
    [
        ("ChannelPaths", {"links": [link(paths=[path(65)])]}, "65 vertices"),
        ("ChannelPaths", {"links": [link(paths=[path(2)] * 100_001)]}, "at most 100000"),
        ("ChannelPaths", {"links": [link(paths=[])] * 2_001}, "at most 2000"),
        ("LinkChannels", {"channels": [link()] * 20_000}, "20000 links"),
        ("BeamDecisions", {"decisions": [link()] * 20_000}, "20000 links"),
        ("ShadowForecasts", {"forecasts": [forecast(2, [1.0])]}, "1, 2 horizons"),
        (
            "ShadowForecasts",
            {"forecasts": [forecast(1, [1.0]), other(forecast(2, [1.0] * 2))]},
            "1, 2",
        ),
        ("ShadowForecasts", {"forecasts": [forecast(1, [-INF])]}, "no number"),
        ("ShadowForecasts", {"forecasts": [spread([0.5, 0.5], [1.0] * 2)]}, "wrong levels"),
        ("ShadowForecasts", {"forecasts": [spread([0.1, 0.9], [1.0] * 3)]}, "3 values, expected 2"),
        ("ShadowForecasts", {"forecasts": [spread([0.1, 0.9], [1.0, INF])]}, "expected 2 numbers"),
        ("ShadowForecasts", {"forecasts": [ahead([0.0, 1e9])]}, "wrong horizons"),
        ("ShadowForecasts", {"forecasts": [ahead([1.0, 0.5])]}, "wrong horizons"),
        (
            "ShadowForecasts",
            {"forecasts": [ahead([0, 1.0]), other(ahead([0, 2.0]))]},
            "same horizons",
        ),
        (
            "ShadowForecasts",
            {"forecasts": [forecast(1, [0]), other(spread([0.5], [1]))]},
            "0, 1 levels",
        ),
        ("ShadowForecasts", {"forecasts": [forecast(1, [0])] * 2}, "ap-robot comes twice"),
        ("LinkChannels", {"channels": [link()] * 2}, "comes twice"),
        ("ChannelPaths", {"links": [link(paths=[])] * 2}, "comes twice"),
        ("LinkTelemetry", telemetry(snr_db=INF), "no measurement"),
        ("LinkTelemetry", telemetry(snr_db=1e6), "within 200 dB"),
    ],
)
def test_what_no_reader_could_use_is_refused(kind: str, fields: dict[str, Any], why: str) -> None:
    with pytest.raises(TwinError, match=why):
        check_message(f"visrftwin_ros/{kind}", message(**fields), Limits(), NOW)


def test_a_forecast_of_a_link_without_a_path_is_taken() -> None:
    check_message(
        "visrftwin_ros/ShadowForecasts", message(forecasts=[forecast(1, [NAN])]), Limits(), NOW
    )


def a_map(cells: int = 6, resolution: float = 0.5, x: float = 0.0, turned: float = 0.0) -> Any:
    origin = SimpleNamespace(
        position=SimpleNamespace(x=x, y=0.0, z=1.2),
        orientation=SimpleNamespace(x=0.0, y=0.0, z=turned, w=1.0),
    )
    info = SimpleNamespace(width=3, height=2, resolution=resolution, origin=origin)
    return message(info=info, data=[20] * cells)


def test_a_map_that_cannot_be_drawn_is_refused() -> None:
    assert check_message("nav_msgs/OccupancyGrid", a_map(), Limits(), NOW) == ""
    for wrong, why in (
        (a_map(cells=5), "5 cells for 3 columns and 2 rows"),
        (a_map(cells=200_000), "at most 100000"),
        (a_map(resolution=NAN), "cells of nan m"),
        (a_map(resolution=0.0), "cells of 0 m"),
        (a_map(x=INF), "not finite"),
        (a_map(turned=0.7), "turned"),
    ):
        with pytest.raises(TwinError, match=why):
            check_message("nav_msgs/OccupancyGrid", wrong, Limits(), NOW)


def test_a_place_far_from_every_site_is_none() -> None:
    check_place(np.array([FARTHEST, 0.0, 0.0]), "robot")
    for wrong, why in ((1.1 * FARTHEST, "away"), (INF, "not finite"), (NAN, "not finite")):
        with pytest.raises(TwinError, match=why):
            check_place(np.array([0.0, wrong, 0.0]), "robot")


# Images.


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    length, crc = struct.pack(">I", 13), struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + length + chunk + crc


def compressed(data: bytes) -> Any:
    return SimpleNamespace(format="png", data=data)


@pytest.mark.parametrize(("width", "height"), [(10**6, 10**6), (20_000, 20_000), (2**31, 1)])
def test_a_picture_that_says_it_is_huge_is_refused_before_it_is_decoded(
    width: int, height: int
) -> None:
    start = time.thread_time()
    with pytest.raises(TwinError, match=f"{width} x {height} px: at most"):
        image_from_message(compressed(png_header(width, height)))
    assert time.thread_time() - start < 0.2


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_coded_picture_s_size_is_read_off_its_header(suffix: str) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (37, 53, 3), np.uint8)
    data = cv2.imencode(suffix, picture)[1].tobytes()
    assert coded_size(data) == (53, 37)
    assert image_from_message(compressed(data)).shape == (37, 53, 3)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400), st.sampled_from([".png", ".jpg"]))
def test_a_damaged_picture_is_an_error_or_a_picture(noise: bytes, place: int, suffix: str) -> None:
    whole = cv2.imencode(suffix, np.full((16, 16, 3), 90, np.uint8))[1].tobytes()
    data = whole[:place] + noise + whole[place + len(noise) :]
    try:
        image = image_from_message(compressed(data))
    except TwinError:
        return
    assert image.size <= 3 * Limits.pixels


def test_vehicles_of_no_place_or_size_are_left_out_and_wild_ranges_refused() -> None:
    def vehicle(**fields: Any) -> Any:
        usual = {
            "kind": "car",
            "anchor": [1.0, 2.0],
            "side": [0, 1],
            "covariance": [0.1, 0, 0, 0.1],
        }
        usual |= {"heading": 0.0, "heading_sigma": 0.1, "score": 0.5, "seconds": 0.0}
        size = SimpleNamespace(x=4.0, y=1.8, z=1.5)
        return SimpleNamespace(size=size, **{**usual, **fields})

    origin = SimpleNamespace(x=0.0, y=0.0, z=2.0)
    told_of = {"lidar": "mast", "origin": origin, "reach": 30.0, "nearest": [1.0, 30.0]}
    bad = [vehicle(anchor=[1e9, 0.0]), vehicle(anchor=[NAN, 0.0]), vehicle(heading=9.0)]
    bad += [vehicle(side=[2, 0]), vehicle(heading_sigma=0.0), vehicle(score=INF)]
    some = message(vehicles=[vehicle(), *bad], **told_of)
    told = check_message("visrftwin_ros/LidarVehicles", some, Limits(), NOW)
    assert told == "6 vehicles of no place or size that can be true are left out"
    assert len(some.vehicles) == 1
    wild = message(vehicles=[], **{**told_of, "nearest": [1.0, NAN]})
    with pytest.raises(TwinError, match="nearest"):
        check_message("visrftwin_ros/LidarVehicles", wild, Limits(), NOW)


def test_more_access_points_than_a_robot_can_hold_are_refused() -> None:
    said = message(robot="r", ap="a", reported_by="r", also=["b"] * (MOST_SERVING + 1))
    with pytest.raises(TwinError, match=f"9 further access points serve r: at most {MOST_SERVING}"):
        check_message("visrftwin_ros/Association", said, Limits(), NOW)
    said.also = ["b", "c" * (LONGEST_NAME + 1)]
    with pytest.raises(TwinError, match="a name of"):
        check_message("visrftwin_ros/Association", said, Limits(), NOW)
    said.also = ["b"] * MOST_SERVING
    assert check_message("visrftwin_ros/Association", said, Limits(), NOW) == ""
