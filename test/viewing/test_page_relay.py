"""A page that takes nothing holds up nobody."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from visrftwin_ros.benchmarks.lobby import Crowd, lobby
from visrftwin_ros.errors import TwinError
from visrftwin_ros.viewing import page_relay
from visrftwin_ros.viewing.rerun_view import TwinView

MORE_THAN_WAITS = 1500
"""Messages; Rerun's server keeps 1024 for its slowest page and then takes no more."""


@pytest.fixture
def ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture
def view(
    ports: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TwinView]:
    monkeypatch.setattr(page_relay, "PATIENCE", 1)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    site = lobby(2, Crowd(3, 0.0, 1).position)
    view = TwinView(site, web_port=ports[0], grpc_port=ports[1])
    yield view
    view.close()


def stream_of(port: int, kept: int = 2**20) -> socket.socket:
    """A page's request for the data, whose answer nobody has read yet. kept: bytes that the kernel takes for it."""
    page = socket.create_connection(("127.0.0.1", port))
    page.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, kept)
    page.settimeout(10.0)
    nothing = b"\0" + struct.pack(">I", 0)
    page.sendall(
        b"POST /rerun.sdk_comms.v1alpha1.MessageProxyService/ReadMessages HTTP/1.1\r\n"
        b"Host: 127.0.0.1\r\ncontent-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(nothing), nothing)
    )
    return page


def log_many(view: TwinView, count: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    for number in range(count):
        view.log_image(f"camera{number}", noise)  # a message each


def test_a_page_that_takes_nothing_is_let_go_and_another_hears_on(
    view: TwinView, ports: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    with stream_of(ports[1], kept=8192) as asleep:
        assert asleep.recv(12) == b"HTTP/1.1 200"
        log_many(view, MORE_THAN_WAITS)
        until = time.monotonic() + 10.0
        while "taken nothing for 1 s" not in caplog.text:
            assert time.monotonic() < until
            time.sleep(0.1)
        with stream_of(ports[1]) as awake:
            heard = bytearray()
            while len(heard) < 100_000:
                heard += awake.recv(2**16)
        with pytest.raises(ConnectionError):
            while asleep.recv(2**16):  # what the kernel had taken for it
                pass


def test_a_port_that_is_taken_is_named(ports: tuple[int, int]) -> None:
    relay = page_relay.PageRelay(ports[1], ports[0])
    try:
        with pytest.raises(OSError):
            page_relay.PageRelay(ports[1], ports[0])
        with pytest.raises(TwinError, match=f"grpc_port {ports[1]}"):
            TwinView(lobby(2, Crowd(3, 0.0, 1).position), web_port=ports[0], grpc_port=ports[1])
    finally:
        relay.close()


def test_a_page_hears_an_end_where_there_is_nothing_behind(ports: tuple[int, int]) -> None:
    relay = page_relay.PageRelay(ports[1], ports[0])
    try:
        with socket.create_connection(("127.0.0.1", ports[1])) as page:
            page.settimeout(5.0)
            with pytest.raises(ConnectionError):
                page.sendall(b"x")
                if not page.recv(1):
                    raise ConnectionError
    finally:
        relay.close()
