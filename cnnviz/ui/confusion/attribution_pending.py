"""Computations that a page shows once they are done; until then how far they are, and a Stop."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

import streamlit as st

from cnnviz.ui.confusion.attribution_work import Desk, Make, Work
from cnnviz.ui.confusion.kept import PAGE

# Not in Streamlit's cache: were that cleared, its threads would go on beside those of a second.
DESK: Final = Desk()
FIRST_WAIT_S: Final = 0.15
"""What is done within this time needs no clock."""
NEXT_WAIT_S: Final = 0.6
"""What is done within this time is shown as it comes; what takes longer, when the clock ticks."""
PAINT_S: Final = 0.15
"""A head start for what was drawn. On two cores the next computation would otherwise compete with
the server that sends it and the browser that paints it; both are sooner there with it."""
LOOK_EVERY_S: Final = 0.5
"""Who is next in line asks so often whether it is done; who stands further behind, more seldom."""
LOOK_LATER_S: Final = 0.03
"""More for each that is ahead. Thirty sessions that all asked every half second would keep the
server, and on a machine that has other work too nothing would be left for what they wait for."""
MOST_BETWEEN_S: Final = 5.0
_VIEWER: Final = f"{PAGE}.viewer"
_ASKED: Final = f"{PAGE}.asked"
_STOPPED: Final = f"{PAGE}.stopped"
_MOST_STOPPED: Final = 200


def ask(key: Hashable, make: Make, about: Hashable = None) -> Work:
    """What became of a computation, on behalf of this session; one that was stopped stays so.

    about: the picture and the network that it tells of. What this session still waits for about
    another is left: thirty who click from picture to picture wait for their last one only.
    """
    if about is not None:
        now_about, keys = st.session_state.get(_ASKED, (None, set()))
        if now_about != about:
            leave_all()
            keys = set()
            st.session_state[_ASKED] = about, keys
        keys.add(key)
    if key in _stopped():
        return Work(key, is_stopped=True, is_done=True)
    return DESK.ask(key, make, _viewer())


def leave_all() -> None:
    """This session no longer waits for anything about a picture."""
    _, keys = st.session_state.pop(_ASKED, (None, set()))
    for key in keys:
        DESK.leave(key, _viewer())


class Patience:
    """How long a script run waits for what is not done yet, all its places together."""

    def __init__(self) -> None:
        self._until = time.monotonic() + FIRST_WAIT_S + NEXT_WAIT_S

    def wait(self, works: Sequence[Work], most_s: float) -> None:
        """Until these are done, at most so long."""
        DESK.wait(works, max(0.0, min(most_s, self._until - time.monotonic())))

    def let_paint(self) -> None:
        """Waits until what was drawn may be on the screen; that time is not counted."""
        time.sleep(PAINT_S)
        self._until += PAINT_S


def show_when_done(
    name: str,
    ask_all: Callable[[], Sequence[Work]],
    draw: Callable[[Sequence[Work]], None],
    patience: Patience | None = None,
) -> None:
    """Draws the works that are wanted, and again and again until all of them are done.

    draw: is given them in the same order; some may not be done. name: of this place on the page.
    patience: shared with other places of the page.
    """
    patience = patience or Patience()
    works = ask_all()
    patience.wait(works, FIRST_WAIT_S)
    was_pending = not all(work.is_done for work in works)
    is_first = True

    def part() -> None:
        nonlocal is_first
        works = ask_all()
        if is_first:  # what ends in these first moments is drawn; the first tick stops the clock
            patience.wait(works, NEXT_WAIT_S)
        pending = [work for work in works if not work.is_done]
        if not is_first and bool(pending) != was_pending:
            st.rerun()  # else the clock would go on, or not begin
        is_first = False
        draw(works)
        if pending:
            _show_pending(name, pending)

    st.fragment(part, run_every=look_every_s(works) if was_pending else None)()


def look_every_s(works: Sequence[Work]) -> float:
    """Between two questions of a session that waits for these."""
    ahead = min((DESK.ahead(work) for work in works if not work.is_done), default=0)
    return min(MOST_BETWEEN_S, LOOK_EVERY_S + LOOK_LATER_S * ahead)


def value_of(work: Work) -> Any:
    """What came of a work; None if it is not done, was stopped or could not be done."""
    return work.result if work.is_done and work.refusal is None and not work.is_stopped else None


def say_why_not(name: str, works: Sequence[Work]) -> None:
    """Says what could not be done, and offers what was stopped anew."""
    for refusal in dict.fromkeys(work.refusal for work in works if work.refusal is not None):
        st.error(_sentence(refusal))
    stopped = [work.key for work in works if work.is_stopped]
    if stopped:
        st.caption("Stopped.")
        st.button("Compute it", key=f"{PAGE}.again.{name}", on_click=_begin_again, args=(stopped,))


def _show_pending(name: str, pending: Sequence[Work]) -> None:
    """How far they are together, who waits, and a button that ends it for this session."""
    begun = [work for work in pending if work.has_begun]
    with st.container(horizontal=True, vertical_alignment="center"):
        if begun:
            first = begun[0]
            others = len(pending) - 1
            more = f", {others} more to come" if others else ""
            st.progress(min(1.0, max(0.0, first.share)), f"{first.words or 'Begins'}{more} …")
        else:
            ahead = min(DESK.ahead(work) for work in pending)
            st.progress(0.0, f"Waiting for a turn: {ahead} ahead." if ahead else "Begins …")
        st.button(
            "Stop computing",
            key=f"{PAGE}.stop.{name}",
            on_click=_stop,
            args=([work.key for work in pending],),
        )


def _stop(keys: Sequence[Hashable]) -> None:
    stopped = _stopped()
    if len(stopped) + len(keys) > _MOST_STOPPED:
        stopped.clear()
    for key in keys:
        stopped.add(key)
        DESK.leave(key, _viewer())


def _begin_again(keys: Sequence[Hashable]) -> None:
    _stopped().difference_update(keys)


def _stopped() -> set[Hashable]:
    stopped: set[Hashable] = st.session_state.setdefault(_STOPPED, set())
    return stopped


def _viewer() -> str:
    viewer: str = st.session_state.setdefault(_VIEWER, secrets.token_hex(8))
    return viewer


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
