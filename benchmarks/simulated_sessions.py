"""Many sessions that watch a training, in a process of their own and without a browser.

    python -m benchmarks.simulated_sessions '{"url": ..., "page": ..., "query": ...}'

Each is a websocket that speaks Streamlit's own protocol, as `streamlit_protocol.py` has it. The
process obeys lines of JSON on its standard input and answers each with one on standard output; it
ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.cookies import SimpleCookie
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from benchmarks.app_server import PROJECT
from benchmarks.streamlit_protocol import HEALTH, NO_TOKEN, STREAM, XSRF_COOKIE, FrontEnd
from benchmarks.watch_arithmetic import Arrival
from benchmarks.watch_view_step import newest_step
from cnnviz.ui.training.viewer import COOKIE

APART_S: Final = 0.2
"""Between two sessions that open, as those of a class do who follow one link."""
OPEN_LIMIT_S: Final = 120.0


class SessionsError(RuntimeError):
    """Sessions that did not open, were closed by the server, or got an exception to show."""


class SimulatedSessions:
    """The process, from the side that measures. Make it with `simulated_sessions`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = process.pid

    def open(self, count: int) -> None:
        """Opens so many more, and returns when each shows a point of the training."""
        self._ask({"open": count})

    def report(self) -> Report:
        """What has arrived since they were opened. SessionsError if something went wrong."""
        return Report(self._ask({"report": True}))

    def _ask(self, what: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(what), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SessionsError("the simulated sessions ended; standard error says why")
        answer: dict[str, Any] = json.loads(line)
        if wrong := answer["wrong"]:
            raise SessionsError(f"the simulated sessions met: {'; '.join(dict.fromkeys(wrong))}")
        return answer


class Report:
    """What the process tells of its sessions."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.sessions = tuple(
            tuple(Arrival(*arrival) for arrival in session) for session in answer["arrivals"]
        )
        """What brought each of them something new."""
        self.elements: dict[str, str] = answer["elements"]
        """On the page of the first: place -> kind."""
        self.intervals: list[float] = answer["intervals"]
        """After which its fragments run again, seconds."""
        self.bytes, self.runs = int(answer["bytes"]), int(answer["runs"])
        """Of all of them together, since they were opened."""


@contextmanager
def simulated_sessions(url: str, page: str, query: str) -> Iterator[SimulatedSessions]:
    """The process, with no session yet; ended with the block."""
    settings = {"url": url, "page": page, "query": query}
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.simulated_sessions", json.dumps(settings)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield SimulatedSessions(process)
    finally:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


# ------------------------------------------------------------------------- inside of the process


class Session:
    """One websocket and the front end behind it."""

    def __init__(self, url: str, page: str, query: str) -> None:
        self.front_end = FrontEnd(url, page, query, newest_step)
        self.wrong = ""
        self._url = url
        self._timers: dict[str, tuple[float, asyncio.Task[None]]] = {}

    async def watch(self) -> None:
        """Opens the page and stays, until it is cancelled."""
        try:
            token = await asyncio.to_thread(_xsrf_token, self._url)
            cookies = f"{COOKIE}={secrets.token_hex(16)}"
            if token:
                cookies += f"; {XSRF_COOKIE}={token}"
            async with connect(
                f"{self._url.replace('http', 'ws', 1)}/{STREAM}",
                origin=Origin(self._url),
                subprotocols=[Subprotocol("streamlit"), Subprotocol(token or NO_TOKEN)],
                additional_headers={"Cookie": cookies},
                max_size=None,
                ping_interval=None,  # a browser answers pings and sends none
                proxy=None,
            ) as socket:
                await socket.send(self.front_end.rerun())
                async for data in socket:
                    assert isinstance(data, bytes)
                    self.front_end.receive(data, time.time())
                    self._set_timers(socket)
            self.wrong = self.wrong or "a connection that the server closed"
        except Exception as error:  # whatever it is, it is to be told and not to be lost in a task
            self.wrong = f"{type(error).__name__}: {error}"
        finally:
            for _, timer in self._timers.values():
                timer.cancel()

    def _set_timers(self, socket: ClientConnection) -> None:
        wanted = self.front_end.timers
        for fragment, (interval_s, timer) in list(self._timers.items()):
            if wanted.get(fragment) != interval_s:
                timer.cancel()
                del self._timers[fragment]
        for fragment, interval_s in wanted.items():
            if fragment not in self._timers:
                timer = asyncio.create_task(self._run_again(socket, fragment, interval_s))
                self._timers[fragment] = interval_s, timer

    async def _run_again(self, socket: ClientConnection, fragment: str, interval_s: float) -> None:
        """As setInterval: evenly, and what was missed is not made up for."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        with suppress(ConnectionClosed):
            while True:
                due = max(due + interval_s, loop.time())
                await asyncio.sleep(due - loop.time())
                await socket.send(self.front_end.rerun(fragment))


def _xsrf_token(url: str) -> str | None:
    """The token that a browser has from its first look at the server."""
    with urllib.request.urlopen(f"{url}/{HEALTH}", timeout=30) as answer:
        cookies = SimpleCookie()
        for header in answer.headers.get_all("Set-Cookie", []):
            cookies.load(header)
    return cookies[XSRF_COOKIE].value if XSRF_COOKIE in cookies else None


async def _obey(url: str, page: str, query: str) -> None:
    """Reads orders until there are no more."""
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    sessions: list[Session] = []
    tasks: list[asyncio.Task[None]] = []
    while line := await orders.readline():
        order = json.loads(line)
        for _ in range(order.get("open", 0)):
            session = Session(url, page, query)
            sessions.append(session)
            tasks.append(asyncio.create_task(session.watch()))
            await asyncio.sleep(APART_S)
        if "open" in order:
            await _wait_for_points(sessions)
        print(json.dumps(_describe(sessions)), flush=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _wait_for_points(sessions: list[Session]) -> None:
    deadline = time.monotonic() + OPEN_LIMIT_S
    while waiting := [one for one in sessions if not (one.front_end.arrivals or one.wrong)]:
        if time.monotonic() > deadline:
            for one in waiting:
                one.wrong = f"no point of the training after {OPEN_LIMIT_S:g} s"
        await asyncio.sleep(0.05)


def _describe(sessions: list[Session]) -> dict[str, Any]:
    front_ends = [session.front_end for session in sessions]
    wrong = [one for front_end in front_ends for one in front_end.tally.exceptions]
    wrong += [session.wrong for session in sessions if session.wrong]
    first = front_ends[0] if front_ends else None
    return {
        "wrong": wrong,
        "arrivals": [front_end.arrivals for front_end in front_ends],
        "elements": {place_in_words(path): kind for path, kind in first.elements().items()}
        if first
        else {},
        "intervals": sorted(first.timers.values()) if first else [],
        "bytes": sum(front_end.tally.bytes for front_end in front_ends),
        "runs": sum(front_end.tally.runs for front_end in front_ends),
    }


def place_in_words(path: tuple[int, ...]) -> str:
    """A place on the page in words of JSON, as "0.3.1"."""
    return ".".join(map(str, path))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_obey(**json.loads(sys.argv[1])))
