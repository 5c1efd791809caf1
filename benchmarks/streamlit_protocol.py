"""What Streamlit's page in a browser does with the messages of its server, without the browser.

Read off the front end of Streamlit 1.67 and compared with a real tab in each run: which elements
are there, which of them are fetched again by themselves, which messages need not be sent twice. It
draws nothing and operates nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks.watch_arithmetic import Arrival

Path = tuple[int, ...]

STREAM: Final = "_stcore/stream"
HEALTH: Final = "_stcore/health"
XSRF_COOKIE: Final = "_streamlit_xsrf"
NO_TOKEN: Final = "PLACEHOLDER_AUTH_TOKEN"
_DONE: Final = (
    ForwardMsg.FINISHED_SUCCESSFULLY,
    ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY,
)


@dataclass(slots=True)
class _Shown:
    kind: str
    fragment: str
    run: str


@dataclass(slots=True)
class _Kept:
    content: ForwardMsg
    fragment: str
    run_count: int


@dataclass(slots=True)
class Tally:
    """What came so far."""

    messages: int = 0
    bytes: int = 0
    runs: int = 0
    """Of the script or of fragments, ended."""
    exceptions: list[str] = field(default_factory=list)


class FrontEnd:
    """One tab. `receive` takes what the server sends, `rerun` gives what to send to it."""

    def __init__(
        self, url: str, page: str, query: str, newest_step: Callable[[Delta], int | None]
    ) -> None:
        """url: of the app, without a slash at its end. newest_step: that a delta shows, if any."""
        self.query = query
        self.timers: dict[str, float] = {}
        """Fragment -> seconds after which it is to be run again, and again."""
        self.arrivals: list[Arrival] = []
        self.tally = Tally()
        self._url = url
        self._page = page
        self._newest_step = newest_step
        self._page_hash = ""
        self._elements: dict[Path, _Shown] = {}
        self._kept: dict[str, _Kept] = {}
        self._keep_for = 0
        self._run_count = 0
        self._run, self._fragments = "", tuple[str, ...]()

    def rerun(self, fragment: str | None = None) -> bytes:
        """What a browser sends when it opens the page, or when a fragment's time has come."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string = self.query
        if self._page_hash:
            state.page_script_hash = self._page_hash
        else:
            state.page_name = self._page
        if fragment is not None:
            state.fragment_id = fragment
            state.is_auto_rerun = True
        state.cached_message_hashes.extend(self._kept)
        context = state.context_info
        context.timezone, context.timezone_offset, context.locale = "UTC", 0, "en-US"
        context.url = f"{self._url}/{self._page}?{self.query}"
        context.is_embedded = False
        context.color_scheme = "light"
        content: bytes = message.SerializeToString()
        return content

    def receive(self, data: bytes, at_s: float) -> None:
        """Does what the message says. at_s: when it came."""
        message = ForwardMsg.FromString(data)
        self.tally.messages += 1
        self.tally.bytes += len(data)
        match message.WhichOneof("type"):
            case "new_session":
                self._begin(message)
            case "navigation":
                self._page_hash = message.navigation.page_script_hash
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "auto_rerun":
                self.timers[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            case "stop_auto_rerun":
                for fragment in message.stop_auto_rerun.fragment_ids:
                    self.timers.pop(fragment, None)
            case "delta":
                self._keep(message)
                self._show(tuple(message.metadata.delta_path), message.delta, at_s)
            case "ref_hash":
                kept = self._kept[message.ref_hash]
                kept.run_count = self._run_count
                self._show(tuple(message.metadata.delta_path), kept.content.delta, at_s)
            case "script_finished":
                self._finish(message)

    def elements(self) -> dict[Path, str]:
        """What is on the page: place in its tree -> kind."""
        return {path: shown.kind for path, shown in self._elements.items()}

    def _begin(self, message: ForwardMsg) -> None:
        run = message.metadata.run
        self._run, self._fragments = run.script_run_id, tuple(run.fragment_ids)
        self._keep_for = message.new_session.config.max_cached_message_age
        if not self._fragments:
            self.timers.clear()
            self._page_hash = message.new_session.page_script_hash

    def _keep(self, message: ForwardMsg) -> None:
        if message.metadata.cacheable and message.hash not in self._kept:
            kept = _Kept(message, message.delta.fragment_id, self._run_count)
            self._kept[message.hash] = kept

    def _show(self, path: Path, delta: Delta, at_s: float) -> None:
        kind = _kind(delta)
        self._elements[path] = _Shown(kind, delta.fragment_id, self._run)
        if kind == "exception":
            exception = delta.new_element.exception
            self.tally.exceptions.append(f"{exception.type}: {exception.message}")
        step = self._newest_step(delta)
        if step is not None and (not self.arrivals or step > self.arrivals[-1].step):
            self.arrivals.append(Arrival(at_s, step))

    def _finish(self, message: ForwardMsg) -> None:
        if message.script_finished not in _DONE:
            return
        self.tally.runs += 1
        run = message.metadata.run
        again = set(run.fragment_ids)
        self._run_count += 1
        for path, shown in list(self._elements.items()):
            if shown.run != run.script_run_id and (not again or shown.fragment in again):
                del self._elements[path]
        for name, kept in list(self._kept.items()):
            is_old = self._run_count - kept.run_count > self._keep_for
            if is_old and (not again or kept.fragment in again):
                del self._kept[name]


def _kind(delta: Delta) -> str:
    what = delta.WhichOneof("type")
    if what == "new_element":
        return str(delta.new_element.WhichOneof("type"))
    if what == "add_block":
        return f"block {delta.add_block.WhichOneof('type') or ''}".strip()
    return str(what)


def kinds(elements: Iterable[str]) -> str:
    """How many of each kind, most first, as "12 markdown, 3 plotly_chart"."""
    counts: dict[str, int] = {}
    for kind in elements:
        counts[kind] = counts.get(kind, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{count} {kind}" for kind, count in ordered)
