"""What a soak does and when, and what it makes of what it hears; the soak itself runs on demand."""

from __future__ import annotations

import json
import math
import os
import runpy
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from visrftwin_ros.cli import main
from visrftwin_ros.errors import TwinError
from visrftwin_ros.lab import shipped
from visrftwin_ros.operations.soak.faults import (
    CLOCK,
    EVERY,
    KINDS,
    TF,
    Cast,
    Fault,
    all_faults,
    schedule,
)
from visrftwin_ros.operations.soak.growth import WARM_UP, Reading, common_slope, growth_of, look_at
from visrftwin_ros.operations.soak.judging import (
    HEALTHY,
    Done,
    Heard,
    Record,
    judged,
    quiet_gaps,
    surely_after,
)
from visrftwin_ros.operations.soak.listener import way_and_age
from visrftwin_ros.operations.soak.report import JUDGED_FROM, Soak, draw, write
from visrftwin_ros.operations.soak.run import sensors_of
from visrftwin_ros.operations.soak.sensors import stamped
from visrftwin_ros.operations.soak.set_clock import ClockSteps, SetClock

MINUTES = float(os.environ.get("VISRFTWIN_SOAK", "0"))
"""Of the soak with all that belongs to it; 0 = none."""
BENCH = Path(__file__).parents[2] / "bench"
CAST = Cast(("/channel_predictor", "/beam_selector", "/twin_viewer"), ("left", "top"), 1, True)


def test_a_seed_gives_one_schedule_and_each_fault_comes_before_any_comes_again() -> None:
    faults = all_faults(CAST)
    planned = list(schedule(faults, 3, 40.0, 1.0))
    assert planned == list(schedule(faults, 3, 40.0, 1.0))
    assert planned != list(schedule(faults, 4, 40.0, 1.0))
    gaps = np.diff([0.0, *(at for at, _ in planned)])
    assert gaps.min() >= 20.0 and gaps.max() <= 60.0
    assert np.mean(gaps) == pytest.approx(40.0, rel=0.1)
    first = [fault for _, fault in planned[: len(faults)]]
    assert len(set(first)) == len(faults) < len(planned)


def test_faults_say_what_must_become_of_the_outputs() -> None:
    found = {(fault.target, fault.kind): fault for fault in all_faults(CAST)}
    assert found["/channel_predictor", "kill"].stale == ("channels", "beams")
    assert found["/beam_selector", "freeze"].stale == ("beams",)
    assert found["/twin_viewer", "kill"].stale == () == found["/beam_selector", "slow"].stale
    assert found[EVERY, "blind"].stale == ("channels", "beams")
    assert found[EVERY, "flood"].stale == ()
    assert found["left", "shift behind"].named and not found["top", "shift behind"].named
    assert (TF, "freeze") in found and (TF, "blind") not in found
    assert {kind for target, kind in found if target == CLOCK} == {"clock ahead", "clock back"}
    assert "beam_selector: time" in found[CLOCK, "clock back"].named
    assert not [f for f in all_faults(Cast((), ("a",), 1, False)) if f.target == CLOCK]
    assert {f.kind for f in all_faults(CAST, ("shift",))} == {"shift ahead", "shift behind"}
    assert {f.target for f in all_faults(CAST, ("kill", "blind"), ("*_selector", EVERY))} == {
        "/beam_selector",
        EVERY,
    }
    with pytest.raises(TwinError, match=r"no fault burn: expected some of kill, freeze"):
        all_faults(CAST, ("kill", "burn"))


def test_a_slope_over_levels_of_their_own_is_that_of_each() -> None:
    at = np.linspace(0.0, 2.0, 50)
    slope, half = common_slope([at, at + 3.0], [5.0 + 2.0 * at, 90.0 + 2.0 * (at + 3.0)])
    assert slope == pytest.approx(2.0) and half == pytest.approx(0.0, abs=1e-9)


def test_a_slope_and_its_interval_are_those_of_scipy_where_residuals_do_not_hang_together() -> None:
    at = np.linspace(0.0, 1.0, 400)
    noise = np.where(np.arange(400) % 2, 1.0, -1.0) * np.random.default_rng(1).uniform(0.5, 1, 400)
    slope, half = common_slope([at], [7.0 + 3.0 * at + noise])
    expected = stats.linregress(at, 7.0 + 3.0 * at + noise)
    assert slope == pytest.approx(expected.slope)
    assert half == pytest.approx(expected.stderr * stats.t.ppf(0.975, 398), rel=1e-6)


@pytest.mark.parametrize(("lag", "least"), [(0.0, 0.93), (0.6, 0.90), (0.9, 0.85)])
def test_the_interval_holds_the_slope_also_where_residuals_hang_together(
    lag: float, least: float
) -> None:
    chance, hits = np.random.default_rng(5), 0
    at = np.linspace(0.0, 1.0, 300)
    for _ in range(300):
        noise = np.zeros(300)
        for k in range(1, 300):
            noise[k] = lag * noise[k - 1] + chance.normal()
        slope, half = common_slope([at], [2.0 * at + noise])
        hits += abs(slope - 2.0) <= half
    assert hits / 300 >= least


def reading(at: float, pid: int, alive: float, pss: int) -> Reading:
    return Reading(at, "/n", pid, alive, pss, pss, pss, 20, 8)


def test_growth_leaves_out_the_warm_up_and_restarts() -> None:
    first = [reading(5.0 * k, 1, 5.0 * k, 10**8 + 9 * 10**6 * (5 * k < WARM_UP)) for k in range(60)]
    again = [reading(r.at + 300.0, 2, r.alive, 2 * r.pss) for r in first]
    grown = growth_of([*first, *again], "own")
    assert grown.slope == pytest.approx(0.0, abs=1e-12) == grown.upper
    assert grown.samples == 2 * (60 - WARM_UP / 5)
    leaking = [reading(10.0 * k, 1, 100.0 + k, 10**8 + 10**4 * k) for k in range(300)]
    assert growth_of(leaking, "own").slope == pytest.approx(0.036 / 1.015, rel=1e-3)
    assert math.isnan(growth_of(first[:10], "own").slope)


def test_a_process_is_looked_at() -> None:
    found = look_at("/n", os.getpid(), 1.0, 2.0, 3)
    assert found is not None
    assert found.rss >= found.pss > found.own / 2 > 10**7 and found.fds > 2 and found.threads >= 1
    assert look_at("/n", 2**22 + 1, 1.0, 2.0, 3) is None


def heard(*spans: tuple[float, float, bool], age: float = 0.1) -> Record:
    """Both outputs, ten a second, over spans of (from, to, fresh)."""
    times = [
        Heard(float(at), fresh, age)
        for begin, end, fresh in spans
        for at in np.arange(begin, end, 0.1)
    ]
    return Record({"channels": times, "beams": list(times)})


SILENCE = Fault("freeze", EVERY, 4.0, stale=("channels", "beams"), named=("left/",))


def test_staleness_and_recovery_are_timed_from_the_fault() -> None:
    record = heard((0, 10.65, True), (10.65, 14.45, False), (14.45, 20, True))
    record.told += [(8.0, "left/d: images", 2), (9.0, "left/d: images", 0)]
    record.told += [(11.2, "left/d: images", 3)]
    found = judged(Done(SILENCE, 10.0, 14.0, 18.0), record)
    assert found.wrong == ()
    assert found.stale_after == pytest.approx(0.6, abs=0.06)
    assert found.again_after == pytest.approx(0.45, abs=0.06)
    assert found.gap == pytest.approx(3.85, abs=0.11)
    assert found.named_after == pytest.approx(1.2)
    assert found.missed == 0
    record.told.insert(2, (9.5, "left/d: images", 1))
    assert math.isnan(judged(Done(SILENCE, 10.0, 14.0, 18.0), record).named_after)


def test_what_stays_fresh_comes_late_or_is_not_told_of_is_wrong() -> None:
    through = judged(Done(SILENCE, 10.0, 14.0, 18.0), heard((0, 20, True)))
    assert through.missed == pytest.approx(2 * 30, abs=2)
    assert [words.partition(" fresh")[2] for words in through.wrong][:1] == [" outputs after 1 s"]
    assert through.wrong[-1] == "nobody told of it"
    kill = Fault("kill", "/channel_predictor", 0.0, stale=("channels", "beams"))
    late = judged(Done(kill, 10.0, 10.2, 30.0), heard((0, 10.1, True), (19.5, 30, True)))
    assert late.wrong == ("fresh again after 9.5 s",)
    never = judged(Done(kill, 10.0, 10.2, 30.0), heard((0, 10.1, True)))
    assert never.wrong == ("fresh again after inf s",)
    old = judged(Done(Fault("slow", "/n", 5.0), 10.0, 15.0, 17.0), heard((0, 20, True), age=3.0))
    assert old.missed > 100 and "stamps that are not" in old.wrong[0]


def test_a_frozen_node_has_the_time_that_it_takes_to_notice_it() -> None:
    freeze = Fault("freeze", "/beam_selector", 9.0, stale=("beams",))
    found = judged(Done(freeze, 10.0, 14.3, 22.0), heard((0, 10.1, True), (19.8, 22, True)))
    assert found.wrong == () and found.again_after == pytest.approx(9.8)


def test_what_was_on_its_way_when_a_node_died_is_no_sign_that_it_is_back() -> None:
    """As a tracker's kill went: the predictor answered its last people when the new one had just begun."""
    kill = Fault("kill", "/people_tracker", 0.0, stale=("channels", "beams"))
    record = heard((0, 10.55, True), (10.55, 17.2, False), (17.2, 25, True))
    since = surely_after(kill, 10.0, 10.2)
    settled = next(t for t in np.arange(10.2, 25.0, 0.05) if record.is_healthy(since, float(t)))
    assert 17.2 + HEALTHY / 2 < settled < 17.3 + HEALTHY
    done = Done(kill, 10.0, 10.2, float(settled))
    found = judged(done, record)
    assert found.again_after == pytest.approx(7.2, abs=0.05) and found.wrong
    assert found.stale_after == pytest.approx(0.5, abs=0.11)
    assert quiet_gaps(record, [done], 0.0, 25.0) == []
    looks = Fault("kill", "/twin_viewer", 0.0)
    assert surely_after(looks, 10.0, 10.2) == 10.2


def test_a_picture_that_comes_again_is_no_news_for_longer_than_silence() -> None:
    again = Fault("repeat", EVERY, 5.0, stale=("channels", "beams"))
    done = Done(again, 10.0, 15.0, 18.0)
    once = heard((0, 10.95, True), (10.95, 15.4, False), (15.4, 18, True))
    assert judged(done, once).wrong == ()
    twice = heard((0, 11.25, True), (11.25, 15.4, False), (15.4, 18, True))
    assert judged(done, twice).wrong and "after 1 s" in judged(done, twice).wrong[0]


@pytest.mark.parametrize("step", [5.0, -5.0])
def test_an_age_is_what_it_was_before_the_clock_was_set(step: float) -> None:
    second = 10**9
    clock, now = ClockSteps(), 100 * second
    assert way_and_age(now - second // 2, 0.3, clock, now) == pytest.approx((0.2, 0.3))
    clock.step(round(step * 1e9), now)
    stepped = now + round(step * 1e9)
    later = now + second // 5
    # Made and sent before, heard behind; made before, sent behind, so that its sender is wrong about its
    # latency; made and sent behind.
    assert way_and_age(now - second // 5, 0.1, clock, later) == pytest.approx((0.3, 0.1))
    assert way_and_age(now - second // 5, 0.3 + step, clock, later) == pytest.approx((0.1, 0.3))
    assert way_and_age(stepped, 0.1, clock, later) == pytest.approx((0.1, 0.1))
    # Stamps of a sensor whose own clock is wrong.
    much_later = later + 60 * second
    ahead, behind = (much_later + round((step + d) * 1e9) for d in (5.0, -5.0))
    assert way_and_age(ahead, -5.0, clock, much_later) == pytest.approx((0.0, -5.0))
    assert way_and_age(behind, 5.0, clock, much_later) == pytest.approx((0.0, 5.0))


def test_freshness_lost_without_a_fault_is_counted() -> None:
    record = heard((0, 5, True), (7, 10, True), (16, 20, True))
    done = [Done(SILENCE, 10.0, 14.0, 16.1)]
    gaps = quiet_gaps(record, done, 0.0, 20.0)
    assert [(round(at, 1), round(long, 1)) for at, long in gaps] == [(4.9, 2.1)] * 2


def test_a_report_has_its_tables_names_what_does_not_hold_and_goes_into_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = [reading(10.0 * k, 1, 400.0 + k, 10**8 + 10**5 * k) for k in range(400)]
    about = {"site": "lobby", "seed": 1}
    done = [Done(SILENCE, 10.0, 14.0, 18.0)]
    record = heard((0, JUDGED_FROM + 10, True))
    soak = Soak(
        about, 0.0, JUDGED_FROM + 9, done, record, readings, 1.0, 2, 0, ["7 looks up x"], []
    )
    write(soak, tmp_path)
    draw(soak, tmp_path / "memory.png")
    content = json.loads((tmp_path / "soak.json").read_text())
    assert content["growth"]["/n"]["own"]["slope"] == pytest.approx(0.3, abs=0.03)
    faulty = " ".join(content["faulty"])
    assert "freeze of every sensor" in faulty and "1 look-ups" in faulty
    assert "/n: own may grow by 27.7 % an hour" in faulty and "threads" not in faulty
    table = (tmp_path / "soak.md").read_text()
    assert "| freeze | every sensor | " in table and "| 0 of 1 |" in table
    assert "| fresh outputs from what is old | 0 | 62 |" in table
    assert "| fresh again after a kill | 6 s | - |" in table
    page = tmp_path / "page.md"
    page.write_text("# Soak\n\n## What was measured\n\nold\n")
    monkeypatch.setattr(sys, "argv", ["", f"--soak={tmp_path}", f"--page={page}"])
    runpy.run_path(str(BENCH / "soak_page.py"), run_name="__main__")
    assert page.read_text() == f"# Soak\n\n## What was measured\n\n{table}"
    assert (tmp_path / "memory.png").read_bytes()[1:4] == b"PNG"


def test_sensors_are_those_of_the_recording_fast_ones_first() -> None:
    names, fast = sensors_of(str(shipped.BAG))
    assert names == ("cctv_southwest", "cctv_northeast", "lidar_top", "panorama")[: len(names)]
    assert fast == 2


def test_a_message_gets_another_stamp_and_keeps_the_rest() -> None:
    data = b"\0\1\0\0" + struct.pack("<iI", 5, 6) + b"the rest"
    assert stamped(data, 7_000_000_008) == b"\0\1\0\0" + struct.pack("<iI", 7, 8) + b"the rest"


def test_the_clock_of_others_is_set_and_their_calls_are_counted(tmp_path: Path) -> None:
    clock = SetClock(tmp_path)
    if not clock.can_be_set:
        pytest.skip("no C compiler is installed")
    clock.step(3600.0)
    program = (
        "import socket, time\n"
        "print(time.time_ns(), time.monotonic_ns())\n"
        "for name in ('localhost', '127.0.0.1', 'nobody.invalid'):\n"
        "    try: socket.getaddrinfo(name, 1)\n"
        "    except OSError: pass\n"
        "import threading\n"
        "began = time.monotonic(); threading.Event().wait(0.2)\n"
        "assert time.monotonic() - began < 60.0\n"
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('192.0.2.1', 9))\n"
    )
    environment = {**os.environ, **clock.environment}
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    wall, steady = map(int, said.stdout.split())
    assert 0 <= time.time_ns() + 3600 * 10**9 - wall < 60 * 10**9
    assert 0 <= time.monotonic_ns() - steady < 60 * 10**9
    calls = clock.calls() or []
    assert [call.partition(" ")[2] for call in calls] == [
        "looks up nobody.invalid",
        "connects to 192.0.2.1",
    ]


def test_a_lock_with_a_limit_is_waited_for_though_the_clock_was_set_back(tmp_path: Path) -> None:
    """As those of what Fast DDS shares between processes."""
    clock = SetClock(tmp_path)
    if not clock.can_be_set:
        pytest.skip("no C compiler is installed")
    clock.step(-3600.0)
    program = (
        "import ctypes, threading, time\n"
        "calls, mutex = ctypes.CDLL(None), ctypes.create_string_buffer(64)\n"
        "until = (ctypes.c_long * 2)(int(time.time()) + 60, 0)\n"
        "assert calls.pthread_mutex_lock(mutex) == 0\n"
        "found = []\n"
        "other = threading.Thread(\n"
        "    target=lambda: found.append(calls.pthread_mutex_timedlock(mutex, until)))\n"
        "other.start(); time.sleep(0.3)\n"
        "assert not found, 'given up at once'\n"
        "assert calls.pthread_mutex_unlock(mutex) == 0\n"
        "other.join(10.0)\n"
        "assert found == [0]\n"
    )
    environment = {**os.environ, **clock.environment}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=120.0)


def test_who_has_that_clock_waits_for_nobody_while_it_loads_ros(tmp_path: Path) -> None:
    """LTTng, below rclpy, waits while it is loaded until a thread of its own has tried to connect."""
    clock = SetClock(tmp_path)
    if not clock.can_be_set:
        pytest.skip("no C compiler is installed")
    for_ever = {"LTTNG_UST_REGISTER_TIMEOUT": "-1"}
    command = [sys.executable, "-c", "import rclpy; rclpy.init()"]
    environment = {**os.environ, **clock.environment, **for_ever}
    subprocess.run(command, env=environment, check=True, timeout=120.0)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--hours", "0"], "expected 0.017 to 10000 hours"),
        (["--hours", "1", "--every", "1"], "expected 5 to 86400 seconds"),
        ([], "one of the arguments --hours --once is required"),
    ],
)
def test_what_a_soak_cannot_do_is_an_error(
    given: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["soak", *given])
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--faults", "burn"], "no fault burn"),
        (["--targets", "nobody"], "nothing is done to nobody: there are /site_frames, "),
    ],
)
def test_a_fault_that_there_is_not_is_an_error_before_anything_starts(
    given: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["soak", "--once", *given, "--out", str(tmp_path / "s")]) == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


@pytest.mark.skipif(not MINUTES, reason="VISRFTWIN_SOAK=minutes runs it")
@pytest.mark.timeout(600 + 60 * MINUTES)
def test_a_twin_lives_through_all_that_is_done_to_it(tmp_path: Path) -> None:
    out = tmp_path / "soak"
    command = [sys.executable, "-m", "visrftwin_ros.cli", "soak", f"--hours={MINUTES / 60}"]
    command += ["--every=15", "--seed=1", f"--out={out}"]
    ended = subprocess.run(command, capture_output=True, text=True)
    content = json.loads((out / "soak.json").read_text())
    assert content["faults"] and content["calls"] in ([], None)
    assert ended.returncode == int(bool(content["faulty"])), ended.stderr
    # How soon is a matter of the machine's other work; that nothing old is fresh is not.
    assert not [line for line in content["faulty"] if "stamps that are not" in line]
    assert set(KINDS) >= {fault["kind"].split()[0] for fault in content["faults"]}
