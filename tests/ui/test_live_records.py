"""What runs tell is read once for all who watch, and nothing of it is lost or kept for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from cnnviz.errors import RunError
from cnnviz.runs.attempt import Attempt
from cnnviz.runs.run import Records, Run
from cnnviz.runs.store import RunStore
from cnnviz.ui.training.live_records import FRESH_S, LiveRecords, Told
from tests.runs.invented import CONFIG, epoch_record, event, start_record, step_record


class CountingStore(RunStore):
    """Notes from which version on it was asked for records, and how often for all runs."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked: list[int] = []
        self.listed = 0

    def records_since(self, run_id: int, version: int = 0) -> Records:
        self.asked.append(version)
        return super().records_since(run_id, version)

    def list_runs(self, **which: object) -> list[Run]:
        self.listed += 1
        return super().list_runs(**which)  # type: ignore[arg-type]


class Clock:
    """Stands still until a test moves it."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[CountingStore]:
    with CountingStore(tmp_path / "runs") as opened:
        yield opened


@pytest.fixture(name="clock")
def _clock() -> Clock:
    return Clock()


@pytest.fixture(name="live")
def _live(store: CountingStore, clock: Clock) -> LiveRecords:
    return LiveRecords(store, clock=clock)


def begin(store: RunStore) -> tuple[Run, Attempt]:
    """A run that has begun."""
    store.create_run(CONFIG, "ada")
    run = store.claim_next("fake", "cpu")
    assert run is not None
    attempt = Attempt(store, run.id, run.attempt)
    attempt.begin(start_record(), 0, event())
    return run, attempt


def steps_of(told: Told) -> list[int]:
    return [record.step for record in told.steps]


def test_only_news_is_asked_for(store: CountingStore, live: LiveRecords, clock: Clock) -> None:
    run, attempt = begin(store)
    attempt.add([step_record(1), step_record(2)])
    first = live.told(run.id)
    assert steps_of(first) == [1, 2]
    attempt.add([step_record(3), epoch_record(1)])
    clock.now += 1
    second = live.told(run.id)
    assert steps_of(second) == [1, 2, 3]
    assert [record.epoch for record in second.epochs] == [1]
    assert [one.kind for one in second.events] == ["started"]
    assert store.asked == [0, first.version]
    assert steps_of(first) == [1, 2]  # what was given is not changed


def test_it_is_not_asked_again_in_the_same_moment(
    store: CountingStore, live: LiveRecords, clock: Clock
) -> None:
    run, attempt = begin(store)
    live.told(run.id)
    attempt.add([step_record(1)])
    assert steps_of(live.told(run.id)) == []
    assert steps_of(live.told(run.id, at_once=True)) == [1]
    attempt.add([step_record(2)])
    clock.now += FRESH_S
    assert steps_of(live.told(run.id)) == [1, 2]
    assert len(store.asked) == 3


def test_what_was_taken_back_is_gone(store: CountingStore, live: LiveRecords, clock: Clock) -> None:
    run, attempt = begin(store)
    attempt.add([step_record(step) for step in (10, 20, 30)])
    assert steps_of(live.told(run.id)) == [10, 20, 30]
    attempt.end("interrupted", "The power failed.")
    store.requeue(run.id)
    again = store.claim_next("fake", "cpu")
    assert again is not None
    successor = Attempt(store, again.id, again.attempt)
    successor.begin(start_record(first_step=20), 0, event(20))
    successor.add([step_record(40)])
    clock.now += 1
    told = live.told(run.id)
    assert steps_of(told) == [10, 20, 40]
    assert told == LiveRecords(store).told(run.id)


def test_a_step_that_is_told_again_replaces_the_one_before(
    store: CountingStore, live: LiveRecords, clock: Clock
) -> None:
    run, attempt = begin(store)
    attempt.add([step_record(1), step_record(2, loss=7.0), epoch_record(1)])
    live.told(run.id)
    attempt.add([step_record(2, loss=3.0), step_record(3), epoch_record(1)])
    clock.now += 1
    told = live.told(run.id)
    assert [(record.step, record.loss) for record in told.steps] == [(1, 1.0), (2, 3.0), (3, 1.0)]
    assert len(told.epochs) == 1


def test_thirty_at_once_cost_one_look_and_one_making(
    store: CountingStore, live: LiveRecords
) -> None:
    run, attempt = begin(store)
    attempt.add([step_record(step) for step in range(1, 100)])
    made: list[int] = []
    together = threading.Barrier(30)

    def make(told: Told) -> str:
        made.append(len(told.steps))
        time.sleep(0.05)  # the others come meanwhile
        return f"{len(told.steps)} steps"

    def watch(_: int) -> str:
        together.wait()
        return live.made(run.id, "words", make)

    with ThreadPoolExecutor(30) as threads:
        seen = list(threads.map(watch, range(30)))
    assert seen == ["99 steps"] * 30
    assert made == [99]
    assert store.asked == [0]


def test_what_takes_long_holds_up_nobody_who_asks_for_something_else(
    store: CountingStore, live: LiveRecords
) -> None:
    run, _ = begin(store)
    begun, may_end = threading.Event(), threading.Event()

    def slow(told: Told) -> str:
        begun.set()
        assert may_end.wait(10)
        return f"slow, {len(told.steps)} steps"

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(live.made, run.id, "slow", slow)
        assert begun.wait(10)
        try:
            quick = threads.submit(live.made, run.id, "quick", lambda told: len(told.steps))
            assert quick.result(5) == 0
            assert live.made_so_far(run.id, "slow", slow) is None
        finally:
            may_end.set()
        assert first.result(10) == "slow, 0 steps"
    assert live.made_so_far(run.id, "slow", slow) == "slow, 0 steps"


def test_readers_and_a_writer_at_once_lose_nothing(store: CountingStore) -> None:
    run, attempt = begin(store)
    live = LiveRecords(store)
    ended = threading.Event()

    def watch(_: int) -> list[int]:
        seen: list[int] = []
        while not ended.is_set():
            steps = steps_of(live.told(run.id, at_once=True))
            assert steps == list(range(1, len(steps) + 1))  # in order, and without a gap
            assert len(steps) >= len(seen)
            seen = steps
        return seen

    with ThreadPoolExecutor(8) as threads:
        watchers = [threads.submit(watch, number) for number in range(8)]
        for step in range(1, 61):
            attempt.add([step_record(step)])
        ended.set()
        for watcher in watchers:
            watcher.result()
    assert steps_of(live.told(run.id, at_once=True)) == list(range(1, 61))


def test_it_is_made_again_only_when_something_is_new(
    store: CountingStore, live: LiveRecords, clock: Clock
) -> None:
    run, attempt = begin(store)
    made: list[str] = []

    def see(what: str) -> None:
        live.made(run.id, what, lambda told: made.append(what))

    see("by step")
    see("by epoch")
    clock.now += 1
    see("by step")
    assert made == ["by step", "by epoch"]
    attempt.add([step_record(1)])
    clock.now += 1
    see("by step")
    see("by step")
    assert made == ["by step", "by epoch", "by step"]


def test_what_is_made_for_many_settings_is_bounded(store: CountingStore, live: LiveRecords) -> None:
    run, _ = begin(store)
    made: list[int] = []

    def see(what: int) -> None:
        live.made(run.id, what, lambda told: made.append(what))

    for what in [*range(40), 39, 0]:
        see(what)
    assert made == [*range(40), 0]  # 39 was still there, 0 was dropped long ago


def test_what_nobody_looks_at_is_dropped(
    store: CountingStore, live: LiveRecords, clock: Clock
) -> None:
    first, second = begin(store)[0], begin(store)[0]
    live.told(first.id)
    live.kept(first.id, "memory", lambda: "old")
    clock.now += 50
    live.told(second.id)
    assert live.held_runs() == [first.id, second.id]
    clock.now += 20
    live.told(second.id)
    assert live.held_runs() == [second.id]
    assert live.kept(first.id, "memory", lambda: "new") == "new"


def test_a_few_runs_are_held_at_most(store: CountingStore, live: LiveRecords) -> None:
    runs = [store.create_run(CONFIG, "ada") for _ in range(12)]
    for run in runs:
        assert live.told(run.id).run == store.get_run(run.id)
    assert live.held_runs() == [run.id for run in runs[-8:]]


def test_runs_are_listed_again_only_when_something_changed(
    store: CountingStore, live: LiveRecords
) -> None:
    run = store.create_run(CONFIG, "ada")
    assert [one.id for one in live.runs()] == [run.id]
    assert live.runs() is live.runs()
    assert store.listed == 1
    store.rename(run.id, "another name")
    assert [one.name for one in live.runs()] == ["another name"]
    store.delete(run.id)
    assert live.runs() == ()


def test_a_run_that_was_deleted(store: CountingStore, live: LiveRecords, clock: Clock) -> None:
    run = store.create_run(CONFIG, "ada")
    live.told(run.id)
    store.delete(run.id)
    clock.now += 1
    for ask in (live.told, lambda run_id: live.made(run_id, "words", lambda told: told)):
        with pytest.raises(RunError, match="it may have been deleted"):
            ask(run.id)


def test_a_change_of_the_run_alone_is_seen(
    store: CountingStore, live: LiveRecords, clock: Clock
) -> None:
    run, attempt = begin(store)
    attempt.add([step_record(1)])
    before = live.told(run.id)
    attempt.say("Thinks.")
    clock.now += 1
    after = live.told(run.id)
    assert after.run.message == "Thinks."
    assert replace(after, run=before.run, version=before.version) == before
