"""Which recording a site's camera replays."""

from __future__ import annotations

from pathlib import Path

from visrftwin_ros.cameras.opencv_doc_video import fetch_pets_video
from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.model import Site

PETS_VIDEO = "vtest.avi"


def find_video(site: Site, given: str) -> str:
    """Path of the recording, '' for live cameras.

    given: a path; `none` for live cameras; `auto` for the recording that a camera of the site
    names: in the site's folder, else, for PETS 2009, from Debian's opencv-doc package.
    """
    if given == "none":
        return ""
    if given != "auto":
        if not Path(given).is_file():
            raise TwinError(f"no video at {given!r}: give the path of a recording, auto or none")
        return str(Path(given).resolve())
    name = next((camera.video for camera in site.cameras if camera.video), "")
    if not name:
        return ""
    if (site.folder / name).is_file():
        return str(site.folder / name)
    if name == PETS_VIDEO:
        return str(fetch_pets_video())
    raise TwinError(
        f"site {site.name!r}: its recording {name!r} is not in {site.folder}; "
        f"put it there, or give the path of one"
    )
