"""The message types of a campaign bag for `rosbags`: ROS Jazzy's and this package's own."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visrftwin_ros.errors import TwinError
from visrftwin_ros.site.loading import share_folders

if TYPE_CHECKING:
    from rosbags.typesys.store import Typestore

PACKAGE = "visrftwin_ros"


@cache
def campaign_typestore() -> Typestore:
    """Jazzy's types and those of this package's `msg` folder.

    Reads the .msg files beside the code, or those of an installed copy; TwinError without either.
    """
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    types: dict[str, Any] = {}
    for file in sorted(message_folder().glob("*.msg")):
        types.update(get_types_from_msg(file.read_text(), f"{PACKAGE}/msg/{file.stem}"))
    store.register(types)
    return store


def message_folder() -> Path:
    """Where this package's message definitions lie."""
    for folder in share_folders():
        if (folder / "msg" / "ChannelSnapshot.msg").is_file():
            return folder / "msg"
    raise TwinError(
        f"the message definitions of {PACKAGE} (msg/*.msg) are neither beside the code nor "
        f"installed: run `make setup`"
    )


def made(kind: str, /, **fields: Any) -> Any:
    """A message of the type `package/Name`, of one of the types above."""
    package, _, name = kind.partition("/")
    return campaign_typestore().types[f"{package}/msg/{name}"](**fields)
