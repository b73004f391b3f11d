"""What results may be written over, and how those that are not whole are told from the whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from visrftwin_ros.errors import TwinError
from visrftwin_ros.outputs import check_room, file_kind, folder_kind, growing_file, make_room

TABLE = file_kind("table", "a,b\n")
FOLDER = folder_kind("folder of results", "scores.json", "*.png")


def test_what_is_not_there_needs_no_force(tmp_path: Path) -> None:
    check_room(tmp_path / "table.csv", TABLE, force=False)
    check_room(tmp_path, FOLDER, force=False)
    with pytest.raises(TwinError, match="no file"):
        check_room(tmp_path, TABLE, force=True)


def test_a_result_goes_only_by_force(tmp_path: Path) -> None:
    file, folder = tmp_path / "table.csv", tmp_path / "results"
    file.write_text("a,b\n1,2\n")
    folder.mkdir()
    (folder / "scores.json").write_text("{}")
    for path, kind in ((file, TABLE), (folder, FOLDER)):
        with pytest.raises(TwinError, match=rf"{path.name} exists: .*--force .*{kind.name}"):
            make_room(path, kind, force=False)
        assert path.exists()
        make_room(path, kind, force=True)
        assert not path.exists()


def test_another_kind_never_goes(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "scores.json").write_text("{}")
    (tmp_path / "results" / "thesis.tex").write_text("x")
    (tmp_path / "letter.csv").write_text("dear a,b\n")
    (tmp_path / "link").symlink_to(tmp_path / "results")
    for name, kind, why in (
        ("results", FOLDER, "it holds thesis.tex"),
        ("letter.csv", TABLE, "it begins otherwise"),
        ("letter.csv", FOLDER, "no folder"),
        ("link", FOLDER, "no folder"),
        ("", TABLE, "no file"),
    ):
        with pytest.raises(TwinError, match=rf"\({why}\): nothing there was touched"):
            make_room(tmp_path / name, kind, force=True)
    assert (tmp_path / "results" / "thesis.tex").read_text() == "x"


def test_a_file_has_its_name_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.csv"
    with growing_file(path, TABLE, force=False) as file:
        file.write("a,b\n")
        assert not path.exists()
    assert path.read_text() == "a,b\n"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("stopped", [KeyboardInterrupt(), TwinError("no more frames")])
def test_what_was_done_when_it_stopped_is_kept_under_another_name(
    tmp_path: Path, stopped: BaseException
) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n0,0\n")
    with pytest.raises(type(stopped)) as raised, growing_file(path, TABLE, force=True) as file:
        file.write("a,b\n1,2\n")
        raise stopped
    partial = tmp_path / "table.partial.csv"
    assert str(partial) in "".join(raised.value.__notes__)
    assert partial.read_text() == "a,b\n1,2\n"
    assert path.read_text() == "a,b\n0,0\n"
    with growing_file(path, TABLE, force=True) as file:
        file.write("a,b\n3,4\n")
    assert path.read_text() == "a,b\n3,4\n" and not partial.exists()


def test_a_header_alone_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(TwinError), growing_file(tmp_path / "t.csv", TABLE, force=False) as file:
        file.write("a,b\n")
        raise TwinError("no such weights")
    assert list(tmp_path.iterdir()) == []
