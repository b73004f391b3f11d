"""Hands the page's data on, and lets go of a page that takes none.

Rerun's server waits for the slowest of its pages: a tunnel that hangs, or a laptop that sleeps, would hold up
all others, and in the end who logs.
"""

from __future__ import annotations

import logging
import socket
import struct
import threading
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

LOG = logging.getLogger(__name__)
HERE = "127.0.0.1"
PATIENCE = 10
"""Seconds without a byte taken, after which a page is let go."""
_CHUNK = 2**16


class PageRelay(ThreadingTCPServer):
    """Connects `port` of 127.0.0.1 to `behind`, in threads, until it is closed."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, behind: int) -> None:
        """OSError where the port is taken."""
        super().__init__((HERE, port), _Connection)
        self.behind = behind
        self.open: set[socket.socket] = set()
        threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        for one in list(self.open):
            _end(one)


class _Connection(BaseRequestHandler):
    server: PageRelay
    request: socket.socket

    def handle(self) -> None:
        page = self.request
        page.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", PATIENCE, 0))
        with suppress(OSError), socket.create_connection((HERE, self.server.behind)) as twin:
            self.server.open |= {page, twin}
            back = threading.Thread(target=_pass_on, args=(page, twin), daemon=True)
            back.start()
            if not _pass_on(twin, page):
                LOG.warning("a page has taken nothing for %d s: it is let go", PATIENCE)
                # Without what is still on its way, so that it hears of it as soon as it wakes up.
                page.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                page.close()
            back.join()
            self.server.open -= {page, twin}


def free_port() -> int:
    """Of this machine, which nobody has now."""
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        return int(probe.getsockname()[1])


def _pass_on(source: socket.socket, sink: socket.socket) -> bool:
    """Until either ends, and then ends both; False where the sink took nothing."""
    try:
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    except BlockingIOError:
        return False
    except OSError:
        pass
    finally:
        _end(source)
        _end(sink)
    return True


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
