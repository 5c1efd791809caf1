"""Many sessions that open a link to a picture at once, each to its own, and wait for its maps.

    python -m benchmarks.confusion_sessions '{"url": ..., "pages": [...], "file": ...}'

In a process of their own and without a browser: websockets that speak Streamlit's own protocol, as
those of `simulated_sessions.py`. What each received is written into the file as JSON.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from streamlit.proto.Delta_pb2 import Delta

from benchmarks.app_server import PROJECT, Server
from benchmarks.confusion_apart import METHODS, run_apart
from benchmarks.process_use import resident_mb
from benchmarks.simulated_sessions import Session
from benchmarks.streamlit_protocol import FrontEnd

PAGE: Final = "confusion"
LIMIT_S: Final = 300.0
"""Without the last answer by then, what is missing is told as wrong."""
_TRAINING: Final = """
import torch
images, layer = torch.randn(64, 32, 32, 32), torch.nn.Conv2d(32, 64, 3)
while True:
    layer(images).sum().backward()
"""
_KEY: Final = re.compile(r"confusion\.map\.(\w+\.\d)$")
_WANTED: Final = frozenset(f"{method}.{number}" for method in METHODS for number in range(3))


@dataclass(frozen=True, slots=True)
class Thirty:
    """What sessions that asked at once got, and what they cost the server."""

    answered_s: tuple[float, ...]
    """Of each session: from its opening to its last map."""
    last_s: float
    """From the first opening to the last map of all."""
    memory_mb: tuple[float, float, float] | None
    """Of the server: before, at most, and five seconds after the last answer."""
    maps_alike: int
    """Maps that are those of the session's own picture."""
    wrong: tuple[str, ...]
    """What went wrong: maps of something else, errors on a page, answers that never came."""


def measure_sessions(
    server: Server, model: str, places: Sequence[int], *, beside: bool = False
) -> Thirty:
    """places: the pictures' indices in the test split, one for each session.

    beside: whether another process trains as fast as it can while they ask.
    """
    with tempfile.TemporaryDirectory() as folder, ExitStack() as busy:
        file = Path(folder) / "answers.json"
        pages = [{"picture": place, "query": f"model={model}&picture={place}"} for place in places]
        job = {"url": server.url, "pages": pages, "file": str(file)}
        before = resident_mb(server.pid)
        if beside:
            busy.enter_context(_training())
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.confusion_sessions", json.dumps(job)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
        )
        most = before or 0.0
        try:
            while process.poll() is None:
                most = max(most, resident_mb(server.pid) or 0.0)
                time.sleep(0.1)
        finally:
            process.kill()
            process.wait()
            busy.close()
        if process.returncode:
            raise RuntimeError(f"the sessions ended with exit status {process.returncode}")
        time.sleep(5)
        after = resident_mb(server.pid)
        answers = json.loads(file.read_text(encoding="utf-8"))
        whole = [answer for answer in answers if not answer["wrong"]]
        wrong = [f"picture {a['picture']}: {w}" for a in answers for w in a["wrong"]]
        file.write_text(json.dumps(whole), encoding="utf-8")
        found = run_apart({"measure": "check", "model": model, "file": str(file)})
    times = [answer["answered_s"] for answer in whole]
    begun = min(answer["opened_at"] for answer in answers)
    ended = max((answer["opened_at"] + answer["answered_s"] for answer in whole), default=begun)
    memory = None if before is None or after is None else (before, most, after)
    return Thirty(tuple(times), ended - begun, memory, found["alike"], (*wrong, *found["wrong"]))


@contextmanager
def _training() -> Iterator[None]:
    """A convolution that learns without end, with all the threads that PyTorch takes by itself."""
    process = subprocess.Popen([sys.executable, "-c", _TRAINING], stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


# ------------------------------------------------------------------------- inside of the process


class _AskingSession(Session):
    """Notes the maps that arrive."""

    def __init__(self, url: str, picture: int, query: str) -> None:
        super().__init__(url, PAGE, query)
        self.picture = picture
        self.charts: dict[str, Any] = {}
        self.opened_at = time.time()
        self.answered_at = 0.0
        self.front_end = FrontEnd(url, PAGE, query, self._note)

    def answer(self) -> dict[str, Any]:
        """As JSON."""
        wrong = [*self.front_end.tally.exceptions, *([self.wrong] if self.wrong else [])]
        if missing := _WANTED - set(self.charts):
            wrong.append(f"without {', '.join(sorted(missing))} after {LIMIT_S:g} s")
        return {
            "picture": self.picture,
            "opened_at": self.opened_at,
            "answered_s": self.answered_at - self.opened_at,
            "charts": self.charts,
            "wrong": wrong,
        }

    @property
    def is_answered(self) -> bool:
        """Whether all maps are there, or never will be."""
        return bool(self.wrong) or set(self.charts) >= _WANTED

    def _note(self, delta: Delta) -> None:
        found = chart_of(delta)
        if found is not None:
            name, chart = found
            if name not in self.charts:
                self.answered_at = time.time()
            self.charts[name] = chart


def chart_of(delta: Delta) -> tuple[str, dict[str, Any]] | None:
    """A map in what the server sends: its name, its picture and the number behind each pixel."""
    if delta.WhichOneof("type") != "new_element":
        return None
    element = delta.new_element
    if element.WhichOneof("type") != "plotly_chart":
        return None
    key = _KEY.search(element.plotly_chart.id)
    if key is None:
        return None
    traces = json.loads(element.plotly_chart.spec)["data"]
    return key[1], {"source": traces[0]["source"], "numbers": traces[1]["z"]}


async def _ask_all(url: str, pages: list[dict[str, Any]], file: str) -> None:
    sessions = [_AskingSession(url, page["picture"], page["query"]) for page in pages]
    tasks = [asyncio.create_task(session.watch()) for session in sessions]
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline and not all(session.is_answered for session in sessions):
        await asyncio.sleep(0.05)
    answers = [session.answer() for session in sessions]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    Path(file).write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(_ask_all(**json.loads(sys.argv[1])))
