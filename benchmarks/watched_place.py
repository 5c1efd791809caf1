"""The server that is measured and those who watch a training there: tabs and sessions."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from playwright.sync_api import Browser, Page, WebSocket

from benchmarks.app_server import Server
from benchmarks.first_page import ALL_THREE_AGREE
from benchmarks.process_use import descendants, resident_mb
from benchmarks.simulated_sessions import SimulatedSessions, simulated_sessions
from benchmarks.slider_moves import PAGE_LIMIT_MS, VIEWPORT
from benchmarks.streamlit_protocol import STREAM, FrontEnd
from benchmarks.watch_view_step import newest_step
from benchmarks.watched_training import WatchedTraining

PAGE: Final = "training"


class WatchedPlace:
    """A server with a training, and a browser to look at it."""

    def __init__(self, browser: Browser, server: Server, training: WatchedTraining) -> None:
        self.browser = browser
        self.server = server
        self._training = training

    def warm_up(self) -> None:
        """Lets the server import and open all that it ever will, as a first viewer would."""
        with self.tab("convolution") as page:
            page.locator(".badge").filter(has_text=ALL_THREE_AGREE).wait_for()
        with self.tab(PAGE) as page:
            page.get_by_role("heading", name="Training", exact=True).wait_for()
            page.wait_for_timeout(1000)

    @property
    def query(self) -> str:
        """Of the watch view, with the training that is measured now."""
        return f"view=watch&run={self._training.run_id}"

    def front_end(self) -> FrontEnd:
        """For what a tab of the watch view receives."""
        return FrontEnd(self.server.url, PAGE, self.query, newest_step)

    def watching_tab(self, received: FrontEnd | None = None) -> AbstractContextManager[Page]:
        """A tab of the watch view."""
        return self.tab(f"{PAGE}?{self.query}", received)

    @contextmanager
    def tab(self, path: str, received: FrontEnd | None = None) -> Iterator[Page]:
        """A browser's tab in a profile of its own; what its server sends goes to `received`."""
        context = self.browser.new_context(
            viewport={"width": VIEWPORT["width"], "height": VIEWPORT["height"]},
            color_scheme="light",
        )
        try:
            context.set_default_timeout(PAGE_LIMIT_MS)
            page = context.new_page()

            def listen(socket: WebSocket) -> None:
                if received is not None and STREAM in socket.url:
                    socket.on("framereceived", lambda data: _pass_on(data, received))

            page.on("websocket", listen)
            page.goto(f"{self.server.url}/{path}")
            yield page
        finally:
            context.close()

    @contextmanager
    def sessions(self, count: int) -> Iterator[SimulatedSessions]:
        """So many that watch, and more if they are opened."""
        with simulated_sessions(self.server.url, PAGE, self.query) as sessions:
            if count:
                sessions.open(count)
            yield sessions

    def memory_mb(self) -> float | None:
        """Memory of the server, median of a second; None where the system does not say."""
        found = []
        for _ in range(5):
            if (mb := resident_mb(self.server.pid)) is None:
                return None
            found.append(mb)
            time.sleep(0.2)
        return statistics.median(found)

    def processes(self, sessions: SimulatedSessions | None) -> dict[str, set[int]]:
        """All that take part, by what they do."""
        server, own = self.server.pid, os.getpid()
        worker = self._training.worker_pid()
        simulated = {sessions.pid} if sessions is not None else set()
        apart = {server, *descendants(server), *simulated}
        return {
            "server": {server},
            "training": {worker} if worker is not None else set(),
            "sessions": simulated,
            "browser": descendants(own) - apart,
            "benchmark": {own},
        }


def _pass_on(data: str | bytes, front_end: FrontEnd) -> None:
    if isinstance(data, bytes):
        front_end.receive(data, time.time())
