"""Saves what is whole in a recording that was cut off."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visrftwin_ros.bags.completeness import BAG, COMPLETE, STOPPED_BY
from visrftwin_ros.errors import TwinError
from visrftwin_ros.outputs import make_room

if TYPE_CHECKING:
    from rosbags.interfaces import Connection
    from rosbags.rosbag2 import Writer


@dataclass(frozen=True)
class Recovered:
    """messages: saved. broken_at: byte of each file behind which nothing whole was found."""

    messages: int
    broken_at: dict[str, int]


def recover_bag(torn: Path, out: Path, force: bool = False) -> Recovered:
    """Copies the whole messages of a torn MCAP file, or of a folder of them, to a new bag `out`.

    The new bag is marked as not complete. TwinError where there is no MCAP file or nothing whole.
    """
    from rosbags.rosbag2 import StoragePlugin, Writer

    files = sorted(torn.glob("*.mcap")) if torn.is_dir() else [torn]
    if not files or not all(file.is_file() for file in files):
        raise TwinError(f"{torn} has no .mcap file to recover from")
    if out.resolve() in (torn.resolve(), *(file.resolve().parent for file in files)):
        raise TwinError(f"{out} is the torn bag itself: give another path")
    first = next((True for _ in _messages(files[0])), False)
    if not first:
        raise TwinError(f"{files[0]} holds no whole message: nothing can be recovered from it")
    make_room(out, BAG, force)
    connections: dict[tuple[str, int], Connection] = {}
    count = 0
    broken = {file.name: file.stat().st_size for file in files}
    with Writer(out, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        for file in files:
            for place, schema, channel, message in _messages(file):
                key = (file.name, channel.id)
                if key not in connections:
                    connections[key] = _connection(file, writer, schema, channel)
                writer.write(connections[key], message.log_time, message.data)
                broken[file.name] = place
                count += 1
        writer.set_custom_data(COMPLETE, "false")
        cut = ", ".join(f"{name} after byte {place}" for name, place in broken.items())
        writer.set_custom_data(STOPPED_BY, f"recovered: {cut}")
    return Recovered(count, broken)


def _messages(file: Path) -> Iterator[tuple[int, Any, Any, Any]]:
    """(bytes read so far, schema, channel, message) until the file ends or makes no sense."""
    from mcap.records import Channel, Message, Schema
    from mcap.stream_reader import StreamReader

    schemas: dict[int, Any] = {}
    channels: dict[int, Any] = {}
    with file.open("rb") as opened:
        # No record is longer than its file: a damaged length must not take memory.
        records = StreamReader(opened, record_size_limit=file.stat().st_size).records
        while True:
            try:
                record = next(records)
            except Exception:  # each of mcap and its decompressors has its own
                return  # cut off in the middle of a record, or bytes that are none
            if isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel):
                channels[record.id] = record
            elif isinstance(record, Message):
                channel = channels.get(record.channel_id)
                schema = schemas.get(channel.schema_id) if channel else None
                if schema is not None:
                    yield opened.tell(), schema, channel, record


def _connection(file: Path, writer: Writer, schema: Any, channel: Any) -> Connection:
    """TwinError where the channel or its definition was damaged."""
    if schema.encoding != "ros2msg":
        raise TwinError(f"{channel.topic}: definitions as {schema.encoding!r} cannot be recovered")
    try:
        return _defined(writer, schema, channel)
    except Exception as error:  # a wrong definition fails in as many ways as there are
        raise TwinError(f"{file}: what {channel.topic} holds is damaged: {error}") from error


def _defined(writer: Writer, schema: Any, channel: Any) -> Connection:
    from rosbags.rosbag2.metadata import parse_qos
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    definition = schema.data.decode()
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(definition, schema.name))
    return writer.add_connection(
        channel.topic,
        schema.name,
        msgdef=definition,
        rihs01=store.hash_rihs01(schema.name),
        serialization_format=channel.message_encoding,
        offered_qos_profiles=parse_qos(channel.metadata.get("offered_qos_profiles", "")),
    )
