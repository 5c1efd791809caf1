"""The desk: one computation for all who ask, in bounded memory, stopped once nobody asks."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from cnnviz.attribution.turns import Stop, Turns
from cnnviz.data.progress import Progress
from cnnviz.errors import SettingError, StoppedError
from cnnviz.ui.confusion.attribution_work import Desk, Make, Work
from tests.runs.patience import wait_for


def giving(value: Any) -> Make:
    return lambda progress, stop: value


def waiting_for(gate: threading.Event) -> Make:
    """Goes on until the gate opens or it is told to stop."""

    def make(progress: Progress, stop: Stop) -> str:
        progress("Counting", 0.25)
        while not gate.wait(0.01):
            if stop():
                raise StoppedError("stopped before it was done")
        return "done"

    return make


def test_thirty_who_ask_the_same_cost_one_and_get_the_same() -> None:
    desk, calls, gate = Desk(), [0], threading.Event()

    def make(progress: Progress, stop: Stop) -> object:
        calls[0] += 1
        gate.wait(30)
        return object()

    start = threading.Barrier(30)

    def ask(number: int) -> Work:
        start.wait()
        return desk.ask("map", make, f"viewer {number}")

    with ThreadPoolExecutor(30) as pool:
        works = list(pool.map(ask, range(30)))
    gate.set()
    assert desk.wait(works, 30)
    assert calls == [1]
    assert len({id(work.result) for work in works}) == 1
    assert desk.ask("map", make, "late").result is works[0].result
    assert calls == [1]


def test_thirty_threads_with_other_questions_are_not_mixed_up_and_memory_is_bounded() -> None:
    desk, turns = Desk(threads=8, most_kept=50), Turns(2)
    lock, inside, most = threading.Lock(), [0], [0]

    def make_for(number: int) -> Make:
        def make(progress: Progress, stop: Stop) -> Any:
            with turns.take(stop):
                with lock:
                    inside[0] += 1
                    most[0] = max(most[0], inside[0])
                made = np.full((8, 8), number)
                time.sleep(0.001)
                with lock:
                    inside[0] -= 1
                return made

        return make

    start = threading.Barrier(30)

    def work(thread: int) -> bool:
        start.wait()
        right = True
        for number in range(10):
            mine = 100 * thread + number
            asked = desk.ask(mine, make_for(mine), f"viewer {thread}")
            assert desk.wait([asked], 60)
            right = right and bool((asked.result == mine).all())
        return right

    before = threading.active_count()
    with ThreadPoolExecutor(30) as pool:
        assert all(pool.map(work, range(30)))
    assert desk.kept == 50
    assert most[0] <= 2
    wait_for("the askers to end", lambda: threading.active_count() <= before + 8)


def test_what_was_asked_for_longest_ago_is_forgotten_first() -> None:
    desk = Desk(most_kept=2)
    for key in ("a", "b"):
        desk.wait([desk.ask(key, giving(key), "me")], 30)
    desk.ask("a", giving("again"), "me")
    desk.wait([desk.ask("c", giving("c"), "me")], 30)
    assert desk.result("a") == "a"
    assert desk.result("b") is None
    assert desk.kept == 2


def test_a_result_does_not_keep_what_it_was_made_from() -> None:
    class Network:
        pass

    network, desk = Network(), Desk()
    there = weakref.ref(network)

    def make(progress: Progress, stop: Stop, network: Network = network) -> str:
        return type(network).__name__

    work = desk.ask("map", make, "me")
    assert desk.wait([work], 30)
    del make, network
    gc.collect()
    assert there() is None
    assert desk.result("map") == "Network"


def test_stop_by_one_of_two_leaves_it_to_the_other() -> None:
    desk, gate = Desk(), threading.Event()
    work = desk.ask("long", waiting_for(gate), "first")
    assert desk.ask("long", waiting_for(gate), "second") is work
    wait_for("it to begin", lambda: work.has_begun)
    assert (work.words, work.share) == ("Counting", 0.25)
    desk.leave("long", "first")
    time.sleep(0.1)
    assert not work.is_done
    desk.leave("long", "second")
    assert desk.wait([work], 30)
    assert work.is_stopped
    assert work.refusal is None
    gate.set()
    again = desk.ask("long", waiting_for(gate), "first")
    assert again is not work
    assert desk.wait([again], 30)
    assert again.result == "done"


def test_it_ends_when_nobody_asks_any_more() -> None:
    desk, gate = Desk(patience_s=0.3), threading.Event()
    asked_on, left = (desk.ask(key, waiting_for(gate), "me") for key in ("on", "left"))
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        desk.ask("on", waiting_for(gate), "me")
        time.sleep(0.05)
    assert left.is_stopped
    assert not asked_on.is_done
    gate.set()
    assert desk.wait([asked_on], 30)
    assert asked_on.result == "done"


def test_what_is_asked_for_again_while_it_is_being_stopped_is_done_all_the_same() -> None:
    desk = Desk()
    begun, told, gate = threading.Event(), threading.Event(), threading.Event()

    def make(progress: Progress, stop: Stop) -> str:
        if told.is_set():
            return "done"
        begun.set()
        while not stop():
            time.sleep(0.01)
        told.set()
        gate.wait(30)  # it has been told to stop, and has not yet ended
        raise StoppedError("stopped before it was done")

    work = desk.ask("map", make, "me")
    assert begun.wait(30)
    desk.leave("map", "me")
    assert told.wait(30)
    assert desk.ask("map", make, "me") is work
    gate.set()
    assert desk.wait([work], 30)
    assert (work.result, work.is_stopped) == ("done", False)


def test_the_line_is_counted_and_does_not_grow_without_end() -> None:
    desk, gate = Desk(threads=1, most_waiting=3), threading.Event()
    works = [desk.ask(number, waiting_for(gate), "me") for number in range(3)]
    assert [desk.ahead(work) for work in works] == [0, 1, 2]
    refused = desk.ask("one more", giving(1), "me")
    assert refused.is_done
    assert "Try again in a minute" in (refused.refusal or "")
    gate.set()
    assert desk.wait(works, 30)
    after = desk.ask("one more", giving(1), "me")
    assert desk.wait([after], 30)
    assert after.result == 1


def test_what_cannot_be_done_says_why_and_holds_nobody_up() -> None:
    desk = Desk(threads=1)

    def failing(error: Exception) -> Make:
        def make(progress: Progress, stop: Stop) -> None:
            raise error

        return make

    errors = (
        (SettingError("there is no such layer"), "there is no such layer"),
        (OSError(5, "Input/output error"), "A file cannot be used (Input/output error)."),
        (MemoryError(), "There is not enough memory for it at the moment."),
        (ZeroDivisionError("by zero"), "ZeroDivisionError: by zero"),
    )
    for number, (error, words) in enumerate(errors):
        work = desk.ask(number, failing(error), "me")
        assert desk.wait([work], 30)
        assert work.refusal == words
        assert desk.ask(number, giving(1), "me") is work  # remembered for a while
    last = desk.ask("last", giving("fine"), "me")
    assert desk.wait([last], 30)
    assert last.result == "fine"
