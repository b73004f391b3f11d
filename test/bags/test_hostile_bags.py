"""A bag with any bytes changed, cut off or put in is read or refused by name, at once and in little memory."""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
from made_campaign import made_site, write_campaign

from visrftwin_ros.bags.bag_file import open_bag
from visrftwin_ros.bags.bag_recovery import recover_bag
from visrftwin_ros.errors import TwinError

FILES = int(os.environ.get("VISRFTWIN_HOSTILE_FILES", "150"))
"""2000 are the long run."""
MEMORY = 1 << 30
"""Bytes that a reader may take beyond what this process has."""
LONGEST = 1.0
"""s of this thread's time to read a damaged bag of 100 kB."""
LENGTHS = (0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1)


@contextmanager
def bounded_memory() -> Iterator[None]:
    """A reader that asks for more gets a MemoryError."""
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """With bytes flipped, a length made absurd, a piece gone, or a piece of noise."""
    place = int(random.integers(len(data)))
    kind = random.integers(4)
    if kind == 0:
        changed = bytearray(data)
        for at in random.integers(0, len(data), int(random.integers(1, 20))):
            changed[at] = int(random.integers(256))
        return bytes(changed)
    if kind == 1:
        return (
            data[:place]
            + int(random.choice(np.array(LENGTHS, np.uint64))).to_bytes(8, "little")
            + data[place + 8 :]
        )
    if kind == 2:
        return data[:place] + (data[place + int(random.integers(1, 500)) :])
    return data[:place] + random.bytes(int(random.integers(1, 200))) + data[place:]


def read(bag: Path) -> int:
    """All that a user of bags does to one; the number of messages that were read."""
    count = 0
    with open_bag(bag) as opened:
        for connection, _, data in opened.messages(opened.connections):
            opened.type_hash(connection)
            count += 1
            with suppress(TwinError):  # one message: the reader goes on to the next
                opened.decode(connection, data)
    return count


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return write_campaign(tmp_path / "bag", made_site(tmp_path / "site"), seconds=0.3)


@pytest.mark.timeout(180 + FILES)
def test_no_damaged_bag_ends_the_reader_or_fills_the_memory(bag: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    (storage,) = bag.glob("*.mcap")
    whole = storage.read_bytes()
    metadata = (bag / "metadata.yaml").read_bytes()
    read(bag)  # what it imports and compiles
    refused = 0
    for k in range(FILES):
        for file, content in ((storage, whole), (bag / "metadata.yaml", metadata)):
            file.write_bytes(content)
        victim, content = (storage, whole) if k % 4 else (bag / "metadata.yaml", metadata)
        victim.write_bytes(damaged(content, random))
        start = time.thread_time()
        with bounded_memory():
            try:
                read(bag)
            except TwinError as error:
                refused += 1
                assert str(bag) in str(error), f"bag {k}: {error}"
        assert time.thread_time() - start < LONGEST, f"bag {k}"
    assert refused > FILES // 4


@pytest.mark.timeout(180 + FILES)
def test_what_is_whole_in_a_damaged_bag_is_saved_or_nothing_is(bag: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    (storage,) = bag.glob("*.mcap")
    whole = storage.read_bytes()
    saved = 0
    for k in range(FILES // 3):
        storage.write_bytes(damaged(whole, random))
        out = tmp_path / "saved"
        shutil.rmtree(out, ignore_errors=True)
        start = time.thread_time()
        with bounded_memory(), suppress(TwinError):
            saved += recover_bag(storage, out).messages > 0
        assert time.thread_time() - start < LONGEST, f"bag {k}"
    assert saved
