"""Opens a recorded bag, whoever wrote it, and decodes its messages by the bag's own definitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visrftwin_ros.bags.bag_types import campaign_typestore
from visrftwin_ros.bags.completeness import COMPLETE, STOPPED_BY
from visrftwin_ros.errors import TwinError
from visrftwin_ros.yaml_input import yaml_file

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Reader
    from rosbags.typesys.store import Typestore

_MCAP_MAGIC = b"\x89MCAP0\r\n"


class BagFile:
    """An open rosbag2: a folder with metadata.yaml, or a single .mcap or .db3 file."""

    def __init__(self, path: Path, reader: Reader) -> None:
        self.path = path
        self._reader = reader
        self._stores: dict[str, Typestore] = {}

    @property
    def connections(self) -> list[Connection]:
        return list(self._reader.connections)

    @property
    def message_count(self) -> int:
        return int(self._reader.message_count)

    @property
    def start_ns(self) -> int:
        """Log time of the first message; 0 where there is none."""
        return int(self._reader.start_time) if self.message_count else 0

    @property
    def end_ns(self) -> int:
        """Log time of the last message; 0 where there is none."""
        return int(self._reader.end_time) - 1 if self.message_count else 0

    @property
    def stopped_by(self) -> str:
        """What ended the recording early, as its writer noted; empty when it is complete."""
        noted: Mapping[str, str] = self._reader.storage.metadata.custom or {}
        if noted.get(COMPLETE, "true") == "true":
            return ""
        return noted.get(STOPPED_BY, "") or "an unknown cause"

    def messages(
        self, connections: Sequence[Connection], start_ns: int | None = None
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """(connection, log time, data) in the order of log time; TwinError where the file is broken."""
        if not connections:
            return
        stamp = start_ns
        try:
            for connection, stamp, data in self._reader.messages(connections, start=start_ns):
                yield connection, stamp, data
        except TwinError:
            raise
        except Exception as error:  # rosbags has an exception for each of its storages
            where = "at its start" if stamp is None else f"after log time {stamp} ns"
            raise TwinError(f"{self.path} is damaged {where}: {error}") from error

    def decode(self, connection: Connection, data: bytes) -> Any:
        """The message; TwinError where its type is not known or the data are not of it."""
        try:
            return self._store(connection).deserialize_cdr(data, connection.msgtype)
        except Exception as error:  # a wrong definition fails in as many ways as there are
            raise TwinError(
                f"{self.path}: a message of {connection.topic} is no {connection.msgtype}: {error}"
            ) from error

    def type_hash(self, connection: Connection) -> str:
        """RIHS01 of the type as the bag defines it; empty where the bag holds no definition.

        TwinError where the definition makes no sense.
        """
        from rosbags.interfaces import MessageDefinitionFormat

        if connection.msgdef.format == MessageDefinitionFormat.NONE:
            return ""
        try:
            return str(self._store(connection).hash_rihs01(connection.msgtype))
        except Exception as error:  # a wrong definition fails in as many ways as there are
            raise TwinError(
                f"{self.path}: the definition of {connection.msgtype} makes no sense: {error}"
            ) from error

    def _store(self, connection: Connection) -> Typestore:
        """By the definition in the bag; older bags hold none, and are read by ours."""
        from rosbags.interfaces import MessageDefinitionFormat
        from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore

        kind, definition = connection.msgtype, connection.msgdef
        if kind not in self._stores:
            if definition.format == MessageDefinitionFormat.NONE:
                self._stores[kind] = campaign_typestore()
            else:
                store = get_typestore(Stores.EMPTY)
                if definition.format == MessageDefinitionFormat.MSG:
                    store.register(get_types_from_msg(definition.data, kind))
                else:
                    for part in definition.data.split("=" * 80 + "\n"):
                        body = part.partition("\n")[2] if part.startswith("IDL: ") else part
                        store.register(get_types_from_idl(body)) if body.strip() else None
                self._stores[kind] = store
        return self._stores[kind]


@contextmanager
def open_bag(path: str | Path) -> Iterator[BagFile]:
    """A bag to read from. TwinError, with the file and the place, on what is no whole bag."""
    from rosbags.rosbag2 import Reader

    path = Path(path)
    _check_files(path)
    try:
        reader = Reader(path)
        reader.open()
    except Exception as error:  # rosbags has an exception for each of its storages
        raise TwinError(f"{path} is no bag that can be read: {error}") from error
    try:
        yield BagFile(path, reader)
    finally:
        reader.close()


def _check_files(path: Path) -> None:
    if not path.exists():
        raise TwinError(f"no bag at {str(path)!r}; give a rosbag2 folder or an .mcap file")
    files = sorted(path.glob("*.mcap")) if path.is_dir() else [path]
    for file in files:
        if file.suffix == ".mcap":
            _check_mcap(file)
    if path.is_dir() and not (path / "metadata.yaml").exists():
        whole = f"; give its file {files[0].name} instead" if files else ""
        raise TwinError(
            f"{path} has no metadata.yaml: it is no rosbag2, or its recording was killed{whole}"
        )
    if path.is_dir():
        yaml_file(path / "metadata.yaml")  # the reader of bags has no bounds of its own


def _check_mcap(file: Path) -> None:
    """Both ends of the file, so that the error of a torn one says so and what helps."""
    size = file.stat().st_size
    if size == 0:
        raise TwinError(f"{file} is empty (0 bytes): nothing was recorded")
    with file.open("rb") as opened:
        start = opened.read(len(_MCAP_MAGIC))
        opened.seek(max(0, size - len(_MCAP_MAGIC)))
        end = opened.read()
    if start != _MCAP_MAGIC:
        raise TwinError(f"{file} is no MCAP file: it starts with {start!r}")
    if end != _MCAP_MAGIC or size <= 2 * len(_MCAP_MAGIC):
        raise TwinError(
            f"{file} is cut off at byte {size}, before its index: the recording was killed or the "
            f"copy is incomplete; `visrftwin campaign recover` saves its whole part to a new bag"
        )
