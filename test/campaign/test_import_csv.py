"""Tables of paths or powers become snapshots; every row left out is named by its line."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from imported_files import SAID, run_import

from visrftwin_ros.campaign.campaign_reader import read_campaign
from visrftwin_ros.campaign.importers.column_map import read_column_map
from visrftwin_ros.campaign.importers.csv_rows import read_csv
from visrftwin_ros.campaign.importers.sounding import Reading, Sounding
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.loading import load_site

PATHS = """
rows: paths
time: {column: t, unit: ms}
delay: {column: toa, unit: ns}
gain: {column: power, unit: dB}
aod_azimuth: {column: az, unit: deg}
aoa_elevation: {column: el, unit: deg, zero: zenith}
rx_position: {columns: [x, y, z], unit: cm}
"""
HEADER = "t,toa,power,az,el,x,y,z\n"
GOOD = "5000,10,-78,45,90,100,200,0\n5000,20,-90,-30,60,100,200,0\n5100,11,-79,,,110,200,0\n"
RELATIVE = dataclasses.replace(SAID, gain_reference="relative")


Read = Callable[..., Reading]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def _read(text: str, columns: str = PATHS, said: Sounding = SAID) -> Reading:
        (tmp_path / "rows.csv").write_text(text)
        (tmp_path / "map.yaml").write_text(columns)
        return read_csv(tmp_path / "rows.csv", said, read_column_map(tmp_path / "map.yaml"))

    return _read


def test_rows_of_one_time_are_the_paths_of_one_snapshot(read: Read) -> None:
    reading = read(HEADER + GOOD)
    first, second = reading.snapshots
    assert not reading.problems
    assert (first.stamp_ns, second.stamp_ns) == (5_000_000_000, 5_100_000_000)
    np.testing.assert_allclose(first.paths.delay, [10e-9, 20e-9])
    np.testing.assert_allclose(first.paths.aod_azimuth, np.deg2rad([45, -30]))
    np.testing.assert_allclose(first.paths.aoa_elevation, np.deg2rad([0, 30]))
    assert np.isnan(first.paths.aoa_azimuth).all()
    assert np.isnan(second.paths.aod_azimuth[0])
    np.testing.assert_allclose(reading.stands["robot1"][1][1], [1.1, 2.0, 0.0])


def test_a_power_alone_is_one_path_without_delay(read: Read) -> None:
    columns = "{rows: power, gain: {column: rssi, unit: dBm}, rx: {column: who}}"
    reading = read("who,rssi\nrobot1,-50\nrobot2,-60\n", columns, RELATIVE)
    assert [s.rx for s in reading.snapshots] == ["robot1", "robot2"]
    assert [s.stamp_ns for s in reading.snapshots] == [100_000_000_000, 100_100_000_000]
    assert reading.snapshots[1].paths.gain_db.tolist() == [-60]
    assert np.isnan(reading.snapshots[1].paths.delay).all()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("5200,10,-78,45,90,1,2", "line 5: 7 fields; expected 8"),
        ("5200,10,nan,45,90,1,2,3", "line 5: power is nan"),
        ("5200,,-78,45,90,1,2,3", "line 5: toa is empty"),
        ("5200,ten,-78,45,90,1,2,3", "line 5: toa is 'ten'"),
        ("inf,10,-78,45,90,1,2,3", "line 5: t is inf"),
        ("-5,10,-78,45,90,1,2,3", "line 5: a time of -0.005 s"),
        ("1.7e18,10,-78,45,90,1,2,3", "line 5: a time of 1.7e+15 s"),
        ('5200,10,-78,45,90,1,2,"' + "3" * 200_000, "line 5: field larger than"),
        ("5200,1e9,-78,45,90,1,2,3", "line 5: a delay of 1 s"),
        ("5200,-4,-78,45,90,1,2,3", "line 5: a delay of -4e-09 s"),
        ("5200,10,78,45,90,1,2,3", "line 5: a gain of 78 dB"),
        ("5200,10,-78,720,90,1,2,3", "line 5: an angle of 720 degrees"),
        ("5200,10,-78,45,200,1,2,3", "line 5: aoa_elevation reaches"),
    ],
)
def test_a_bad_row_is_left_out_and_named(read: Read, row: str, said: str) -> None:
    reading = read(HEADER + GOOD + row + "\n")
    assert len(reading.snapshots) == 2
    assert len(reading.problems) == 1 and said in reading.problems[0]


@pytest.mark.parametrize("text", ["", HEADER, HEADER + "1,2\n3,4\n"])
def test_a_table_without_a_row_is_refused(read: Read, text: str) -> None:
    with pytest.raises(TwinError, match=r"rows\.csv"):
        read(text)


def test_a_missing_column_is_named_beside_those_that_are_there(read: Read) -> None:
    with pytest.raises(TwinError, match=r"no column power; it has t,.*gain"):
        read(HEADER.replace("power", "gain") + GOOD)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("rows: paths\n", "gain: Field required"),
        (PATHS.replace("unit: ns", "unit: ps"), "delay.unit: Input should be 's', 'ms', 'us' or"),
        (PATHS.replace(", zero: zenith", ""), "aoa_elevation.zero: Field required"),
        (PATHS.replace("delay:", "dealy:"), "dealy: Extra inputs"),
        (PATHS.replace("delay:", "phase:").replace("unit: ns", "unit: deg"), "needs a delay"),
        (PATHS.replace("time: {column: t, unit: ms}", ""), "needs time or snapshot"),
        ("[1, 2", "not valid YAML"),
        ("", "expected"),
    ],
)
def test_a_wrong_column_map_says_field_and_choice(read: Read, columns: str, said: str) -> None:
    with pytest.raises(TwinError) as caught:
        read(HEADER + GOOD, columns)
    assert said in str(caught.value) or "valid dictionary" in str(caught.value)


def test_powers_in_dbm_are_no_absolute_gains(read: Read) -> None:
    with pytest.raises(TwinError, match="subtract the transmitted power"):
        read(HEADER + GOOD, PATHS.replace("unit: dB}", "unit: dBm}"))


def test_degrees_taken_for_radians_are_noticed(read: Read) -> None:
    with pytest.raises(TwinError, match=r"an angle of 45 rad.*degrees"):
        read(HEADER + "1,10,-70,45,90,0,0,0\n", PATHS.replace("unit: deg}", "unit: rad}"))


def test_linear_powers_become_decibels(read: Read) -> None:
    columns = "{rows: power, gain: {column: p, unit: linear}}"
    reading = read("p\n1e-7\n0\n", columns)
    assert reading.snapshots[0].paths.gain_db[0] == pytest.approx(-70)
    assert "line 3: p is 0" in reading.problems[0]


def test_a_campaign_of_the_site_reads_back_with_its_positions(tmp_path: Path) -> None:
    site = load_site("pets_campus")
    ap, robot = site.access_points[0].name, site.robots[0].name
    (tmp_path / "rows.csv").write_text(HEADER + GOOD)
    (tmp_path / "map.yaml").write_text(PATHS)
    options = (
        f"--site=pets_campus --tx={ap} --rx={robot} --frequency=60e9 --bandwidth=2e9 "
        "--noise-floor=-80 --gain-reference=absolute"
    ).split()
    arguments = ("csv", tmp_path / "rows.csv", "--columns", tmp_path / "map.yaml")
    assert run_import(*arguments, "--out", tmp_path / "bag", *options) == 0
    campaign = read_campaign(tmp_path / "bag", site)
    assert not campaign.problems and campaign.facts["gain_reference"] == "absolute"
    first, second = campaign.snapshots
    np.testing.assert_allclose(first.paths.gain_db, [-78, -90])
    height = site.robots[0].antenna_height
    np.testing.assert_allclose(second.rx_position, [1.1, 2.0, height])
    assert second.noise_floor_dbm == pytest.approx(-80)


def test_devices_that_the_site_lacks_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.csv").write_text(HEADER + GOOD)
    (tmp_path / "map.yaml").write_text(PATHS)
    said = "--frequency=60e9 --bandwidth=2e9 --noise-floor=-80 --gain-reference=absolute"
    options = ("--site=pets_campus", "--tx=nobody", "--rx=robot1", *said.split())
    arguments = ("csv", tmp_path / "rows.csv", "--columns", tmp_path / "map.yaml")
    assert run_import(*arguments, "--out", tmp_path / "bag", *options) == 2
    assert "has no nobody" in capsys.readouterr().err
