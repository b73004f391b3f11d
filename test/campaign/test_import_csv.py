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
TIMED = "time: {column: t, unit: ms}\ngain: {column: power, unit: dB}\n"
POWER = "{rows: power, gain: {column: p, unit: dB}"
FIX = "rx_position: {latitude: lat, longitude: lon}"
WORLD = "world: {x_bearing: 90, latitude: 48.1, longitude: 11.6, altitude: 520}"
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


def test_what_is_no_text_is_said_to_be_none_and_not_printed(read: Read) -> None:
    with pytest.raises(TwinError, match=r"rows\.csv is no text: expected a table"):
        read("MATLAB 5.0 MAT-file\0\0\0\x01IM\0\0")


def test_a_device_that_would_sound_itself_is_refused(read: Read) -> None:
    with pytest.raises(TwinError, match="robot is both ends of a link"):
        read(HEADER + GOOD, said=dataclasses.replace(SAID, tx="robot", rx="robot"))


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
        (f"rows: paths\n{TIMED}", "needs a delay, azimuth or interaction"),
        (PATHS.replace("x, y, z]", "x]"), "rx_position.place.columns: Tuple should have at least 2"),
        (PATHS.replace("x, y, z]", "x, y]").replace("cm}", "cm, of: antenna}"), "needs x, y and z"),
        (f"{POWER}, rx_position: {{latitude: a, longitude: o}}}}", "need world: {x_bearing"),
        (f"{POWER}, {FIX}, world: {{x_bearing: 90, longitude: 1}}}}", "no latitude of its origin"),
        (f"{POWER}, {FIX[:-1]}, altitude: h}}, {WORLD}}}".replace(", altitude: 520", ""),
         "world has no altitude"),
        (f"{POWER}, {FIX[:-1]}, of: antenna}}, {WORLD}}}", "needs its altitude"),
        (PATHS.replace("unit: deg}", "unit: deg, zero: north}", 1), "need world: {x_bearing"),
        (f"{PATHS}aoa_from: {{columns: [a, b, c], unit: m}}", "give aoa_from or aoa angles"),
        (f"{PATHS}aod_to: {{columns: [a, b, c], unit: m}}", "give aod_to or aod angles, not"),
        (f"rows: paths\n{TIMED}aod_to: {{columns: [a, b, c], unit: m}}",
         "needs tx_position with `of: antenna`"),
        (PATHS.replace("time: {column: t, unit: ms}", ""), "needs time or snapshot"),
        ("[1, 2", "not valid YAML"),
        ("", "expected"),
    ],
)  # fmt: skip
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


def test_a_path_loss_is_the_gain_with_the_other_sign(read: Read) -> None:
    reading = read("l\n81.5\n", "{rows: power, gain: {column: l, unit: loss_dB}}")
    assert reading.snapshots[0].paths.gain_db.tolist() == [-81.5]


def test_a_complex_amplitude_gives_gain_and_phase(read: Read) -> None:
    columns = "{rows: power, gain: {column: h, unit: complex}}"
    reading = read("h\n0.006-0.008i\n3e-3j\nx\n0\nnan\n", columns)
    first, second = (s.paths for s in reading.snapshots)
    assert first.gain_db[0] == pytest.approx(-40)
    assert first.phase[0] == pytest.approx(np.arctan2(-8, 6))
    assert second.phase[0] == pytest.approx(np.pi / 2)
    assert [problem.split(", ")[1][:6] for problem in reading.problems] == [
        "line 4",
        "line 5",
        "line 6",
    ]


def test_a_place_of_two_columns_is_on_the_ground(read: Read) -> None:
    columns = f"{POWER}, rx_position: {{columns: [a, b], unit: cm}}}}"
    reading = read("p,a,b\n-60,150,-20\n", columns)
    np.testing.assert_allclose(reading.stands["robot1"][0][1], [1.5, -0.2, 0])


@pytest.mark.parametrize(("x_bearing", "north", "east"), [(90, 90, 0), (0, 0, -90), (45, 45, -45)])
def test_compass_bearings_turn_into_azimuths_of_the_world(
    read: Read, x_bearing: float, north: float, east: float
) -> None:
    columns = f"""
rows: paths
snapshot: {{column: n}}
gain: {{column: p, unit: dB}}
aod_azimuth: {{column: a, unit: deg, zero: north}}
world: {{x_bearing: {x_bearing}}}
"""
    reading = read("n,p,a\n1,-60,0\n1,-61,90\n", columns)
    np.testing.assert_allclose(np.rad2deg(reading.snapshots[0].paths.aod_azimuth), [north, east])


def test_angles_come_from_the_last_point_that_a_path_touched(read: Read) -> None:
    columns = """
rows: paths
snapshot: {column: n}
gain: {column: p, unit: dB}
rx_position: {columns: [x, y, z], unit: m, of: antenna}
aoa_from: {columns: [u, v, w], unit: m}
"""
    rows = "n,p,x,y,z,u,v,w\n1,-60,1,1,1,1,3,1\n1,-61,1,1,1,0,1,2\n1,-61,1,1,1,1,1,1\n"
    reading = read(rows, columns)
    paths = reading.snapshots[0].paths
    np.testing.assert_allclose(np.rad2deg(paths.aoa_azimuth), [90, 180])
    np.testing.assert_allclose(np.rad2deg(paths.aoa_elevation), [0, 45])
    assert "line 4: the point of aoa is the antenna itself" in reading.problems[0]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("-60,95,11.6,520", "line 2: latitude 95"),
        ("-60,0,0,520", "km from the world's origin"),
        ("-60,,11.6,520", "lat is empty"),
        ("-60,48.1,11.6,", "h is empty"),
    ],
)
def test_a_fix_that_is_none_is_left_out(read: Read, row: str, said: str) -> None:
    columns = f"{POWER}, {FIX[:-1]}, altitude: h}}, {WORLD}}}"
    reading = read(f"p,lat,lon,h\n{row}\n-60,48.1,11.6,521\n", columns)
    np.testing.assert_allclose(reading.stands["robot1"][0][1], [0, 0, 1], atol=1e-8)
    assert len(reading.problems) == 1 and said in reading.problems[0]


POWERS = """
rows: power
time: {column: t, unit: s}
gain: {column: p, unit: loss_dB}
tx_position: {columns: [x, y, z], unit: m, of: antenna}
"""


def imported(folder: Path, text: str, columns: str, *options: str) -> int:
    (folder / "rows.csv").write_text(text)
    (folder / "map.yaml").write_text(columns)
    said = "--frequency=60e9 --bandwidth=2e9 --noise-floor=-80 --gain-reference=absolute"
    files = ("csv", folder / "rows.csv", "--columns", folder / "map.yaml", "--out", folder / "bag")
    return run_import(*files, *said.split(), *options)


def test_a_robot_that_sent_is_read_as_one_that_received(tmp_path: Path) -> None:
    """Reciprocity: the site's campaign goes from access points to robots, whoever sent."""
    site = load_site("pets_campus")
    ap, robot = site.access_points[0].name, site.robots[0].name
    columns = POWERS.replace("power", "paths") + (
        "snapshot: {column: t}\naoa_azimuth: {column: az, unit: deg}\n"
    )
    rows = "t,p,x,y,z,az\n5,70,2,3,1.5,30\n"
    assert (
        imported(tmp_path, rows, columns, "--site=pets_campus", f"--tx={robot}", f"--rx={ap}") == 0
    )
    campaign = read_campaign(tmp_path / "bag", site)
    (snapshot,) = campaign.snapshots
    assert (snapshot.tx, snapshot.rx) == (ap, robot)
    assert np.rad2deg(snapshot.paths.aod_azimuth[0]) == pytest.approx(30)
    assert np.isnan(snapshot.paths.aoa_azimuth[0]) and np.isnan(snapshot.noise_floor_dbm)
    np.testing.assert_allclose(snapshot.rx_position, [2, 3, 1.5])
    assert campaign.facts["turned_round"].startswith("1 record")


def test_the_place_of_an_antenna_needs_a_site_that_knows_its_height(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("--frame=map", "--tx=cart", "--rx=ap")
    assert imported(tmp_path, "t,p,x,y,z\n5,70,2,3,1\n", POWERS, *names) == 2
    assert "give the --site that says how high" in capsys.readouterr().err


def test_an_access_point_elsewhere_than_in_the_site_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = load_site("pets_campus")
    ap, robot = site.access_points[0].name, site.robots[0].name
    names = ("--site=pets_campus", f"--tx={ap}", f"--rx={robot}", f"--position={robot}=unknown")
    assert imported(tmp_path, "t,p,x,y,z\n5,70,500,3,1\n", POWERS, *names) == 2
    assert "from where the site has it: are its coordinates the site's?" in capsys.readouterr().err
