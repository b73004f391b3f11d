"""Structs of MATLAB files become snapshots; what does not fit is named by its record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from imported_files import OPTIONS, SAID, run_import

from visrftwin_ros.campaign.importers.column_map import read_column_map
from visrftwin_ros.campaign.importers.mat_struct import read_mat_struct
from visrftwin_ros.campaign.importers.sounding import Reading
from visrftwin_ros.errors import TwinError

COLUMNS = """
rows: paths
snapshot: {column: record}
gain: {column: rays.loss, unit: loss_dB}
delay: {column: rays.delay, unit: s}
aod_azimuth: {column: "rays.aod(1)", unit: deg}
rx: {column: site.name}
rx_position: {columns: ["site.at(1)", "site.at(2)", "site.at(3)"], unit: m}
"""
TABLE = "{rows: power, time: {column: t, unit: s}, gain: {column: loss, unit: loss_dB}}"


def record(name: str, *rays: tuple[float, float, float]) -> dict[str, Any]:
    """As an array of comm.Ray turned into structs; at: a column vector."""
    fields = [("loss", "f8"), ("delay", "f8"), ("aod", "O")]
    table = np.array([(loss, delay, np.array([[az], [5.0]])) for loss, delay, az in rays], fields)
    return {
        "rays": table[None],
        "site": {"name": name, "at": np.array([[1.0], [2.0], [len(rays)]])},
    }


def read(folder: Path, columns: str, **content: Any) -> Reading:
    variable = content.pop("variable", "links")
    scipy.io.savemat(folder / "s.mat", content)
    (folder / "map.yaml").write_text(columns)
    return read_mat_struct(
        folder / "s.mat", SAID, str(variable), read_column_map(folder / "map.yaml")
    )


@pytest.mark.parametrize("cells", [True, False])
def test_each_struct_of_an_array_is_a_record_of_its_nested_rays(
    tmp_path: Path, cells: bool
) -> None:
    links = [record("robot1", (80, 1e-8, 30), (90, 2e-8, -60)), record("robot2", (85, 3e-8, 0))]
    together = np.array([(r["rays"], r["site"]) for r in links], [("rays", "O"), ("site", "O")])
    reading = read(tmp_path, COLUMNS, links=np.array(links, object) if cells else together)
    first, second = reading.snapshots
    assert not reading.problems and (first.rx, second.rx) == ("robot1", "robot2")
    np.testing.assert_allclose(first.paths.gain_db, [-80, -90])
    np.testing.assert_allclose(first.paths.delay, [1e-8, 2e-8])
    np.testing.assert_allclose(np.rad2deg(first.paths.aod_azimuth), [30, -60])
    np.testing.assert_allclose(reading.stands["robot1"][0][1], [1, 2, 2])
    np.testing.assert_allclose(reading.stands["robot2"][0][1], [1, 2, 1])


def test_one_struct_of_vectors_is_a_table(tmp_path: Path) -> None:
    links = {"t": np.array([[1.0], [2.0], [3.0]]), "loss": np.array([[70.0], [71.0], [np.nan]])}
    reading = read(tmp_path, TABLE, variable="all.links", all={"links": links})
    assert [s.stamp_ns for s in reading.snapshots] == [1_000_000_000, 2_000_000_000]
    assert "record 1, row 3: loss is nan" in reading.problems[0]


def test_records_that_do_not_fit_are_left_out_and_named(tmp_path: Path) -> None:
    good = {"t": 1.0, "loss": 70.0}
    links = [good, {"t": 2.0, "loss": np.zeros((0, 0))}, {"t": np.ones(2), "loss": np.ones(3)}]
    reading = read(tmp_path, TABLE, links=np.array(links, object))
    assert len(reading.snapshots) == 1
    assert "record 2: an empty field: loss 0, t 1" in reading.problems[0]
    assert "record 3: fields of unlike lengths: loss 3, t 2" in reading.problems[1]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (TABLE.replace("loss,", "lost,"), "has no field 'lost'; it has t, loss"),
        (TABLE.replace("loss,", "loss.db,"), "no field 'db'; it is no struct but float64"),
        (TABLE.replace("loss,", '"loss(4)",'), "loss(4) of a matrix of (1, 3), for 3 row(s)"),
    ],
)
def test_a_field_that_is_not_there_is_named(tmp_path: Path, columns: str, said: str) -> None:
    with pytest.raises(TwinError) as caught:
        read(tmp_path, columns, links={"t": np.arange(3.0), "loss": np.arange(60.0, 63)})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "said"),
    [("other", "no variable 'other'; it has"), ("links", "links is no struct but float64"),
     ("links.a", "no field 'a'; it is no struct")],
)  # fmt: skip
def test_a_variable_that_is_no_struct_is_named(tmp_path: Path, variable: str, said: str) -> None:
    with pytest.raises(TwinError) as caught:
        read(tmp_path, TABLE, variable=variable, links=np.ones(4))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(600), "-v7"),
        (b"nothing", "not a whole MATLAB file"),
    ],
)
def test_a_file_of_another_version_or_kind_is_refused(
    tmp_path: Path, content: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "s.mat").write_bytes(content)
    (tmp_path / "map.yaml").write_text(TABLE)
    files = (
        "mat-struct",
        tmp_path / "s.mat",
        "--variable=links",
        "--columns",
        tmp_path / "map.yaml",
    )
    named = ("--tx=ap1", "--rx=robot1", "--out", tmp_path / "bag")
    assert run_import(*files, *OPTIONS, *named) == 2
    assert said in capsys.readouterr().err and not (tmp_path / "bag").exists()


BEDROOM = """
rows: paths
snapshot: {column: record}
gain: {column: RxChanPerRay, unit: complex}
aoa_from: {columns: ["LastXPts(1)", "LastXPts(2)", "LastXPts(3)"], unit: m}
rx_position: {columns: ["RxPos(1)", "RxPos(2)", "RxPos(3)"], unit: m, of: antenna}
"""


def test_matlabs_own_rays_close_with_friis_and_the_speed_of_light(
    tmp_path: Path, test_data: Path
) -> None:
    """Of the lines of sight, which come from (-1.5, 0, 2.7): gain, phase and direction are known."""
    file = test_data / "channel/newrf_bedroom/dataset_bedroom.mat"
    (tmp_path / "map.yaml").write_text(BEDROOM)
    reading = read_mat_struct(file, SAID, "subdataset", read_column_map(tmp_path / "map.yaml"))
    assert (len(reading.snapshots), len(reading.problems)) == (872, 99)
    assert all("an empty field: RxChanPerRay 0" in problem for problem in reading.problems)
    wavelength, closed = 299792458 / 2.412e9, 0
    for snapshot, (_, place) in zip(reading.snapshots, reading.stands["robot1"], strict=True):
        step = np.array([-1.5, 0, 2.7]) - place
        distance = np.linalg.norm(step)
        friis_db = 20 * np.log10(wavelength / (4 * np.pi * distance))
        if snapshot.paths.gain_db[0] < friis_db - 0.01:
            continue  # no line of sight there
        closed += 1
        assert snapshot.paths.gain_db[0] == pytest.approx(friis_db, abs=1e-6)
        turns = distance / wavelength + snapshot.paths.phase[0] / (2 * np.pi)
        assert turns == pytest.approx(round(turns), abs=1e-6)
        assert snapshot.paths.aoa_azimuth[0] == pytest.approx(np.arctan2(step[1], step[0]))
        assert np.sin(snapshot.paths.aoa_elevation[0]) == pytest.approx(step[2] / distance)
    assert closed == 849
