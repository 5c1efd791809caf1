"""Numbers and states of a run as they are said on a page."""

from __future__ import annotations

import math
from typing import Final

from cnnviz.runs.run import Run

_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_STATUS: Final = {
    "waiting": "Waits",
    "running": "Trains",
    "paused": "Paused",
    "finished": "Finished",
    "failed": "Failed",
    "stopped": "Stopped",
    "interrupted": "Interrupted",
}


def duration(seconds: float | None) -> str:
    """45 s, 3 min 20 s, 2 h 5 min; a dash for what is not known."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def percent(share: float | None) -> str:
    """A share from 0 to 1 with one decimal; a dash for what is not known."""
    return "–" if share is None or share != share else f"{100 * share:.1f} %"


def short_number(value: float | None, digits: int = 3) -> str:
    """A number of so many digits that count; a dash for what is not known."""
    return "–" if value is None or value != value else f"{value:.{digits}g}"


def status_words(run: Run) -> str:
    """What a run is doing, for the head of its page."""
    return _STATUS[run.status]


def place_in_queue(position: int) -> str:
    """A place among those that wait, from 1: third in the queue."""
    if position <= len(_ORDINALS):
        return f"{_ORDINALS[position - 1]} in the queue"
    return f"number {position} in the queue"
