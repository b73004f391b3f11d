"""The page of the Rerun viewer, for browsers on this machine only.

Rerun's own server listens to the whole network and cannot be told otherwise. It has the only copy of
the page's files, so they are taken from it once, by a process that lives for that, and kept. What the
page asks for first has a script before all others, by which it comes back when its data have stopped.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import rerun as rr

from visrftwin_ros.cache import cache_folder
from visrftwin_ros.errors import TwinError
from visrftwin_ros.viewing.page_relay import HERE, free_port

FILES = ("index.html", "re_viewer.js", "re_viewer_bg.wasm", "favicon.ico", "sw.js")
LONGEST = 30.0
"""Seconds for Rerun's server to start and hand out its files."""
_SERVER = (
    "import sys, rerun as rr; "
    "rr.serve_web_viewer(web_port=int(sys.argv[1]), open_browser=False); sys.stdin.read()"
)


class PageServer:
    """Serves the page at `port` of 127.0.0.1, in threads, until it is closed."""

    def __init__(self, port: int) -> None:
        """OSError where the port is taken, TwinError where Rerun does not give its files."""
        handler = partial(_Quiet, directory=str(page_files()))
        self._server = ThreadingHTTPServer((HERE, port), handler)
        # Every tenth of a second it looks whether it is to end: a node has 1.5 s to leave.
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if urlsplit(self.path).path not in ("/", "/index.html"):
            super().do_GET()
            return
        script = Path(__file__).with_name("keep_up.js").read_bytes()
        page = (Path(self.directory) / "index.html").read_bytes()
        page = page.replace(b"<head>", b"<head><script>" + script + b"</script>", 1)
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        super().end_headers()
        self.wfile.write(page)

    def end_headers(self) -> None:
        sized = Path(self.translate_path(self.path))
        if sized.is_file():  # by which the page shows how far it is loaded
            self.send_header("rerun-final-length", str(sized.stat().st_size))
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def page_files() -> Path:
    """The folder with the page of the installed Rerun. TwinError where it cannot be had."""
    folder = cache_folder("page") / rr.__version__
    if all((folder / name).is_file() for name in FILES):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-c", _SERVER, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as server:
        try:
            deadline = time.monotonic() + LONGEST
            for name in FILES:
                part = folder / f"{name}.{os.getpid()}"
                part.write_bytes(_fetched(f"http://{HERE}:{port}/{name}", deadline))
                part.replace(folder / name)  # whole or not at all: two viewers may start at once
        finally:
            server.kill()
    return folder


def _fetched(url: str, deadline: float) -> bytes:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with direct.open(url, timeout=LONGEST) as answer:
                return bytes(answer.read())
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise TwinError(f"Rerun does not give {url}: {error}") from error
            time.sleep(0.1)
