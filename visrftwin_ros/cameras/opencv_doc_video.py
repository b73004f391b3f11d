"""The PETS 2009 view-1 recording, as Debian and Ubuntu ship it in their opencv-doc package."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO

from visrftwin_ros.cache import cache_folder
from visrftwin_ros.errors import TwinError

INSTALLED = Path("/usr/share/doc/opencv-doc/examples/data")
NAME = "vtest.avi"
BY_HAND = (
    "get Debian's or Ubuntu's opencv-doc package another way "
    "(it holds usr/share/doc/opencv-doc/examples/data/vtest.avi) and give that file as the video"
)


def fetch_pets_video(cache_dir: Path | None = None) -> Path:
    """The recording: from the cache, else from an installed opencv-doc, else downloaded (96 MB) without root."""
    cache_dir = cache_dir or cache_folder("opencv-doc")
    video = cache_dir / NAME
    if video.exists():
        return video
    if (INSTALLED / NAME).exists():
        return INSTALLED / NAME
    cache_dir.mkdir(parents=True, exist_ok=True)
    if (INSTALLED / f"{NAME}.gz").exists():
        with gzip.open(INSTALLED / f"{NAME}.gz") as content:
            return store(content, video)
    with tempfile.TemporaryDirectory(dir=cache_dir) as folder:
        return extract_video(download_package(Path(folder)), video)


def download_package(folder: Path) -> Path:
    """opencv-doc's .deb, by apt; where the system's package lists are empty, with lists of its own."""
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise TwinError(f"no {program} here to fetch the PETS video with; {BY_HAND}")
    print(
        "fetching the PETS video from Debian's opencv-doc (96 MB) ...", file=sys.stderr, flush=True
    )
    result = run_apt(["download", "opencv-doc"], folder)
    if result.returncode != 0:
        for state in ("lists/partial", "cache/archives/partial"):
            (folder / state).mkdir(parents=True)
        # apt as root would drop to a user that cannot write here.
        settings = (
            f"Dir::State::Lists={folder}/lists",
            f"Dir::Cache={folder}/cache",
            "APT::Sandbox::User=root",
        )
        own = [word for setting in settings for word in ("-o", setting)]
        run_apt([*own, "update"], folder)
        result = run_apt([*own, "download", "opencv-doc"], folder)
    packages = list(folder.glob("opencv-doc_*.deb"))
    if result.returncode != 0 or not packages:
        said = result.stdout.strip()[-500:]
        raise TwinError(
            f"apt-get could not download opencv-doc: {said}; check the network, or {BY_HAND}"
        )
    return packages[0]


def run_apt(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["apt-get", "--quiet", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def extract_video(package: Path, video: Path) -> Path:
    """Takes the recording out of the package."""
    with (
        subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as unpack,
        tarfile.open(fileobj=unpack.stdout, mode="r|") as archive,
    ):
        for member in archive:
            if not member.isfile() or Path(member.name).name not in (NAME, f"{NAME}.gz"):
                continue
            content = archive.extractfile(member)
            assert content is not None  # it is a file
            if member.name.endswith(".gz"):
                with gzip.open(content) as plain:
                    store(plain, video)
            else:
                store(content, video)
            unpack.kill()
            return video
    raise TwinError(f"{package.name} holds no {NAME}; {BY_HAND}")


def store(content: IO[bytes] | gzip.GzipFile, video: Path) -> Path:
    """Writes the recording whole or not at all."""
    part = video.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        shutil.copyfileobj(content, file)
    part.rename(video)
    return video


if __name__ == "__main__":
    print(fetch_pets_video())
