"""Where the PETS recording comes from; packages are small ones made here, nothing is downloaded."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from visrftwin_ros.cameras import opencv_doc_video
from visrftwin_ros.cameras.opencv_doc_video import extract_video, fetch_pets_video
from visrftwin_ros.errors import TwinError

CONTENT = b"RIFF and the rest"
needs_dpkg = pytest.mark.skipif(
    shutil.which("dpkg-deb") is None, reason="no dpkg-deb: not a Debian or Ubuntu machine"
)


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(opencv_doc_video, "INSTALLED", tmp_path / "usr")
    return tmp_path / "usr"


def opencv_doc_package(folder: Path, files: dict[str, bytes]) -> Path:
    data = folder / "tree/usr/share/doc/opencv-doc/examples/data"
    data.mkdir(parents=True)
    for name, content in files.items():
        (data / name).write_bytes(content)
    control = folder / "tree/DEBIAN/control"
    control.parent.mkdir()
    control.write_text(
        "Package: opencv-doc\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n"
    )
    subprocess.run(
        ["dpkg-deb", "--build", folder / "tree", folder / "opencv-doc_1_all.deb"], check=True
    )
    return folder / "opencv-doc_1_all.deb"


@needs_dpkg
@pytest.mark.parametrize(
    ("name", "stored"),
    [("vtest.avi", CONTENT), ("vtest.avi.gz", gzip.compress(CONTENT))],
    ids=["plain", "gzipped"],
)
def test_the_recording_comes_out_of_the_package(tmp_path: Path, name: str, stored: bytes) -> None:
    package = opencv_doc_package(tmp_path, {"another.avi": b"no", name: stored})
    assert extract_video(package, tmp_path / "vtest.avi").read_bytes() == CONTENT


@needs_dpkg
def test_a_package_without_the_recording_is_an_error(tmp_path: Path) -> None:
    package = opencv_doc_package(tmp_path, {"another.avi": b"no"})
    with pytest.raises(TwinError, match=r"holds no vtest\.avi"):
        extract_video(package, tmp_path / "vtest.avi")
    assert not (tmp_path / "vtest.avi").exists()


def test_the_cache_comes_first(tmp_path: Path) -> None:
    (tmp_path / "vtest.avi").write_bytes(CONTENT)
    assert fetch_pets_video(tmp_path) == tmp_path / "vtest.avi"


def test_an_installed_package_is_used(tmp_path: Path, nothing_installed: Path) -> None:
    nothing_installed.mkdir()
    (nothing_installed / "vtest.avi.gz").write_bytes(gzip.compress(CONTENT))
    assert fetch_pets_video(tmp_path / "cache").read_bytes() == CONTENT


def test_without_apt_the_error_says_what_to_do(
    tmp_path: Path, nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TwinError, match=r"no apt-get here.*give that file as the video"):
        fetch_pets_video(tmp_path / "cache")
