"""A web server on this machine that misbehaves as it is told to."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Web:
    """What the server has, how it behaves, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    cut_after: list[int] = field(default_factory=list)
    """For each answer in turn: the connection ends after so many bytes of it."""
    knows_ranges: bool = True
    etag: str = '"one"'
    modified: str = ""
    status: list[int] = field(default_factory=list)
    """For each answer in turn, as long as there are some: this status instead of the file."""
    wrong_range: bool = False
    says_length: bool = True
    stall: threading.Event | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)
    """(path, Range header) of each request."""
    sent: int = 0
    """Bytes of content in all answers."""
    url: str = ""


@contextmanager
def serve() -> Iterator[Web]:
    """A server that runs until the block ends."""
    web = Web()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Says nothing."""

        def do_GET(self) -> None:
            answer(self, web)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    web.url = f"http://127.0.0.1:{server.server_address[1]}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield web
    finally:
        if web.stall is not None:
            web.stall.set()
        server.shutdown()
        thread.join()
        server.server_close()


def answer(handler: http.server.BaseHTTPRequestHandler, web: Web) -> None:
    asked = handler.headers.get("Range", "")
    web.asked.append((handler.path, asked))
    handler.close_connection = True
    content = web.files.get(handler.path.lstrip("/"))
    status = web.status.pop(0) if web.status else 404 if content is None else 200
    if status != 200 or content is None:
        handler.send_error(status)
        return
    begin = 0
    fresh = handler.headers.get("If-Range") in (None, web.etag, web.modified)
    if asked and web.knows_ranges and fresh:
        begin = int(asked.removeprefix("bytes=").rstrip("-"))
        handler.send_response(206)
        shown = begin + web.wrong_range
        handler.send_header("Content-Range", f"bytes {shown}-{len(content) - 1}/{len(content)}")
    else:
        handler.send_response(200)
    if web.etag:
        handler.send_header("ETag", web.etag)
    if web.modified:
        handler.send_header("Last-Modified", web.modified)
    if web.says_length:
        handler.send_header("Content-Length", str(len(content) - begin))
    handler.send_header("Connection", "close")
    handler.end_headers()
    end = begin + web.cut_after.pop(0) if web.cut_after else len(content)
    web.sent += len(content[begin:end])  # before the client can know that it has all of it
    with suppress(ConnectionError):  # a client that has seen enough
        handler.wfile.write(content[begin:end])
        handler.wfile.flush()
    if web.stall is not None:
        web.stall.wait(10)
